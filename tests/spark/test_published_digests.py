"""What is published for a small corpus has not moved by a bit since commit 4b30fad.

The digests were recorded at that commit, with its ``jobs/train.py``, one run for each case: SHA-256 over the words, the
counts as int64 and the vectors as float32, cut to 32 hexadecimal digits. Text files and Parquet files with the same
documents gave the same digest then, and must today. A change that moves vectors on purpose has to say so and why, and
records these anew.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.commands import train

T = TypeVar("T")

TOPICS = (
    "river stream bank water flood bridge boat", "court judge law trial jury crime sentence",
    "été école élève château forêt île garçon", "straße größe über mädchen fluß zürich öl",
    "река мост город дом улица площадь парк", "music song piano violin concert opera choir",
)  # fmt: skip
SETTINGS = (
    "model.dim=16", "train.epochs=2", "train.rounds=5", "vocabulary.min_count=2", "train.sample=0.01", "train.seed=3",
)  # fmt: skip

# Of the documents, as text or as Parquet, and of the same documents cut into words beforehand, by what is trained.
DIGESTS = {
    ("skipgram", "negative_sampling", 1, "curvature"): (
        "a39ee2b6148b0ee8d89f86a4f6afb198",
        "218c2921f67ae704b742e613ac5b8cbc",
    ),
    ("skipgram", "negative_sampling", 4, "curvature"): (
        "bf01512c2f25ae476a18a7ca1cced76d",
        "8ff99d44ad7d1a0215956e61e188ed5f",
    ),
    ("skipgram", "negative_sampling", 4, "mean"): (
        "f9fa33f38300ea9f320680b140786f54",
        "ef5e9540505b530996296fa1bb90bc4f",
    ),
    ("skipgram", "hierarchical_softmax", 1, "curvature"): (
        "8a27e050fa3a2343f4cf437f4fc9b36d",
        "c469936331e93b26314f62eea8121287",
    ),
    ("skipgram", "hierarchical_softmax", 4, "curvature"): (
        "912162844aa20250be810a725b735c49",
        "5c8b6a14ec54439689b1740e1b9e5fb7",
    ),
    ("skipgram", "hierarchical_softmax", 4, "mean"): (
        "b9e4d53d7221d5aed06e64a7cb74277e",
        "646626bf4b8653bde6d966796e295175",
    ),
    ("cbow", "negative_sampling", 1, "curvature"): (
        "4406d87d8856f76ae96bfc6c0b3e1d7e",
        "1fcab1d67dc8404efb212aa52d98158f",
    ),
    ("cbow", "negative_sampling", 4, "curvature"): (
        "a72a192f2e1a8666c1ae295fe947a7bd",
        "ed0f7b0d8a6f6eac78ecf99d01886326",
    ),
    ("cbow", "negative_sampling", 4, "mean"): ("3e94df99808afac47babed5c4c02c340", "3a7ace2f00ee5dd63981edeb9b58d23e"),
    ("cbow", "hierarchical_softmax", 1, "curvature"): (
        "ee6dcdcc8f93cc92d793d5c14cce221c",
        "05247c7f0ef3b82959bfc5ea08eac956",
    ),
    ("cbow", "hierarchical_softmax", 4, "curvature"): (
        "fd1f135f5fe96c1775fde3bee70db00e",
        "eaa2a123e0c2e14d54442a2cfebb67a4",
    ),
    ("cbow", "hierarchical_softmax", 4, "mean"): (
        "b086131733499375308324f708bf8779",
        "8ca1794cfced9eab1fab766579697088",
    ),
}
POWERS, DECOMPOSITION = "e784ec736aab6e4b", "0951a7a75504e9f2"  # of `machine_digests` where the digests were recorded
QUICK = {  # each input, model, number of shards and merge at least once
    ("text", "skipgram", "negative_sampling", 4, "curvature"),
    ("parquet", "skipgram", "hierarchical_softmax", 1, "curvature"),
    ("words", "cbow", "negative_sampling", 4, "mean"),
    ("text", "cbow", "hierarchical_softmax", 4, "curvature"),
}
CASES = [
    pytest.param(
        kind, *case, id="-".join(map(str, (kind, *case))), marks=() if (kind, *case) in QUICK else pytest.mark.slow
    )
    for kind in ("text", "parquet", "words")
    for case in DIGESTS
]


def documents(count: int = 240, seed: int = 7) -> list[str]:
    """Sentences about one topic a document, in several scripts; the same for every Python."""
    draws = random.Random(seed)

    def pick(items: Sequence[T]) -> T:
        return items[int(draws.random() * len(items))]

    result = []
    for _ in range(count):
        topic, sentences = pick(TOPICS).split(), []
        for _ in range(2 + int(draws.random() * 5)):
            words = [pick(topic) for _ in range(4 + int(draws.random() * 9))]
            words[int(draws.random() * len(words))] = pick(["the", "of", "and", "in", "1984", "don't"])
            sentences.append(" ".join(words).capitalize() + pick([".", "!", "?", " ..."]))
        result.append(" ".join(sentences))
    return result


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents in three files each as lines of text, as Parquet, and as lists of words."""
    folder = tmp_path_factory.mktemp("corpora")
    for name in ("text", "parquet", "words"):
        (folder / name).mkdir()
    everything = documents()
    for number in range(3):
        part = everything[number::3]
        (folder / f"text/{number}.txt").write_text("".join(f"{document}\n" for document in part), encoding="utf-8")
        words = [[w for word in document.lower().split() if (w := word.strip(".!?"))] for document in part]
        for name, column in (("parquet", pa.array(part)), ("words", pa.array(words, pa.list_(pa.string())))):
            pq.write_table(pa.table({"text": column}), folder / f"{name}/{number}.parquet")
    return folder


def machine_digests() -> tuple[str, str]:
    """Of some powers and of a decomposition, whose last bits numpy and LAPACK may choose by the driver's processor."""
    draws = random.Random(1)
    numbers = np.array([1 + int(draws.random() * 1e6) for _ in range(256)], np.float64)
    powers = np.concatenate([numbers**0.75, np.sqrt(numbers), numbers**-0.5])
    square = numbers.reshape(16, 16)
    decomposed = np.linalg.eigh(square + square.T)
    return (
        hashlib.sha256(powers.tobytes()).hexdigest()[:16],
        hashlib.sha256(b"".join(part.tobytes() for part in decomposed)).hexdigest()[:16],
    )


def check_machine(shards: int, merge: str) -> None:
    """Skip what this machine's numpy computes with other last bits than the one that recorded the digests."""
    powers, decomposition = machine_digests()
    if powers != POWERS or (shards > 1 and merge == "curvature" and decomposition != DECOMPOSITION):
        pytest.skip("numpy has other last bits on this processor than where the digests were recorded")


def digest(output: Path) -> str:
    table = pq.read_table(output / "vectors").combine_chunks()
    result = hashlib.sha256("\n".join(table["word"].to_pylist()).encode())
    result.update(np.asarray(table["count"].to_numpy(), "<i8").tobytes())
    result.update(np.array(table["vector"].to_pylist(), "<f4").tobytes())
    return result.hexdigest()[:32]


@pytest.mark.parametrize(("kind", "architecture", "objective", "shards", "merge"), CASES)
def test_vectors_are_those_of_before(
    spark: SparkSession,
    corpora: Path,
    tmp_path: Path,
    kind: str,
    architecture: str,
    objective: str,
    shards: int,
    merge: str,
) -> None:
    check_machine(shards, merge)
    settings = (
        *SETTINGS, f"model.architecture={architecture}", f"model.objective={objective}", f"train.shards={shards}",
        f"train.merge={merge}",
    )  # fmt: skip
    output = tmp_path / "out"
    arguments = ["--input", str(corpora / kind), "--format", "text" if kind == "text" else "parquet", "--quiet"]
    arguments += ["--output", str(output), *(item for setting in settings for item in ("--set", setting))]
    assert train(arguments) == 0
    assert digest(output) == DIGESTS[architecture, objective, shards, merge][kind == "words"]

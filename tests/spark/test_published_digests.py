"""What is published for a small corpus has not moved by a bit since its digests were recorded.

SHA-256 over the words, the counts as int64 and the vectors as float32, cut to 32 hexadecimal digits. Text files and
Parquet files with the same documents gave the same digest then, and must today. Those of one shard and of the plain
mean go back to commit 4b30fad, with its ``jobs/train.py``; those of the corrected mean to the commit by which it takes
the moments after a round as well. A change that moves vectors on purpose has to say so and why, and records these anew.
"""

from __future__ import annotations

import hashlib
import json
import os
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

# Of the documents, as text or as Parquet, and of the same documents cut into words beforehand; by what is trained, and
# by what `machine_digests` gives where they were recorded.
RECORDED = Path(__file__).with_name("published_digests.json")
RECORD = "RECORD_DIGESTS"  # set this environment variable to add those of this machine, or to take its new ones
MODELS = [(a, o) for a in ("skipgram", "cbow") for o in ("negative_sampling", "hierarchical_softmax")]
WAYS = [(1, "curvature"), (4, "curvature"), (4, "mean")]
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
    for case in ((*model, *way) for model in MODELS for way in WAYS)
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


def machine(shards: int, merge: str) -> str:
    """Whose last bits the result of a run depends on: of powers always, of decompositions where the merge corrects."""
    powers, decomposition = machine_digests()
    return f"{powers} {decomposition}" if shards > 1 and merge == "curvature" else powers


def record(kind: str, key: str, case: str, found: str) -> None:
    recorded = json.loads(RECORDED.read_text())
    digests = recorded.setdefault(key, {}).setdefault(case, ["", ""])
    digests[kind == "words"] = found
    RECORDED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


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
    key, case = machine(shards, merge), f"{architecture} {objective} {shards} {merge}"
    expected = json.loads(RECORDED.read_text()).get(key, {}).get(case)
    if expected is None and RECORD not in os.environ:
        pytest.skip("numpy has other last bits on this processor than where digests were recorded")
    settings = (
        *SETTINGS, f"model.architecture={architecture}", f"model.objective={objective}", f"train.shards={shards}",
        f"train.merge={merge}",
    )  # fmt: skip
    output = tmp_path / "out"
    arguments = ["--input", str(corpora / kind), "--format", "text" if kind == "text" else "parquet", "--quiet"]
    arguments += ["--output", str(output), *(item for setting in settings for item in ("--set", setting))]
    assert train(arguments) == 0
    if RECORD in os.environ:
        record(kind, key, case, digest(output))
    else:
        assert digest(output) == expected[kind == "words"]

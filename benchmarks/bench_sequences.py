"""Families of proteins by their k-mers: vectors of both programs, and counts of k-mers, which vectors have to beat.

The vectors are trained on half of the proteins of each family, in all three frames as ProtVec's are, one shard against
one worker. A protein's vector is the mean of its 3-mers' vectors. A classifier that learns from the same half names the
family of the others: the nearest centroid by cosine, and logistic regression. All programs get the same 3-mers.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as csv

from benchmarks.classifiers import linear_error
from benchmarks.common import Target, print_table, report_targets, setting_arguments, timed, write_result
from benchmarks.labelled import LABELLED
from w2v_spark.config import TextConfig, Tokenizer
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.text.words import SAME
from w2v_spark.vectors.keyed_vectors import KeyedVectors

DIM, WINDOW, EPOCHS, MIN_COUNT = 100, 25, 5, 2
FRAMES: Final = TextConfig(tokenizer=Tokenizer.KMER, k=3, frames=True)
CENTROID, LOGISTIC = "nearest_centroid", "logistic"

Matrix = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Sentences = list[list[list[str]]]
Row = dict[str, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Train, classify, write ``results/sequences.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    table = read_proteins(options.data)
    labels, sequences = np.asarray(table["family"]), table["sequence"].combine_chunks()
    train, kmers = halves(labels), cut(sequences)
    rows: dict[str, list[Row]] = {"3-mer counts": [classify(count_vectors(kmers), labels, train)]}
    for seed in range(1, options.seeds + 1):
        with tempfile.TemporaryDirectory(prefix="w2v-bench-") as name, timed() as ours:
            vectors = train_ours(table.filter(pa.array(train)), Path(name), seed)
        with timed() as theirs:
            others = train_gensim([kmers[row] for row in np.flatnonzero(train)], seed)
        for program, trained, timing in (("w2v-spark", vectors, ours), ("gensim", others, theirs)):
            found = classify(mean_vectors(kmers, trained), labels, train)
            rows.setdefault(program, []).append({**found, "seconds": timing.seconds})
    targets = judge(rows)
    _print(rows)
    passed = report_targets(targets)
    settings = {"dim": DIM, "window": WINDOW, "epochs": EPOCHS, "min_count": MIN_COUNT}
    write_result("sequences", {"proteins": len(table), "settings": settings, "errors": rows}, targets)
    return 0 if passed else 1


def read_proteins(path: Path) -> pa.Table:
    """``id``, ``family`` and ``sequence`` of a zstd-compressed file of tab-separated lines without a header."""
    if not path.is_file():
        sys.exit(f"{path} is no file; name one of accessions, families and proteins with --data")
    with pa.input_stream(str(path), compression="zstd") as stream:
        return csv.read_csv(
            stream,
            csv.ReadOptions(column_names=["id", "family", "sequence"]),
            csv.ParseOptions(delimiter="\t", quote_char=False),
        )


def halves(labels: npt.NDArray[Any]) -> Flags:
    """Which documents to train on: every other one of each label, in their order."""
    seen: dict[Any, int] = {}
    train = np.zeros(len(labels), bool)
    for row, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        train[row] = seen[label] % 2 == 1
    return train


def cut(sequences: pa.Array) -> Sentences:
    """The 3-mers of each sequence, a sentence a frame."""
    found: Sentences = [[] for _ in range(len(sequences))]
    for words in build_analyzer(FRAMES).words(sequences):
        text, ends = words.text[: words.offsets[-1]].tobytes().decode(), words.offsets
        for i, (begins, document) in enumerate(zip(words.breaks, words.documents, strict=True)):
            if begins != SAME:
                found[document].append([])
            found[document][-1].append(text[ends[i] : ends[i + 1]])
    return found


def count_vectors(kmers: Sentences) -> Matrix:
    """The share of each 3-mer in each sequence, (sequences, 3-mers that occur)."""
    columns: dict[str, int] = {}
    for sentence in (sentence for sentences in kmers for sentence in sentences):
        for kmer in sentence:
            columns.setdefault(kmer, len(columns))
    out = np.zeros((len(kmers), len(columns)))
    for row, sentences in enumerate(kmers):
        for sentence in sentences:
            np.add.at(out[row], [columns[kmer] for kmer in sentence], 1.0)
    out /= np.maximum(out.sum(axis=1, keepdims=True), 1)
    return out


def mean_vectors(kmers: Sentences, vectors: Mapping[str, Any]) -> Matrix:
    """The mean of the vectors of the 3-mers that have one, (sequences, D); zeros where none has."""
    out = np.zeros((len(kmers), DIM))
    for row, sentences in enumerate(kmers):
        known = [vectors[kmer] for sentence in sentences for kmer in sentence if kmer in vectors]
        if known:
            out[row] = np.mean(known, axis=0)
    return out


def train_ours(table: pa.Table, work: Path, seed: int) -> dict[str, Any]:
    """The vectors of the 3-mers that have one, from a FASTA file on Spark."""
    from w2v_spark.cli.main import main as run

    rows = zip(table["id"].to_pylist(), table["sequence"].to_pylist(), strict=True)
    (work / "a.fasta").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in rows))
    settings = [
        "text.tokenizer=kmer", "text.k=3", "text.frames=true", f"vocabulary.min_count={MIN_COUNT}", f"model.dim={DIM}",
        f"model.window={WINDOW}", f"train.epochs={EPOCHS}", "train.sample=0", "train.shards=1", f"train.seed={seed}",
    ]  # fmt: skip
    files = ["--input", str(work / "a.fasta"), "--output", str(work / "out"), "--quiet"]
    if run(["train", *files, *setting_arguments(settings)]):
        sys.exit("training has failed")
    vectors = KeyedVectors.load(work / "out")
    return {word: np.array(vectors[word]) for word in vectors.words}


def train_gensim(kmers: Sentences, seed: int) -> dict[str, Any]:
    """The same by gensim."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        [sentence for sentences in kmers for sentence in sentences], vector_size=DIM, window=WINDOW, sg=1, negative=5,
        min_count=MIN_COUNT, sample=0, epochs=EPOCHS, workers=1, seed=seed,
    )  # fmt: skip
    return {word: model.wv[word] for word in model.wv.index_to_key}


def classify(vectors: Matrix, labels: npt.NDArray[Any], train: Flags) -> Row:
    """Errors of both classifiers on the sequences that they were not trained on, in percent."""
    return {CENTROID: centroid_error(vectors, labels, train), LOGISTIC: linear_error(vectors, labels, train)}


def centroid_error(vectors: Matrix, labels: npt.NDArray[Any], train: Flags) -> float:
    """Errors of the label whose mean is nearest by cosine, in percent."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    names = np.unique(labels)
    centroids = np.stack([unit[train & (labels == name)].mean(axis=0) for name in names])
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
    return 100 * float(np.mean(names[np.argmax(unit[~train] @ centroids.T, axis=1)] != labels[~train]))


def judge(rows: Mapping[str, list[Row]]) -> list[Target]:
    """No more errors than gensim beyond the spread of its seeds."""
    targets = []
    for name in (CENTROID, LOGISTIC):
        ours, theirs = ([row[name] for row in rows[program]] for program in ("w2v-spark", "gensim"))
        limit = statistics.mean(theirs) + max(theirs) - min(theirs)
        targets.append(Target(f"errors, {name}, %", statistics.mean(ours), limit, at_least=False))
    return targets


def _print(rows: Mapping[str, list[Row]]) -> None:
    shown = [
        (program, *(f"{statistics.mean(row[name] for row in found):.2f}" for name in (CENTROID, LOGISTIC)))
        for program, found in rows.items()
    ]
    print_table(("errors, %", "nearest centroid", "logistic regression"), shown)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=LABELLED / "protein_pfam.tsv.zst", metavar="FILE")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="trainings of each program (default 3)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

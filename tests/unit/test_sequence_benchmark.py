"""What the benchmark of sequences reads, cuts and judges by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.bench_sequences import (
    DIM,
    centroid_error,
    count_vectors,
    cut,
    halves,
    judge,
    mean_vectors,
    read_proteins,
)

KMERS = [[["MAF", "SAE"], ["AFS"], ["FSA"]], [["MAF"]], []]


def test_proteins_are_read_and_cut_into_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.zst"
    with pa.output_stream(str(path), compression="zstd") as out:
        out.write(b"P1\tone\tMAFSAE\nP2\tone\tMAF\nP3\ttwo\tMA\n")
    table = read_proteins(path)
    assert cut(table["sequence"].combine_chunks()) == KMERS
    assert halves(np.asarray(table["family"])).tolist() == [True, False, True]


def test_vectors_of_sequences() -> None:
    np.testing.assert_allclose(count_vectors(KMERS), [[0.25] * 4, [1, 0, 0, 0], [0] * 4])
    vectors = {"MAF": np.full(DIM, 1.0), "FSA": np.full(DIM, 3.0)}
    np.testing.assert_allclose(mean_vectors(KMERS, vectors)[:, 0], [2, 1, 0])


def test_the_nearest_centroid_and_the_promise() -> None:
    vectors = np.array([[1.0, 0], [0, 1], [3, 1], [5, 1]])
    labels, train = np.array(["a", "b", "a", "b"]), np.array([True, True, False, False])
    assert centroid_error(vectors, labels, train) == 50
    rows = {
        "w2v-spark": [{"nearest_centroid": 3.0, "logistic": 1.0}],
        "gensim": [{"nearest_centroid": 2.0, "logistic": 1.0}, {"nearest_centroid": 2.5, "logistic": 1.0}],
    }
    assert [target.passed for target in judge(rows)] == [False, True]

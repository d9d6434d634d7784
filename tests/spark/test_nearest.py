"""The nearest rows of one matrix for those of another, by Spark, against a naive twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.naive import neighbours as naive
from w2v_spark.errors import ConfigError, InputError, StoreError
from w2v_spark.spark.nearest import MatrixFile, nearest
from w2v_spark.storage import Directory

D = 12


def random_matrix(rows: int, seed: int, dim: int = D) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)


def put(directory: Path, name: str, matrix: Any) -> MatrixFile:
    np.save(directory / name, matrix)
    return MatrixFile(str(directory), name)


def test_rows_among_those_of_another_matrix(spark: SparkSession, tmp_path: Path) -> None:
    first, second = random_matrix(700, 1), random_matrix(90, 2)
    queries, candidates = put(tmp_path, "queries.npy", first), put(tmp_path, "candidates.npy", second)
    found = nearest(spark, queries, candidates, 5)
    assert found.ids.dtype == np.int32
    assert found.similarities.dtype == np.float32
    similarities = naive.cosines_between(first, second)
    assert found.ids.tolist() == [naive.nearest_of(similarities, row, 5) for row in range(700)]
    expected = np.take_along_axis(similarities, found.ids, axis=1)
    np.testing.assert_allclose(found.similarities, expected, rtol=0, atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["candidates.npy", "queries.npy"], "nothing is left"


def test_rows_among_themselves_in_any_number_of_tasks(spark: SparkSession, tmp_path: Path) -> None:
    matrix = random_matrix(600, 3)
    place = put(tmp_path, "sample.npy", matrix)
    results = [nearest(spark, place, MatrixFile(str(tmp_path), "sample.npy"), 4, tasks) for tasks in (1, 2, None)]
    similarities = naive.cosines(matrix)
    for found in results:
        assert found.ids.tolist() == [naive.nearest(similarities, row, 4) for row in range(600)]
        assert found.similarities.tobytes() == results[0].similarities.tobytes()


def test_fewer_candidates_than_are_asked_for(spark: SparkSession, tmp_path: Path) -> None:
    queries, candidates = put(tmp_path, "q.npy", random_matrix(3, 4)), put(tmp_path, "c.npy", random_matrix(2, 5))
    assert nearest(spark, queries, candidates, 10).ids.shape == (3, 2)
    assert nearest(spark, queries, queries, 10).ids.shape == (3, 2)
    one = put(tmp_path, "one.npy", random_matrix(1, 4))
    assert nearest(spark, one, one, 10).ids.shape == (1, 0)


def test_a_file_that_was_replaced_is_read_again(spark: SparkSession, tmp_path: Path) -> None:
    queries, candidates = put(tmp_path, "q.npy", np.eye(3, dtype=np.float32)), "c.npy"
    put(tmp_path, candidates, np.eye(3, dtype=np.float32))
    assert nearest(spark, queries, MatrixFile(str(tmp_path), candidates), 1, 1).ids.ravel().tolist() == [0, 1, 2]
    put(tmp_path, candidates, np.eye(3, dtype=np.float32)[::-1].copy())
    assert nearest(spark, queries, MatrixFile(str(tmp_path), candidates), 1, 1).ids.ravel().tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("matrix", "topn", "kind", "message"),
    [
        (random_matrix(3, 1), 0, ConfigError, "topn = 0 is not allowed"),
        (random_matrix(3, 1, 5), 1, InputError, "q.npy has rows of length 5, c.npy of 12"),
        (random_matrix(3, 1).astype(np.float64), 1, InputError, r"q.npy is float64 \(3, 12\): expected float32"),
        (random_matrix(0, 1), 1, InputError, "at least one row"),
        (np.full((3, D), np.nan, np.float32), 1, InputError, "the vector of id 0 is not finite"),
    ],
)
def test_matrices_that_cannot_be_used(
    spark: SparkSession, tmp_path: Path, matrix: Any, topn: int, kind: type[Exception], message: str
) -> None:
    queries, candidates = put(tmp_path, "q.npy", matrix), put(tmp_path, "c.npy", random_matrix(4, 2))
    with pytest.raises(kind, match=message):
        nearest(spark, queries, candidates, topn)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_is_not_there_or_none_of_numpy(spark: SparkSession, tmp_path: Path) -> None:
    candidates = put(tmp_path, "c.npy", random_matrix(4, 2))
    (tmp_path / "q.npy").write_bytes(b"nothing")
    (tmp_path / "empty.npy").touch()
    for name in ("q.npy", "empty.npy", "none.npy"):
        with pytest.raises(StoreError, match=name):
            nearest(spark, MatrixFile(str(tmp_path), name), candidates, 1)


def test_matrices_on_other_file_systems_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = random_matrix(30, 1)
    place = put(tmp_path, "c.npy", matrix)
    assert isinstance(place.open().base, np.memmap)
    monkeypatch.setattr(Directory, "is_local", False)
    assert not isinstance(place.open().base, np.memmap)
    assert np.array_equal(place.open(), matrix)

"""Weights in several files, and files that are written over."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory
from w2v_spark.training.weights import FileRows, WeightShape, open_matrices, open_matrix, write_matrix

DIM = 3


def rows_of(number, seed=0):
    return np.random.default_rng(seed).random((number, DIM), np.float32)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(-2, 30), st.integers(-2, 30))
def test_a_stack_is_read_like_one_array(sizes, start, stop):
    whole = rows_of(sum(sizes))
    starts = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    stack = FileRows(tuple(whole[a:b] for a, b in pairwise(starts)), tuple(starts))
    assert len(stack) == len(whole)
    np.testing.assert_array_equal(stack[start:stop], whole[start:stop])


def test_files_that_do_not_make_up_the_matrices(tmp_path):
    shape = WeightShape({"w_in": 4, "w_out": 4}, DIM)
    with pytest.raises(StoreError, match="do not make up rows"):
        open_matrices(Directory.open(tmp_path), shape, {"w_in": [("a.npy", 4)], "w_out": [("b.npy", 3)]})


def test_a_spare_file_of_the_same_size_is_written_over(tmp_path):
    directory, spare = (Directory.open(tmp_path / name).create() for name in ("new", "spare"))
    for name, rows in (("small.npy", 2), ("one.npy", 5), ("two.npy", 5)):
        write_matrix(spare, name, rows, DIM, iter([rows_of(rows, 1)]))
    inodes = {(tmp_path / "spare" / name).stat().st_ino for name in ("one.npy", "two.npy")}
    for number in range(3):
        write_matrix(directory, f"{number}.npy", 5, DIM, iter([rows_of(3, 2), rows_of(2, number)]), spare)
    assert [info.base_name for info in spare.list()] == ["small.npy"]
    assert {(tmp_path / "new" / f"{number}.npy").stat().st_ino for number in (0, 1)} == inodes
    for number in range(3):
        expected = np.concatenate([rows_of(3, 2), rows_of(2, number)])
        np.testing.assert_array_equal(open_matrix(directory, f"{number}.npy", 5, DIM), expected)
        np.testing.assert_array_equal(np.load(tmp_path / "new" / f"{number}.npy"), expected)

"""Exchanging only the rows that a slice touches: none is missed, and the bits are those of whole matrices."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.cases import MODELS, Case
from tests.unit.stores import memory_store
from tests.unit.test_subword_kernels import SubwordCase
from w2v_spark.errors import StoreError
from w2v_spark.kernels.arguments import Sentences
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.kernels.touched import mark_rows
from w2v_spark.storage import Directory
from w2v_spark.training import merge
from w2v_spark.training.changed_rows import ChangedFile, ChangedRows, open_changed, read_rows, shard_files
from w2v_spark.training.correction import MomentSample, second_moment
from w2v_spark.training.file_rows import FileRows
from w2v_spark.training.matrix_files import BLOCK_ROWS, WeightFile, open_matrix, write_matrix
from w2v_spark.training.row_ranges import CHUNK_ROWS
from w2v_spark.training.trainer import build_model

DIM = 20


@pytest.fixture(params=["local", "object store"])
def directory(request, tmp_path, monkeypatch):
    """Where files are mapped, and where they are read."""
    if request.param == "local":
        yield Directory.open(tmp_path)
    else:
        with memory_store(monkeypatch.setattr):
            yield Directory.open("memory:///weights").create()


def marks_of(case, ngram_starts, ngrams):
    inputs, outputs = np.zeros(len(case.w_in), np.uint8), np.zeros(len(case.w_out), np.uint8)
    model = build_model(case.model, case.tables, freeze_input=False, freeze_output=False, pool=case.pool)
    key = np.uint64(stream_key(7, 2, 3))
    sentences = Sentences(case.ids, case.offsets, 1000)
    mark_rows(sentences, key, model, case.tables, ngram_starts, ngrams, inputs, outputs)
    return inputs, outputs


@pytest.mark.parametrize("shrinks", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_rows_drawn_ahead_are_those_that_training_changes(model, shrinks):
    """Of many words, so that many are touched by chance alone and many by none; both kernels and the naive twin."""
    for seed in range(8):
        case = Case({**model, "shrink_window": shrinks}, seed=seed, words=400, sentences=6)
        marked = marks_of(case, np.zeros(1, np.int64), np.zeros(0, np.int32))
        for trained, twin, before, marks in zip(
            case.kernel()[:2], case.naive()[:2], (case.w_in, case.w_out), marked, strict=True
        ):
            changed = (trained != before).any(axis=1)
            np.testing.assert_array_equal(marks != 0, changed)
            np.testing.assert_array_equal((twin != before).any(axis=1), changed)
            assert 0 < changed.sum() < len(changed)


@pytest.mark.parametrize("model", MODELS)
def test_the_same_of_ngrams(model):
    case = SubwordCase(model, seed=3, words=400, sentences=3)
    marked = marks_of(case, case.ngrams.starts, case.ngrams.rows)
    for trained, before, marks in zip(case.kernel()[:2], (case.w_in, case.w_out), marked, strict=True):
        np.testing.assert_array_equal(marks != 0, (trained != before).any(axis=1))


def write_parts(directory, matrix, sizes):
    """A matrix in several files."""
    parts, start = [], 0
    for number, size in enumerate(sizes):
        rows = matrix[start : start + size]
        found = write_matrix(directory, f"{number}.npy", size, matrix.shape[1], iter([rows]))
        parts.append(open_matrix(directory, f"{number}.npy", size, matrix.shape[1], found))
        start += size
    return FileRows(tuple(parts), tuple(np.concatenate([[0], np.cumsum(sizes)]).tolist()))


def test_some_rows_of_several_files(directory):
    sizes = (2 * BLOCK_ROWS + 7, BLOCK_ROWS, 5)
    random = np.random.default_rng(1)
    matrix = random.random((sum(sizes), DIM), np.float32)
    source = write_parts(directory, matrix, sizes)
    for number in (0, 1, 30, len(matrix)):
        some = np.sort(random.choice(len(matrix), number, replace=False))
        found = aligned_zeros(len(matrix), padded(DIM))
        found[:, DIM:] = 9  # what a wider model has left
        read_rows(source, some, found)
        np.testing.assert_array_equal(found[some, :DIM], matrix[some])
        assert not found[some, DIM:].any()
        others = np.setdiff1d(np.arange(len(matrix)), some)
        assert not found[others, :DIM].any()


def test_a_damaged_block_is_noticed_where_a_row_of_it_is_read_and_only_there(tmp_path):
    directory = Directory.open(tmp_path)
    matrix = np.ones((2 * BLOCK_ROWS, DIM), np.float32)
    found = write_matrix(directory, "m.npy", len(matrix), DIM, iter([matrix]))
    path = tmp_path / "m.npy"
    data = bytearray(path.read_bytes())
    data[128 + 4 * DIM * BLOCK_ROWS + 1000] ^= 1
    path.write_bytes(data)
    memory = aligned_zeros(len(matrix), padded(DIM))
    read_rows(open_matrix(directory, "m.npy", len(matrix), DIM, found), np.array([0, BLOCK_ROWS - 1]), memory)
    with pytest.raises(StoreError, match=r"rows 2048 to 4095"):
        read_rows(open_matrix(directory, "m.npy", len(matrix), DIM, found), np.array([0, BLOCK_ROWS]), memory)


def write_changed(directory, name, numbers, rows, whole, spare=None):
    numbers = np.asarray(numbers, np.int32)
    found = write_matrix(directory, name, len(numbers), DIM, iter([rows] if len(rows) else []), spare, numbers)
    return ChangedFile(name, len(numbers), found, whole)


@pytest.mark.parametrize("number", [0, 1, 500, 3 * BLOCK_ROWS + 11])
def test_changed_rows_read_by_ranges(directory, number):
    random, whole = np.random.default_rng(2), 5 * BLOCK_ROWS + 3
    numbers = np.sort(random.choice(whole, number, replace=False))
    rows, before = random.random((number, DIM), np.float32), random.random((whole, DIM), np.float32)
    expected = before.copy()
    expected[numbers] = rows
    changed = open_changed(directory, write_changed(directory, "c.npy", numbers, rows, whole), DIM)
    assert len(changed) == whole
    for start in range(0, whole, CHUNK_ROWS):
        some = slice(start, min(start + CHUNK_ROWS, whole))
        np.testing.assert_array_equal(changed.over(before[some], some), expected[some])


def test_files_of_changed_rows_that_are_not_what_was_written(tmp_path):
    directory, rows = Directory.open(tmp_path), np.ones((3, DIM), np.float32)
    file = write_changed(directory, "c.npy", [1, 4, 9], rows, 10)
    path = tmp_path / "c.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\x01")  # the number of a row
    with pytest.raises(StoreError, match="damaged"):
        open_changed(directory, file, DIM)
    path.write_bytes(whole[:-4])
    with pytest.raises(StoreError, match="bytes"):
        open_changed(directory, file, DIM)
    path.write_bytes(whole)
    with pytest.raises(StoreError, match="beyond the 9"):
        open_changed(directory, file._replace(whole=9), DIM)


def test_old_files_of_any_size_are_written_over(tmp_path):
    """Longer ones are cut off, shorter ones grow."""
    directory, spare = Directory.open(tmp_path / "a").create(), Directory.open(tmp_path / "spare").create()
    for number, size in enumerate((2000, 100)):
        write_matrix(spare, f"{number}.npy", size, DIM, iter([np.full((size, DIM), 7, np.float32)]))
    for number, size in enumerate((300, 1500, 10)):
        rows = np.full((size, DIM), number, np.float32)
        file = write_changed(directory, f"{number}.npy", np.arange(size), rows, size, spare)
        np.testing.assert_array_equal(open_changed(directory, file, DIM).over(rows * 0, slice(0, size)), rows)
    assert not list(spare.list())


def test_lists_of_files_as_json():
    files = {"w_in": [ChangedFile("a.npy", 3, "0f", 10)], "w_out": [WeightFile("b.npy", 10, "0e")]}
    assert shard_files(json.loads(json.dumps(files))) == files
    with pytest.raises(ValueError, match="not the name"):
        shard_files({"w_in": [["../a.npy", 3, "0f", 10]]})


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_merged_as_whole_matrices_are(shards, tmp_path):
    """The mean step and the sample, and a single shard's rows, to the bit."""
    random, rows = np.random.default_rng(shards), 2 * CHUNK_ROWS + 100
    before, directory = random.normal(0, 0.3, (rows, DIM)).astype(np.float32), Directory.open(tmp_path)
    whole, some = [], []
    for number in range(shards):
        numbers = np.sort(random.choice(rows, rows // 5, replace=False))
        matrix = before.copy()
        matrix[numbers] += random.normal(0, 0.1, (len(numbers), DIM)).astype(np.float32)
        whole.append(matrix)
        file = write_changed(directory, f"{number}.npy", numbers, matrix[numbers], rows)
        some.append(open_changed(directory, file, DIM))
    for start in range(0, rows, CHUNK_ROWS):
        part = slice(start, min(start + CHUNK_ROWS, rows))
        for a, b in zip(
            merge.displacements(before, whole, part, 4), merge.displacements(before, some, part, 4), strict=True
        ):
            np.testing.assert_array_equal(a, b)
    assert isinstance(some[0], ChangedRows)


@given(st.integers(0, 1 << 30), st.booleans())
def test_moments_change_with_the_rows_that_change(seed, even):
    """By the rows that have changed, to the bit what all rows say; and what the moments of both matrices differ by."""
    random, rows = np.random.default_rng(seed), 700
    counts = 1 + random.random(rows) if even else np.sort(random.geometric(0.01, rows))[::-1].astype(float)
    before = random.normal(0, 0.3, (rows, DIM)).astype(np.float32)
    marks = (random.random(rows) < random.random()).astype(np.uint8)
    after = before + (random.normal(0, 0.1, (rows, DIM)) * marks[:, None]).astype(np.float32)
    sample = MomentSample.build(counts)
    few = sample.among(marks)
    change = sample.change(before[sample.rows], after)
    np.testing.assert_array_equal(few.change(before[few.rows], after), change)
    expected = second_moment(after, counts) - second_moment(before, counts)
    np.testing.assert_allclose(change, expected, atol=1e-5 * np.abs(second_moment(before, counts)).max())

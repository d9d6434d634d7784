"""Weights in several files, and files that are written over."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive.huffman import huffman_paths
from w2v_spark.config import Config
from w2v_spark.errors import StoreError
from w2v_spark.kernels.checksum import checksum
from w2v_spark.models.tables import SamplingTables
from w2v_spark.storage import Directory
from w2v_spark.training import weights
from w2v_spark.training.file_rows import ROWS_AT_A_TIME, FileRows, batches
from w2v_spark.training.matrix_files import BLOCK_ROWS, WeightFile, open_matrix, write_matrix
from w2v_spark.training.row_ranges import plan_row_ranges
from w2v_spark.training.weights import WeightShape, open_matrices, word_vectors

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


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        ({"architecture": "cbow"}, {"w_in": 13, "w_out": 10}),
        ({"architecture": "pv_dbow"}, {"w_in": 13, "w_out": 10}),
        ({"architecture": "pv_dbow", "dbow_words": False}, {"w_in": 3, "w_out": 10}),
        ({"architecture": "pv_dm", "objective": "hierarchical_softmax"}, {"w_in": 13, "w_node": 9}),
        ({"architecture": "pv_dbow", "dbow_words": False, "objective": "hierarchical_softmax"},
         {"w_in": 3, "w_node": 9}),
    ],
)  # fmt: skip
def test_the_shape_with_tags_and_without_rows_of_words(model, rows):
    model = Config.from_dict({"model": {"dim": DIM, **model}}).model
    shape = WeightShape.build(model, 10, 3)
    assert (shape.rows, shape.dim) == (rows, DIM)
    assert (shape.input_rows, shape.output_rows) == tuple(rows.values())
    assert WeightShape.of_rows(model, *rows.values()) == shape
    assert sum(r.stop - r.start for r in plan_row_ranges(WeightShape.build(model, 10))) == sum(rows.values()) - 3


COUNTS = np.array([50, 20, 20, 9, 4, 3, 2, 1, 1])


@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_vectors_of_words_that_have_no_input_row(objective, monkeypatch):
    """They are what words are scored by: of a tree the nodes on the path, with the sign of the branch."""
    monkeypatch.setattr(weights, "ROWS_AT_A_TIME", 4)
    config = Config.from_dict({
        "model": {"architecture": "pv_dbow", "dbow_words": False, "objective": objective, "dim": DIM},
    })  # fmt: skip
    tables = SamplingTables.build(COUNTS, config.model, 0.0)
    outputs = rows_of(tables.output_rows)
    batches = list(word_vectors(config.model, rows_of(2), outputs, tables))
    assert [len(batch) for batch in batches] == [4, 4, 1]
    expected = outputs
    if objective == "hierarchical_softmax":
        paths = huffman_paths(COUNTS)
        expected = np.array([sum(outputs[node] * (1 if label else -1) for node, label in path) for path in paths])
    np.testing.assert_allclose(np.concatenate(batches), expected, rtol=1e-5, atol=1e-6)


def test_files_that_do_not_make_up_the_matrices(tmp_path):
    shape = WeightShape({"w_in": 4, "w_out": 4}, DIM)
    with pytest.raises(StoreError, match="do not make up rows"):
        open_matrices(
            Directory.open(tmp_path),
            shape,
            {"w_in": [WeightFile("a.npy", 4, "")], "w_out": [WeightFile("b.npy", 3, "")]},
        )


def test_spare_files_are_written_over_those_of_the_same_size_first(tmp_path):
    directory, spare = (Directory.open(tmp_path / name).create() for name in ("new", "spare"))
    for name, rows in (("small.npy", 2), ("one.npy", 5), ("two.npy", 5)):
        write_matrix(spare, name, rows, DIM, iter([rows_of(rows, 1)]))
    inodes = {(tmp_path / "spare" / name).stat().st_ino for name in ("one.npy", "two.npy")}
    for number in range(3):
        write_matrix(directory, f"{number}.npy", 5, DIM, iter([rows_of(3, 2), rows_of(2, number)]), spare)
        assert len(spare.list()) == 2 - number
    assert {(tmp_path / "new" / f"{number}.npy").stat().st_ino for number in (0, 1)} == inodes
    for number in range(3):
        expected = np.concatenate([rows_of(3, 2), rows_of(2, number)])
        np.testing.assert_array_equal(open_matrix(directory, f"{number}.npy", 5, DIM)[:], expected)
        np.testing.assert_array_equal(np.load(tmp_path / "new" / f"{number}.npy"), expected)


def written_matrix(tmp_path, rows=2 * BLOCK_ROWS + 7):
    directory, matrix = Directory.open(tmp_path), rows_of(rows)
    return directory, matrix, write_matrix(directory, "m.npy", rows, DIM, iter([matrix[:5], matrix[5:]]))


@pytest.mark.parametrize("local", [True, False])
def test_only_blocks_that_are_read_are_verified(tmp_path, monkeypatch, local):
    directory, matrix, found = written_matrix(tmp_path)
    changed = bytearray((tmp_path / "m.npy").read_bytes())
    changed[128 + 4 * DIM * (BLOCK_ROWS + 3)] ^= 1
    (tmp_path / "m.npy").write_bytes(changed)
    monkeypatch.setattr(Directory, "is_local", property(lambda _: local))
    opened = open_matrix(directory, "m.npy", len(matrix), DIM, found)
    for rows in (slice(0, BLOCK_ROWS), slice(2 * BLOCK_ROWS, None), slice(3, 8), slice(9, 9)):
        np.testing.assert_array_equal(opened[rows], matrix[rows])
    for rows in (slice(0, BLOCK_ROWS + 1), slice(2 * BLOCK_ROWS - 1, 2 * BLOCK_ROWS)):
        with pytest.raises(StoreError, match=f"its rows {BLOCK_ROWS} to {2 * BLOCK_ROWS - 1} are not what was written"):
            opened[rows]


def test_a_checksum_does_not_depend_on_the_batches(tmp_path):
    directory, matrix, found = written_matrix(tmp_path)
    assert write_matrix(directory, "n.npy", len(matrix), DIM, iter([matrix])) == found
    assert (tmp_path / "m.npy").read_bytes() == (tmp_path / "n.npy").read_bytes()


@pytest.mark.parametrize(
    ("data", "expected"),  # from the xxhash library
    [
        (b"", 0xEF46DB3751D8E999),
        (b"a", 0xD24EC4F1A98C6E5B),
        (b"Nobody inspects the spammish repetition", 0xFBCEA83C8A378BF1),
        (bytes(range(100)), 0x6AC1E58032166597),
        (bytes(range(241)), 0x02E8CD95421C6D02),
        (bytes(range(256)) * 40, 0xC03D2231AB9348F3),
    ],
)
def test_checksums_are_those_of_xxh64_and_xxh3(data, expected):
    assert checksum(data) == checksum(np.frombuffer(data, np.uint8)) == expected


@given(st.binary(min_size=1, max_size=3000), st.data())
def test_every_bit_counts(data, draw):
    place = draw.draw(st.integers(0, 8 * len(data) - 1))
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    assert checksum(changed) != checksum(data)


def test_a_plain_file_is_opened_where_nobody_knows_its_checksum(tmp_path):
    directory, matrix, found = written_matrix(tmp_path)
    np.save(tmp_path / "plain.npy", matrix)
    np.testing.assert_array_equal(open_matrix(directory, "plain.npy", len(matrix), DIM)[:], matrix)
    with pytest.raises(StoreError, match="expected"):
        open_matrix(directory, "plain.npy", len(matrix), DIM, found)


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system does not say what is mapped")
def test_a_matrix_that_has_been_gone_through_is_not_held(tmp_path):
    directory, rows = Directory.open(str(tmp_path)), 3 * ROWS_AT_A_TIME + 1
    batch = np.ones((rows, DIM), np.float32)
    found = write_matrix(directory, "m.npy", rows, DIM, iter([batch]))
    opened = open_matrix(directory, "m.npy", rows, DIM, found)

    opened[:]
    assert _held(tmp_path / "m.npy") >= batch.nbytes // 1024
    assert sum(len(rows) for rows in batches(FileRows((opened,), (0, rows)))) == rows
    assert _held(tmp_path / "m.npy") == 0
    np.testing.assert_array_equal(opened[:], batch)


def _held(path):
    """KiB of a mapped file that count to this process."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    return sum(
        int(next(more for more in lines[number:] if more.startswith("Rss:")).split()[1])
        for number, line in enumerate(lines)
        if line.endswith(str(path))
    )

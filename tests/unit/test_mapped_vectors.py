"""Vectors that stay in their files: the same bits as those that are read, and only where nothing can go wrong."""

from __future__ import annotations

import copy
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from tests.conftest import ROOT
from tests.unit.vector_files import awkward_matrix
from w2v_spark import KeyedVectors
from w2v_spark.errors import ConfigError, InputError, StoreError
from w2v_spark.vectors import row_stack, table, table_source
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.reading import VectorTable, open_vectors, read_vectors
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.table import VECTOR_SCHEMA, write_vectors

V, D = 500, 20


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of 64 rows, so that a small table has many."""
    monkeypatch.setattr(table, "ROWS_PER_GROUP", 64)


def make_matrix(rows: int = V, dim: int = D) -> Matrix:
    return np.random.default_rng(1).standard_normal((rows, dim)).astype(np.float32)


def write(directory: Path, matrix: Matrix, rows_per_file: int = 200) -> list[str]:
    words = pa.array([f"wörd{i}" for i in range(len(matrix))])
    counts = np.arange(len(matrix), 0, -1)
    return write_vectors(fs.LocalFileSystem(), str(directory), words, counts, [matrix], {}, rows_per_file)


def is_mapped(content: VectorTable) -> bool:
    """Whether the vectors lie in files: no array at the end of their chain of views owns its memory."""
    return all(not isinstance(_owner(piece), np.ndarray) for piece in content.stack._pieces)


def _owner(array: object) -> object:
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array


def assert_equal(comp: VectorTable, ref: VectorTable) -> None:
    assert comp.words.equals(ref.words)
    np.testing.assert_array_equal(comp.counts, ref.counts)
    assert comp.matrix.dtype == np.float32
    assert comp.matrix.tobytes() == ref.matrix.tobytes()
    assert comp.metadata == ref.metadata


@pytest.mark.parametrize("dim", [16, 17, 23, 24, 64, 100, 300, 520])
def test_same_bits_as_the_copying_read(tmp_path: Path, dim: int) -> None:
    matrix = make_matrix(dim=dim)
    write(tmp_path, matrix)
    content, read = open_vectors(tmp_path), read_vectors(tmp_path)
    assert is_mapped(content)
    assert not is_mapped(read)
    assert_equal(content, read)
    assert content.matrix.tobytes() == matrix.tobytes()


@pytest.mark.parametrize("limit", [1, 63, 64, 65, 199, 200, 201, V, V + 1])
def test_limit(tmp_path: Path, limit: int) -> None:
    write(tmp_path, make_matrix())
    content = open_vectors(tmp_path, limit)
    assert is_mapped(content)
    assert len(content.stack) == len(content.words) == min(limit, V)
    assert_equal(content, read_vectors(tmp_path, limit))


def test_numbers_of_all_magnitudes_keep_their_bits(tmp_path: Path) -> None:
    matrix = awkward_matrix(V, D)
    write(tmp_path, matrix)
    assert is_mapped(open_vectors(tmp_path))
    assert open_vectors(tmp_path).matrix.tobytes() == matrix.tobytes()
    assert read_vectors(tmp_path).matrix.tobytes() == matrix.tobytes()


def test_each_row_group_has_one_page_at_full_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    matrix = make_matrix(table.ROWS_PER_GROUP + 1000, 300)
    write(tmp_path, matrix, table.ROWS_PER_FILE)
    content = open_vectors(tmp_path)
    assert is_mapped(content)
    np.testing.assert_array_equal(content.matrix, matrix)


_OPEN_TRACED = """
import sys, tracemalloc
import pyarrow as pa
from w2v_spark.vectors.reading import open_vectors
open_vectors(sys.argv[1])  # imports what it needs
before = pa.total_allocated_bytes()
tracemalloc.start()
content = open_vectors(sys.argv[1])
_, peak = tracemalloc.get_traced_memory()  # of Python and numpy
print(peak, pa.total_allocated_bytes() - before, len(content.words))  # which is still held
"""


def test_opening_takes_no_private_memory_for_vectors(tmp_path: Path) -> None:
    """In a process of its own: stopping `tracemalloc` beside threads of libraries crashes the interpreter."""
    write(tmp_path, make_matrix(40_000, 64), 20_000)
    command = [sys.executable, "-c", _OPEN_TRACED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    peak, arrow, words = map(int, done.stdout.split())
    matrix = 4 * 40_000 * 64
    assert peak < matrix / 4
    assert arrow < matrix / 4
    assert words == 40_000


def test_a_table_that_is_replaced_stays_readable(tmp_path: Path) -> None:
    matrix = make_matrix()
    paths = write(tmp_path, matrix)
    content = open_vectors(tmp_path)
    for path in paths:
        Path(path).unlink()
    write(tmp_path, matrix * 2)
    np.testing.assert_array_equal(content.matrix, matrix)


def make_frame(dim: int = D) -> pd.DataFrame:
    ids = np.arange(V, dtype=np.int32)
    words = [f"wörd{i}" for i in range(V)]
    return pd.DataFrame(
        {"id": ids, "word": words, "count": V - ids.astype(np.int64), "vector": [*make_matrix(dim=dim)]}
    )


def to_pandas_file(path: Path) -> None:
    make_frame().to_parquet(path, index=False)


def to_duckdb_file(path: Path) -> None:
    connection = duckdb.connect()
    connection.register("frame", make_frame())
    connection.execute(f"copy (select * from frame order by id) to '{path}' (format parquet, compression zstd)")


def to_arrow_file(**options: object) -> Callable[[Path], None]:
    def write_file(path: Path) -> None:
        pq.write_table(pa.Table.from_pandas(make_frame(), preserve_index=False), path, **options)

    return write_file


@pytest.mark.parametrize(
    "write_file",
    [
        to_pandas_file,
        to_duckdb_file,
        to_arrow_file(compression="none"),
        to_arrow_file(compression="zstd", use_dictionary=False),
        to_arrow_file(compression="none", use_dictionary=False, data_page_size=4096, write_batch_size=64),
        to_arrow_file(compression="none", use_dictionary=False, data_page_version="2.0"),
        to_arrow_file(compression="none", use_dictionary=False, use_byte_stream_split=["vector.list.element"]),
    ],
    ids=["pandas", "duckdb", "dictionary", "zstd", "pages", "v2", "byte-stream-split"],
)
def test_files_of_other_programs_are_read(tmp_path: Path, write_file: Callable[[Path], None]) -> None:
    write_file(tmp_path / "a.parquet")
    content = open_vectors(tmp_path)
    assert not is_mapped(content)
    np.testing.assert_array_equal(content.matrix, make_matrix())
    assert_equal(content, read_vectors(tmp_path))


def test_plain_files_of_other_programs_are_mapped(tmp_path: Path) -> None:
    """Nullable columns, whose levels are other numbers than ours."""
    to_arrow_file(compression="none", use_dictionary=False)(tmp_path / "a.parquet")
    content = open_vectors(tmp_path)
    assert is_mapped(content)
    np.testing.assert_array_equal(content.matrix, make_matrix())


@pytest.mark.parametrize("dim", [1, 7, 8, 15])
def test_short_vectors_of_other_programs_are_read(tmp_path: Path, dim: int) -> None:
    matrix = make_matrix(dim=dim)
    write(tmp_path / "ours", matrix)
    assert is_mapped(open_vectors(tmp_path / "ours"))
    frame = pa.Table.from_pandas(make_frame(dim), preserve_index=False)
    (tmp_path / "theirs").mkdir()
    pq.write_table(frame, tmp_path / "theirs" / "a.parquet", compression="none", use_dictionary=False)
    assert not is_mapped(open_vectors(tmp_path / "theirs"))
    for location in ("ours", "theirs"):
        np.testing.assert_array_equal(open_vectors(tmp_path / location).matrix, matrix)


def test_other_file_systems_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, make_matrix())

    def refuse(*_: object, **__: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(table_source.mmap, "mmap", refuse)
    content = open_vectors(tmp_path)
    assert not is_mapped(content)
    np.testing.assert_array_equal(content.matrix, make_matrix())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0] * 20, [2.0] * 19 + [None]], "null values inside"),
        ([[1.0] * 20, None], "null values"),
        ([[1.0] * 19, [2.0] * 21], "length 19 to 21"),  # as many numbers as two vectors of 20
        ([[1.0] * 40, []], "length 0 to 40"),
    ],
)
def test_vectors_that_are_not_all_there_are_not_mapped(
    tmp_path: Path, rows: list[list[float] | None], message: str
) -> None:
    columns = {
        "id": pa.array([0, 1], pa.int32()),
        "word": ["a", "b"],
        "count": pa.array([2, 1], pa.int64()),
        "vector": pa.array(rows, pa.list_(pa.float32())),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", compression="none", use_dictionary=False)
    with pytest.raises(StoreError, match=message):
        open_vectors(tmp_path)


def test_files_of_unequal_width(tmp_path: Path) -> None:
    for number, dim in enumerate((20, 24)):
        columns = {
            "id": pa.array([number], pa.int32()),
            "word": ["a"],
            "count": pa.array([1], pa.int64()),
            "vector": pa.array([[1.0] * dim], pa.list_(pa.float32())),
        }
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet", compression="none", use_dictionary=False)
    with pytest.raises(StoreError, match="length 24 after vectors of 20"):
        open_vectors(tmp_path)


def test_errors_are_those_of_the_copying_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="limit = 0"):
        open_vectors(tmp_path, 0)
    paths = write(tmp_path, make_matrix())
    Path(paths[1]).rename(tmp_path / "part-00003.parquet")
    with pytest.raises(StoreError, match=r"part-00002\.parquet was not written after .*part-00000\.parquet"):
        open_vectors(tmp_path)
    Path(paths[2]).unlink()
    with pytest.raises(StoreError, match="of 500 vectors"):
        open_vectors(tmp_path)


def test_damaged_words_are_named(tmp_path: Path) -> None:
    path = Path(write(tmp_path, make_matrix())[2])
    start = pq.read_metadata(path).row_group(0).column(VECTOR_SCHEMA.get_field_index("word")).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 60] = b"\xff" * 60
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"part-00002\.parquet"):
        open_vectors(tmp_path)


def unaligned(matrix: Matrix) -> Matrix:
    """The same matrix one byte beyond where a processor would like it."""
    view = np.frombuffer(b"\0" + matrix.tobytes(), np.float32, matrix.size, 1).reshape(matrix.shape)
    assert view.flags.aligned == (not matrix.size)
    return view


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=6), st.data())
def test_a_stack_is_the_matrix_of_its_pieces(sizes: list[tuple[int, bool]], data: st.DataObject) -> None:
    matrix = make_matrix(sum(size for size, _ in sizes), 3)
    parts = np.split(matrix, np.cumsum([size for size, _ in sizes])[:-1])
    pieces = RowStack([part if aligned else unaligned(part) for part, (_, aligned) in zip(parts, sizes, strict=True)])
    assert pieces.shape == matrix.shape
    np.testing.assert_array_equal(pieces.to_matrix(), matrix)
    assert not pieces.to_matrix().flags.writeable
    if len(matrix):
        rows = data.draw(st.lists(st.integers(0, len(matrix) - 1)))
        np.testing.assert_array_equal(pieces.take(rows), matrix[rows])
        np.testing.assert_array_equal(np.array([pieces.row(row) for row in rows]).reshape(-1, 3), matrix[rows])
        assert all(pieces.row(row).flags.aligned and not pieces.row(row).flags.writeable for row in rows)
    stop = data.draw(st.integers(0, len(matrix) + 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_stack, "BATCH_BYTES", 4 * 3 * data.draw(st.integers(1, 5)))
        seen = []
        for place, block in pieces.batches(stop):
            assert block.flags.aligned
            assert place.stop - place.start == len(block) > 0
            np.testing.assert_array_equal(block, matrix[place])
            seen += range(place.start, place.stop)
    assert seen == list(range(min(stop, len(matrix))))


@pytest.mark.parametrize(
    "pieces", [[], [np.ones(3, np.float32)], [np.ones((1, 2), np.float32), np.ones((1, 3), np.float32)]]
)
def test_pieces_that_make_no_matrix(pieces: list[Matrix]) -> None:
    with pytest.raises(InputError, match="make no matrix"):
        RowStack(pieces)


def test_pickles_and_copies_need_no_file(tmp_path: Path) -> None:
    """They go to other processes and outlive the table."""
    matrix = make_matrix()
    write(tmp_path / "vectors", matrix)
    whole = KeyedVectors.load(tmp_path / "vectors")
    top = KeyedVectors.load(tmp_path / "vectors", limit=10)
    assert is_mapped(open_vectors(tmp_path / "vectors"))
    pickles = [pickle.dumps(each) for each in (whole, top)]
    copies = [copy.copy(whole), copy.deepcopy(top)]
    shutil.rmtree(tmp_path / "vectors")
    for kept, rows in zip([*map(pickle.loads, pickles), *copies], (V, 10, V, 10), strict=True):
        assert kept.words == [f"wörd{i}" for i in range(rows)]
        np.testing.assert_array_equal(kept.matrix, matrix[:rows])
        np.testing.assert_array_equal(kept.counts, np.arange(V, V - rows, -1))
    assert len(pickles[1]) < len(pickles[0]) / 10

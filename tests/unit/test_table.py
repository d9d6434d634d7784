"""The Parquet vector table: what is written is what is read, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from w2v_spark.errors import ConfigError, InputError, StoreError
from w2v_spark.storage import Directory
from w2v_spark.vectors import table
from w2v_spark.vectors.blocks import Matrix, regroup
from w2v_spark.vectors.reading import read_vectors
from w2v_spark.vectors.table import VECTOR_SCHEMA, write_vectors

V, D = 1000, 7


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of 64 rows, so that a small table has many."""
    monkeypatch.setattr(table, "ROWS_PER_GROUP", 64)


def make_content(rows: int = V, dim: int = D) -> tuple[pa.StringArray, np.ndarray, Matrix]:
    words = pa.array([f"wörd{i}" for i in range(rows)])
    matrix = np.random.default_rng(1).standard_normal((rows, dim)).astype(np.float32)
    return words, np.arange(rows, 0, -1) * 10**10, matrix


def cut(matrix: Matrix, rows: int) -> Iterator[Matrix]:
    return (matrix[start : start + rows] for start in range(0, len(matrix), rows))


def write(directory: Path, block: int = 333, rows_per_file: int = 300, **metadata: str) -> list[str]:
    words, counts, matrix = make_content()
    local = fs.LocalFileSystem()
    return write_vectors(local, str(directory), words, counts, cut(matrix, block), metadata, rows_per_file)


def write_foreign(directory: Path, *parts: pa.Table) -> None:
    directory.mkdir(exist_ok=True)
    for number, part in enumerate(parts):
        pq.write_table(part, directory / f"part-{number}.parquet")


def make_part(ids: list[int], vectors: list[list[float | None] | None], kind: pa.DataType | None = None) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(ids, pa.int32()),
            "word": pa.array([f"w{i}" for i in ids], pa.string()),
            "count": pa.array([9 - i for i in ids], pa.int64()),
            "vector": pa.array(vectors, kind or pa.list_(pa.float32())),
        }
    )


@pytest.mark.parametrize("block", [1, 64, 100, V])
def test_round_trip(tmp_path: Path, block: int) -> None:
    paths = write(tmp_path / "vectors", block, corpus_words="17")
    assert [Path(path).name for path in paths] == [f"part-0000{i}.parquet" for i in range(4)]
    words, counts, matrix = make_content()
    read = read_vectors(tmp_path / "vectors")
    assert read.words.equals(words)
    np.testing.assert_array_equal(read.counts, counts)
    np.testing.assert_array_equal(read.matrix, matrix)
    assert read.matrix.dtype == np.float32
    assert read.matrix.flags.c_contiguous
    assert read.metadata == {"corpus_words": "17", "format_version": "2", "vocabulary_size": "1000", "dim": "7"}


def test_bytes_do_not_depend_on_the_blocks(tmp_path: Path) -> None:
    ours = [write(tmp_path / str(block), block, a="1", b="2") for block in (1, 50, V)]
    for same_part in zip(*ours, strict=True):
        assert len({Path(path).read_bytes() for path in same_part}) == 1


def test_layout(tmp_path: Path) -> None:
    keys = {"dim", "format_version", "vocabulary_size", "checksums", "previous_sha256", "footer_sha256"}
    for number, path in enumerate(write(tmp_path)):
        footer = pq.read_metadata(path)
        assert pq.read_schema(path).equals(VECTOR_SCHEMA)
        expected = keys if number else keys - {"previous_sha256"}
        assert {key.decode() for key in footer.metadata} == {f"w2v.{key}" for key in expected}
        assert max(footer.row_group(i).num_rows for i in range(footer.num_row_groups)) == 64
        vectors = footer.row_group(0).column(3)
        assert (vectors.compression, vectors.is_stats_set, vectors.has_dictionary_page) == (
            "UNCOMPRESSED",
            False,
            False,
        )
        assert footer.row_group(0).column(0).is_stats_set


@pytest.mark.parametrize("limit", [1, 64, 65, 300, 301, V, V + 1])
def test_limit(tmp_path: Path, limit: int) -> None:
    write(tmp_path)
    read = read_vectors(tmp_path, limit)
    words, counts, matrix = make_content()
    assert read.words.equals(words[:limit])
    np.testing.assert_array_equal(read.counts, counts[:limit])
    np.testing.assert_array_equal(read.matrix, matrix[:limit])


def test_limit_below_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="limit = 0"):
        read_vectors(tmp_path, 0)


def test_duckdb_reads_it(tmp_path: Path) -> None:
    write(tmp_path)
    words, counts, matrix = make_content()
    rows = duckdb.execute(f"select id, word, count, vector from '{tmp_path}/*.parquet' order by id").fetchall()
    assert [row[:3] for row in rows] == list(zip(range(V), words.to_pylist(), counts.tolist(), strict=True))
    np.testing.assert_array_equal(np.array([row[3] for row in rows], dtype=np.float32), matrix)


def test_a_table_that_duckdb_wrote_is_read(tmp_path: Path) -> None:
    write(tmp_path / "ours")
    (tmp_path / "theirs").mkdir()
    duckdb.execute(
        f"copy (select *, 1 as extra from '{tmp_path}/ours/*.parquet' order by id) to '{tmp_path}/theirs/a.parquet'"
    )
    np.testing.assert_array_equal(read_vectors(tmp_path / "theirs").matrix, make_content()[2])


def test_large_strings_are_read(tmp_path: Path) -> None:
    part = make_part([0, 1], [[1.0], [2.0]])
    write_foreign(tmp_path, part.set_column(1, "word", part["word"].cast(pa.large_string())))
    assert read_vectors(tmp_path).words.equals(pa.array(["w0", "w1"]))


def test_any_filesystem(tmp_path: Path) -> None:
    words, counts, matrix = make_content()
    paths = write_vectors(
        fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "deep/er", words, counts, [matrix], {}
    )
    assert paths == ["deep/er/part-00000.parquet"]
    for location in (f"file://{tmp_path}/deep/er", f"file:{tmp_path}/deep/er", tmp_path / "deep" / "er" / ""):
        assert len(read_vectors(location).words) == V


def test_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Directory.open("vectors").path == str(tmp_path / "vectors")


def test_unknown_scheme() -> None:
    with pytest.raises(ConfigError, match="nowhere://x"):
        Directory.open("nowhere://x")


def test_output_directory_of_a_run(tmp_path: Path) -> None:
    write(tmp_path / "vectors")
    with pytest.raises(StoreError, match="not finished"):
        read_vectors(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(StoreError, match="not finished"):
        read_vectors(tmp_path / "vectors")
    (tmp_path / "_SUCCESS").touch()
    assert len(read_vectors(tmp_path).words) == len(read_vectors(f"{tmp_path}/vectors/").words) == V


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="absent"):
        read_vectors(tmp_path / "absent")
    with pytest.raises(StoreError, match="no vector table"):
        read_vectors(tmp_path)


def test_missing_files(tmp_path: Path) -> None:
    paths = write(tmp_path)
    Path(paths[-1]).unlink()
    with pytest.raises(StoreError, match="900 of 1000"):
        read_vectors(tmp_path)


def test_truncated_file(tmp_path: Path) -> None:
    path = Path(write(tmp_path)[1])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"part-00001\.parquet"):
        read_vectors(tmp_path)


def test_damaged_pages(tmp_path: Path) -> None:
    path = Path(write(tmp_path)[2])
    content = bytearray(path.read_bytes())
    content[4:2000] = b"\xff" * 1996
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"part-00002\.parquet"):
        read_vectors(tmp_path)


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("count", None, "'count' is missing"),
        ("id", pa.array([0, 1], pa.int64()), "'id' is int64"),
        ("word", pa.array([None, "b"]), "null values"),
        ("word", pa.array([["a"], ["b"]]), "'word' is list"),
        ("vector", pa.array([1.0, 2.0], pa.float32()), "'vector' is float"),
    ],
)
def test_other_columns(tmp_path: Path, name: str, column: pa.Array | None, message: str) -> None:
    part = make_part([0, 1], [[1.0], [2.0]]).drop_columns(name)
    write_foreign(tmp_path, part if column is None else part.append_column(name, column))
    with pytest.raises(StoreError, match=rf"part-0\.parquet.*{message}"):
        read_vectors(tmp_path)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([make_part([0, 1], [[1.0], [2.0, 3.0]])], "length 1 to 2"),
        ([make_part([0], [[]])], "length 0 to 0"),
        ([make_part([0], [[1.0]]), make_part([1], [[1.0, 2.0]])], "length 2 after vectors of 1"),
        ([make_part([0, 1], [[1.0], None])], "null values"),
        ([make_part([0, 1], [[1.0], [None]])], "null values"),
        ([make_part([0], [[1.0]]), make_part([2], [[1.0]])], "ids are not 1, 2"),
        ([make_part([], [])], "empty"),
        ([make_part([0], [[1.0]], pa.list_(pa.float64()))], "'vector' is list<.*double>"),
    ],
)
def test_foreign_content(tmp_path: Path, parts: list[pa.Table], message: str) -> None:
    write_foreign(tmp_path, *parts)
    with pytest.raises(StoreError, match=message):
        read_vectors(tmp_path)


@pytest.mark.parametrize("kind", [pa.large_list(pa.float32()), pa.list_(pa.float32(), 2)])
def test_other_kinds_of_list(tmp_path: Path, kind: pa.DataType) -> None:
    write_foreign(
        tmp_path, make_part([0, 1], [[1.0, 2.0], [3.0, 4.0]], kind), make_part([], []), make_part([2], [[5.0, 6.0]])
    )
    np.testing.assert_array_equal(read_vectors(tmp_path).matrix, [[1, 2], [3, 4], [5, 6]])


WORDS, COUNTS, MATRIX = make_content()


@pytest.mark.parametrize(
    ("message", "words", "counts", "blocks"),
    [
        ("fewer rows", WORDS, COUNTS, [MATRIX[:-1]]),
        ("more rows", WORDS, COUNTS, [MATRIX, MATRIX[:1]]),
        ("and 999 counts", WORDS, COUNTS[:-1], [MATRIX]),
        ("0 words", WORDS[:0], COUNTS[:0], []),
        ("1 nulls", pa.array(["a", None]), COUNTS[:2], [MATRIX[:2]]),
        ("float64", WORDS, COUNTS, [MATRIX.astype(np.float64)]),
        (r"\(500, 6\)", WORDS, COUNTS, [MATRIX[:500], MATRIX[500:, :6]]),
        (r"\(1000, 0\)", WORDS, COUNTS, [MATRIX[:, :0]]),
        (
            "id 700 is not finite",
            WORDS,
            COUNTS,
            [MATRIX[:600], np.where(np.arange(400)[:, None] == 100, np.inf, 1).repeat(7, 1).astype(np.float32)],
        ),
    ],
)
def test_content_that_does_not_agree(
    tmp_path: Path, message: str, words: pa.StringArray, counts: np.ndarray, blocks: list[Matrix]
) -> None:
    with pytest.raises(InputError, match=message):
        write_vectors(fs.LocalFileSystem(), str(tmp_path / "out"), words, counts, blocks, {})


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 8))
def test_regroup_keeps_every_row(blocks: list[int], size: int) -> None:
    rows = sum(blocks)
    matrix = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)
    parts = np.split(matrix, np.cumsum(blocks))[:-1] if blocks else []
    sizes = [min(size, rows - start) for start in range(0, rows, size)]
    groups = list(regroup(parts, sizes))
    assert [len(group) for group in groups] == sizes
    np.testing.assert_array_equal(np.concatenate([*groups, matrix[:0]]), matrix)


def test_regroup_does_not_copy_whole_blocks() -> None:
    matrix = np.ones((8, 2), dtype=np.float32)
    assert all(np.shares_memory(group, matrix) for group in regroup([matrix], [4, 4]))

"""Parquet in other layouts: the same bits back, any engine's kinds of columns, and what is malformed is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.vector_files import Collected, awkward_matrix, collect, same_bits, stream_of, words_of
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.formats.checks import checked
from w2v_spark.formats.lenience import STRICT, Lenience, UnicodeErrors
from w2v_spark.formats.output_files import OutputFiles
from w2v_spark.formats.parquet_columns import ParquetColumns, Shape, write_parquet
from w2v_spark.formats.parquet_source import ParquetSource
from w2v_spark.vectors.blocks import Matrix

V, D = 50, 6


def save(path: Path, words: list[str], matrix: Matrix, columns: ParquetColumns) -> None:
    with OutputFiles() as outputs:
        write_parquet(stream_of(words, matrix), outputs.create(path), columns, "table")


def read(path: Path, columns: ParquetColumns, limit: int | None = None) -> Collected:
    return collect(checked(ParquetSource(path, columns), limit, STRICT))


@pytest.mark.parametrize("shape", [*Shape])
@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("count", [None, "n"])
def test_round_trip_is_exact(tmp_path: Path, shape: Shape, double: bool, count: str | None) -> None:
    words, matrix = [*words_of(V - 1), "new york\n"], awkward_matrix(V, D)
    columns = ParquetColumns("token", "e", count, shape, double)
    save(tmp_path / "v.parquet", words, matrix, columns)
    schema = pq.read_schema(tmp_path / "v.parquet")
    numbers = [f"e{i}" for i in range(D)] if shape is Shape.COLUMNS else ["e"]
    assert schema.names == ["token", *([] if count is None else ["n"]), *numbers]
    kind = schema.field(-1).type
    assert (kind if shape is Shape.COLUMNS else kind.value_type) == (pa.float64() if double else pa.float32())
    for limit in (None, 9):
        names, found, counts = read(tmp_path / "v.parquet", ParquetColumns("token", "e", count), limit)
        rows = limit or V
        assert names == words[:limit]
        assert same_bits(found, matrix[:limit])
        assert counts == ([(V - i) * 10 for i in range(rows)] if count else list(range(rows, 0, -1)))


def test_files_of_a_directory_in_order_of_their_names(tmp_path: Path) -> None:
    words, matrix = words_of(V), awkward_matrix(V, D)
    for number, part in enumerate((slice(0, 20), slice(20, 20), slice(20, V))):
        save(tmp_path / f"{number}.parquet", words[:1], matrix[:1], ParquetColumns())
        table = pa.table({"word": words[part], "vector": pa.array(matrix[part].tolist(), pa.large_list(pa.float32()))})
        pq.write_table(table, tmp_path / f"{number}.parquet")
    (tmp_path / "_SUCCESS").touch()
    names, found, _ = read(tmp_path, ParquetColumns())
    assert names == words
    assert same_bits(found, matrix)


def test_what_duckdb_writes(tmp_path: Path) -> None:
    duckdb.sql(f"COPY (SELECT 'w' || i AS word, i::INT AS count, [i / 4, 1.5]::DOUBLE[] AS vector "
               f"FROM range(3) t(i)) TO '{tmp_path}/v.parquet'")  # fmt: skip
    names, found, counts = read(tmp_path / "v.parquet", ParquetColumns(count="count"))
    assert (names, counts) == (["w0", "w1", "w2"], [0, 1, 2])
    assert found.tolist() == [[0, 1.5], [0.25, 1.5], [0.5, 1.5]]


def test_other_kinds_of_columns(tmp_path: Path) -> None:
    table = pa.table(
        {
            "x1": pa.array(np.array([1, 2], np.float16)),
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "x2": pa.array([3.0, 4.0], pa.float64()),
        }
    )
    pq.write_table(table, tmp_path / "v.parquet")
    names, found, _ = read(tmp_path / "v.parquet", ParquetColumns(vector="x"))
    assert names == ["a", "b"]
    assert found.tolist() == [[1, 3], [2, 4]]


def floats(rows: list[Any], kind: pa.DataType | None = None) -> pa.Array:
    return pa.array(rows, kind or pa.list_(pa.float32()))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"word": ["a", "b", "a"], "vector": floats([[1], [2], [3]])}, r"row 3: the word 'a' has .* \(.*row 1\)"),
        ({"word": ["a", None], "vector": floats([[1], [2]])}, "row 2: column 'word' is null"),
        ({"word": ["a", ""], "vector": floats([[1], [2]])}, "row 2: the word is empty"),
        ({"word": ["a", "b"], "vector": floats([[1], None])}, "row 2: column 'vector' is null"),
        ({"word": ["a", "b"], "vector": floats([[1], [None]])}, "row 2: a number of the vector is null"),
        ({"word": ["a", "b"], "vector": floats([[1], [2, 3]])}, "row 2: a vector of 2 numbers, expected 1"),
        ({"word": ["a"], "vector": floats([[]])}, "row 1: a vector of 0 numbers"),
        ({"word": ["a", "b"], "vector": floats([[1], [np.nan]])}, "row 2: number 1 of the vector is nan"),
        ({"word": ["a", "b"], "vector": floats([[1.0], [1e39]], pa.list_(pa.float64()))}, "row 2: number 1 .* is inf"),
        ({"word": ["a"], "vector": floats([[1]], pa.list_(pa.int32()))}, "numbers are int32"),
        ({"word": ["a"], "vector": ["x"]}, "column 'vector' is string, expected lists"),
        ({"word": ["a"]}, "expected a column 'vector', or columns vector0"),
        ({"word": ["a"], "vector0": [1.0], "vector2": [1.0]}, "expected a column 'vector', or columns vector0"),
        ({"word": ["a"], "vector0": [1.0], "vector1": [None]}, "row 1: column 'vector1' is null"),
        ({"vector": floats([[1]])}, "expected a column 'word', found vector"),
        ({"word": [[1]], "vector": floats([[1]])}, "column 'word' is list, expected text"),
        ({"word": ["a"], "vector": [{"type": 1, "values": [1.0]}]}, "column 'vector' is struct, expected lists"),
        ({f"c{i}": [1.0] for i in range(20)}, "column 'word', found c0, c1, c2, c3, c4 and 15 more; word-column names"),
        ({"word": pa.array([], pa.string()), "vector": floats([])}, "0 rows"),
    ],
)  # fmt: skip
def test_malformed_tables(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "v.parquet")
    with pytest.raises(InputError, match=f"v.parquet.*{message}"):
        read(tmp_path / "v.parquet", ParquetColumns())


def test_malformed_counts(tmp_path: Path) -> None:
    pq.write_table(pa.table({"word": ["a"], "vector": floats([[1]]), "n": ["1"]}), tmp_path / "v.parquet")
    with pytest.raises(InputError, match="column 'n' is string, expected whole numbers"):
        read(tmp_path / "v.parquet", ParquetColumns(count="n"))
    with pytest.raises(InputError, match="expected a column 'm'"):
        read(tmp_path / "v.parquet", ParquetColumns(count="m"))


def test_files_of_unequal_length_name_the_later_one(tmp_path: Path) -> None:
    save(tmp_path / "0.parquet", ["a", "b"], np.ones((2, 3), np.float32), ParquetColumns())
    save(tmp_path / "1.parquet", ["c"], np.ones((1, 2), np.float32), ParquetColumns())
    with pytest.raises(InputError, match=r"1.parquet, row 1: a vector of 2 numbers, expected 3 as others"):
        read(tmp_path, ParquetColumns())


def test_files_that_are_not_parquet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a Parquet file nor a directory"):
        read(tmp_path / "absent", ParquetColumns())
    save(tmp_path / "v.parquet", words_of(V), awkward_matrix(V, D), ParquetColumns())
    whole = (tmp_path / "v.parquet").read_bytes()
    (tmp_path / "v.parquet").write_bytes(whole[:-20])
    with pytest.raises(InputError, match=r"v\.parquet cannot be read"):
        read(tmp_path / "v.parquet", ParquetColumns())


def test_names_that_occur_twice_or_are_not_utf_8(tmp_path: Path) -> None:
    """pyarrow itself ends in KeyError and UnicodeDecodeError."""
    path = tmp_path / "v.parquet"
    columns = pa.Table.from_arrays([pa.array(["a"]), *[pa.array([0.5])] * 3], ["word", "vector0", "vector1", "vector1"])
    pq.write_table(columns, path)
    with pytest.raises(InputError, match="expected a column 'vector', or columns vector0, vector1 and so on"):
        read(path, ParquetColumns())
    pq.write_table(pa.table({"word": ["a"], "xxxx0": [0.5]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"xxxx0", b"xx\xffx0"))
    with pytest.raises(InputError, match=r"v\.parquet cannot be read"):
        read(path, ParquetColumns(vector="xx"))


def test_words_that_are_not_utf_8(tmp_path: Path) -> None:
    """Parquet says that they are; nobody has looked."""
    path = tmp_path / "v.parquet"
    pq.write_table(pa.table({"word": ["aaaa", "bbbb"], "vector": floats([[1], [2]])}), path, compression="none")
    path.write_bytes(path.read_bytes().replace(b"bbbb", b"b\xffbb"))
    with pytest.raises(InputError, match=r"v\.parquet, row 2: the word 'b\\xffbb' is not UTF-8"):
        read(path, ParquetColumns())
    lenience = Lenience(unicode_errors=UnicodeErrors.IGNORE)
    assert collect(checked(ParquetSource(path, ParquetColumns(), lenience), None, lenience))[0] == ["aaaa", "bbb"]


def test_fewer_rows_than_the_footer_says(tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    pq.write_table(pa.table({"word": ["a", "b"], "vector": floats([[1], [2]])}), path, store_schema=False)
    content = path.read_bytes()
    two, five = b"\x16\x04\x19\x1c", b"\x16\x0a\x19\x1c"  # the number of rows, and that a list of row groups follows
    path.write_bytes(content.replace(two, five))
    assert pq.read_metadata(path).num_rows == 5
    with pytest.raises(InputError, match=r"v\.parquet: 2 rows could be read, the files are said to have 5"):
        read(path, ParquetColumns())


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rank 1: the word is empty"):
        save(tmp_path / "v.parquet", ["a", ""], np.ones((2, 2), np.float32), ParquetColumns())
    with pytest.raises(ConfigError, match="choose another"):
        save(tmp_path / "v.parquet", ["a"], np.ones((1, 2), np.float32), ParquetColumns("v1", "v", shape=Shape.COLUMNS))
    assert list(tmp_path.iterdir()) == []
    for names in [("a", "a", None), ("a", "b", "a"), ("", "b", None), ("a", "b", "")]:
        with pytest.raises(ConfigError, match="a name of its own"):
            ParquetColumns(*names)

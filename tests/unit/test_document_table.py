"""The tables of documents and tags: what is written is what is read, in any batches, and what is wrong is named."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from w2v_spark.errors import InputError, StoreError
from w2v_spark.publishing.layout import Kind, find_foreign
from w2v_spark.storage import Directory
from w2v_spark.vectors import checksums, document_table, table_source
from w2v_spark.vectors.document_table import (
    TAG_SCHEMA,
    DocumentBatch,
    document_schema,
    write_documents_part,
    write_tags,
)
from w2v_spark.vectors.labelled_rows import LabelledRows, open_rows, read_rows
from w2v_spark.vectors.table_format import DOCUMENT_TABLE, TAG_TABLE

N, D = 50, 16
LOCAL = fs.LocalFileSystem()
MATRIX = np.random.default_rng(3).standard_normal((N, D)).astype(np.float32)
TOKENS = np.arange(N, dtype=np.int64) * 3
IDS = pa.array([f"döc{i}" for i in range(N)])
MISSING = np.isin(np.arange(N), [0, 7, 30, *range(32, 48)])  # a row group of 16 has no vector at all


@pytest.fixture(autouse=True)
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of 16 rows, in blocks of 4."""
    monkeypatch.setattr(document_table, "ROWS_PER_GROUP", 16)
    monkeypatch.setattr(checksums, "BLOCK_BYTES", 4 * 4 * D)


def cut(rows: int, ids: pa.Array = IDS, matrix: Any = MATRIX, missing: Any = None) -> Iterator[DocumentBatch]:
    for start in range(0, len(ids), rows):
        part = slice(start, start + rows)
        mask = None if missing is None else missing[part]
        yield DocumentBatch(ids[part], TOKENS[: len(ids)][part], matrix[part], mask)


def write(path: Path, batches: Any = None, id_type: Any = None, dim: int = D, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    given = cut(20) if batches is None else batches
    metadata = options.pop("metadata", {"config": "{}"})
    write_documents_part(LOCAL, str(path), id_type or pa.string(), dim, given, metadata, **options)
    return path


def write_two(directory: Path, **options: Any) -> Path:
    """Files of 20 and 30 documents."""
    write(directory / "part-00000.parquet", cut(9, IDS[:20], MATRIX[:20], MISSING[:20]), files=2, **options)
    second = [DocumentBatch(IDS[20:], TOKENS[20:], MATRIX[20:], MISSING[20:])]
    write(directory / "part-00001.parquet", second, files=2, **options)
    if directory.name == "documents":
        (directory.parent / "_SUCCESS").touch()
    return directory


def assert_all(rows: LabelledRows, missing: Any = MISSING) -> None:
    assert rows.labels["id"].to_pylist() == IDS.filter(pa.array(~missing)).to_pylist()
    assert rows.labels["tokens"].to_pylist() == TOKENS[~missing].tolist()
    assert rows.without["id"].to_pylist() == IDS.filter(pa.array(missing)).to_pylist()
    assert rows.stack.to_matrix().tobytes() == MATRIX[~missing].tobytes()


def test_what_is_written_is_mapped_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_two(tmp_path / "documents")
    mapped = open_rows(tmp_path, DOCUMENT_TABLE)
    assert_all(mapped)
    assert mapped.metadata["dim"] == "16"
    monkeypatch.setattr(table_source.mmap, "mmap", lambda *_, **__: (_ for _ in ()).throw(OSError(19, "no")))
    assert_all(open_rows(tmp_path / "documents", DOCUMENT_TABLE))


def test_the_vectors_of_files_of_ours_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_two(tmp_path / "documents")
    monkeypatch.setattr("w2v_spark.vectors.part_file.PartReader.vectors", lambda *_: pytest.fail("they were read"))
    assert_all(open_rows(tmp_path, DOCUMENT_TABLE))


@pytest.mark.parametrize("rows", [1, 7, 16, 17, 50])
@pytest.mark.parametrize("missing", [None, MISSING])
def test_bytes_do_not_depend_on_batches(tmp_path: Path, rows: int, missing: Any) -> None:
    expected = write(tmp_path / "a", cut(N, missing=missing)).read_bytes()
    empty = DocumentBatch(IDS[:0], TOKENS[:0], MATRIX[:0])
    assert write(tmp_path / "b", [empty, *cut(rows, missing=missing), empty]).read_bytes() == expected


def test_other_programs_see_documents_and_nulls(tmp_path: Path) -> None:
    path = write(tmp_path / "part-00000.parquet", cut(N, missing=MISSING))
    assert pq.read_schema(path).remove_metadata().equals(document_schema(pa.string()))
    rows = pq.read_table(path)
    assert rows["vector"].is_null().to_pylist() == MISSING.tolist()
    assert np.array_equal(np.stack(rows["vector"].drop_null().to_pylist()).astype(np.float32), MATRIX[~MISSING])
    found = duckdb.sql(f"SELECT id, tokens, vector[2] FROM '{path}' ORDER BY tokens").fetchall()
    expected = [None if lost else float(row[1]) for row, lost in zip(MATRIX, MISSING, strict=True)]
    assert found == list(zip(IDS.to_pylist(), TOKENS.tolist(), expected, strict=True))
    assert pq.read_metadata(path).metadata[b"w2v.rows"] == b"50"


def test_a_table_that_another_program_wrote_anew_is_read(tmp_path: Path) -> None:
    write_two(tmp_path / "documents")
    (tmp_path / "copy").mkdir()
    pq.write_table(pq.read_table(tmp_path / "documents"), tmp_path / "copy" / "all.parquet", row_group_size=20)
    assert_all(open_rows(tmp_path / "copy", DOCUMENT_TABLE))
    assert_ranges(tmp_path / "copy")


def assert_ranges(location: Path) -> None:
    whole = MATRIX[~MISSING]
    for start in range(len(whole)):
        for stop in (start + 1, min(start + 13, len(whole)), len(whole)):
            rows = read_rows(location, DOCUMENT_TABLE, start, stop)
            assert rows.stack.to_matrix().tobytes() == whole[start:stop].tobytes()
            assert rows.labels["id"].to_pylist() == IDS.filter(pa.array(~MISSING)).to_pylist()[start:stop]


def test_any_range_of_rows_is_read_alone(tmp_path: Path) -> None:
    assert_ranges(write_two(tmp_path))


SIMPLE = [
    (pa.int64(), [-5, 2**40]),
    (pa.int8(), [1, 2]),
    (pa.string(), ["", "é\x00"]),
    (pa.binary(), [b"\xff", b""]),
    (pa.date32(), [datetime.date(1900, 1, 1), datetime.date(2024, 2, 29)]),
    (pa.timestamp("us", tz="UTC"), [datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)] * 2),
    (pa.decimal128(20, 2), [Decimal("1.10"), Decimal("-3.00")]),
    (pa.float64(), [1.5, -0.25]),
    (pa.bool_(), [True, False]),
]


@pytest.mark.parametrize(("kind", "values"), SIMPLE, ids=lambda value: str(value)[:20])
def test_ids_of_every_simple_type_are_kept(tmp_path: Path, kind: Any, values: list[Any]) -> None:
    write(tmp_path / "part-00000.parquet", [DocumentBatch(pa.array(values, kind), TOKENS[:2], MATRIX[:2])], kind)
    labels = open_rows(tmp_path, DOCUMENT_TABLE).labels
    assert labels["id"].type == kind
    assert labels["id"].to_pylist() == values


def test_files_without_documents_are_parts_of_a_table(tmp_path: Path) -> None:
    write(tmp_path / "part-00000.parquet", [])
    with pytest.raises(StoreError, match="the table of documents is empty"):
        open_rows(tmp_path, DOCUMENT_TABLE)
    write(tmp_path / "part-00001.parquet", cut(50, missing=MISSING))
    assert_all(open_rows(tmp_path, DOCUMENT_TABLE))


def test_a_table_without_any_vector_has_a_dimension(tmp_path: Path) -> None:
    write(tmp_path / "part-00000.parquet", cut(50, missing=np.ones(N, np.bool_)))
    rows = open_rows(tmp_path, DOCUMENT_TABLE)
    assert rows.stack.shape == (0, D)
    assert len(rows.without) == N


def test_every_byte_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "part-00000.parquet", cut(20, IDS[:20], MATRIX[:20], MISSING[:20]))
    content, unnoticed, unnamed = path.read_bytes(), [], []
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        try:
            rows = open_rows(tmp_path, DOCUMENT_TABLE) if place % 2 else read_rows(tmp_path, DOCUMENT_TABLE, 0, 20)
            _ = rows.stack.to_matrix()
            unnoticed.append(place)
        except StoreError as error:
            unnamed += [] if "part-00000.parquet" in str(error) else [place]
    assert (unnoticed, unnamed) == ([], [])


def test_a_missing_file_is_noticed(tmp_path: Path) -> None:
    write_two(tmp_path)
    (tmp_path / "part-00000.parquet").unlink()
    with pytest.raises(StoreError, match="holds 1 of 2 files: files are missing"):
        open_rows(tmp_path, DOCUMENT_TABLE)


def test_files_of_two_tables_are_not_one(tmp_path: Path) -> None:
    write_two(tmp_path)
    write(tmp_path / "part-00001.parquet", files=2, metadata={"config": '{"dim": 17}'})
    with pytest.raises(StoreError, match=r"part-00001.parquet is not of one table with part-00000.parquet.*'config'"):
        open_rows(tmp_path, DOCUMENT_TABLE)


def test_ids_of_two_types_are_no_table(tmp_path: Path) -> None:
    write(tmp_path / "part-00000.parquet")
    numbers = [DocumentBatch(pa.array([1]), TOKENS[:1], MATRIX[:1])]
    write(tmp_path / "part-00001.parquet", numbers, pa.int64())
    with pytest.raises(StoreError, match=f"{tmp_path} cannot be read"):
        open_rows(tmp_path, DOCUMENT_TABLE)


def test_a_result_without_documents_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds no table of documents"):
        open_rows(tmp_path, DOCUMENT_TABLE)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [[1]], "tokens": [1], "vector": [[1.0]]}, "column 'id' is list<.*expected a simple type"),
        ({"id": [1], "vector": [[1.0]]}, "column 'tokens' is missing, expected int64"),
        ({"id": [None], "tokens": [1], "vector": [[1.0]]}, "column 'id' is null"),
        ({"id": [None, 1], "tokens": [1, 1], "vector": [[1.0]] * 2}, "null values near row 0; a table of documents"),
        ({"id": [1, 2], "tokens": [1, 1], "vector": [[1.0], [1.0, 2.0]]}, "vectors of length 1 to 2"),
        ({"id": [1, 2], "tokens": [1, 1], "vector": [[1.0], [np.nan]]}, "the vectors of rows 0 to 1 are not all fin"),
    ],
)
def test_tables_of_other_programs_that_are_wrong(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    table = pa.table(columns)
    vector = table["vector"].cast(pa.list_(pa.float32()))
    pq.write_table(table.set_column(table.num_columns - 1, "vector", vector), tmp_path / "a.parquet")
    with pytest.raises(StoreError, match=message):
        open_rows(tmp_path, DOCUMENT_TABLE)


NOT_FINITE = MATRIX.copy()
NOT_FINITE[[7, 40], 3] = np.nan


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (DocumentBatch(pa.array([1] * N), TOKENS, MATRIX), "50 ids of type int64.*expected ids of type string"),
        (DocumentBatch(IDS, TOKENS[1:], MATRIX), "expected ids of type string, and for each a number of tokens"),
        (DocumentBatch(IDS, TOKENS, MATRIX[:, 1:]), "and 16 numbers"),
        (DocumentBatch(IDS, TOKENS, MATRIX.astype(np.float64)), "vectors are float64, expected float32"),
        (DocumentBatch(IDS, TOKENS, MATRIX, MISSING[1:]), "a mask .* for 50 documents"),
        (DocumentBatch(pa.array([None, *IDS[1:].to_pylist()]), TOKENS, MATRIX), "1 of 50 values of 'id' are null"),
        (DocumentBatch(IDS, TOKENS, NOT_FINITE, MISSING), "the vector of row 40 is not finite"),
    ],
)
def test_batches_that_are_wrong(tmp_path: Path, batch: DocumentBatch, message: str) -> None:
    if batch.matrix is NOT_FINITE:  # the other one is missing, row 40 is not
        batch = batch._replace(missing=MISSING & (np.arange(N) != 40))
    with pytest.raises(InputError, match=message):
        write(tmp_path / "part", [batch])


def test_ids_that_cannot_be_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ids of type list<item: int64> cannot name documents"):
        write(tmp_path / "part", [], pa.list_(pa.int64()))


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 20), st.integers(1, 20))
def test_any_mask_in_any_batches(tmp_path_factory: Any, missing: list[bool], rows: int, dim: int) -> None:
    directory = tmp_path_factory.mktemp("any")
    mask = np.array(missing)
    ids, matrix = pa.array(range(len(mask))), np.arange(len(mask) * dim, dtype=np.float32).reshape(-1, dim)
    write(directory / "part-00000.parquet", cut(rows, ids, matrix, mask), pa.int64(), dim)
    found = open_rows(directory, DOCUMENT_TABLE)
    assert found.labels["id"].to_pylist() == np.flatnonzero(~mask).tolist()
    assert np.array_equal(found.stack.to_matrix(), matrix[~mask])


# Tags

NAMES, VALUES = pa.array(["party", "party", "month"]), pa.array(["a", "b", "a"])


def test_tags_are_written_and_read(tmp_path: Path) -> None:
    (tmp_path / "tags").mkdir()
    path = tmp_path / "tags" / "part-00000.parquet"
    write_tags(LOCAL, str(path), (NAMES, VALUES), TOKENS[:3], TOKENS[3:6], MATRIX[:3], {"config": "{}"})
    (tmp_path / "_SUCCESS").touch()
    rows = open_rows(tmp_path, TAG_TABLE)
    assert pq.read_schema(path).remove_metadata().equals(TAG_SCHEMA)
    assert rows.labels.to_pydict() == {
        "tag": ["party", "party", "month"], "value": ["a", "b", "a"], "documents": [0, 3, 6], "tokens": [9, 12, 15],
    }  # fmt: skip
    assert rows.stack.to_matrix().tobytes() == MATRIX[:3].tobytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": (NAMES, VALUES[:2])}, "tags of lengths 3, 2, 3, 3 with a matrix"),
        ({"matrix": MATRIX[:2]}, "expected one length"),
        ({"labels": (NAMES, pa.array(["a", "a", "a"]))}, "3 tags, of which 2 are distinct"),
        ({"labels": (NAMES, pa.array(["a", None, "a"]))}, "1 of 3 values of 'value' are null"),
        ({"matrix": NOT_FINITE[5:8]}, "the vector of row 2 is not finite"),
    ],
)
def test_tags_that_are_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    content = {"labels": (NAMES, VALUES), "documents": TOKENS[:3], "tokens": TOKENS[:3], "matrix": MATRIX[:3]}
    with pytest.raises(InputError, match=message):
        write_tags(LOCAL, str(tmp_path / "part"), **{**content, **changes}, metadata={})


# Marks


def test_a_model_of_documents_is_recognised_as_our_own(tmp_path: Path) -> None:
    write_two(tmp_path / "documents")
    (tmp_path / "state").mkdir()
    for name in ("w_in.npy", "w_node.npy"):
        np.save(tmp_path / "state" / name, MATRIX)
    (tmp_path / "tags").mkdir()
    tags = str(tmp_path / "tags" / "part-00000.parquet")
    write_tags(LOCAL, tags, (NAMES, VALUES), TOKENS[:3], TOKENS[:3], MATRIX[:3], {})
    (tmp_path / "_SUCCESS").touch()
    directory = Directory.open(tmp_path)
    assert find_foreign(directory, Kind.VECTORS) is None
    (tmp_path / "state" / "mine.npy").touch()
    assert find_foreign(directory, Kind.VECTORS) == "state/mine.npy"
    assert find_foreign(directory, Kind.DOCUMENTS) == "state"


def test_inferred_documents_are_recognised_as_our_own(tmp_path: Path) -> None:
    write_two(tmp_path / "documents")
    hidden = ".documents.0123456789abcdef0123456789abcdef.old"
    write_two(tmp_path / hidden)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "lock.json").write_text(json.dumps({"made_by": "w2v-spark", "token": "1"}))
    directory = Directory.open(tmp_path)
    assert find_foreign(directory, Kind.DOCUMENTS) is None
    (tmp_path / hidden / "mine").touch()
    assert find_foreign(directory, Kind.DOCUMENTS) == f"{hidden}/mine"

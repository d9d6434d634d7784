"""Tables of documents, ours and others'."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from tests.fuzz.target import Target, scratch
from tests.fuzz.vector_targets import PARQUET, D, seal
from w2v_spark.vectors import checksums, document_table
from w2v_spark.vectors.document_table import DocumentBatch, write_documents_part
from w2v_spark.vectors.labelled_rows import LabelledRows, open_rows, read_rows
from w2v_spark.vectors.table_format import DOCUMENT_TABLE

N = 20
IDS = pa.array([f"döc{row}" for row in range(N)])
TOKENS = np.arange(N, dtype=np.int64)
MATRIX = np.random.default_rng(2).standard_normal((N, D)).astype(np.float32)
MISSING = np.isin(np.arange(N), [3, 4, *range(8, 16)])  # a row group of 8 has no vector at all


@lru_cache(maxsize=1)
def _own_tables() -> list[bytes]:
    """The one file of a table, with and without nulls, in row groups of 8 rows and blocks of 4."""
    before = document_table.ROWS_PER_GROUP, checksums.BLOCK_BYTES
    document_table.ROWS_PER_GROUP, checksums.BLOCK_BYTES = 8, 4 * 4 * D
    contents = []
    try:
        for missing in (None, MISSING):
            path = scratch() / "documents.parquet"
            batches = [DocumentBatch(IDS, TOKENS, MATRIX, missing)]
            write_documents_part(fs.LocalFileSystem(), str(path), IDS.type, D, batches, {"config": "{}"}, 1)
            contents.append(path.read_bytes())
    finally:
        document_table.ROWS_PER_GROUP, checksums.BLOCK_BYTES = before
    return contents


@lru_cache(maxsize=1)
def _other_tables() -> list[bytes]:
    """The same as other programs write it, with ids of several types."""
    lists = pa.array([None if gone else row for row, gone in zip(MATRIX, MISSING, strict=True)], pa.list_(pa.float32()))
    contents = []
    for ids in (IDS, IDS.cast(pa.large_string()), pa.array(range(N)), pa.array(range(N)).cast(pa.timestamp("us"))):
        file = io.BytesIO()
        table = pa.table({"id": ids, "tokens": TOKENS, "vector": lists})
        pq.write_table(table, file, row_group_size=8, use_dictionary=False)
        contents.append(file.getvalue())
    return contents


def _read(data: bytes) -> LabelledRows:
    """In both ways in which it is read, which agree."""
    directory = scratch() / "documents"
    directory.mkdir(exist_ok=True)
    path: Path = directory / "part-00000.parquet"
    path.write_bytes(data)
    rows = open_rows(directory, DOCUMENT_TABLE)
    matrix = rows.stack.to_matrix()
    assert np.isfinite(matrix).all(), "numbers that are not finite"
    assert len(rows.labels) == len(matrix)
    if len(matrix):
        again = read_rows(directory, DOCUMENT_TABLE, 0, len(matrix))
        assert again.stack.to_matrix().tobytes() == matrix.tobytes()
        assert again.labels.equals(rows.labels)
    return rows


def read_table(data: bytes) -> None:
    """Any table."""
    _read(data)


def read_own_table(data: bytes) -> None:
    """A damaged table of ours gives what was written, or nothing at all."""
    rows = _read(data)
    if b"w2v." not in data:  # so much is gone that it is any table
        return
    missing = np.isin(TOKENS, rows.without["tokens"].to_numpy())
    assert missing.sum() in (0, MISSING.sum())
    assert rows.labels["id"].to_pylist() == IDS.filter(pa.array(~missing)).to_pylist(), "other ids than were written"
    assert rows.stack.to_matrix().tobytes() == MATRIX[~missing].tobytes(), "other vectors than were written"


def read_forged_table(data: bytes) -> None:
    """A table whose digests fit whatever is in it."""
    _read(seal(data))


_FORGED = (*PARQUET, b'"rows":', b'"nulls":', b"w2v.dim", b"-1", b"1e3", b"[]", b"null")
TARGETS = {
    "own-documents": Target(_own_tables, read_own_table, PARQUET),
    "forged-documents": Target(_own_tables, read_forged_table, _FORGED),
    "other-documents": Target(_other_tables, read_table, PARQUET),
}

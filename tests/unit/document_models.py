"""A small model of documents, words and tags, as a training leaves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import fs

from w2v_spark.storage import Directory
from w2v_spark.vectors.document_table import DocumentBatch, write_documents_part, write_tags
from w2v_spark.vectors.table import write_vectors

LOCAL = fs.LocalFileSystem()
D = 16
WORDS = [f"w{row}" for row in range(60)]
TAGS = [("party", "a"), ("party", "b"), ("month", "a"), ("month", "2024-01"), ("month", "2024-02")]


def random_matrix(rows: int, seed: int, dim: int = D) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)


WORD_MATRIX, TAG_MATRIX = random_matrix(len(WORDS), 1), random_matrix(len(TAGS), 2)
N = 150
DOCUMENT_MATRIX = random_matrix(N, 3)
DOCUMENT_MATRIX[140] = DOCUMENT_MATRIX[20]  # in another file
DOCUMENT_MATRIX[77] = 0
MISSING = np.isin(np.arange(N), [5, 99])
ROWS = np.flatnonzero(~MISSING)


def write_documents(
    directory: Path, ids: pa.Array, matrix: Any, missing: Any = None, files: int = 2, metadata: Any = None
) -> Path:
    write_document_files(Directory.open(directory).create(), ids, matrix, missing, files, metadata)
    return directory


def write_document_files(
    directory: Directory, ids: pa.Array, matrix: Any, missing: Any = None, files: int = 2, metadata: Any = None
) -> None:
    step = -(-len(ids) // files)
    for number in range(files):
        part = slice(number * step, (number + 1) * step)
        mask = None if missing is None else missing[part]
        batch = DocumentBatch(ids[part], np.arange(len(ids), dtype=np.int64)[part], matrix[part], mask)
        path = directory.file(f"part-{number:05d}.parquet")
        write_documents_part(directory.filesystem, path, ids.type, matrix.shape[1], [batch], metadata or {}, files)


def write_model(directory: Path, ids: pa.Array, with_tags: bool = True, metadata: Any = None) -> Path:
    """Vectors, documents in two files, and tags."""
    said = metadata or {}
    counts = np.arange(len(WORDS), 0, -1, dtype=np.int64)
    write_vectors(LOCAL, str(directory / "vectors"), pa.array(WORDS), counts, [WORD_MATRIX], said)
    write_documents(directory / "documents", ids, DOCUMENT_MATRIX, MISSING, metadata=said)
    if with_tags:
        (directory / "tags").mkdir()
        names, values = (pa.array(column) for column in zip(*TAGS, strict=True))
        numbers = np.arange(len(TAGS), dtype=np.int64)
        path = str(directory / "tags" / "part-00000.parquet")
        write_tags(LOCAL, path, (names, values), numbers, numbers * 10, TAG_MATRIX, said)
    (directory / "_SUCCESS").touch()
    return directory

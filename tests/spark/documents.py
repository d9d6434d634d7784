"""Small corpora for tests of the main job, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

DOCUMENTS = [
    "The cat sat. The dog ran! A cat ran",
    "the dog sat on the cat",
    "Émile's dog",
]
COUNTS = {"the": 4, "cat": 3, "dog": 3, "ran": 2, "sat": 2, "a": 1, "on": 1, "s": 1, "émile": 1}
SENTENCES = 5

REPEATED = ["the cat sat on the mat", "the dog sat on the cat", "a dog and a cat"] * 20


def write_text(path: Path, documents: Sequence[str] = REPEATED, newline: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(document + newline for document in documents).encode())
    return path


def write_parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def half(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path

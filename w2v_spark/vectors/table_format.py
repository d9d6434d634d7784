"""What the tables with vectors have in common, and in what they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from w2v_spark.publishing.layout import DOCUMENTS, NGRAMS, TAGS, VECTORS
from w2v_spark.vectors.table import VECTOR_SCHEMA

VECTOR: Final = "vector"
_LIST: Final = pa.list_(pa.float32())


@dataclass(frozen=True, slots=True)
class TableFormat:
    """One kind of published table, of which the last column is the vector.

    Attributes
    ----------
    name : str
        What messages call it.
    folder : str
        Its place below an output directory.
    columns : mapping of str to pa.DataType or None
        Types by name; None stands for any simple type.
    is_numbered : bool
        Rows have the numbers 0, 1, ... as ids, and files follow each other. Otherwise files are written at the same
        time, and are of one table if they say the same of it.
    may_lack_vectors : bool
        A vector may be null.
    """

    name: str
    folder: str
    columns: Mapping[str, pa.DataType | None]
    is_numbered: bool = False
    may_lack_vectors: bool = False

    @property
    def labels(self) -> list[str]:
        """All columns but the vector."""
        return [name for name in self.columns if name != VECTOR]

    @property
    def places(self) -> str:
        """What messages call the numbers of rows."""
        return "ids" if self.is_numbered else "rows"


WORD_TABLE: Final = TableFormat(
    "vector table", VECTORS, dict(zip(VECTOR_SCHEMA.names, VECTOR_SCHEMA.types, strict=True)), is_numbered=True
)
DOCUMENT_TABLE: Final = TableFormat(
    "table of documents", DOCUMENTS, {"id": None, "tokens": pa.int64(), VECTOR: _LIST}, may_lack_vectors=True
)
TAG_TABLE: Final = TableFormat(
    "table of tags",
    TAGS,
    {"tag": pa.string(), "value": pa.string(), "documents": pa.int64(), "tokens": pa.int64(), VECTOR: _LIST},
)
NGRAM_TABLE: Final = TableFormat("table of n-grams", NGRAMS, {"ngram": None, "words": pa.int64(), VECTOR: _LIST})
"""Strings, or the numbers of the buckets that n-grams share."""

TABLES: Final[Mapping[str, TableFormat]] = {"words": WORD_TABLE, "documents": DOCUMENT_TABLE, "tags": TAG_TABLE}
"""By what their rows are."""


def is_simple(kind: pa.DataType) -> bool:
    """Whether values of a type can name documents: no lists, structs and the like."""
    tests = (
        pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean,
        pa.types.is_binary, pa.types.is_large_binary, pa.types.is_date, pa.types.is_timestamp, pa.types.is_decimal,
    )  # fmt: skip
    return any(test(kind) for test in tests)

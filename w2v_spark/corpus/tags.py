"""The tags of documents: which there are, with how much text each, and the row that each has."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from w2v_spark.storage import Directory, errors_naming

_SCHEMA = pa.schema([("tag", pa.string()), ("value", pa.string()), ("documents", pa.int64()), ("share", pa.float64())])


@dataclass(frozen=True, slots=True, eq=False)
class Tags:
    """All values of all tags, in the order of their rows: tag by tag, the most frequent value first.

    Attributes
    ----------
    names : tuple of str
        The tags, in the order in which they were given.
    table : pa.Table, (T rows)
        Columns ``tag``, ``value``, ``documents`` (int64) and ``share`` (float64, of the text, 0..1).
    """

    names: tuple[str, ...]
    table: pa.Table

    @classmethod
    def none(cls) -> Self:
        """Of documents without tags."""
        return cls((), _SCHEMA.empty_table())

    @classmethod
    def build(cls, names: Sequence[str], counted: pa.Table) -> Self:
        """In order, from rows in any order.

        Parameters
        ----------
        counted : pa.Table
            Columns ``number`` (of the tag), ``value``, ``documents`` and ``size``; and the row of all documents,
            whose number is -1.
        """
        numbers = np.asarray(counted["number"])
        total = float(counted.filter(pa.array(numbers < 0))["size"][0].as_py() or 0)
        rows = counted.filter(pa.array(numbers >= 0)).sort_by(
            [("number", "ascending"), ("documents", "descending"), ("value", "ascending")]
        )
        tags = pa.array(list(names), pa.string()).take(rows["number"]) if len(rows) else pa.array([], pa.string())
        share = np.asarray(rows["size"], np.float64) / max(total, 1.0)
        columns = [tags, rows["value"].cast(pa.string()), rows["documents"].cast(pa.int64()), pa.array(share)]
        return cls(tuple(names), pa.table(columns, schema=_SCHEMA))

    def __len__(self) -> int:
        return len(self.table)

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """The share of the text that has each value, (T,)."""
        return np.asarray(self.table["share"], np.float64)

    def rows(self, number: int, values: pa.Array) -> npt.NDArray[np.int64]:
        """The rows of some values of the tag of that number, (n,); -1 for null and for unknown values."""
        is_own = pc.equal(self.table["tag"], self.names[number])
        own = np.flatnonzero(np.asarray(is_own)) if len(self) else np.zeros(0, np.int64)
        if not len(own) or not len(values):
            return np.full(len(values), -1, np.int64)
        known = self.table["value"].take(pa.array(own)).combine_chunks()
        found = pc.index_in(values.cast(pa.string()), value_set=known, skip_nulls=True)
        places = np.asarray(pc.fill_null(found, -1)).astype(np.int64)
        return np.where(places >= 0, own[0] + places, -1)

    def to_bytes(self) -> bytes:
        """As a Parquet file."""
        sink = io.BytesIO()
        names = {b"tags": "\0".join(self.names).encode()}
        pq.write_table(self.table.replace_schema_metadata(names), sink, compression="zstd")
        return sink.getvalue()

    @classmethod
    def read(cls, directory: Directory, file: str, expected: str) -> Self:
        """What `to_bytes` made, by its digest. Raises `StoreError` if it is missing or damaged."""
        with errors_naming(f"{directory.uri}/{file}"):
            table = pq.read_table(io.BytesIO(directory.read_bytes(file, expected)))
        joined = (table.schema.metadata or {}).get(b"tags", b"").decode()
        return cls(tuple(joined.split("\0")) if joined else (), table)

"""Tables of what words become as Parquet files, which results and runs keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import METADATA_PREFIX
from w2v_spark.storage import Directory, damage_naming, errors_naming

FORMAT_VERSION: Final = "1"


def table_to_bytes(table: pa.Table, metadata: Mapping[str, str] | None = None) -> bytes:
    """A table as Parquet, with what the file is to say of the model."""
    sink = pa.BufferOutputStream()
    own = {"format_version": FORMAT_VERSION, **(metadata or {})}
    labels = {f"{METADATA_PREFIX}{key}".encode(): value.encode() for key, value in own.items()}
    pq.write_table(table.replace_schema_metadata(labels), sink)
    return bytes(sink.getvalue().to_pybytes())


def read_table_file(directory: Directory, name: str, schema: pa.Schema, kind: str, expected: str | None) -> pa.Table:
    """What `table_to_bytes` made; `StoreError` if it is something else, by its digest where that is known."""
    shown = f"{directory.uri}/{name}"
    with damage_naming(shown), errors_naming(shown):
        table = pq.read_table(pa.BufferReader(directory.read_bytes(name, expected)))
        if table.schema.names != schema.names:
            raise StoreError(f"{shown} is no {kind}: its columns are {table.schema.names}")
        return table.cast(schema).combine_chunks()

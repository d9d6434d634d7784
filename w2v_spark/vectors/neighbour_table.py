"""The table of nearest neighbours: one Parquet row a word, document or tag, with its neighbours as a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.tiled import Neighbours
from w2v_spark.vectors.table import METADATA_PREFIX

NEIGHBOURS: Final = "neighbours"
QUERY_COLUMNS: Final[Mapping[str, list[str]]] = {"words": ["id", "word"], "documents": ["id"], "tags": ["tag", "value"]}
"""By which columns of its table a row is named that gets neighbours."""
NAME_COLUMNS: Final[Mapping[str, list[str]]] = {**QUERY_COLUMNS, "words": ["word"]}
"""By which columns a neighbour is named."""


def neighbour_schema(queries: pa.Schema, candidates: pa.Schema) -> pa.Schema:
    """Columns of the table, from those that name a row and those that name a neighbour.

    Neighbours come by falling similarity.
    """
    names = [pa.field(field.name, field.type, nullable=False) for field in candidates]
    neighbour = pa.struct([*names, pa.field("similarity", pa.float32(), nullable=False)])
    lists = pa.list_(pa.field("element", neighbour, nullable=False))
    own = [pa.field(field.name, field.type, nullable=False) for field in queries]
    return pa.schema([*own, pa.field(NEIGHBOURS, lists, nullable=False)])


NEIGHBOUR_SCHEMA: Final = neighbour_schema(
    pa.schema([("id", pa.int32()), ("word", pa.string())]), pa.schema([("word", pa.string())])
)
"""Of words among words; ``id`` is the rank of the word."""

_GROUP_NEIGHBOURS: Final = 1 << 20  # about 10 MB before compression


def to_batch(found: Neighbours, queries: pa.Table, candidates: pa.Table) -> pa.RecordBatch:
    """A record batch of `neighbour_schema`, a row a query.

    Parameters
    ----------
    found : Neighbours
    queries : pa.Table, (Q,)
        What names the rows that get neighbours, by their numbers in ``found``.
    candidates : pa.Table, (V,)
        What names the rows that are neighbours.
    """
    schema = neighbour_schema(queries.schema, candidates.schema)
    lists_type = schema.field(NEIGHBOURS).type
    taken = np.arange(found.ids.shape[1]) < found.lengths[:, None]
    names = [*_take(candidates, found.ids[taken]), pa.array(found.similarities[taken])]
    offsets = np.zeros(len(found.queries) + 1, dtype=np.int32)
    np.cumsum(found.lengths, out=offsets[1:])
    structs = pa.StructArray.from_arrays(names, fields=list(lists_type.value_type))
    lists = pa.ListArray.from_arrays(pa.array(offsets), structs, type=lists_type)
    return pa.record_batch([*_take(queries, found.queries), lists], schema=schema)


def _take(labels: pa.Table, rows: Ids) -> list[pa.Array]:
    numbers = pa.array(rows)
    return [column.take(numbers).combine_chunks() for column in labels.columns]


def write_neighbours(
    filesystem: fs.FileSystem,
    path: str,
    batches: Iterable[pa.RecordBatch],
    metadata: Mapping[str, str],
    schema: pa.Schema = NEIGHBOUR_SCHEMA,
) -> None:
    """Write one file of the table, in row groups of about a million neighbours.

    Parameters
    ----------
    batches : iterable of pa.RecordBatch
        As `to_batch` makes them. No more than a row group is held.
    metadata : mapping of str to str
        Written into the file under ``w2v.`` + key.
    schema : pa.Schema
        Of the batches.
    """
    with pq.ParquetWriter(
        path,
        schema,
        filesystem=filesystem,
        compression="zstd",
        write_statistics=[name for name in schema.names if name != NEIGHBOURS],
        store_schema=False,
    ) as writer:
        group: list[pa.RecordBatch] = []
        for batch in batches:
            group.append(batch)
            if sum(len(part[NEIGHBOURS].values) for part in group) >= _GROUP_NEIGHBOURS:
                _write_group(writer, group)
                group = []
        if group:
            _write_group(writer, group)
        writer.add_key_value_metadata({METADATA_PREFIX + key: value for key, value in sorted(metadata.items())})


def _write_group(writer: pq.ParquetWriter, group: list[pa.RecordBatch]) -> None:
    table = pa.Table.from_batches(group)
    writer.write_table(table, row_group_size=len(table))

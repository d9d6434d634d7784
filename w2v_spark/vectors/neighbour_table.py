"""The table of nearest neighbours: one Parquet row a word, with its neighbours as a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from w2v_spark.vectors.search.tiled import Neighbours
from w2v_spark.vectors.table import METADATA_PREFIX

_NEIGHBOUR: Final = pa.struct(
    [pa.field("word", pa.string(), nullable=False), pa.field("similarity", pa.float32(), nullable=False)]
)
NEIGHBOUR_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("word", pa.string(), nullable=False),
        pa.field("neighbours", pa.list_(pa.field("element", _NEIGHBOUR, nullable=False)), nullable=False),
    ]
)
"""Columns of the table; ``id`` is the rank of the word, neighbours come by falling similarity."""

_GROUP_NEIGHBOURS: Final = 1 << 20  # about 10 MB before compression


def to_batch(found: Neighbours, words: pa.StringArray) -> pa.RecordBatch:
    """A record batch of `NEIGHBOUR_SCHEMA`, a row a query.

    Parameters
    ----------
    found : Neighbours
    words : pa.StringArray, (V,)
        All words in rank order.
    """
    taken = np.arange(found.ids.shape[1]) < found.lengths[:, None]
    names, similarities = words.take(pa.array(found.ids[taken])), pa.array(found.similarities[taken])
    offsets = np.zeros(len(found.queries) + 1, dtype=np.int32)
    np.cumsum(found.lengths, out=offsets[1:])
    structs = pa.StructArray.from_arrays([names, similarities], fields=list(_NEIGHBOUR))
    lists = pa.ListArray.from_arrays(pa.array(offsets), structs, type=NEIGHBOUR_SCHEMA.field("neighbours").type)
    queries = pa.array(found.queries)
    return pa.record_batch([queries, words.take(queries), lists], schema=NEIGHBOUR_SCHEMA)


def write_neighbours(
    filesystem: fs.FileSystem, path: str, batches: Iterable[pa.RecordBatch], metadata: Mapping[str, str]
) -> None:
    """Write one file of the table, in row groups of about a million neighbours.

    Parameters
    ----------
    batches : iterable of pa.RecordBatch
        As `to_batch` makes them. No more than a row group is held.
    metadata : mapping of str to str
        Written into the file under ``w2v.`` + key.
    """
    with pq.ParquetWriter(
        path,
        NEIGHBOUR_SCHEMA,
        filesystem=filesystem,
        compression="zstd",
        write_statistics=["id", "word"],
        store_schema=False,
    ) as writer:
        group: list[pa.RecordBatch] = []
        for batch in batches:
            group.append(batch)
            if sum(len(part["neighbours"].values) for part in group) >= _GROUP_NEIGHBOURS:
                _write_group(writer, group)
                group = []
        if group:
            _write_group(writer, group)
        writer.add_key_value_metadata({METADATA_PREFIX + key: value for key, value in sorted(metadata.items())})


def _write_group(writer: pq.ParquetWriter, group: list[pa.RecordBatch]) -> None:
    table = pa.Table.from_batches(group)
    writer.write_table(table, row_group_size=len(table))

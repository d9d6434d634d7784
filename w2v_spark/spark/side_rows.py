"""The rows of the two tables between which neighbours are looked for, as executors read them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa

from w2v_spark.errors import StoreError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.labelled_rows import open_rows, read_source
from w2v_spark.vectors.neighbour_request import Side
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.tiled import normalise
from w2v_spark.vectors.table_files import find_fingerprint
from w2v_spark.vectors.table_source import TableSource

_STRETCH: Final = 16_384  # rows of a table that are read at a time


@lru_cache(maxsize=1)
def load_candidates(side: Side) -> tuple[Matrix, pa.Table]:
    """The normalised vectors and their labels, kept by an executor's Python worker from task to task."""
    rows = open_rows(side.location, side.table)
    _check_unchanged(side)
    return normalise(rows.stack), rows.labels.combine_chunks()


def read_queried(side: Side, rows: Ids) -> tuple[Matrix, pa.Table]:
    """Some rows, ascending, of a table that is not held: normalised vectors and labels.

    Those that were asked for may lie far apart: no more is held than they and the rows of one stretch.
    """
    units, labels = list[Matrix](), list[pa.Table]()
    for near in np.split(rows, np.flatnonzero(np.diff(rows // _STRETCH)) + 1):
        first = int(near[0])
        found = read_source(_find_source(side), first, int(near[-1]) + 1)
        units.append(normalise(found.stack)[near - first])
        labels.append(found.labels.take(pa.array(near - first)))
    _check_unchanged(side)
    return np.concatenate(units), pa.concat_tables(labels)


@lru_cache(maxsize=1)
def _find_source(side: Side) -> TableSource:
    """The footers of a table, read once by a worker."""
    return TableSource.find(side.location, side.table)


def _check_unchanged(side: Side) -> None:
    if find_fingerprint(side.location, side.table) != side.files.fingerprint:
        raise StoreError(f"{side.location} was changed while its neighbours were looked for; start again")

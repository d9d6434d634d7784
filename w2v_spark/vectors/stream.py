"""Words and vectors as a stream of batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import ConfigError, Name
from w2v_spark.vectors.blocks import Matrix

Counts = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """Consecutive rows: words (rows,), vectors float32 (rows, D), counts int64 (rows,)."""

    words: pa.StringArray
    matrix: Matrix
    counts: Counts


@dataclass(frozen=True, slots=True)
class VectorStream:
    """Words and vectors in rank order, to be read once.

    Attributes
    ----------
    rows : int
        V, known from the start.
    batches : iterator of Batch
        Together ``rows`` rows; raises `InputError` or `StoreError` at the batch that is wrong.
    """

    rows: int
    batches: Iterator[Batch]


def limited(rows: int, limit: int | None) -> int:
    """The number of rows to read. Raises `ConfigError` if ``limit`` is below 1."""
    if limit is not None and limit < 1:
        raise ConfigError(Name("limit"), f" = {limit} is not allowed: expected at least 1, or None for all words")
    return rows if limit is None else min(rows, limit)


def rank_counts(rows: int, start: int, count: int) -> Counts:
    """V - rank of some rows, for counts that are not known: V for the first word, 1 for the last, as gensim does."""
    return np.arange(rows - start, rows - start - count, -1, dtype=np.int64)

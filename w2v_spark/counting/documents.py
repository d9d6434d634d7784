"""How often words are in documents: rows of documents, and the same by words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from w2v_spark.counting.rows import Columns, Ints, Rows, pack_part
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.logarithm import log_of


def count_words(ids: Columns, ends: Ints, vocabulary: int) -> Rows:
    """The words of documents that lie one behind the other; columns ascend.

    Parameters
    ----------
    ids : (tokens,) int32
    ends : (documents,) int64
        Where each document ends.
    vocabulary : int
        V.
    """
    starts, columns = np.zeros(len(ends) + 1, np.int64), np.empty(len(ids), np.int32)
    counts, sums = np.empty(len(ids), np.int64), np.zeros(vocabulary, np.int64)
    add_words(ids, ends, sums, starts, columns, counts)
    return Rows(starts, columns[: starts[-1]].copy(), counts[: starts[-1]].copy())


@kernel
def add_words(ids, ends, sums, starts, columns, counts):
    """See `count_words`; sums are zeros, and zeros again in the end."""
    size, t = 0, 0
    for d in range(len(ends)):
        begin = size
        while t < ends[d]:
            if sums[ids[t]] == 0:
                columns[size] = ids[t]
                size += 1
            sums[ids[t]] += 1
            t += 1
        columns[begin:size].sort()
        for n in range(begin, size):
            counts[n] = sums[columns[n]]
            sums[columns[n]] = 0
        starts[d + 1] = size


def by_words(documents: Rows, vocabulary: int, ranges: Ints) -> Iterator[bytes]:
    """The same with a row a word, a range of words at a time, as `pack_part` has them; documents count from 0."""
    lengths = np.bincount(documents.columns, minlength=vocabulary)
    places = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    columns, counts = np.empty(len(documents.columns), np.int32), np.empty(len(documents.columns), np.int64)
    turn(*documents, places[:-1].copy(), columns, counts)
    for first, stop in pairwise(ranges.tolist()):
        begin, end = places[first], places[stop]
        yield pack_part(lengths[first:stop].astype(np.int32), columns[begin:end], counts[begin:end])


@kernel
def turn(starts, columns, values, places, own_columns, own_values):
    """Write entries by their columns; places, where the entries of each column go, are moved."""
    for r in range(len(starts) - 1):
        for n in range(starts[r], starts[r + 1]):
            place = places[columns[n]]
            own_columns[place] = r
            own_values[place] = values[n]
            places[columns[n]] = place + 1


class WordStatistics:
    """What weights need to know of each word, added up over files of documents in their order.

    Parameters
    ----------
    vocabulary : int
        V.

    Attributes
    ----------
    documents : int
    found : (V,) int64
        In how many documents each word is.
    logs : (V,) float64
        The sum of n ln n over the documents that have a word n times.
    """

    def __init__(self, vocabulary: int) -> None:
        self.documents = 0
        self.found = np.zeros(vocabulary, np.int64)
        self.logs = np.zeros(vocabulary)

    def add(self, documents: int, found: Ints, logs: npt.NDArray[np.float64]) -> None:
        """Those of the next file."""
        self.documents += documents
        self.found += found
        self.logs += logs


def word_statistics(documents: Rows, vocabulary: int) -> tuple[Ints, npt.NDArray[np.float64]]:
    """In how many documents each word is, and its sum of n ln n."""
    found, logs = np.zeros(vocabulary, np.int64), np.zeros(vocabulary)
    add_statistics(documents.columns, documents.values, found, logs)
    return found, logs


@kernel
def add_statistics(columns, counts, found, logs):
    """See `word_statistics`."""
    for n in range(len(columns)):
        found[columns[n]] += 1
        logs[columns[n]] += counts[n] * log_of(float(counts[n]))

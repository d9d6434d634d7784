"""How often words stand near each other, counted row by row: exactly, and without a list of pairs.

The positions of each word are listed first. Then each word has the neighbours of all its positions added up in an array
of the length of the vocabulary, which stays in a core's caches. So whole rows come out, both halves of a symmetric
matrix, and nothing has to be exchanged between the tasks that add rows up.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from w2v_spark.counting.rows import Columns, Ints, pack_part
from w2v_spark.kernels.jit import kernel


def window_weights(window: int, shrinks: bool) -> Ints:
    """What a neighbour at each distance counts, (window,) int64, in parts of ``window`` where windows shrink.

    A window whose reach is drawn from 1 to w has a word at distance d with the chance (w + 1 - d) / w.
    """
    return np.arange(window, 0, -1, dtype=np.int64) if shrinks else np.ones(window, np.int64)


def mark_ends(ids: Columns, offsets: Columns) -> Columns:
    """Ids with the last of each sentence complemented, (tokens,) int32."""
    signed = ids.copy()
    last = offsets[1:] - 1
    signed[last] = ~signed[last]
    return signed


def count_pairs(signed: Columns, vocabulary: int, weights: Ints, ranges: Ints) -> Iterator[bytes]:
    """The neighbours of all words, a range of words at a time, as `pack_part` has them.

    Parameters
    ----------
    signed : (tokens,) int32
        Of `mark_ends`.
    vocabulary : int
        V.
    weights : (window,) int64
        Of `window_weights`.
    ranges : (ranges + 1,) int64
        Where ranges of words begin, and V.

    Notes
    -----
    Memory: 8 bytes a token and 8 a word, and 12 for each different pair of a range. Cost: 2 tokens * window additions.
    """
    counts = np.bincount(signed ^ (signed >> 31), minlength=vocabulary)
    places = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    positions, sums = np.empty(len(signed), np.int32), np.zeros(vocabulary, np.int64)
    list_positions(signed, places[:-1].copy(), positions)
    for first, stop in pairwise(ranges.tolist()):
        most = int(np.minimum(2 * len(weights) * counts[first:stop], vocabulary).sum())
        lengths, columns = np.zeros(stop - first, np.int32), np.empty(most, np.int32)
        totals = np.empty(most, np.int64)
        n = add_neighbours(signed, positions, places, first, weights, sums, lengths, columns, totals)
        yield pack_part(lengths, columns[:n], totals[:n])


@kernel
def list_positions(signed, places, positions):
    """The positions of each word, those of word 0 first; places, where those of each word go, are moved."""
    for n in range(len(signed)):
        i = signed[n] ^ (signed[n] >> 31)
        positions[places[i]] = n
        places[i] += 1


@kernel
def add_neighbours(signed, positions, places, first, weights, sums, lengths, columns, totals):
    """The neighbours of words from the first one on, see `count_pairs`; how many entries there are.

    Parameters
    ----------
    positions : (tokens,) int32, places : (V + 1,) int64
        Where each word stands.
    sums : (V,) int64
        Zeros, and zeros again in the end.
    lengths : (words,) int32, columns : (n,) int32, totals : (n,) int64
        Overwritten. Columns are in the order in which they are found.
    """
    size = 0
    for w in range(len(lengths)):
        begin = size
        for p in range(places[first + w], places[first + w + 1]):
            at = np.int64(positions[p])
            for step in (-1, 1):
                n = at
                for d in range(len(weights)):
                    # The sentence ends behind a complemented id.
                    if step > 0 and signed[n] < 0:
                        break
                    n += step
                    if n < 0 or n >= len(signed) or (step < 0 and signed[n] < 0):
                        break
                    c = signed[n] ^ (signed[n] >> 31)
                    if sums[c] == 0:
                        columns[size] = c
                        size += 1
                    sums[c] += weights[d]
        for n in range(begin, size):
            totals[n] = sums[columns[n]]
            sums[columns[n]] = 0
        lengths[w] = size - begin


def row_sums(starts: Ints, columns: Columns, counts: Ints, kept: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The sum of each row, (rows,) float64, where a count stands for ``kept`` of its column."""
    sums = np.zeros(len(starts) - 1)
    add_weighted(starts, columns, counts, kept, sums)
    return sums


@kernel
def add_weighted(starts, columns, counts, kept, sums):
    """See `row_sums`."""
    for r in range(len(sums)):
        for n in range(starts[r], starts[r + 1]):
            sums[r] += counts[n] * kept[columns[n]]

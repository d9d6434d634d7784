"""Selection of the nearest neighbours: one pass over a block of similarities, and their exact values afterwards."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import device, kernel

NONE: Final = np.iinfo(np.int32).max
"""The id of a place that no candidate has taken."""
_SPAN: Final = 64  # similarities that are compared before the first branch: four registers


@device
def replace_worst(ids, similarities, candidate, similarity):
    """Put a candidate into a heap in place of its root, which is the smallest similarity, of equal ones the last id."""
    size = len(ids)
    place, child = 0, 1
    while child < size:
        other = child + 1
        if other < size and (
            similarities[other] < similarities[child]
            or (similarities[other] == similarities[child] and ids[other] > ids[child])
        ):
            child = other
        if similarity < similarities[child] or (similarity == similarities[child] and candidate > ids[child]):
            break
        similarities[place], ids[place] = similarities[child], ids[child]
        place, child = child, 2 * child + 1
    similarities[place], ids[place] = similarity, candidate


@kernel
def keep_nearest(tile, first, own, ids, similarities):
    """Take a block of similarities into the heaps of its rows.

    A row costs one comparison an entry, in registers, and the logarithm of the heap's size for each entry that is
    above all that were dropped before: about ``n log(V / n)`` of V in random order.

    Parameters
    ----------
    tile : (rows, columns) float32
        No NaN.
    first : int
        The id of the first column. Blocks come by ascending ids, so of equal similarities the lowest ids are kept.
    own : (rows,) int32
        The id that a row leaves out.
    ids : (rows, n) int32
        Heaps, changed in place; `NONE` to begin with.
    similarities : (rows, n) float32
        The same, and minus infinity.
    """
    columns = tile.shape[1]
    for r in range(tile.shape[0]):
        row, row_ids, row_similarities = tile[r], ids[r], similarities[r]
        bound = row_similarities[0]
        for start in range(0, columns, _SPAN):
            stop = min(start + _SPAN, columns)
            if stop - start == _SPAN:
                above = np.int32(0)
                for c in range(start, start + _SPAN):
                    above += np.int32(row[c] > bound)
                if above == 0:
                    continue
            for c in range(start, stop):
                if row[c] > bound and first + c != own[r]:
                    replace_worst(row_ids, row_similarities, np.int32(first + c), row[c])
                    bound = row_similarities[0]


@kernel
def score(queries, matrix, ids, similarities):
    """Replace the similarities of candidates by dot products that are summed in float64, in order.

    Parameters
    ----------
    queries : (rows, D) float32
    matrix : (V, D) float32
    ids : (rows, n) int32
        `NONE` where there is no candidate; its similarity stays as it is.
    similarities : (rows, n) float32
        Changed in place. Within -1..1.
    """
    for r in range(ids.shape[0]):
        for k in range(ids.shape[1]):
            if ids[r, k] != NONE:
                row = matrix[ids[r, k]]
                total = 0.0
                for d in range(queries.shape[1]):
                    total += np.float64(queries[r, d]) * np.float64(row[d])
                similarities[r, k] = min(max(total, -1.0), 1.0)

"""Selection from similarities: the nearest neighbours and their exact values, or the largest of both sides."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import device, inline, kernel
from w2v_spark.kernels.memory import REGISTER_BYTES
from w2v_spark.kernels.simd import address_of, vadd, vload, vmax, vsplat, vsub, vsum

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


@inline
def any_above(values, bounds):
    """Whether any of `_SPAN` floats at an address is larger than its bound at another; no branch before the end."""
    zero = vsplat(np.float32(0.0))
    excess = zero
    for offset in range(0, 4 * _SPAN, REGISTER_BYTES):
        excess = vadd(excess, vmax(vsub(vload(values + offset), vload(bounds + offset)), zero))
    return vsum(excess) > np.float32(0.0)


@inline
def any_above_one(values, bound):
    """Whether any of `_SPAN` floats at an address is larger than a bound; no branch before the end."""
    zero, limit = vsplat(np.float32(0.0)), vsplat(bound)
    excess = zero
    for offset in range(0, 4 * _SPAN, REGISTER_BYTES):
        excess = vadd(excess, vmax(vsub(vload(values + offset), limit), zero))
    return vsum(excess) > np.float32(0.0)


@device
def replace_least(values, value):
    """Put a number among ascending ones in place of the first."""
    place = 0
    while place + 1 < len(values) and values[place + 1] < value:
        values[place] = values[place + 1]
        place += 1
    values[place] = value


@kernel
def keep_nearest(tile, first, own, ids, similarities):
    """Take a tile of similarities into the heaps of some queries.

    A query costs one comparison a candidate, in registers, and the logarithm of the heap's size for each candidate that
    is above all that were dropped before: about ``n log(V / n)`` of V in random order.

    Parameters
    ----------
    tile : (candidates, queries or more) float32
        No NaN.
    first : int
        The id of the first candidate. Tiles come by ascending ids, so of equal similarities the lowest ids are kept.
    own : (queries,) int32
        The id that a query leaves out.
    ids : (queries, n) int32
        Heaps, changed in place; `NONE` to begin with.
    similarities : (queries, n) float32
        The same, and minus infinity.
    """
    queries = len(own)
    bounds = similarities[:, 0].copy()
    for c in range(tile.shape[0]):
        row, candidate = tile[c], np.int32(first + c)
        for start in range(0, queries, _SPAN):
            stop = min(start + _SPAN, queries)
            if stop - start == _SPAN and not any_above(address_of(row, start), address_of(bounds, start)):
                continue
            for q in range(start, stop):
                if row[q] > bounds[q] and candidate != own[q]:
                    replace_worst(ids[q], similarities[q], candidate, row[q])
                    bounds[q] = similarities[q, 0]


@kernel
def keep_largest(tile, columns, of_rows, of_columns):
    """Take a tile of similarities into the largest ones of each of its rows, and of each of its columns.

    Parameters
    ----------
    tile : (rows, columns or more) float32
        No NaN.
    columns : int
        How many of the columns count.
    of_rows : (rows, k) float32
        Ascending, changed in place; minus infinity to begin with.
    of_columns : (columns, k) float32
        The same.
    """
    bounds = of_columns[:, 0].copy()
    for r in range(tile.shape[0]):
        row = tile[r]
        for start in range(0, columns, _SPAN):
            stop = min(start + _SPAN, columns)
            if stop - start == _SPAN:
                values = address_of(row, start)
                if not any_above(values, address_of(bounds, start)) and not any_above_one(values, of_rows[r, 0]):
                    continue
            for c in range(start, stop):
                if row[c] > bounds[c]:
                    replace_least(of_columns[c], row[c])
                    bounds[c] = of_columns[c, 0]
                if row[c] > of_rows[r, 0]:
                    replace_least(of_rows[r], row[c])


@kernel
def score(queries, matrix, offsets, ids, similarities):
    """Replace the similarities of candidates by dot products that are summed in float64, in order, and offsets.

    Parameters
    ----------
    queries : (rows, D) float32
    matrix : (V, D) float32
    offsets : (V,) float64
        What is added to the product with each row, which is held within -1..1.
    ids : (rows, n) int32
        `NONE` where there is no candidate; its similarity stays as it is.
    similarities : (rows, n) float32
        Changed in place.
    """
    for r in range(ids.shape[0]):
        for k in range(ids.shape[1]):
            if ids[r, k] != NONE:
                row = matrix[ids[r, k]]
                total = 0.0
                for d in range(queries.shape[1]):
                    total += np.float64(queries[r, d]) * np.float64(row[d])
                similarities[r, k] = min(max(total, -1.0), 1.0) + offsets[ids[r, k]]

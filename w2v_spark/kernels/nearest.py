"""Selection from similarities: the nearest neighbours and their exact values, of one side or of both."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import device, kernel
from w2v_spark.kernels.pointers import address_of
from w2v_spark.kernels.spans import SPAN, any_above, lanes_above, lowest_bit

NONE: Final = np.iinfo(np.int32).max
"""The id of a place that no candidate has taken."""


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


@device
def lanes_to_see(row, start, stop, bounds, bound):
    """Which of some values may be above their bounds, or above the one for all, as bits: all of less than a span."""
    if stop - start < SPAN:
        return (np.uint64(1) << np.uint64(stop - start)) - np.uint64(1)
    values, limits = address_of(row, start), address_of(bounds, start)
    if not any_above(values, limits, bound):
        return np.uint64(0)
    return lanes_above(values, limits, bound)


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
        for start in range(0, queries, SPAN):
            bits = lanes_to_see(row, start, min(start + SPAN, queries), bounds, np.float32(np.inf))
            while bits:
                q = start + lowest_bit(bits)
                bits &= bits - np.uint64(1)
                if row[q] > bounds[q] and candidate != own[q]:
                    replace_worst(ids[q], similarities[q], candidate, row[q])
                    bounds[q] = similarities[q, 0]


@kernel
def keep_both(tile, first, first_query, candidate_ids, of_candidates, query_ids, of_queries):
    """Take a tile of similarities into the heaps of some queries and into those of the candidates, as `keep_nearest`.

    Parameters
    ----------
    tile : (candidates, queries or more) float32
        No NaN.
    first, first_query : int
        The ids of the first candidate and of the first query.
    candidate_ids : (queries, m) int32, of_candidates : (queries, m) float32
        Heaps of the queries, changed in place; `NONE` and minus infinity to begin with.
    query_ids : (candidates, k) int32, of_queries : (candidates, k) float32
        Heaps of the candidates, the same.
    """
    queries = len(of_candidates)
    bounds = of_candidates[:, 0].copy()
    for c in range(tile.shape[0]):
        row, candidate = tile[c], np.int32(first + c)
        for start in range(0, queries, SPAN):
            bits = lanes_to_see(row, start, min(start + SPAN, queries), bounds, of_queries[c, 0])
            while bits:
                q = start + lowest_bit(bits)
                bits &= bits - np.uint64(1)
                if row[q] > bounds[q]:
                    replace_worst(candidate_ids[q], of_candidates[q], candidate, row[q])
                    bounds[q] = of_candidates[q, 0]
                if row[q] > of_queries[c, 0]:
                    replace_worst(query_ids[c], of_queries[c], np.int32(first_query + q), row[q])


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

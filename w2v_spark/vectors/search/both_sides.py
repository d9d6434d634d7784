"""The nearest of every row of two tables in the other one, from one product of all pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.compiled import needing_compiler
from w2v_spark.vectors.search.tiled import QUERY_ROWS, WHAT, Numbers, check_lengths, tiles

Keys = npt.NDArray[np.int64]
"""A cosine and an id in one number, by which the largest cosines come last, of equal ones the lowest id."""

_SIGN: Final = np.int32(2**31 - 1)  # flips all bits but the sign: floats below zero are then in the order of integers
_LAST: Final = 2**31 - 1
_ID_BITS: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class BothSides:
    """The nearest of some rows among all candidates, and those of all candidates among these rows.

    Attributes
    ----------
    of_rows : int64, (n, min(m, W))
        `Keys`, ascending.
    of_candidates : int64, (W, k)
        The same; minus infinity in the first places where n is below k.
    """

    of_rows: Keys
    of_candidates: Keys


def find_both(unit: Matrix, among: Matrix, of_rows: int, of_candidates: int, first: int = 0) -> BothSides:
    """The nearest of some rows and of all candidates.

    Parameters
    ----------
    unit : float32, (n, D), C-contiguous
        As `normalise` leaves it.
    among : float32, (W, D), C-contiguous
        The same.
    of_rows, of_candidates : int
        m and k: how many are kept of each.
    first : int
        The id of the first row.

    Raises
    ------
    InputError
        The vectors differ in length.
    MissingExtra
        numba is not installed.

    Notes
    -----
    Cosines are sums in float32, in one order whatever the tables are cut into; so the largest of whole tables are those
    of their parts brought together. Cost: 2 n W D floating-point operations; memory: 16 k W bytes and a tile.
    """
    with needing_compiler(WHAT):
        from w2v_spark.kernels.nearest import keep_both
    check_lengths(unit, among)
    candidate_ids, largest = _heaps(len(unit), min(of_rows, len(among)))
    row_ids, largest_of_candidates = _heaps(len(among), of_candidates)
    nothing: Numbers = np.zeros(len(among))
    for start in range(0, len(unit), QUERY_ROWS):
        mine = slice(start, min(start + QUERY_ROWS, len(unit)))
        for begin, tile in tiles(unit[mine], among, nothing):
            theirs = slice(begin, begin + len(tile))
            own = candidate_ids[mine], largest[mine]
            keep_both(tile, begin, first + start, *own, row_ids[theirs], largest_of_candidates[theirs])
    keys = (np.sort(to_keys(*heaps)) for heaps in ((candidate_ids, largest), (row_ids, largest_of_candidates)))
    return BothSides(*keys)


def _heaps(rows: int, size: int) -> tuple[Ids, Matrix]:
    return np.full((rows, size), _LAST, np.int32), np.full((rows, size), -np.inf, np.float32)


def to_keys(ids: Ids, cosines: Matrix) -> Keys:
    """Ids, int32, and cosines, float32, as keys."""
    bits = cosines.view(np.int32)
    ordered = np.where(bits < 0, bits ^ _SIGN, bits).astype(np.int64)
    return (ordered << _ID_BITS) | (_LAST - ids.astype(np.int64))


def cosines_of(keys: Keys) -> Matrix:
    """The cosines of keys, float32."""
    ordered = (keys >> _ID_BITS).astype(np.int32)
    return np.where(ordered < 0, ordered ^ _SIGN, ordered).view(np.float32)


def ids_of(keys: Keys) -> Ids:
    """The ids of keys, int32; `NONE` of the search in free places."""
    return (_LAST - (keys & _LAST)).astype(np.int32)


def bring_together(parts: Iterable[Keys]) -> Keys:
    """The largest k of each row, ascending, of keys (W, k) that hold some of them each; one is held beside two."""
    return reduce(lambda one, other: np.sort(np.concatenate([one, other], axis=1), axis=1)[:, -one.shape[1] :], parts)

"""The best by CSLS of pairs that are known already, where no other pair can be better; else by a search of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.both_sides import Keys, cosines_of, ids_of
from w2v_spark.vectors.search.compiled import needing_compiler
from w2v_spark.vectors.search.csls import mean_of_largest, offsets_of
from w2v_spark.vectors.search.tiled import QUERY_ROWS, SPARE, WHAT, Neighbours, Numbers, find_neighbours, rank

_ROUNDING: Final = 2.0**-23
"""How far a cosine of length-1 rows is off, for each of the D products in its sum, with as much again to spare."""


@dataclass(frozen=True, slots=True, eq=False)
class Reverse:
    """What is known of the candidates: the rows that are nearest to each of them, and what follows for all others.

    Attributes
    ----------
    offsets : float64, (W,)
        ``-r_S / 2``: what is added to a cosine, so that candidates are in the order of CSLS.
    rows, candidates : int32, (pairs,)
        Each candidate with the ten rows that are nearest to it, by the rows, ascending.
    cosines : float32, (pairs,)
    """

    offsets: Numbers
    rows: Ids
    candidates: Ids
    cosines: Matrix
    _least: Numbers
    _below: Numbers
    _above: Numbers

    @classmethod
    def build(cls, keys: Keys) -> Reverse:
        """Of the ten nearest rows of each candidate, (W, 10), of all rows there are. Cost: a sort of them."""
        offsets = offsets_of(mean_of_largest(keys))
        cosines = cosines_of(keys)
        known = np.isfinite(cosines)
        rows, candidates = ids_of(keys)[known], np.nonzero(known)[0].astype(np.int32)
        by_row = np.argsort(rows, kind="stable")
        least = cosines[:, 0].astype(np.float64)
        order = np.argsort(least)
        below = np.concatenate([[-np.inf], np.maximum.accumulate((least + offsets)[order])])
        above = np.concatenate([np.maximum.accumulate(offsets[order][::-1])[::-1], [-np.inf]])
        return cls(offsets, rows[by_row], candidates[by_row], cosines[known][by_row], least[order], below, above)

    def limit(self, least: Matrix) -> Numbers:
        """What no pair exceeds, as a cosine with its offset, of which neither is among the nearest of the other.

        Parameters
        ----------
        least : float32, (n,)
            The smallest of the cosines that are known of each row: those with all other candidates are no larger.

        Returns
        -------
        float64, (n,)
            The largest of ``min(least, least of y) - r_S(y) / 2`` over all candidates y, before rounding.
        """
        place = np.searchsorted(self._least, least)
        return np.maximum(self._below[place], least + self._above[place])

    def pairs(self, rows: Ids) -> tuple[npt.NDArray[np.int64], Ids, Matrix]:
        """The candidates that some rows are nearest to: the place in ``rows``, the candidate, the cosine."""
        starts, stops = (np.searchsorted(self.rows, rows, side) for side in ("left", "right"))
        lengths = stops - starts
        places = np.repeat(np.arange(len(rows)), lengths)
        chosen = np.arange(len(places)) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        return places, self.candidates[chosen], self.cosines[chosen]


def find_by_known(
    unit: Matrix, rows: Ids, among: Matrix, topn: int, known: Keys, reverse: Reverse
) -> Iterator[Neighbours]:  # fmt: skip
    """The best candidates of some rows by their cosine less ``r_S / 2``, as `find_neighbours` gives them.

    Parameters
    ----------
    unit : float32, (n, D), C-contiguous
        The rows, as `normalise` leaves them.
    rows : int32, (n,)
        Their ids in the whole table.
    among : float32, (W, D), C-contiguous
    topn : int
    known : int64, (n, m)
        The nearest candidates of each row by cosine.
    reverse : Reverse

    Yields
    ------
    Neighbours
        Of up to `QUERY_ROWS` rows, which are given by their places.

    Notes
    -----
    A pair of a row x and a candidate y that is in neither list has a cosine no larger than the smallest one in either.
    With ``min(c(x), c(y)) - r_S(y) / 2`` of every y a limit is known of all such pairs. Where the last of the ``topn``
    best known ones is above it, by more than rounding can do, they are the best of all; the other rows are compared
    with all candidates, at ``2 W D`` operations a row.
    """
    ids = _choose(rows, among, min(topn + SPARE, len(among)), known, reverse)
    similarities: Matrix = np.full(ids.shape, -np.inf, dtype=np.float32)
    with needing_compiler(WHAT):
        from w2v_spark.kernels.nearest import score
    score(unit, among, reverse.offsets, ids, similarities)
    found = rank(np.arange(len(unit), dtype=np.int32), ids, similarities, topn)
    least = cosines_of(known[:, 0])
    limit = reverse.limit(least) + (unit.shape[1] + 2) * _ROUNDING
    wanted = min(topn, len(among))
    certain = (found.lengths >= wanted) & (found.similarities[:, wanted - 1] > limit)
    others = np.flatnonzero(~certain).astype(np.int32)
    if known.shape[1] < len(among):
        for part in find_neighbours(unit, others, topn, None, among, reverse.offsets):
            found.ids[part.queries], found.similarities[part.queries] = part.ids, part.similarities
            found.lengths[part.queries] = part.lengths
    for start in range(0, len(unit), QUERY_ROWS):
        yield found.part(slice(start, start + QUERY_ROWS))


def _choose(rows: Ids, among: Matrix, count: int, known: Keys, reverse: Reverse) -> Ids:
    """The best of the known candidates of each row by the float32 cosines, (n, count); `NONE` where there are fewer."""
    from w2v_spark.kernels.nearest import NONE

    places, candidates, cosines = reverse.pairs(rows)
    size = known.shape[1]
    places = np.concatenate([np.repeat(np.arange(len(rows)), size), places])
    candidates = np.concatenate([ids_of(known).ravel(), candidates])
    values = np.concatenate([cosines_of(known).ravel(), cosines]) + reverse.offsets[candidates]
    order = np.lexsort((candidates, -values, places))
    places, candidates = places[order], candidates[order]
    twice = np.zeros(len(places), dtype=bool)
    twice[1:] = (places[1:] == places[:-1]) & (candidates[1:] == candidates[:-1])  # in both lists: of one value
    places, candidates = places[~twice], candidates[~twice]
    ranks = np.arange(len(places)) - np.searchsorted(places, places)
    best = ranks < count
    ids: Ids = np.full((len(rows), count), NONE, dtype=np.int32)
    ids[places[best], ranks[best]] = candidates[best]
    return ids

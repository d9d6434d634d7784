"""CSLS: cosines between two spaces, less where a row is near to very many of the other space.

Source: Conneau et al. 2018, "Word Translation Without Parallel Data", section 2.3.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.both_sides import Keys, bring_together, cosines_of, find_both
from w2v_spark.vectors.search.tiled import QUERY_ROWS, Neighbours, Numbers, find_neighbours

NEAREST: Final = 10
"""Of how many nearest rows of the other space the mean cosine is taken, as in MUSE."""


class Measure(StrEnum):
    """By what words of two spaces are brought together."""

    CSLS = "csls"
    COSINE = "cosine"


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """How near each row of two spaces is to the rows of the other one: the mean of its ten largest cosines.

    Attributes
    ----------
    of_rows : float64, (n,)
        r_T of Conneau et al.: of the rows that are asked about.
    of_candidates : float64, (W,)
        r_S: of those among which answers are.
    """

    of_rows: Numbers
    of_candidates: Numbers

    @classmethod
    def find(cls, unit: Matrix, among: Matrix) -> Means:
        """Of two whole tables in memory, as `normalise` leaves them, with as many threads as there are processors.

        Parameters
        ----------
        unit : float32, (n, D), C-contiguous
        among : float32, (W, D), C-contiguous

        Notes
        -----
        Cost: ``2 n W D`` operations; memory: 80 W bytes for each processor. The same bits from any number of them.
        """
        workers = os.cpu_count() or 1
        step = max(-(-len(unit) // workers), QUERY_ROWS)
        starts = range(0, len(unit), step)
        with ThreadPoolExecutor(workers) as pool:  # the kernels of the search let go of the interpreter
            found = list(pool.map(lambda start: find_both(unit[start : start + step], among, NEAREST, NEAREST), starts))
        return cls(
            mean_of_largest(np.concatenate([part.of_rows for part in found])),
            mean_of_largest(bring_together(part.of_candidates for part in found)),
        )


def offsets_of(of_candidates: Numbers) -> Numbers:
    """What `find_neighbours` adds to cosines, (W,), so that candidates are in the order of CSLS."""
    return -of_candidates / 2


def mean_of_largest(keys: Keys) -> Numbers:
    """The mean of the ten largest cosines of each row of `Keys`, in float64; minus infinity stands for nothing."""
    largest = cosines_of(keys[:, -NEAREST:])
    known = np.isfinite(largest)
    sums = np.where(known, largest, 0).sum(axis=1, dtype=np.float64)
    return np.asarray(sums / np.maximum(known.sum(axis=1), 1))


def to_csls(found: Neighbours, of_rows: Numbers) -> Neighbours:
    """Answers found by `offsets_of` with their CSLS, ``2 cos - r_T - r_S``, in the place of the similarity.

    Parameters
    ----------
    found : Neighbours
    of_rows : float64, (rows,)
        Those of `Means.of_rows` that belong to the rows of ``found``.
    """
    return replace(found, similarities=(2.0 * found.similarities - of_rows[:, None]).astype(np.float32))


def find_translations(
    unit: Matrix, among: Matrix, topn: int, of_candidates: Numbers | None = None
) -> tuple[Ids, Matrix]:
    """The best answers for some rows, among those of another space.

    Parameters
    ----------
    unit : float32, (n, D)
    among : float32, (W, D)
        Both as `normalise` leaves them.
    topn : int
    of_candidates : float64, (W,), optional
        As `Means` has them: then answers are ranked by CSLS, else by cosine.

    Returns
    -------
    ids : int32, (n, min(topn, W))
        The best first, equal ones in order.
    scores : float32, the same shape
    """
    rows = np.arange(len(unit), dtype=np.int32)
    offsets = None if of_candidates is None else offsets_of(of_candidates)
    found = list(find_neighbours(unit, rows, topn, None, among, offsets))
    if of_candidates is not None:
        means = mean_of_largest(find_both(unit, among, NEAREST, NEAREST).of_rows)
        found = [to_csls(part, means[part.queries]) for part in found]
    return np.concatenate([part.ids for part in found]), np.concatenate([part.similarities for part in found])

"""Weights between those of a version and those that continued training has made of them.

Continued training sees the new text and a part of the older one, so it forgets what the rest had taught, and each time
it starts with a learning rate at which weights are noisy. On the way back to the old weights much of that goes sooner
than what was learned: Wortsman et al. (2022), *Robust fine-tuning of zero-shot models*, there between two networks;
Izmailov et al. (2018), *Averaging weights leads to wider optima and better generalization*.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from w2v_spark.training.computed_rows import ComputedRows, RowNumbers, take
from w2v_spark.training.matrix_files import Matrix, MatrixReader

Shares = npt.NDArray[np.float64]


def fade(counts: npt.NDArray[np.int64], half_life: float) -> npt.NDArray[np.int64]:
    """What counts of older text count after one retraining, rounded half up; with a half-life of 0 what they did."""
    faded: npt.NDArray[np.int64] = np.floor(counts * fading(half_life) + 0.5).astype(np.int64)
    return faded


def fading(half_life: float) -> float:
    """By what counts of older text are multiplied at each retraining."""
    return 2.0 ** (-1 / half_life) if half_life else 1.0


def ways(
    least: float, counts: npt.NDArray[np.int64], older: npt.NDArray[np.int64], places: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """How much of the way from the old to the new row each word goes, (V,) float32 between 0 and 1.

    At least ``least``, and what part of its occurrences is new: a word that was hardly seen before has little to lose.

    Parameters
    ----------
    counts : (V,) int64
    older : (V old,) int64
        How many of the counts are of older text.
    places : (V,) int64
        The old row of each word; -1 for a new one, which goes all the way.
    """
    known = places >= 0
    before = np.where(known, older[places], 0)
    shares: Shares = 1.0 - np.minimum(before / np.maximum(counts, 1), 1.0)
    return np.where(known, np.maximum(shares, least), 1.0).astype(np.float32)


class InterpolatedMatrix(ComputedRows):
    """A matrix between an old and a new one, row by row.

    Parameters
    ----------
    new : (V, D) float32
    old : (V old, D) float32
    places : (V,) int64
        The old row of each new one; -1 where there is none, and the new one stands.
    weights : (V,) float32
        Of the new row in ``old + weight * (new - old)``.
    """

    def __init__(
        self, new: MatrixReader, old: MatrixReader, places: npt.NDArray[np.int64], weights: npt.NDArray[np.float32]
    ) -> None:
        self._new, self._old, self._places, self._weights = new, old, places, weights

    def __len__(self) -> int:
        return len(self._new)

    def __getitem__(self, rows: slice, /) -> Matrix:
        return self._between(self._new[rows], self._places[rows], self._weights[rows])

    def take(self, rows: RowNumbers) -> Matrix:
        """See `ComputedRows`."""
        return self._between(take(self._new, rows), self._places[rows], self._weights[rows])

    def _between(self, new: Matrix, places: npt.NDArray[np.int64], weights: npt.NDArray[np.float32]) -> Matrix:
        mixed, known = np.array(new, np.float32), places >= 0
        old = take(self._old, places[known])
        mixed[known] = old + weights[known, None] * (mixed[known] - old)
        return mixed

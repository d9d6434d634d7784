"""Ranges of rows that are counted, weighed and multiplied by one task each; they are of about equal work."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

RANGE_WORK: Final = 1 << 23  # entries of a range, at most, as far as they can be foreseen
_FEWEST: Final = 8  # ranges of whatever has as many rows, so that tasks can share them
_MOST: Final = 4_096
_ROW: Final = 200  # entries that a row costs besides its own: about as many as vectors have coordinates


def cut_rows(entries: npt.NDArray[np.float64]) -> Ints:
    """Where ranges of rows begin, and behind them the number of rows, (ranges + 1,); rising.

    A function of what is counted alone, so that results do not depend on the cluster.

    Parameters
    ----------
    entries : (rows,) float64
        How many entries each row may have.
    """
    work = np.cumsum(entries + _ROW)
    number = min(max(int(entries.sum()) // RANGE_WORK + 1, _FEWEST), _MOST, len(entries))
    ends = np.searchsorted(work, np.arange(1, number) * (work[-1] / number)) + 1
    return np.unique(np.concatenate([[0], ends, [len(entries)]])).astype(np.int64)


def pair_entries(counts: Ints, reach: int) -> npt.NDArray[np.float64]:
    """How many different neighbours each word may have, V given by the counts, with so many words on each side."""
    return np.asarray(np.minimum(2.0 * reach * counts, float(len(counts))))

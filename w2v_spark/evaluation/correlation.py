"""Ranks and correlations."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def ranks(values: Values) -> Values:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    shared: Values = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return shared


def correlation(x: Values, y: Values) -> float:
    """Pearson's correlation, NaN if either side is constant or has fewer than two values."""
    if len(x) < 2:
        return math.nan
    x, y = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale > 0 else math.nan

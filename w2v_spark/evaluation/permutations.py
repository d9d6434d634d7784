"""Permutation tests: all ways to divide items into two groups where they are few, else a sample of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.evaluation.correlation import Values

EXACT: Final = 20_000
"""With so many ways or fewer all are looked at: two groups of eight have 12,870."""
SAMPLED: Final = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Ways to divide items into two groups of given sizes.

    Attributes
    ----------
    first : intp, (m, first)
        The items of the first group in each; the others are in the second.
    exact : bool
        Whether these are all ways there are, the one that was observed included.
    """

    first: npt.NDArray[np.intp]
    exact: bool


def splits(first: int, second: int, seed: int) -> Splits:
    """The ways to divide ``first + second`` items, or a random sample of them."""
    count = first + second
    if math.comb(count, first) <= EXACT:
        return Splits(np.array(list(combinations(range(count), first)), dtype=np.intp), True)
    random = np.random.Generator(np.random.PCG64(seed))
    return Splits(random.random((SAMPLED, count)).argsort(axis=1)[:, :first], False)


def p_values(observed: float, drawn: Values, exact: bool) -> dict[str, Any]:
    """The share of permutations whose statistic is the observed one or above, and of those that are as far from 0.

    Parameters
    ----------
    observed : float
    drawn : float64, (m,)
        The statistic of each permutation; of exact ones the observed one is among them. Of sampled ones it is counted
        on top, so that no p is 0.

    Notes
    -----
    Source: Phipson and Smyth 2010, "Permutation P-values Should Never Be Zero". What differs from the observed value by
    a rounding counts as equal to it.
    """
    slack = 1e-9 * max(abs(observed), float(np.abs(drawn).max()))
    more = 0 if exact else 1
    above = int((drawn >= observed - slack).sum()) + more
    as_far = int((np.abs(drawn) >= abs(observed) - slack).sum()) + more
    count = len(drawn) + more
    return {"p": above / count, "p_two_sided": as_far / count, "permutations": len(drawn), "exact": exact}

"""McNemar's test: whether one of two results is right more often, by the items on which they disagree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from w2v_spark.evaluation.samples import Shares


@dataclass(frozen=True, slots=True)
class McNemar:
    """Items that only one of two results has right, and the two-sided p-value if neither were the better one."""

    only_candidate: int
    only_incumbent: int
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"only_candidate": self.only_candidate, "only_incumbent": self.only_incumbent, "p": self.p}


def mcnemar(candidate: Shares, incumbent: Shares) -> McNemar:
    """The exact test, over the items that both answer; p is 1 where they never disagree.

    Source: McNemar 1947, "Note on the sampling error of the difference between correlated proportions"; exact by the
    binomial distribution of the items on which they disagree.
    """
    both = candidate.known & incumbent.known
    first, second = candidate.values[both], incumbent.values[both]
    one, other = int(np.count_nonzero(first > second)), int(np.count_nonzero(second > first))
    return McNemar(one, other, _two_sided(min(one, other), one + other))


def _two_sided(least: int, count: int) -> float:
    """Twice the chance of ``least`` heads or fewer of so many throws, 1 at most.

    Summed from the largest term down by ratios, so that nothing is beyond float64.
    """
    ways = math.lgamma(count + 1) - math.lgamma(least + 1) - math.lgamma(count - least + 1)
    term = math.exp(ways - count * math.log(2))
    total = 0.0
    for heads in range(least, -1, -1):
        total += term
        if term < 1e-17 * total:
            break
        term *= heads / (count - heads + 1)
    return min(1.0, 2 * total)

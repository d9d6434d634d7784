"""Measures of categories, outliers and associations, item by item, as slow and as plain as possible."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

Vectors = Sequence[Any]


def cosine(one: Any, other: Any) -> float:
    return float(np.dot(one, other)) / math.sqrt(float(np.dot(one, one)) * float(np.dot(other, other)))


def purity(classes: Sequence[int], clusters: Sequence[int]) -> float:
    right = 0
    for cluster in set(clusters):
        inside = [one for one, place in zip(classes, clusters, strict=True) if place == cluster]
        right += Counter(inside).most_common(1)[0][1]
    return right / len(classes)


def compactness(word: int, vectors: Vectors) -> float:
    """Equation 1 of Camacho-Collados and Navigli 2016: the mean similarity of all pairs without a word."""
    others = [place for place in range(len(vectors)) if place != word]
    pairs = list(itertools.permutations(others, 2))
    return sum(cosine(vectors[one], vectors[other]) for one, other in pairs) / len(pairs)


def position(group: Vectors, outlier: Any) -> int:
    """Where the outlier is when words are in the order of what is left without them, from 0; the last is detected."""
    vectors = [*group, outlier]
    left = [compactness(word, vectors) for word in range(len(vectors))]
    return sum(one < left[-1] - 1e-12 for one in left[:-1])


def association(word: Any, a: Vectors, b: Vectors) -> float:
    return sum(cosine(word, one) for one in a) / len(a) - sum(cosine(word, one) for one in b) / len(b)


def weat(x: Vectors, y: Vectors, a: Vectors, b: Vectors) -> tuple[float, float, float]:
    """Effect size, one-sided and two-sided p, by all ways to divide the target words."""
    s = [association(word, a, b) for word in (*x, *y)]
    mean = sum(s) / len(s)
    deviation = math.sqrt(sum((one - mean) ** 2 for one in s) / len(s))
    size = (sum(s[: len(x)]) / len(x) - sum(s[len(x) :]) / len(y)) / deviation
    observed = sum(s[: len(x)]) - sum(s[len(x) :])
    above = as_far = count = 0
    for first in itertools.combinations(range(len(s)), len(x)):
        statistic = sum(s[one] for one in first) - sum(s[one] for one in range(len(s)) if one not in first)
        above += statistic >= observed - 1e-12
        as_far += abs(statistic) >= abs(observed) - 1e-12
        count += 1
    return size, above / count, as_far / count


def rnd(targets: Vectors, a: Vectors, b: Vectors) -> tuple[float, float]:
    """The relative norm distance, and its two-sided p by all ways to divide the words of both groups."""

    def distance(first: Vectors, second: Vectors) -> float:
        one, other = (sum(np.asarray(vector) for vector in group) / len(group) for group in (first, second))
        return sum(
            math.sqrt(sum((target - one) ** 2)) - math.sqrt(sum((target - other) ** 2))
            for target in map(np.asarray, targets)
        )

    both, observed = [*a, *b], distance(a, b)
    as_far = count = 0
    for first in itertools.combinations(range(len(both)), len(a)):
        rest = [both[one] for one in range(len(both)) if one not in first]
        as_far += abs(distance([both[one] for one in first], rest)) >= abs(observed) - 1e-12
        count += 1
    return observed, as_far / count

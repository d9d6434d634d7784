"""Clusters of vectors by spherical k-means, and how well they agree with known classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.evaluation.correlation import Values
from w2v_spark.evaluation.samples import Items, Known

Labels = npt.NDArray[np.intp]

STARTS: Final = 10
_PASSES: Final = 200


def spherical_k_means(unit: Values, k: int, seed: int, starts: int = STARTS) -> Labels:
    """Put vectors into clusters so that the cosines with the centres of theirs are as large as can be found.

    Parameters
    ----------
    unit : float64, (n, D)
        Vectors of length 1, or zero.
    k : int
        Clusters, n at most.
    seed, starts : int
        The best of so many starts is taken, the first of equal ones.

    Returns
    -------
    intp, (n,)
        From 0 to k - 1; none is empty unless vectors are equal.

    Notes
    -----
    First centres are drawn as in k-means++, by the distance 1 - cosine: Arthur and Vassilvitskii 2007, section 2.2.
    Source: Dhillon and Modha 2001, "Concept Decompositions for Large Sparse Text Data Using Clustering", section 3.
    Cost: O(n k D) a pass, some tens of passes a start.
    """
    best, most = np.zeros(len(unit), dtype=np.intp), -np.inf
    for start in range(starts):
        random = np.random.Generator(np.random.PCG64([seed, start]))
        labels, total = _descend(unit, _first_centres(unit, k, random))
        if total > most + 1e-12 * len(unit):
            best, most = labels, total
    return best


def _first_centres(unit: Values, k: int, random: np.random.Generator) -> Values:
    chosen = [int(random.random() * len(unit))]
    nearest = unit @ unit[chosen[0]]
    while len(chosen) < k:
        reached = np.cumsum(np.maximum(0.0, 1 - nearest))
        draw = random.random() * reached[-1]
        chosen.append(min(int(np.searchsorted(reached, draw, side="right")), len(unit) - 1))
        nearest = np.maximum(nearest, unit @ unit[chosen[-1]])
    return unit[chosen]


def _descend(unit: Values, centres: Values) -> tuple[Labels, float]:
    """Labels and the sum of cosines where no vector changes its cluster any more."""
    k, labels = len(centres), np.full(len(unit), -1, dtype=np.intp)
    for _ in range(_PASSES):
        cosines = unit @ centres.T
        found = cosines.argmax(axis=1)
        own = cosines[np.arange(len(unit)), found]
        for empty in np.flatnonzero(np.bincount(found, minlength=k) == 0):
            lone = np.where(np.bincount(found, minlength=k)[found] > 1, own, np.inf).argmin()
            found[lone], own[lone] = empty, 1.0  # the vector that fits its cluster worst begins one of its own
        if (found == labels).all():
            break
        labels = found
        sums = (labels == np.arange(k)[:, None]).astype(np.float64) @ unit
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = sums / np.where(norms > 0, norms, 1)
    return labels, float(np.einsum("ij,ij->", unit, centres[labels]))


def contingency(classes: Labels, clusters: Labels) -> npt.NDArray[np.int64]:
    """How many items of each class (columns) each cluster (rows) has, (clusters, classes)."""
    table = np.zeros((clusters.max() + 1, classes.max() + 1), dtype=np.int64)
    np.add.at(table, (clusters, classes), 1)
    return table


def in_majority(classes: Labels, clusters: Labels) -> npt.NDArray[np.bool_]:
    """Which items are of the most frequent class of their cluster, the first of equally frequent ones, (n,).

    Their share is the purity.
    """
    found: npt.NDArray[np.bool_] = contingency(classes, clusters).argmax(axis=1)[clusters] == classes
    return found


def v_measures(tables: npt.NDArray[np.int64]) -> Values:
    """The V-measure of each of some contingency tables, (m, clusters, classes): (m,), 0..1.

    The harmonic mean of homogeneity and completeness. Source: Rosenberg and Hirschberg 2007, "V-Measure: A Conditional
    Entropy-Based External Cluster Evaluation Measure", section 2, with beta = 1.
    """
    count = tables.sum(axis=(1, 2))
    of_clusters, of_classes = _entropies(tables.sum(axis=2), count), _entropies(tables.sum(axis=1), count)
    shared = of_clusters + of_classes - _entropies(tables.reshape(len(tables), -1), count)
    homogeneity, completeness = (
        np.where(whole > 0, shared / np.where(whole > 0, whole, 1), 1.0) for whole in (of_classes, of_clusters)
    )
    both = homogeneity + completeness
    found: Values = np.where(both > 0, 2 * homogeneity * completeness / np.where(both > 0, both, 1), 0.0)
    return np.clip(found, 0.0, 1.0)


def _entropies(counts: npt.NDArray[np.int64], total: npt.NDArray[np.int64]) -> Values:
    """In nats, of the counts in each row, (m, c)."""
    shares = counts / total[:, None]
    found: Values = -(shares * np.log(np.where(counts > 0, shares, 1))).sum(axis=1)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class VMeasures:
    """The V-measure of items with a class and a cluster each, (n,) intp: a `Sample`. Clusters stay as they are."""

    classes: Labels
    clusters: Labels
    known: Known
    drifts: ClassVar[bool] = True  # an item that is drawn twice agrees with itself

    def measure(self, items: Items) -> Values:
        """See `w2v_spark.evaluation.samples.Sample`."""
        rows, columns = int(self.clusters.max()) + 1, int(self.classes.max()) + 1
        cells = self.clusters[items] * columns + self.classes[items]
        cells += np.arange(len(items))[:, None] * (rows * columns)
        counts = np.bincount(cells.ravel(), minlength=len(items) * rows * columns)
        return v_measures(counts.reshape(len(items), rows, columns))

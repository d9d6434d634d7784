"""Topic vectors: the means of dense areas in the space of the documents, and areas that are one topic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from w2v_spark.topics.discovery import NOISE, Labels
from w2v_spark.vectors.blocks import Matrix

Sums = npt.NDArray[np.float64]


def sum_rows(unit: Matrix, labels: npt.NDArray[np.integer], topics: int) -> tuple[npt.NDArray[np.int64], Sums]:
    """How many rows each topic has, (T,), and their sum, (T, D) float64, added in the order of the rows.

    Rows with a negative label are left out.
    """
    sums = np.zeros((topics, unit.shape[1]))
    order = np.argsort(labels, kind="stable")
    order = order[np.searchsorted(labels[order], 0) :]
    found, starts = np.unique(labels[order], return_index=True)
    for topic, rows in zip(found.tolist(), np.split(order, starts[1:]), strict=False):
        sums[topic] = np.add.reduce(unit[rows], axis=0, dtype=np.float64)
    return np.bincount(labels[order], minlength=topics).astype(np.int64), sums


def to_unit(rows: Sums) -> Matrix:
    """Rows scaled to length 1, float32; zero rows stay zero."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    lengths[lengths == 0] = 1
    return np.asarray(rows / lengths[:, None], dtype=np.float32)


def find_topics(unit: Matrix, labels: Labels, merge_distance: float) -> Matrix:
    """The vectors of the topics that some dense areas are.

    Parameters
    ----------
    unit : float32, (n, D)
        Rows of length 1.
    labels : int32, (n,)
        The area of each, -1 outside of all.
    merge_distance : float
        Areas whose vectors are no farther apart, by ``1 - cosine``, are one topic, and so are those that a chain of
        such areas connects.

    Returns
    -------
    float32, (T, D)
        The mean of the rows of each topic, scaled to length 1. What lies outside has no part in it.

    Notes
    -----
    Top2Vec (Angelov 2020, arXiv 2008.09470, section 2.4). There the vector of areas that are one is the mean of theirs
    whatever their size; here it is the mean of their documents. Cost: ``n D + T^2 D`` operations.
    """
    count = int(labels.max(initial=NOISE)) + 1
    if not count:
        return np.empty((0, unit.shape[1]), dtype=np.float32)
    _, sums = sum_rows(unit, labels, count)
    vectors = to_unit(sums).astype(np.float64)
    near = 1 - vectors @ vectors.T <= merge_distance
    groups = connected_groups(near)
    merged = np.zeros((int(groups.max()) + 1, unit.shape[1]))
    for area, group in enumerate(groups.tolist()):
        merged[group] += sums[area]
    return to_unit(merged)


def connected_groups(near: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The connected parts of a symmetric relation, (T, T): the number of each one's part, by their first members."""
    groups = np.full(len(near), NOISE, dtype=np.int64)
    count = 0
    for first in range(len(near)):
        if groups[first] != NOISE:
            continue
        waiting = [first]
        while waiting:
            here = waiting.pop()
            if groups[here] == NOISE:
                groups[here] = count
                waiting += np.flatnonzero(near[here] & (groups == NOISE)).tolist()
        count += 1
    return groups

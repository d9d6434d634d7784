"""Regions of a map: groups of words of like meaning, and the words that they are called by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.evaluation.clusters import spherical_k_means
from w2v_spark.topics.layout import one_thread
from w2v_spark.vectors.blocks import Matrix

_FITTED: Final = 10_000  # of the most frequent words centres are made; the others take the nearest one
_LEVELS: Final = (
    24,
    160,
)  # regions of a large map: those with a colour, and those that are named nearer by
_LEAST: Final = (40, 8)  # words a region has on average at least
_SEED: Final = 1
_STARTS: Final = (3, 1)
_CENTRAL: Final = 0.1  # the share of a region's words, the nearest to its centre, of which one is its name


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """One level of regions.

    Attributes
    ----------
    labels : int16, (n,)
        The region of each word; regions are numbered by how many words they have, the largest is 0.
    names : int32, (regions,)
        The row of the word that each is called by.
    sizes : int64, (regions,)
    """

    labels: npt.NDArray[np.int16]
    names: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int64]


def find_regions(unit: Matrix) -> list[Regions]:
    """Regions of two levels, coarse and fine, of words in rank order, (n, D) float32 of length 1.

    Notes
    -----
    Spherical k-means (`spherical_k_means`) of the 10,000 most frequent words, 24 and 160 regions or fewer; the others
    belong to the nearest centre. A region is called by the most frequent of the tenth of its words that are nearest to
    its centre. Cost: some seconds.
    """
    with one_thread():
        return [
            _find_level(unit, min(most, max(len(unit) // least, 1)), starts)
            for most, least, starts in zip(_LEVELS, _LEAST, _STARTS, strict=True)
        ]


def _find_level(unit: Matrix, count: int, starts: int) -> Regions:
    fitted = unit[:_FITTED].astype(np.float64)
    found = spherical_k_means(fitted, count, _SEED, starts)
    sums = np.zeros((count, unit.shape[1]))
    np.add.at(sums, found, fitted)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    centres = (sums / np.where(norms > 0, norms, 1)).astype(np.float32)
    cosines = unit @ centres.T
    labels = cosines.argmax(axis=1)
    labels[: len(found)] = found
    used = np.unique(labels)
    sizes = np.bincount(labels, minlength=count)[used]
    order = used[np.argsort(-sizes, kind="stable")]
    renumbered = np.zeros(count, dtype=np.int16)
    renumbered[order] = np.arange(len(order), dtype=np.int16)
    names = [_name(np.flatnonzero(labels == region), cosines[:, region]) for region in order]
    return Regions(renumbered[labels], np.array(names, dtype=np.int32), np.sort(sizes)[::-1].astype(np.int64))


def _name(rows: npt.NDArray[np.intp], cosines: Matrix) -> int:
    central = max(1, round(_CENTRAL * len(rows)))
    return int(rows[np.argsort(-cosines[rows], kind="stable")[:central]].min())

"""Dense areas of a sample of documents: a layout of few dimensions, and clusters in it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.extras import missing
from w2v_spark.topics.layout import lay_out, one_thread
from w2v_spark.topics.settings import TopicSettings
from w2v_spark.vectors.blocks import Matrix

Labels = npt.NDArray[np.int32]

NOISE: Final = -1
"""The label of a document that lies in no dense area."""
PACKAGES: Final = ("numpy", "scipy", "scikit-learn", "numba", "umap-learn", "fast_hdbscan")
"""On whose versions the result depends."""

_LEAST_LAID_OUT: Final = 4  # fewer points have no layout worth the name


def find_clusters(
    unit: Matrix, neighbours: npt.NDArray[np.int32], similarities: Matrix, settings: TopicSettings
) -> Labels:
    """The dense areas of a sample.

    Parameters
    ----------
    unit : float32, (n, D)
        Rows of length 1, no two the same.
    neighbours : int32, (n, k - 1)
        The nearest rows of each, itself left out, the most similar first.
    similarities : float32, (n, k - 1)
        Their cosines.

    Returns
    -------
    int32, (n,)
        The area of each document, 0, 1, ..., and -1 outside of all. All are -1 where there is no area, or but one:
        then nothing stands out.

    Raises
    ------
    MissingExtra
        A library of the extra ``topics`` is not installed.

    Notes
    -----
    UMAP (McInnes, Healy & Melville 2018, arXiv 1802.03426) on the exact neighbours that it is given, begun with the
    first principal components, with one generator of random numbers and hence one thread; then HDBSCAN (Campello,
    Moulavi & Sander 2013) with clusters by excess of mass, see `find_areas`. Two calls give the same labels, on any
    number of cores, if the libraries have the same versions: all of it runs in one thread, which for HDBSCAN's tree is
    also faster than two that have to agree. A sample that cannot hold two clusters is not laid out. Memory: the sample,
    8 k n bytes, and some hundred bytes a document.
    """
    size = settings.cluster_size(len(unit))
    if len(unit) < max(2 * size, _LEAST_LAID_OUT):
        return np.full(len(unit), NOISE, dtype=np.int32)
    with one_thread():
        points = lay_out(unit, neighbours, similarities, settings.dimensions, settings.seed)
        return find_areas(points, size, min(size, settings.smoothing), settings.largest_area(len(unit)))


def find_areas(points: npt.NDArray[np.float32], size: int, smoothing: int, largest: int) -> Labels:
    """Dense areas of a layout; those of more than so many points are split where parts of them are dense.

    Parameters
    ----------
    points : float32, (n, d)
    size : int
        Points that make an area.
    smoothing : int
        Neighbours by which density is measured.
    largest : int

    Returns
    -------
    int32, (n,)
        See `find_clusters`. An area that is too large stays whole unless it has two dense parts that hold half of it.

    Notes
    -----
    The excess of mass decides between an area and its parts by a hair where the layout has a tight group of a few
    hundred points far from all others: what is left is then an area too, of most of the collection, with all of its
    topics. HDBSCAN has a limit of its own, but leaves out what is above the limit and has no parts, and takes chance
    ripples of one even area for its parts; those hold few of its points.
    """
    labels = _cluster(points, size, smoothing)
    large = np.flatnonzero(np.bincount(labels[labels >= 0]) > largest)
    if not len(large):
        return labels
    try:
        parts = _cluster(points, size, smoothing, largest)
    except KeyError:  # fast_hdbscan 0.3 where a single cluster is small enough, and one part splits nothing
        return labels
    return split_areas(labels, parts, large)


def split_areas(labels: Labels, parts: Labels, large: npt.NDArray[np.integer]) -> Labels:
    """Areas of which some have been replaced by the parts that lie in them, where two or more hold half of the area.

    Parameters
    ----------
    labels, parts : int32, (n,)
        The area of each point, and the part; -1 outside of all. A part lies in one area.
    large : int, (areas,)
        The areas to split.
    """
    split = labels.astype(np.int32)
    count = int(labels.max(initial=NOISE)) + 1
    for area in large.tolist():
        inside = np.flatnonzero(labels == area)
        held = parts[inside] >= 0
        found = np.unique(parts[inside[held]])
        if len(found) > 1 and 2 * np.count_nonzero(held) >= len(inside):
            places = np.searchsorted(found, parts[inside])
            split[inside] = np.where(parts[inside] < 0, NOISE, count + places)
            count += len(found)
    _, numbers = np.unique(split[split >= 0], return_inverse=True)
    split[split >= 0] = numbers
    return split


def _cluster(points: npt.NDArray[np.float32], size: int, smoothing: int, largest: float = np.inf) -> Labels:
    try:
        from fast_hdbscan import HDBSCAN
    except ImportError as error:
        raise missing("topics", error) from error
    method = HDBSCAN(min_cluster_size=size, min_samples=smoothing, max_cluster_size=largest, reproducible=True)
    return np.asarray(method.fit(points).labels_, dtype=np.int32)

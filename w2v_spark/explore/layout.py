"""Where words lie on a map: UMAP or principal components of the frequent ones, and others between their neighbours."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from os import cpu_count
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.topics.layout import lay_out, one_thread
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.search.tiled import QUERY_ROWS, find_neighbours

Rows = npt.NDArray[np.int32]
Points = npt.NDArray[np.float64]

NEIGHBOURS: Final = 15
"""By which words are laid out, and between which others are placed."""
_SEED: Final = 1
_SHARPNESS: Final = 0.05  # a cosine that is so much smaller counts 1/e of the largest one
_LEAST_LAID_OUT: Final = NEIGHBOURS + 5  # UMAP needs more rows than neighbours and dimensions
_MAIN: Final = 93  # per cent of the words: islands far out would leave the others a small spot


class Method(StrEnum):
    """What a layout was made by."""

    UMAP = "umap"
    PCA = "pca"

    @classmethod
    def choose(cls, words: int) -> Method:
        """UMAP where it is installed and there are words enough for it."""
        return cls.UMAP if words >= _LEAST_LAID_OUT and find_spec("umap") is not None else cls.PCA

    @staticmethod
    def why_not_umap(words: int) -> str:
        """Why so many words were laid out by principal components."""
        if words < _LEAST_LAID_OUT:
            return f"UMAP needs {_LEAST_LAID_OUT} words"
        if find_spec("umap") is None:
            return "umap-learn is not installed (extra topics)"
        return "UMAP cannot tell these words apart"


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Places of words in the plane.

    Attributes
    ----------
    points : float64, (n, 2)
        In units of the map: what a map shows at first is 2 wide or high.
    laid_out : int
        How many of the first words the method itself has placed; the others are between their neighbours.
    method : Method
    """

    points: Points
    laid_out: int
    method: Method

    @classmethod
    def build(cls, unit: Matrix, laid_out: int, like: tuple[Rows, Points] | None = None) -> Layout:
        """Lay out the first words, and place the others.

        Parameters
        ----------
        unit : float32, (n, D)
            All words, as `normalise` leaves them.
        laid_out : int
            From 1 to n.
        like : tuple of int32 (laid_out,) and float64 (m, 2), optional
            Another map that this one shall resemble: the row there of each of the first words, or -1, and its places.

        Raises
        ------
        MissingExtra
            numba is not installed.

        Notes
        -----
        The same bits each time with the same libraries. Cost: exact neighbours, ``2 n laid_out D`` operations, on all
        processors; then UMAP, on one.
        """
        method = Method.choose(laid_out)
        frequent, size = unit[:laid_out], np.arange(len(unit), dtype=np.int32)
        near = nearest(unit, size[:laid_out], NEIGHBOURS, laid_out) if method is Method.UMAP else None
        beyond = nearest(unit, size[laid_out:], NEIGHBOURS, laid_out)
        with one_thread():
            points = principal_components(frequent)
            if near is not None:
                start = None if like is None else _start_like(*near, *like)
                found = lay_out(frequent, *near, 2, _SEED, start).astype(np.float64)
                is_whole = np.isfinite(found).all()  # it divides by 0 where all words have one vector
                method, points = (method, found) if is_whole else (Method.PCA, points)
            points = to_map_units(turn_upright(points) if like is None else turn_like(points, *like))
        return cls(np.concatenate([points, place_between(points, *beyond)]), laid_out, method)

    @property
    def home(self) -> list[float]:
        """What a map shows at first: left, bottom, right, top."""
        low, high = main_area(self.points[: self.laid_out])
        return [float(value) for value in (*low, *high)]


def nearest(
    unit: Matrix, rows: Rows, topn: int, restrict: int | None = None, among: Matrix | None = None
) -> tuple[Rows, Matrix]:
    """The exact nearest neighbours of rows, on all processors: see `find_neighbours`.

    Returns
    -------
    ids : int32, (rows, k)
        k is ``topn``, or less where there are fewer candidates. A row that has fewer has -1 in the last places.
    cosines : float32, (rows, k)
    """
    if not len(rows):
        return np.empty((0, 0), dtype=np.int32), np.empty((0, 0), dtype=np.float32)
    step = 10 * QUERY_ROWS
    parts = [rows[start : start + step] for start in range(0, len(rows), step)]
    with ThreadPoolExecutor(cpu_count() or 1) as pool:  # the kernels of the search let go of the interpreter
        batches = pool.map(lambda part: [*find_neighbours(unit, part, topn, restrict, among)], parts)
        found = [each for some in batches for each in some]
    cosines = np.concatenate([each.similarities for each in found])
    ids = np.concatenate([each.ids for each in found]).astype(np.int32)
    ids[~np.isfinite(cosines)] = -1
    return ids, np.where(ids < 0, -1, cosines).astype(np.float32)


def place_between(points: Points, ids: Rows, cosines: Matrix) -> Points:
    """The weighted means of places, (rows, 2).

    Parameters
    ----------
    points : float64, (n, 2)
    ids : int32, (rows, k)
        Rows of ``points``, -1 for none.
    cosines : float32, (rows, k)
        The nearest one of a row has the weight 1, and those whose cosine is 0.05 less 1/e of that, and so on.
    """
    if not ids.size:
        return np.zeros((len(ids), 2))
    similar = np.where(ids >= 0, cosines.astype(np.float64), -np.inf)
    best = similar.max(axis=1, keepdims=True)
    weights = np.exp((similar - np.where(np.isfinite(best), best, 0)) / _SHARPNESS)
    sums = np.einsum("rk,rkd->rd", weights, points[np.maximum(ids, 0)])
    return np.asarray(sums / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300))


def principal_components(rows: Matrix) -> Points:
    """The first two principal components, (n, 2) float64; zeros where there are fewer.

    The sign of a component is that of its largest loading, so that it does not depend on the library.
    """
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    points = np.zeros((len(rows), 2))
    points[:, : axes.shape[1]] = centred @ axes
    return points


def turn_upright(points: Points) -> Points:
    """A layout turned so that it is as wide as it can be: screens are."""
    turned = principal_components(points.astype(np.float32))
    return turned if np.isfinite(turned).all() else points


def turn_like(points: Points, rows: Rows, places: Points) -> Points:
    """A layout turned, and mirrored where that is nearer, onto the places of another map."""
    known = rows >= 0
    if np.count_nonzero(known) < 2:
        return turn_upright(points)
    own, other = (some - some.mean(axis=0) for some in (points[known], places[rows[known]]))
    left, _, right = np.linalg.svd(own.T @ other)
    return np.asarray((points - points[known].mean(axis=0)) @ (left @ right))


def main_area(points: Points) -> tuple[Points, Points]:
    """The corners of what holds the words that are nearest to the middle, two (2,) float64."""
    distances = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    inner = points[distances <= np.percentile(distances, _MAIN)]
    return inner.min(axis=0), inner.max(axis=0)


def to_map_units(points: Points) -> Points:
    """Moved and scaled, so that what is shown at first is around 0 and 2 wide or high."""
    low, high = main_area(points)
    size = float((high - low).max())
    return np.asarray((points - (low + high) / 2) * (2 / size if size > 0 else 1))


def _start_like(ids: Rows, cosines: Matrix, rows: Rows, places: Points) -> Matrix | None:
    """Where UMAP begins: words that the other map has at their place there, others between their neighbours.

    None where that would be one place, or a line that has no width.
    """
    known = rows >= 0
    start = np.where(known[:, None], places[np.maximum(rows, 0)], 0.0)
    there = np.where((ids >= 0) & known[np.maximum(ids, 0)], ids, -1)
    lost = np.flatnonzero(~known & (there >= 0).any(axis=1))
    start[lost] = place_between(start, there[lost], cosines[lost])
    return start.astype(np.float32) if np.ptp(start, axis=0).all() else None

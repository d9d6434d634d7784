"""A layout of few dimensions by UMAP, from exact neighbours, the same each time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.extras import missing
from w2v_spark.vectors.blocks import Matrix

_MIN_DIST: Final = 0.1  # UMAP's own, and what top2vec has always used


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for BLAS and for compiled code, so that nothing depends on how many there are."""
    import numba
    from threadpoolctl import threadpool_limits  # who only reads topics needs neither

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        numba.set_num_threads(before)


def lay_out(
    unit: Matrix,
    neighbours: npt.NDArray[np.int32],
    similarities: Matrix,
    dimensions: int,
    seed: int,
    start: Matrix | None = None,
) -> Matrix:
    """Coordinates of rows, near ones near each other.

    Parameters
    ----------
    unit : float32, (n, D)
        Rows of length 1.
    neighbours : int32, (n, k - 1)
        The nearest rows of each, itself left out, the most similar first.
    similarities : float32, (n, k - 1)
        Their cosines.
    dimensions : int
        d; there are fewer where D or n - 2 is less.
    seed : int
    start : float32, (n, d), optional
        Where rows are at first; by default that follows from the first principal components.

    Returns
    -------
    float32, (n, d), C-contiguous

    Raises
    ------
    MissingExtra
        umap-learn, of the extra ``topics``, is not installed.

    Notes
    -----
    Within `one_thread`, two calls give the same bits if the libraries have the same versions. Source: McInnes, Healy &
    Melville 2018, arXiv 1802.03426. Memory: 8 k n bytes, and some hundred bytes a row.
    """
    try:
        from umap import UMAP
    except ImportError as error:
        raise missing("topics", error) from error
    n = len(unit)
    ids = np.concatenate([np.arange(n, dtype=np.int32)[:, None], neighbours], axis=1)
    distances = np.zeros(ids.shape, dtype=np.float32)
    np.maximum(1 - similarities, 0, out=distances[:, 1:])
    layout = UMAP(
        n_neighbors=ids.shape[1],
        n_components=min(dimensions, unit.shape[1], n - 2),
        metric="cosine",
        min_dist=_MIN_DIST,
        init="pca" if start is None else start,
        precomputed_knn=(ids, distances),
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():  # of a search index that only new points would need, and of few points
        warnings.simplefilter("ignore")
        return np.ascontiguousarray(layout.fit_transform(unit), dtype=np.float32)

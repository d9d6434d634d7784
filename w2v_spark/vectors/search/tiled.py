"""A search for the nearest neighbours of many rows: tiles of products, and a heap for each row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.row_stack import Ids, RowStack
from w2v_spark.vectors.search.compiled import needing_compiler
from w2v_spark.vectors.search.query import check_limits

QUERY_ROWS: Final = 256
CANDIDATE_ROWS: Final = 512  # similarities are 0.5 MiB then: the selection reads them from the second-level cache
WHAT: Final = "a search for the neighbours of all words"
SPARE: Final = 8  # candidates beyond the n asked for, so that rounding of the product does not decide who is left out

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The neighbours of some words, or of rows of another table.

    Attributes
    ----------
    queries : int32, (rows,)
        The words, by their rows.
    ids : int32, (rows, n)
        Rows of their neighbours, the most similar first, equal ones in order of the rows.
    similarities : float32, (rows, n)
        Cosines, -1..1.
    lengths : int64, (rows,)
        How many of the n there are: all but for a word that is itself one of only n candidates.
    """

    queries: Ids
    ids: Ids
    similarities: Matrix
    lengths: npt.NDArray[np.int64]

    def part(self, places: slice) -> Neighbours:
        """Those of some of the words."""
        return Neighbours(self.queries[places], self.ids[places], self.similarities[places], self.lengths[places])


def normalise(vectors: RowStack) -> Matrix:
    """The vectors scaled to length 1, by lengths in float64; zero rows stay zero.

    Parameters
    ----------
    vectors : RowStack, (V, D)

    Returns
    -------
    float32, (V, D)
        The one copy that is made.

    Raises
    ------
    InputError
        A row holds NaN or infinity; the message names the first.
    """
    unit: Matrix = np.empty(vectors.shape, dtype=np.float32)
    for place, batch in vectors.batches():
        rows = batch.astype(np.float64)
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            raise InputError(
                f"the vector of id {place.start + int(np.argmin(finite))} is not finite: it has no neighbours"
            )
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        lengths[lengths == 0] = 1
        unit[place] = rows / lengths[:, None]
    return unit


def find_neighbours(
    unit: Matrix, queries: Ids, topn: int, restrict: int | None = None, among: Matrix | None = None,
    offsets: Numbers | None = None,
) -> Iterator[Neighbours]:  # fmt: skip
    """The exact nearest neighbours of many words, a batch of words at a time; or of rows of any other table.

    Parameters
    ----------
    unit : float32, (V, D), C-contiguous
        All vectors as `normalise` leaves them.
    queries : int32, (Q,)
        The words to find neighbours for. What a word gets does not depend on the others.
    topn : int
        How many neighbours a word gets. There may be fewer.
    restrict : int, optional
        Neighbours come from the ``restrict`` most frequent words only, which are the first rows.
    among : float32, (W, D), C-contiguous, optional
        Neighbours come from these rows, as `normalise` leaves them, in place of ``unit``. Without it, a word is not its
        own neighbour.
    offsets : float64, (W,), optional
        What is added to the cosine with each candidate: neighbours are ranked by the sum, which stands in the place of
        the similarity.

    Yields
    ------
    Neighbours
        Of up to `QUERY_ROWS` words.

    Raises
    ------
    ConfigError
        ``topn`` or ``restrict`` is below 1.
    InputError
        Vectors of ``among`` are of another length.
    MissingExtra
        numba is not installed.

    Notes
    -----
    Products are float32, `CANDIDATE_ROWS` x `QUERY_ROWS` at a time; sums begin with the offset. Of each word ``topn``
    candidates and a few more are kept; their similarities are then computed again in float64, by which they are ranked.
    So equal vectors get equal similarities, and the result is that of float64 throughout but where more candidates than
    the few to spare lie within the rounding of a float32 sum. Cost: 2 Q W D floating-point operations; memory: 0.5 MiB
    for a tile and 8 ``topn`` bytes for each of its rows.
    """
    check_limits(topn, restrict, least=1)
    with needing_compiler(WHAT):
        from w2v_spark.kernels.nearest import NONE, keep_nearest, score
    candidates = (unit if among is None else among)[:restrict]
    check_lengths(unit, candidates)
    added: Numbers = np.zeros(len(candidates)) if offsets is None else offsets[: len(candidates)]
    kept = min(topn + SPARE, len(candidates))
    for start in range(0, len(queries), QUERY_ROWS):
        own = queries[start : start + QUERY_ROWS]
        rows = unit[own]
        left_out = own if among is None else np.full(len(own), NONE, dtype=np.int32)
        ids = np.full((len(own), kept), NONE, dtype=np.int32)
        similarities = np.full((len(own), kept), -np.inf, dtype=np.float32)
        for first, tile in tiles(rows, candidates, added):
            keep_nearest(tile, first, left_out, ids, similarities)
        score(rows, candidates, added, ids, similarities)
        yield rank(own, ids, similarities, topn)


def tiles(rows: Matrix, candidates: Matrix, offsets: Numbers) -> Iterator[tuple[int, Matrix]]:
    """Cosines with some candidates at a time, each plus its offset: the first one's number and (candidates, rows).

    A tile lasts until the next one is asked for. It may have more columns than there are rows.
    """
    from w2v_spark.kernels.memory import aligned_zeros, padded
    from w2v_spark.kernels.product import add_product
    from w2v_spark.kernels.simd import LANES

    width = padded(len(rows))
    columns = aligned_zeros(rows.shape[1], width + LANES)  # not a power of two, so that rows do not share cache sets
    tile = aligned_zeros(CANDIDATE_ROWS, width)
    columns[:, : len(rows)] = rows.T
    for first in range(0, len(candidates), CANDIDATE_ROWS):
        rows_here = candidates[first : first + CANDIDATE_ROWS]
        part = tile[: len(rows_here)]
        part[:] = offsets[first : first + CANDIDATE_ROWS, None]
        add_product(rows_here, columns, part)
        yield first, part


def check_lengths(unit: Matrix, candidates: Matrix) -> None:
    """Refuse vectors of two lengths. Raises `InputError`."""
    if candidates.shape[1] != unit.shape[1]:
        raise InputError(f"vectors of length {unit.shape[1]} have no neighbours among vectors of {candidates.shape[1]}")


def rank(own: Ids, ids: Ids, similarities: Matrix, topn: int) -> Neighbours:
    """The first n of the candidates by similarity, then by id; free places, at minus infinity, are last."""
    order = np.lexsort((ids, -similarities))[:, :topn]
    similarities = np.take_along_axis(similarities, order, axis=1)
    lengths = np.count_nonzero(similarities > -np.inf, axis=1)
    return Neighbours(own, np.take_along_axis(ids, order, axis=1), similarities, lengths)

"""The weights that continued training starts from: the old rows of old words, and fresh ones of new words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.publishing.state import open_state
from w2v_spark.storage import Directory
from w2v_spark.training.computed_rows import take
from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, MatrixReader
from w2v_spark.training.weights import WeightShape, initial_rows, zero_rows


@dataclass(frozen=True, slots=True, eq=False)
class WarmStart:
    """Weights of an earlier version.

    Attributes
    ----------
    words : (V old,) pyarrow string array
        In the order of the rows.
    matrices : the input and the output matrix, each (V old, D) float32
    """

    words: pa.Array
    matrices: tuple[MatrixReader, MatrixReader]

    @classmethod
    def open(cls, state: Directory, words: pa.Array, shape: WeightShape) -> WarmStart:
        """The matrices of a version's ``state`` directory. Raises `StoreError`, see `open_state`."""
        return cls(words, open_state(state, shape))

    def places(self, words: pa.Array) -> npt.NDArray[np.int64]:
        """The old row of each of some words, (n,); -1 for a new word."""
        return find_rows(self.words, words)

    def rows(self, words: pa.Array, dim: int, seed: int) -> tuple[Iterator[Matrix], Iterator[Matrix]]:
        """Batches of the input and of the output matrix that training starts from, in the order of some words.

        A word that had a row keeps it in both matrices. A new one starts as all words do in a first training: small
        and random in the input matrix, by its rank and the seed, and zero in the output matrix.
        """
        places = self.places(words)
        fresh = initial_rows(len(words), dim, seed), zero_rows(len(words), dim)
        first, second = (_filled(places, *pair) for pair in zip(self.matrices, fresh, strict=True))
        return first, second


def find_rows(words: pa.Array, wanted: pa.Array) -> npt.NDArray[np.int64]:
    """The place of each wanted word among some distinct words, (wanted,); -1 where it is not there."""
    places = pc.fill_null(pc.index_in(wanted, value_set=words), -1)
    return np.asarray(places.cast(pa.int64()))


def _filled(places: npt.NDArray[np.int64], old: MatrixReader, fresh: Iterator[Matrix]) -> Iterator[Matrix]:
    """Fresh batches in which old rows have taken the place of those that there are."""
    for start, batch in zip(range(0, len(places), BLOCK_ROWS), fresh, strict=True):
        wanted = places[start : start + BLOCK_ROWS]
        known = wanted >= 0
        batch[known] = take(old, wanted[known])
        yield batch

"""Words as the means of their own row and those of their n-grams, for all that comes after training."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from w2v_spark.kernels.subwords import compose
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.training.computed_rows import ComputedRows, RowNumbers, take
from w2v_spark.training.correction import Moments, second_moment
from w2v_spark.training.matrix_files import Matrix, MatrixReader
from w2v_spark.training.row_ranges import CHUNK_ROWS

_ALL_OF: Final = 4096  # of the most frequent words each counts in a moment, and of the others
_ONE_OF: Final = 8


class Ngrams(NamedTuple):
    """The n-grams of a model and the matrix that has their rows.

    Attributes
    ----------
    table : SubwordTable
    inputs : (V + B, D) float32
    """

    table: SubwordTable
    inputs: MatrixReader

    def rows(self, first: int, stop: int) -> Matrix:
        """The rows of some n-grams by their numbers, (stop - first, D) float32."""
        words = len(self.table.met)
        return self.inputs[words + first : words + stop]


class ComposedRows(ComputedRows):
    """The vectors of words as a matrix, (V, D), read from the input matrix of a model with sub-words.

    Notes
    -----
    Cost: the rows of the n-grams of what is read, each once; memory as much.
    """

    def __init__(self, table: SubwordTable, inputs: MatrixReader) -> None:
        self._table, self._inputs = table, inputs

    def __len__(self) -> int:
        return len(self._table.met)

    def __getitem__(self, rows: slice, /) -> Matrix:
        return self.take(np.arange(*rows.indices(len(self))))

    def take(self, rows: RowNumbers) -> Matrix:
        """See `computed_rows.take`."""
        starts, sizes = self._table.starts[rows], np.diff(self._table.starts)[rows]
        begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        places = np.repeat(starts - begins[:-1], sizes) + np.arange(begins[-1])
        needed, own = np.unique(self._table.rows[places], return_inverse=True)
        matrix = np.concatenate([take(self._inputs, rows), take(self._inputs, needed.astype(np.int64))])
        vectors = np.empty((len(rows), matrix.shape[1]), np.float32)
        compose(np.arange(len(rows)), begins, (own + len(rows)).astype(np.int32), matrix, vectors)
        return vectors


def composed_moment(table: SubwordTable, w_in: Matrix, dim: int) -> Moments:
    """The `correction.second_moment` of the vectors of words, each by its share of the text, (D + 1, D).

    Parameters
    ----------
    w_in : (V + B, D padded) float32
        The whole input matrix.

    Notes
    -----
    Of the words after the 4,096 most frequent ones one in eight stands for all.
    """
    vocabulary = len(table.met)
    some = np.concatenate([np.arange(min(vocabulary, _ALL_OF)), np.arange(_ALL_OF, vocabulary, _ONE_OF)])
    shares = table.met[some]
    tail = shares[_ALL_OF:]
    if tail.sum():
        shares[_ALL_OF:] = tail * (table.met[_ALL_OF:].sum() / tail.sum())
    total = np.zeros((dim + 1, dim))
    for start in range(0, len(some), CHUNK_ROWS):
        words = some[start : start + CHUNK_ROWS]
        vectors = np.empty((len(words), w_in.shape[1]), np.float32)
        compose(words, table.starts, table.rows, w_in, vectors)
        total += second_moment(vectors[:, :dim], shares[start : start + CHUNK_ROWS])
    return total

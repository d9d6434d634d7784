"""Vectors of many words outside the vocabulary at a time, compiled: what executors do with a table of n-grams."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.config import ModelConfig
from w2v_spark.kernels.ngrams import NgramRule, number_strings
from w2v_spark.text.words import string_buffers
from w2v_spark.vectors.blocks import Matrix


class SubwordBatches:
    """The n-grams of a model by their numbers.

    Parameters
    ----------
    ngrams : (B,) pyarrow array
        Strings, or the numbers of buckets.
    matrix : (B, D) float32
    model : ModelConfig
        Says which runs of letters are n-grams.

    Notes
    -----
    Memory: 16 B bytes beside the matrix.
    """

    def __init__(self, ngrams: pa.Array, matrix: Matrix, model: ModelConfig) -> None:
        self._matrix, self._rule = matrix, NgramRule(model.min_n, model.max_n, model.bucket)
        keys = ngrams.to_numpy().astype(np.uint64) if model.bucket else number_strings(*string_buffers(ngrams))
        self._order = np.argsort(keys)
        self._keys = keys[self._order]

    def vectors(
        self, text: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64]
    ) -> tuple[Matrix, npt.NDArray[np.bool_]]:  # fmt: skip
        """The mean of the vectors of each word's n-grams, (n, D) float32, and which have none, whose rows are zero.

        Word ``w`` is ``text[starts[w]:starts[w + 1]]``, UTF-8. Cost: a search among B numbers for each n-gram, and a
        row of D numbers for each that is found.
        """
        begins, keys, _, _ = self._rule.spans(text, starts)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = np.flatnonzero(self._keys[places] == keys)
        counts = np.diff(np.searchsorted(found, begins))
        vectors = np.zeros((len(starts) - 1, self._matrix.shape[1]), np.float32)
        there = np.flatnonzero(counts)
        if len(there):
            owners = np.repeat(np.arange(len(counts)), counts)
            rows = self._order[places[found]]
            rows = rows[np.lexsort((rows, owners))]
            first = np.concatenate([[0], np.cumsum(counts[there])])[:-1]
            vectors[there] = np.add.reduceat(self._matrix[rows], first, axis=0) / counts[there, None].astype(np.float32)
        return vectors, counts == 0

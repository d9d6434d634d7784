"""Documents to the means of their words' vectors."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.pointers import address_of, fetch_row

_AHEAD: Final = 6  # words whose rows are fetched before they are needed


@kernel
def mean_rows(ids, firsts, matrix, others, count_unknown, out):
    """The mean of the rows of each document's words; zeros where there is none.

    Parameters
    ----------
    ids : (words,) int32
        Rows of the matrix, from V on those of the others, or -1 for unknown words.
    firsts : (n + 1,) int64
        The words of document ``d`` are ``ids[firsts[d]:firsts[d + 1]]``.
    matrix : (V, D) float32
    others : (n, D) float32
    count_unknown : bool
        Whether unknown words count as vectors of zeros, or not at all.
    out : (n, D) float64
        Overwritten. Sums are float64, in the order of the words.
    """
    dim = matrix.shape[1]
    row_bytes = np.int64(dim) * 4
    for d in range(len(firsts) - 1):
        words = 0
        for k in range(dim):
            out[d, k] = 0.0
        for w in range(firsts[d], firsts[d + 1]):
            later = np.int64(ids[min(w + _AHEAD, len(ids) - 1)])
            if 0 <= later < len(matrix):
                fetch_row(address_of(matrix, later), row_bytes)
            i = np.int64(ids[w])
            if i >= len(matrix):
                words += 1
                for k in range(dim):
                    out[d, k] += others[i - len(matrix), k]
            elif i >= 0:
                words += 1
                for k in range(dim):
                    out[d, k] += matrix[i, k]
            elif count_unknown:
                words += 1
        if words > 1:
            share = 1.0 / words
            for k in range(dim):
                out[d, k] *= share

"""Counts to the weights that are decomposed: associations of words, or words in documents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.config import TermWeights
from w2v_spark.counting.documents import WordStatistics
from w2v_spark.counting.rows import Ints, Rows
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.logarithm import log_of

Numbers = npt.NDArray[np.float64]


class AssociationTerms(NamedTuple):
    """What is added to the logarithm of a count: the rest of its pointwise mutual information.

    Attributes
    ----------
    words, contexts : (V,) float64
        Of a word, and of a context; -inf for one that never meets another.
    """

    words: Numbers
    contexts: Numbers


def association_terms(sums: Numbers, kept: Numbers, smoothing: float, shift: float) -> AssociationTerms:
    """The terms of ``ln(#(w, c) Z / (#(w) #(c)^s)) - ln k``, with Z the sum of all ``#(c)^s``.

    Levy, Goldberg and Dagan 2015, section 3.1; s smooths contexts, k is the shift.

    Parameters
    ----------
    sums : (V,) float64
        Of each row, where a count stands for the part of it that is kept of its column.
    kept : (V,) float64
        The chance that subsampling keeps a word: a count stands for so much of it, for both of its words.
    """
    totals = kept * sums
    meets = totals > 0
    logs = np.log(np.where(meets, totals, 1.0))
    everything = np.sum(np.exp(smoothing * logs) * meets)
    if not everything:
        return AssociationTerms(*np.full((2, len(sums)), -np.inf))
    words = np.where(meets, np.log(kept) - logs + np.log(everything) - np.log(shift), -np.inf)
    return AssociationTerms(words, np.where(meets, np.log(kept) - smoothing * logs, -np.inf))


def associations(counts: Rows, rows: Numbers, columns: Numbers) -> Rows:
    """Positive pointwise mutual information: ``max(ln n + rows + columns, 0)``, float32; zeros are left out.

    Parameters
    ----------
    counts : Rows
    rows : (rows,) float64, columns : (columns,) float64
        Of `AssociationTerms`, those of words in rows or those of contexts.
    """
    size = len(counts.columns)
    starts, kept, values = np.zeros(len(counts.starts), np.int64), np.empty(size, np.int32), np.empty(size, np.float32)
    associate(*counts, rows, columns, starts, kept, values)
    return Rows(starts, kept[: starts[-1]].copy(), values[: starts[-1]].copy())


@kernel
def associate(starts, columns, counts, row_terms, column_terms, own_starts, own_columns, values):
    """See `associations`."""
    size = 0
    for r in range(len(starts) - 1):
        for n in range(starts[r], starts[r + 1]):
            value = np.float32(log_of(float(counts[n])) + row_terms[r] + column_terms[columns[n]])
            if value > 0:
                own_columns[size] = columns[n]
                values[size] = value
                size += 1
        own_starts[r + 1] = size


def word_weights(kind: TermWeights, counts: Ints, seen: WordStatistics) -> Numbers:
    """What a word counts in all documents, (V,) float64.

    ``log_entropy``: ``1 + sum_d p_d ln p_d / ln(N + 1)``, with p_d the part of a word's occurrences that is in document
    d of N; ``tf_idf``: ``log2(N / df)``. Both as gensim has them.

    Parameters
    ----------
    counts : (V,) int64
        Occurrences of each word in all documents.
    """
    if kind is TermWeights.TF_IDF:
        return np.asarray(np.log2(seen.documents / np.maximum(seen.found, 1)))
    entropy = np.where(counts > 0, seen.logs / np.maximum(counts, 1) - np.log(np.maximum(counts, 1)), 0.0)
    return np.asarray(1.0 + entropy / np.log(seen.documents + 1.0))


def document_norms(documents: Rows, words: Numbers, damped: bool) -> Numbers:
    """By what the weights of each document are multiplied, so that their squares add up to 1; 0 for one without any."""
    norms = np.zeros(len(documents.starts) - 1)
    add_squares(*documents, words, damped, norms)
    with np.errstate(divide="ignore"):
        return np.where(norms > 0, 1 / np.sqrt(norms), 0.0)


@kernel
def add_squares(starts, columns, counts, words, damped, sums):
    """The sum of the squares of each document's weights."""
    for d in range(len(starts) - 1):
        for n in range(starts[d], starts[d + 1]):
            count = float(counts[n])
            value = (log_of(count + 1.0) if damped else count) * words[columns[n]]
            sums[d] += value * value


def term_weights(counts: Rows, rows: Numbers, columns: Numbers, damped: bool) -> Rows:
    """``n * rows * columns``, or ``ln(n + 1)`` in the place of n where counts are damped, float32."""
    values = np.empty(len(counts.columns), np.float32)
    weigh_terms(*counts, rows, columns, damped, values)
    return Rows(counts.starts, counts.columns, values)


@kernel
def weigh_terms(starts, columns, counts, row_factors, column_factors, damped, values):
    """See `term_weights`."""
    for r in range(len(starts) - 1):
        for n in range(starts[r], starts[r + 1]):
            count = float(counts[n])
            value = log_of(count + 1.0) if damped else count
            values[n] = value * row_factors[r] * column_factors[columns[n]]

"""Twins of what counts are made into vectors by: plain loops and dense float64 matrices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def pair_counts(sentences: Sequence[Sequence[int]], vocabulary: int, window: int, shrinks: bool) -> Numbers:
    """How often words stand near each other, (V, V); nearer ones count more where windows shrink.

    As hyperhyper counts with ``dynamic_window="deter"``, or with None.
    """
    counts = np.zeros((vocabulary, vocabulary))
    for sentence in sentences:
        for place, word in enumerate(sentence):
            for other in range(max(place - window, 0), min(place + window + 1, len(sentence))):
                if other != place:
                    distance = abs(other - place)
                    counts[word, sentence[other]] += (window + 1 - distance) / window if shrinks else 1.0
    return counts


def positive_information(counts: Numbers, smoothing: float, shift: float) -> Numbers:
    """Shifted positive pointwise mutual information with smoothed contexts: Levy, Goldberg and Dagan 2015.

    The formulas of hyperhyper's ``calc_pmi(counts, cds)`` and ``PPMIEmbedding(matrix, neg)``.
    """
    words, contexts = counts.sum(axis=1), counts.sum(axis=0) ** smoothing
    contexts[counts.sum(axis=0) == 0] = 0.0
    result = np.zeros_like(counts)
    for word, context in zip(*np.nonzero(counts), strict=True):
        ratio = counts[word, context] * contexts.sum() / (words[word] * contexts[context])
        result[word, context] = max(math.log(ratio) - math.log(shift), 0.0)
    return result


def term_matrix(documents: Sequence[Sequence[int]], vocabulary: int, kind: str) -> Numbers:
    """Words in documents, (documents, V), each of length 1, as gensim's ``LogEntropyModel`` and ``TfidfModel``."""
    counted = [Counter(document) for document in documents]
    total, n = Counter(word for document in documents for word in document), len(documents)
    weights = np.zeros(vocabulary)
    for word in range(vocabulary):
        shares = [found[word] / total[word] for found in counted if word in found]
        if kind == "tf_idf":
            weights[word] = math.log2(n / len(shares)) if shares else 0.0
        else:
            weights[word] = 1.0 + sum(share * math.log(share) for share in shares) / math.log(n + 1)
    matrix = np.zeros((n, vocabulary))
    for row, found in enumerate(counted):
        for word, count in found.items():
            matrix[row, word] = (count if kind == "tf_idf" else math.log(count + 1)) * weights[word]
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.divide(matrix, length, out=np.zeros_like(matrix), where=length > 0)


def vectors(matrix: Numbers, dim: int, weight: float) -> tuple[Numbers, Numbers]:
    """``U S^weight`` and ``V S^weight`` of an exact decomposition, by rows of the matrix and by columns."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    kept = values[:dim] > 1e-9 * values[0]
    scale = np.where(kept, np.where(kept, values[:dim], 1.0) ** weight, 0.0)
    return left[:, :dim] * scale, right[:dim].T * scale


def sparse_product(starts: npt.NDArray[np.int64], columns: Sequence[int], values: Numbers, dense: Numbers) -> Numbers:
    """Sparse rows times a dense matrix."""
    result = np.zeros((len(starts) - 1, dense.shape[1]))
    for row in range(len(result)):
        for entry in range(starts[row], starts[row + 1]):
            result[row] += values[entry] * dense[columns[entry]]
    return result

"""Nearest neighbours by cosine in float64, from their definition; imports nothing from the package."""

import numpy as np


def cosines(matrix):
    """All cosines, (V, V); 0 where either vector is zero."""
    rows = np.asarray(matrix, dtype=np.float64)
    lengths = np.sqrt((rows**2).sum(axis=1))
    unit = np.divide(rows, lengths[:, None], out=np.zeros_like(rows), where=lengths[:, None] > 0)
    return unit @ unit.T


def nearest(similarities, word, topn, restrict=None):
    """Ids of the nearest to one word, the word left out, equal ones in rank order."""
    others = [other for other in range(len(similarities))[:restrict] if other != word]
    return sorted(others, key=lambda other: (-similarities[word][other], other))[:topn]


def cosines_between(queries, candidates):
    """Cosines of each row of one matrix with each of another, (n, m)."""
    return cosines(np.concatenate([queries, candidates]))[: len(queries), len(queries) :]


def nearest_of(similarities, query, topn, left_out=()):
    """Numbers of the candidates nearest to a row of other vectors, but for some, equal ones in order."""
    others = [other for other in range(similarities.shape[1]) if other not in left_out]
    return sorted(others, key=lambda other: (-similarities[query][other], other))[:topn]

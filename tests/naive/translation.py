"""MUSE's and gensim's formulas in float64, plain and slow; imports nothing from the package."""

import numpy as np


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)


def procrustes(x, y):
    """MUSE's map: W = U V^T of Y^T X, for columns; rows are mapped by ``x @ W.T``."""
    u, _, vt = np.linalg.svd(np.asarray(y, dtype=np.float64).T @ np.asarray(x, dtype=np.float64))
    return u @ vt


def least_squares(x, y):
    """gensim's map, of vectors of length 1."""
    return np.linalg.lstsq(unit(x), unit(y), rcond=-1)[0]


def csls(source, target, k=10):
    """2 cos - r_T - r_S of all pairs of rows, (n, m)."""
    cosines = unit(source) @ unit(target).T
    of_source = np.sort(cosines, axis=1)[:, -k:].mean(axis=1)
    of_target = np.sort(cosines, axis=0)[-k:].mean(axis=0)
    return 2 * cosines - of_source[:, None] - of_target


def refine(source, target, w, times):
    """MUSE's refinement by S2T&T2S, csls_knn_10, of all words; the map, and how many pairs there were each time."""
    counts = []
    for _ in range(times):
        scores = csls(source @ w.T, target)
        forward, backward = scores.argmax(axis=1), scores.argmax(axis=0)
        pairs = [(s, t) for s, t in enumerate(forward) if backward[t] == s]
        rows = np.array(pairs)
        w = procrustes(source[rows[:, 0]], target[rows[:, 1]])
        counts.append(len(pairs))
    return w, counts


def precision(scores, pairs, at):
    """The share of source words one of whose translations is among the best answers, and how many words were asked."""
    right = {}
    for source, target in pairs:
        best = np.argsort(-scores[source], kind="stable")[:at]
        right[source] = right.get(source, False) or target in best
    return sum(right.values()) / len(right), len(right)

"""The curvature-corrected mean in float64, row by row, from its definition; imports nothing from the package."""

import numpy as np


def stretch(x, shards):
    """(1 - e^(-P x)) / (1 - e^(-x)), by its sum."""
    return sum(np.exp(-k * x) for k in range(shards))


def corrected_mean(mean, other, met, updates, shards, rate, slope, own, floor):
    """The displacement of one matrix of a skip-gram model.

    mean (V, D) mean displacement; other (V, D) the other matrix before the round; met (V,) how often its rows are met;
    updates (V,) updates of each row by each shard in this round; own, floor: see the docs.
    """
    dim = mean.shape[1]
    average = sum(met[v] * other[v] for v in range(len(other))) / met.sum()
    moment = np.zeros((dim, dim))
    for v in range(len(other)):
        apart = other[v] - average
        moment += met[v] * (np.outer(average, average) + own * np.outer(apart, apart))
    values, vectors = np.linalg.eigh(moment)
    values = np.maximum(values, 0)
    values = values + floor * np.median(values)
    result = np.empty_like(mean)
    for r in range(len(mean)):
        x = updates[r] * rate * slope * values
        result[r] = vectors @ (stretch(x, shards) * (vectors.T @ mean[r]))
    return result


def sequential_sgd_on_a_quadratic(start, optimum, hessian, rate, steps):
    """Gradient descent on 0.5 (w - w*)^T H (w - w*)."""
    w = start.copy()
    for _ in range(steps):
        w -= rate * hessian @ (w - optimum)
    return w

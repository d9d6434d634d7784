"""The curvature-corrected mean in float64, row by row, from its definition; imports nothing from the package."""

import numpy as np


def stretch(x, shards):
    """(1 - e^(-P x)) / (1 - e^(-x)), by its sum."""
    return sum(np.exp(-k * x) for k in range(shards))


def noise_part(x, shards):
    """What of one shard's difference from the mean gives the stretched mean the noise that shards in turn have."""
    in_turn = sum(np.exp(-2 * k * x) for k in range(shards))
    return np.sqrt(np.maximum(in_turn - stretch(x, shards) ** 2 / shards, 0) / (1 - 1 / shards))


def in_turn(displacements, x):
    """Where shards in turn end that would have moved like this, (P, ...), from the start of the round."""
    total = np.zeros_like(displacements[0])
    for displacement in displacements:
        total = np.exp(-x) * total + displacement
    return total


def corrected_mean(mean, one, other, met, updates, shards, rate, slope, own, floor):
    """The displacement of one matrix of a skip-gram model.

    mean (V, D) mean displacement; one (V, D) that of a single shard, for each row; other (V, D) the other matrix before
    the round; met (V,) how often its rows are met;
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
        noise = noise_part(x, shards) * (vectors.T @ (one[r] - mean[r]))
        result[r] = vectors @ (stretch(x, shards) * (vectors.T @ mean[r]) + noise)
    return result


def sequential_sgd_on_a_quadratic(start, optimum, hessian, rate, steps):
    """Gradient descent on 0.5 (w - w*)^T H (w - w*)."""
    w = start.copy()
    for _ in range(steps):
        w -= rate * hessian @ (w - optimum)
    return w

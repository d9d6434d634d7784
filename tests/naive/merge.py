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


def corrected_mean(
    mean_step, sample, other, partner_counts, updates, shards, rate, slope, centered_weight, curvature_floor
):
    """The displacement of one matrix of a skip-gram model.

    mean_step (V, D) mean displacement; sample (V, D) that of one shard, for each row; other (V, D) the other matrix
    before the round; partner_counts (V,) how often its rows are met; updates (V,) updates of each row by each shard in
    this round; centered_weight, curvature_floor: see the docs.
    """
    dim = mean_step.shape[1]
    average = sum(partner_counts[v] * other[v] for v in range(len(other))) / partner_counts.sum()
    moment = np.zeros((dim, dim))
    for v in range(len(other)):
        apart = other[v] - average
        moment += partner_counts[v] * (np.outer(average, average) + centered_weight * np.outer(apart, apart))
    values, vectors = np.linalg.eigh(moment)
    values = np.maximum(values, 0)
    values = values + curvature_floor * np.median(values)
    result = np.empty_like(mean_step)
    for r in range(len(mean_step)):
        x = updates[r] * rate * slope * values
        noise = noise_part(x, shards) * (vectors.T @ (sample[r] - mean_step[r]))
        result[r] = vectors @ (stretch(x, shards) * (vectors.T @ mean_step[r]) + noise)
    return result


def sequential_sgd_on_a_quadratic(start, optimum, hessian, rate, steps):
    """Gradient descent on 0.5 (w - w*)^T H (w - w*)."""
    w = start.copy()
    for _ in range(steps):
        w -= rate * hessian @ (w - optimum)
    return w

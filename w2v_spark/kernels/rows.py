"""Rows that a key alone decides, for documents: whoever draws one draws the same."""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels import rng
from w2v_spark.kernels.jit import kernel


@kernel
def draw_rows(keys, seed, dim):
    """Uniform in [-1 / D, 1 / D), as rows of words begin.

    Parameters
    ----------
    keys : (n,) uint64
    seed : uint64
    dim : int
        D.

    Returns
    -------
    (n, D) float32
    """
    rows = np.empty((len(keys), dim), np.float32)
    width = np.float32(2.0) / np.float32(dim)
    scale = np.float32(1.0 / (1 << 24))
    for i in range(len(keys)):
        state = rng.start_stream(rng.mix(keys[i] ^ rng.mix(seed + np.uint64(3))), np.uint64(0))
        for j in range(dim):
            state = rng.step(state)
            bits = np.float32(np.int64(rng.output(state) >> np.uint64(40)))
            rows[i, j] = (bits * scale - np.float32(0.5)) * width
    return rows

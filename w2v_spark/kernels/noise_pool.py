"""Words of the noise distribution, drawn ahead for a slice of the text."""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels import rng
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.objectives import noise_word


@kernel
def draw_pool(key, position, accept, alias, pool):
    """Fill a pool with noise words.

    Parameters
    ----------
    key : uint64
        Of the shard's streams in the epoch.
    position : int
        Where the slice begins; its stream is none of a sentence's.
    accept, alias
        See `objectives.noise_word`.
    pool : (n,) int32
        Written to.
    """
    state = rng.start_stream(rng.mix(np.uint64(key) ^ np.uint64(0xA0761D6478BD642F)), np.uint64(position))
    for i in range(len(pool)):
        state = rng.step(state)
        pool[i] = noise_word(rng.output(state), accept, alias)

"""A pool of words of the noise distribution, from which the noise of a stretch of the text is drawn.

Of the rows that a window reads, most are those of its noise words. Where noise is drawn from few words for a while,
their rows lie in the caches meanwhile, and a short slice of the text touches fewer rows. A pool has itself been drawn
from the noise distribution, so over all stretches each draw has that distribution still; only the draws of one stretch
are no longer independent of each other.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import rng
from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.objectives import fetch_noise, noise_word

TOKENS_A_WORD: Final = 8  # of the text for each word of a pool: then the next pool is drawn


@inline
def stretch_of(position, words):
    """The number of the stretch that has a pool of so many words of its own, by the position of a sentence in it."""
    return position // (TOKENS_A_WORD * words)


@inline
def draw_pool(key, stretch, noise, bits, pool):
    """Fill a pool with noise words.

    Parameters
    ----------
    key : uint64
        Of the shard's streams in the epoch.
    stretch : int
        `stretch_of`; its random stream is none of a sentence's.
    noise : objectives.Noise
    bits : (n,) uint64, pool : (n,) int32
        Written to; the first of them holds what is drawn until the tables, which may be large, have been asked for.
    """
    state = rng.start_stream(rng.mix(np.uint64(key) ^ np.uint64(0xA0761D6478BD642F)), np.uint64(stretch))
    for i in range(len(pool)):
        state = rng.step(state)
        bits[i] = rng.output(state)
        fetch_noise(bits[i], noise)
    for i in range(len(pool)):
        pool[i] = noise_word(bits[i], noise)

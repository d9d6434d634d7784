"""Random numbers for kernels: one stream a sentence, named by numbers, so that any slice of a shard can be replayed."""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels.jit import inline, kernel


@inline
def mix(x):
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014): a bijection of uint64 that scatters close numbers."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def stream_key(seed, epoch, shard):
    """The uint64 key of all sentences of one shard in one epoch."""
    key = mix(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15))
    key = mix(key ^ (np.uint64(epoch) + np.uint64(0xD1B54A32D192ED03)))
    return mix(key ^ (np.uint64(shard) + np.uint64(0x8CB92BA72F3D8DD7)))


@inline
def start_stream(key, position):
    """The first state of the sentence that starts at a position; never zero, which would stay zero."""
    return mix(np.uint64(key) + np.uint64(position) * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1)


@inline
def step(state):
    """The next state of xorshift64* (Vigna 2016)."""
    state ^= state >> np.uint64(12)
    state ^= state << np.uint64(25)
    return state ^ (state >> np.uint64(27))


@inline
def output(state):
    """The 64 random bits of a state; the high 32 are the better half."""
    return state * np.uint64(2685821657736338717)


@inline
def below(bits, n):
    """A number from 0 to ``n - 1`` from the high 32 bits (Lemire 2019; without rejection, bias under n / 2^32)."""
    return np.int64(((bits >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))

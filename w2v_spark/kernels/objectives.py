"""Objectives: which output rows a target is scored against, with which labels.

Both write the addresses of the rows and their labels to where the dense step reads them.
"""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels import rng, simd
from w2v_spark.kernels.jit import inline


@inline
def noise_word(bits, accept, alias):
    """A word of the noise distribution from 64 random bits (the alias method of Walker 1977).

    No branch: which of both words it is cannot be predicted.
    """
    i = rng.below(bits, len(accept))
    other = np.int64(alias[i])
    return other + (i - other) * np.int64(np.uint32(bits & np.uint64(0xFFFFFFFF)) < accept[i])


@inline
def fetch_noise(bits, accept, alias):
    """Ask for what `noise_word` will read."""
    i = rng.below(bits, len(accept))
    simd.prefetch(simd.address_of(accept, i))
    simd.prefetch(simd.address_of(alias, i))


@inline
def distinct_words(target, noise, chosen):
    """The target and the noise words that differ from it and from each other; how many they are.

    Parameters
    ----------
    target : int
    noise : (negatives,) int64
    chosen : (negatives + 1,) int64
        Written to, the target first.
    """
    chosen[0] = target
    n = 1
    for k in range(len(noise)):
        new = True
        for i in range(n):
            new &= chosen[i] != noise[k]
        chosen[n] = noise[k]
        n += np.int64(new)
    return n


@inline
def score_words(chosen, n, w_out, rows, labels, first):
    """Negative sampling: n words, of which the first is right, to ``rows`` and ``labels`` from place ``first``."""
    for i in range(n):
        rows[first + i] = simd.address_of(w_out, chosen[i])
        labels[first + i] = np.float32(0.0)
    labels[first] = np.float32(1.0)


@inline
def score_path(steps, start, n, w_out, rows, labels, first):
    """Hierarchical softmax: the n inner nodes of the path ``steps[start:start + n]``, see `huffman.build_paths`."""
    for i in range(n):
        step = np.int64(steps[start + i])
        rows[first + i] = simd.address_of(w_out, step >> 1)
        labels[first + i] = np.float32(step & 1)

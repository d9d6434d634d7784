"""Objectives: which output rows a target is scored against, with which labels.

Both write the addresses of the rows and their labels to where the dense step reads them, ask for the rows, so that
they are at hand one window later, and return how many there are.
"""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels import rng, simd
from w2v_spark.kernels.jit import inline


@inline
def draw_noise(bits, accept, alias):
    """A word of the noise distribution from 64 random bits (the alias method of Walker 1977)."""
    i = rng.below(bits, len(accept))
    if np.uint32(bits & np.uint64(0xFFFFFFFF)) < accept[i]:
        return i
    return np.int64(alias[i])


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
            if chosen[i] == noise[k]:
                new = False
        if new:
            chosen[n] = noise[k]
            n += 1
    return n


@inline
def score_words(chosen, n, w_out, row_bytes, rows, labels, first):
    """Negative sampling: n words, of which the first is right, to ``rows`` and ``labels`` from place ``first``."""
    for i in range(n):
        row = simd.address_of(w_out, chosen[i])
        rows[first + i] = row
        labels[first + i] = np.float32(0.0)
        simd.fetch_row(row, row_bytes)
    labels[first] = np.float32(1.0)


@inline
def score_path(steps, start, n, w_out, row_bytes, rows, labels, first):
    """Hierarchical softmax: the n inner nodes of the path ``steps[start:start + n]``, see `huffman.build_paths`."""
    for i in range(n):
        step = np.int64(steps[start + i])
        row = simd.address_of(w_out, step >> 1)
        rows[first + i] = row
        labels[first + i] = np.float32(step & 1)
        simd.fetch_row(row, row_bytes)

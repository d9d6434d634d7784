"""Objectives: which output rows a target is scored against, with which labels.

Both write the addresses of the rows and their labels to where the dense step reads them: to addresses and not to
arrays, for whose sake numba would count references in each window.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import rng, simd
from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.scores import UNUSED
from w2v_spark.kernels.tiles import ROWS

EIGHT: Final = 8  # words that are compared at once


@inline
def noise_word(bits, accept, alias):
    """A word of the noise distribution from 64 random bits (the alias method of Walker 1977)."""
    i = rng.below(bits, len(accept))
    taken = np.uint32(bits & np.uint64(0xFFFFFFFF)) < accept[np.uint64(i)]
    return simd.either(taken, i, np.int64(alias[np.uint64(i)]))


@inline
def fetch_noise(bits, accept, alias):
    """Ask for what `noise_word` will read."""
    i = rng.below(bits, len(accept))
    simd.prefetch(simd.address_of(accept, i))
    simd.prefetch(simd.address_of(alias, i))


@inline
def room_for_words(negatives):
    """Room for a target and noise words, and behind them numbers that differ from each other and from all words."""
    return -np.arange(1, max(negatives + 1, EIGHT) + 1).astype(np.int32)


@inline
def choose_words(target, drawn, accept, alias, pool, chosen):
    """The target and the noise words that differ from it and from each other; how many they are.

    Parameters
    ----------
    target : int
    drawn : (negatives,) uint64
        Random bits for `noise_word`.
    accept, alias
        Of `sampling.tables.SamplingTables`.
    pool : (n,) int32
        See `noise_pool.draw_pool`; where it is empty, noise comes from all words.
    chosen : int32
        `room_for_words`. Written to, the target first; behind the last may be anything.
    """
    negatives = len(drawn)
    chosen[0] = target
    if len(pool) > 0:
        for k in range(negatives):
            chosen[np.uint64(k + 1)] = pool[np.uint64(rng.below(drawn[np.uint64(k)], len(pool)))]
    else:
        for k in range(negatives):
            chosen[np.uint64(k + 1)] = noise_word(drawn[np.uint64(k)], accept, alias)
    if negatives < EIGHT and not simd.has_equal_words(simd.address_of(chosen, 0)):  # nearly always
        return negatives + 1
    n = 1
    for k in range(negatives):
        word, new = chosen[k + 1], True
        for i in range(n):
            new &= chosen[i] != word
        chosen[n] = word
        n += np.int64(new)
    for i in range(n, len(chosen)):
        chosen[i] = -1 - i
    return n


@inline
def score_words(chosen, n, w_out, rows, labels):
    """Negative sampling: n words, of which the first is right, to where addresses of rows and labels are expected."""
    for i in range(n):
        simd.store_address(rows + 8 * i, simd.address_of(w_out, np.int64(chosen[np.uint64(i)])))
        simd.store_float(labels + 4 * i, np.float32(0.0))
    simd.store_float(labels, np.float32(1.0))


@inline
def fetch_path(steps, starts, sentence, place, length):
    """Ask for the path of a word, which `score_path` will read, and for where that of a later word begins."""
    if place + 2 < length:
        simd.prefetch(simd.address_of(starts, sentence[np.uint64(place + 2)]))
    word = sentence[np.uint64(place)]
    simd.prefetch(simd.address_of(steps, starts[np.uint64(word)]))
    simd.prefetch(simd.address_of(steps, starts[np.uint64(word + 1)]))


@inline
def score_path(steps, start, n, w_out, rows, labels):
    """Hierarchical softmax: the n inner nodes of the path ``steps[start:start + n]``, see `huffman.build_paths`."""
    for i in range(n):
        step = np.int64(steps[np.uint64(start + i)])
        simd.store_address(rows + 8 * i, simd.address_of(w_out, step >> 1))
        simd.store_float(labels + 4 * i, np.float32(step & 1))


@inline
def fill_tile(zeros, n, rows, labels):
    """Rows of zeros behind the n-th, until a tile is full."""
    for i in range(n, -(-n // ROWS) * ROWS):
        simd.store_address(rows + 8 * i, zeros)
        simd.store_float(labels + 4 * i, np.float32(UNUSED))

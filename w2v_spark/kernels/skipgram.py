"""Skip-gram with negative sampling (Mikolov et al. 2013, "Distributed Representations of Words and Phrases", eq. 4)."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import rng, simd
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.step import REGISTER_BYTES, dense_step, dots_of_tile, fetch_row
from w2v_spark.kernels.tiles import ROWS

# Slots of the statistics that a kernel adds to.
LOSS: Final = 0  # sum of the losses of all pairs, positive and negative, nats
PAIRS: Final = 1  # (word, context word) pairs trained on
KEPT: Final = 2  # words that subsampling kept
STATISTICS: Final = 3


@inline
def draw_noise(bits, accept, alias):
    """A word of the noise distribution from 64 random bits (the alias method of Walker 1977)."""
    i = rng.below(bits, len(accept))
    if np.uint32(bits & np.uint64(0xFFFFFFFF)) < accept[i]:
        return i
    return np.int64(alias[i])


@kernel
def skipgram_ns(
    ids, offsets, position, key, w_in, w_out, accept, alias, keep, window, negatives,
    first_rate, rate_per_token, last_rate, masks, workspace, statistics,
):  # fmt: skip
    """Train on some consecutive sentences of a shard.

    Parameters
    ----------
    ids : (tokens,) int32
        Word ids of the sentences, one behind the other.
    offsets : (sentences + 1,) int32 or int64
        Sentence ``s`` is ``ids[offsets[s]:offsets[s + 1]]``.
    position : int
        Tokens of the shard before ``ids[0]``; names the random stream of each sentence, with ``key``.
    key : numpy.uint64
        `rng.stream_key` of (seed, epoch, shard); as a numpy number, since numba takes small Python ones for signed.
    w_in, w_out : (V, D padded) float32
        The weights, updated in place; D is padded to whole registers with zeros, which stay zero.
    accept : (V,) uint32, alias : (V,) int32
        Alias table of the noise distribution.
    keep : (V,) uint32
        A word is kept when 32 random bits are not above this.
    window, negatives : int
        Largest distance of a context word; noise words a window.
    first_rate, rate_per_token, last_rate : float
        Learning rate at position 0 of this epoch, how much it falls with each token, and its lower bound.
    masks : (ROWS + 2, 64) float32
        `step.build_masks`.
    workspace : float32
        `step.build_workspace` for the same window, negatives and D; overwritten.
    statistics : (STATISTICS,) float64
        Added to.

    Notes
    -----
    The kept words of a sentence are numbered anew before windows are laid, so subsampling widens them, as in the
    original C program. The window of each word reaches 1 to ``window`` words, uniformly. Noise words are drawn once a
    window and shared by its pairs; those equal to the target or to each other are left out. They are drawn one
    window ahead, so that their rows can be fetched in time, like those of the words to come.
    """
    row_bytes = np.int64(w_in.shape[1]) * 4
    registers = row_bytes // REGISTER_BYTES
    rows = -(-(negatives + 1) // ROWS) * ROWS
    dot_bytes = dots_of_tile(window)
    copies = simd.address_of(workspace, 0)
    zeros = copies + 2 * window * row_bytes
    dots = zeros + row_bytes
    mask_rows = np.empty(ROWS + 2, np.int64)
    for r in range(ROWS + 2):
        mask_rows[r] = simd.address_of(masks, r)
    longest = 0
    for s in range(len(offsets) - 1):
        longest = max(longest, np.int64(offsets[s + 1] - offsets[s]))
    sentence = np.empty(longest, np.int64)
    inputs = np.empty(2 * window, np.int64)
    outputs = np.empty(rows, np.int64)
    chosen = np.empty(negatives + 1, np.int64)
    ahead = np.empty(negatives, np.int64)
    loss = 0.0
    likelihood = 1.0
    pairs = 0
    kept = 0
    for s in range(len(offsets) - 1):
        place = position + np.int64(offsets[s])
        state = rng.start_stream(key, place)
        length = 0
        for p in range(offsets[s], offsets[s + 1]):
            state = rng.step(state)
            word = np.int64(ids[p])
            if np.uint32(rng.output(state) >> np.uint64(32)) <= keep[word]:
                sentence[length] = word
                length += 1
        kept += length
        if length < 2:
            continue
        alpha = np.float32(max(first_rate - rate_per_token * place, last_rate))
        for k in range(negatives):
            state = rng.step(state)
            ahead[k] = draw_noise(rng.output(state), accept, alias)
        for t in range(min(length, window + 1)):
            fetch_row(simd.address_of(w_in, sentence[t]), row_bytes)
        for t in range(length):
            state = rng.step(state)
            reach = 1 + rng.below(rng.output(state), window)
            m = 0
            for c in range(max(0, t - reach), min(length, t + reach + 1)):
                if c != t:
                    inputs[m] = simd.address_of(w_in, sentence[c])
                    m += 1
            chosen[0] = sentence[t]
            n = 1
            for k in range(negatives):
                new = True
                for i in range(n):
                    if chosen[i] == ahead[k]:
                        new = False
                if new:
                    chosen[n] = ahead[k]
                    n += 1
            for i in range(rows):
                outputs[i] = simd.address_of(w_out, chosen[i]) if i < n else zeros
            for k in range(negatives):
                state = rng.step(state)
                ahead[k] = draw_noise(rng.output(state), accept, alias)
                fetch_row(simd.address_of(w_out, ahead[k]), row_bytes)
            if t + 1 < length:
                fetch_row(simd.address_of(w_out, sentence[t + 1]), row_bytes)
            if t + window + 1 < length:
                fetch_row(simd.address_of(w_in, sentence[t + window + 1]), row_bytes)
            loss, likelihood = dense_step(
                inputs, m, outputs, n, registers, alpha, mask_rows, copies, dots, row_bytes, dot_bytes,
                loss, likelihood,
            )  # fmt: skip
            pairs += m
    statistics[LOSS] += loss - np.log(likelihood)
    statistics[PAIRS] += pairs
    statistics[KEPT] += kept

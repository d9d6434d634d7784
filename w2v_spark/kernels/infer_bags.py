"""Rows of new documents of PV-DBOW: each is trained against output rows that stay as they are.

Nothing but the document's own row changes, so a step takes several of its words at once, and documents need not be
taken one behind the other: some of them meet the same noise words in the same places, which then lie at hand. Noise
depends on the epoch and the place of a word in its document alone, so that a document's row does not depend on which
others there are.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import pointers, rng, scores, simd, tiles
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.memory import REGISTER_BYTES
from w2v_spark.kernels.objectives import noise_of, noise_word, score_path
from w2v_spark.kernels.scores import UNUSED
from w2v_spark.kernels.tiles import ROWS
from w2v_spark.kernels.train import keep_words
from w2v_spark.kernels.window_step import fetch_rows, lay_out

TOGETHER: Final = 16  # documents that meet the same noise while it is in the second-level cache
WORDS_A_STEP: Final = 8
PLACES: Final = 1 << 13  # with noise words of their own; the words of longer documents begin with them anew


@kernel
def infer_bags(ids, starts, keys, order, epochs, first_rate, last_rate, seed, w_out, rows, model, tables, memory):
    """Train the rows of some documents, each for itself.

    Parameters
    ----------
    ids : (tokens,) int32, starts : (documents + 1,) int64
        Document ``d`` is ``ids[starts[d]:starts[d + 1]]``.
    keys : (documents,) uint64
        By which subsampling draws.
    order : (documents,) int64
        Documents, those next to each other that are of like length: decides how fast it is and nothing else.
    epochs : int
    first_rate, last_rate : float
        The learning rate falls from the first to the second over all epochs.
    seed : uint64
        By which noise is drawn.
    w_out : (V, D padded) float32, or, for hierarchical softmax, (V - 1, D padded)
    rows : (documents, D padded) float32
        Updated in place.
    model : arguments.Model
    tables : sampling.tables.SamplingTables
    memory : float32
        `window_step.build_scratch` for this model and D; overwritten.
    """
    row_bytes = np.int64(w_out.shape[1]) * 4
    scratch = lay_out(memory, model.most_inputs, model.most_rows, model.dim, row_bytes)
    width = -(-WORDS_A_STEP * model.most_rows // ROWS) * ROWS + simd.LANES
    places = np.empty(2 * width, np.int64)  # two steps: the one that is taken and the one ahead
    labels = np.zeros(2 * width, np.float32)
    dots = np.zeros(width, np.float32)
    own = np.empty(1, np.int64)
    longest = longest_of(starts, order)
    words = np.empty(longest, np.int64)
    noise = np.empty((min(longest, PLACES), model.negatives), np.int64)
    for first in range(0, len(order), TOGETHER):
        group = order[first : first + TOGETHER]
        most = longest_of(starts, group)
        for epoch in range(epochs):
            if not model.hierarchical_softmax:
                key = rng.mix(seed + np.uint64(epoch + 1) * np.uint64(0xD1B54A32D192ED03))
                draw_places(noise[: min(most, PLACES)], key, w_out, tables, row_bytes)
            for d in group:
                key = rng.mix(keys[d] + np.uint64(epoch + 1) * np.uint64(0x9E3779B97F4A7C15))
                state = rng.start_stream(key, np.uint64(0))
                _, count = keep_words(ids, starts[d], starts[d + 1], state, tables.keep, words)
                here, ahead, n = 0, width, 0
                own[0] = pointers.address_of(rows, d)
                for t in range(0, count + WORDS_A_STEP, WORDS_A_STEP):
                    here, ahead, ready = ahead, here, n
                    n = lay_step(
                        words, t, count, noise, w_out, row_bytes, model, tables, scratch, places, labels, ahead
                    )
                    if ready > 0:
                        done = (t - WORDS_A_STEP) / count
                        rate = first_rate - (first_rate - last_rate) * ((epoch + done) / epochs)
                        take_step(
                            pointers.address_of(own, 0), own[0], pointers.address_of(places, here),
                            pointers.address_of(labels, here), ready, np.float32(rate), scratch,
                            pointers.address_of(dots, 0), row_bytes,
                        )  # fmt: skip


@inline
def longest_of(starts, documents):
    """Words of the longest of some documents."""
    longest = 0
    for d in documents:
        longest = max(longest, starts[d + 1] - starts[d])
    return longest


@inline
def draw_places(noise, key, w_out, tables, row_bytes):
    """The noise words of each place, -1 for one that is there already; their rows are asked for."""
    state = rng.start_stream(key, np.uint64(0))
    negatives, distribution = noise.shape[1], noise_of(tables)
    for place in range(len(noise)):
        for k in range(negatives):
            state = rng.step(state)
            word = noise_word(rng.output(state), distribution)
            pointers.fetch_row(pointers.address_of(w_out, word), row_bytes)
            for other in range(k):
                if noise[place, other] == word:
                    word = -1
            noise[place, k] = word


@inline
def lay_step(words, first, count, noise, w_out, row_bytes, model, tables, scratch, places, labels, start):
    """Addresses and labels of the output rows of some words; how many they are, in whole tiles."""
    n = start
    for t in range(first, min(first + WORDS_A_STEP, count)):
        word = words[t]
        if model.hierarchical_softmax:
            path = tables.starts[word + 1] - tables.starts[word]
            score_path(
                pointers.address_of(tables.steps, tables.starts[word]), path, pointers.address_of(w_out, 0), row_bytes,
                pointers.address_of(places, n), pointers.address_of(labels, n),
            )  # fmt: skip
            fetch_rows(pointers.address_of(places, n), 0, path, row_bytes)
            n += path
            continue
        row = pointers.address_of(w_out, word)
        pointers.fetch_row(row, row_bytes)
        places[n], labels[n] = row, np.float32(1.0)
        place = t % PLACES
        for k in range(model.negatives):
            other = noise[place, k]
            unused = other < 0 or other == word
            places[n + 1 + k] = scratch.zeros if unused else pointers.address_of(w_out, other)
            labels[n + 1 + k] = np.float32(UNUSED) if unused else np.float32(0.0)
        n += 1 + model.negatives
    n -= start
    for i in range(n, -(-n // ROWS) * ROWS):
        places[start + i], labels[start + i] = scratch.zeros, np.float32(UNUSED)
    return -(-n // ROWS) * ROWS


@inline
def take_step(own, row, places, labels, n, rate, scratch, dots, row_bytes):
    """``row += sum_i rate (label_i - sigmoid(o_i . row)) o_i`` over n output rows, in whole tiles.

    ``own`` is where the address ``row`` is.
    """
    for i in range(0, n, ROWS):
        scores.dots_6x1(places + 8 * i, own, scratch.copies, scratch.registers, scratch.halves, dots + 4 * i)
    alpha = simd.vsplat(rate)
    for start in range(0, 4 * n, REGISTER_BYTES):
        error = simd.vsub(simd.vload(labels + start), scores.sigmoid(simd.vload(dots + start)))
        simd.vstore(dots + start, simd.vmul(alpha, error))
    offset = 0
    while offset + 4 * REGISTER_BYTES <= row_bytes:
        tiles.weighted_sum_4(places, dots, n, row, offset)
        offset += 4 * REGISTER_BYTES
    rest = (row_bytes - offset) // REGISTER_BYTES
    if rest == 3:
        tiles.weighted_sum_3(places, dots, n, row, offset)
    elif rest == 2:
        tiles.weighted_sum_2(places, dots, n, row, offset)
    elif rest == 1:
        tiles.weighted_sum_1(places, dots, n, row, offset)

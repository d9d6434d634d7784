"""The training loop of all models: sentences, windows, and a dense step for each window.

Skip-gram and CBOW are those of Mikolov et al. 2013 ("Efficient Estimation of Word Representations in Vector Space"),
negative sampling and hierarchical softmax those of Mikolov et al. 2013 ("Distributed Representations of Words and
Phrases and their Compositionality"). PV-DBOW and PV-DM of Le and Mikolov 2014 ("Distributed Representations of
Sentences and Documents") are the same with one more input row in each window, the document's, and those of its tags.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import likelihood, objectives, pointers, rng, simd
from w2v_spark.kernels.architectures import add_up_rows, copy_rows
from w2v_spark.kernels.arguments import KEPT, LOSS, PAIRS, SCORES, SLOPES
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.noise_pool import draw_pool, stretch_of
from w2v_spark.kernels.objectives import (
    choose_from_all,
    choose_from_pool,
    fetch_noise,
    fetch_path,
    fill_tile,
    leave_out_equal,
    noise_of,
    score_path,
    score_words,
)
from w2v_spark.kernels.subwords import fetch_word, gather, scatter
from w2v_spark.kernels.window_step import (
    fetch_rows,
    lay_out,
    score_step,
    sum_of_slopes,
    update_step,
    update_step_of_mean,
)

SLOPES_EVERY: Final = 16  # windows: often enough for a mean, too rarely to cost anything


@inline
def longest_stretch(starts):
    """The longest of consecutive stretches that begin at these places."""
    longest = 0
    for i in range(len(starts) - 1):
        longest = max(longest, np.int64(starts[i + 1] - starts[i]))
    return longest


@inline
def keep_words(ids, start, stop, state, keep, sentence):
    """The words of a sentence that subsampling keeps, to ``sentence``; the state of its stream then, and how many.

    No branch: what is kept cannot be predicted.
    """
    length = 0
    for p in range(start, stop):
        state = rng.step(state)
        word = np.int64(ids[np.uint64(p)])
        sentence[np.uint64(length)] = word
        length += np.int64(np.uint32(rng.output(state) >> np.uint64(32)) <= keep[np.uint64(word)])
    return state, length


@kernel
def train_sentences(sentences, schedule, weights, documents, subwords, model, tables, memory, statistics):
    """Train on some consecutive sentences of a shard.

    Parameters
    ----------
    sentences : Sentences
    schedule : Schedule
    weights : Weights
        Updated in place.
    documents : Documents
        Updated in place; `NO_DOCUMENTS` for a model of words alone.
    subwords : subwords.Subwords
        `subwords.NO_SUBWORDS` for a model whose words are their rows.
    model : Model
    tables : sampling.tables.SamplingTables
        Those that the model does not need may be empty.
    memory : float32
        `window_step.build_scratch` for this model and D; overwritten.
    statistics : (STATISTICS,) float64
        Added to.

    Notes
    -----
    The kept words of a sentence are numbered anew before windows are laid, so subsampling widens them, as in the
    original C program. Noise words are drawn once a window and shared by its pairs; those equal to the target or to
    each other are left out. They come from all words, or from a pool that is drawn anew now and then. Noise is drawn
    three windows ahead, so that the table of it can be fetched in time, and the output rows of a window are asked for
    while the one two before is trained. The row of a document is the last of a window, behind those of its tags.
    """
    ids, offsets, position = sentences.ids, sentences.offsets, sentences.position
    key, first_rate, rate_per_token, last_rate = schedule
    w_in, w_out = weights
    window, negatives = model.window, model.negatives
    row_bytes = np.int64(w_in.shape[1]) * 4
    scratch = lay_out(memory, model.most_inputs, model.most_rows, model.dim, row_bytes)
    sentence = np.empty(longest_stretch(offsets), np.int64)
    hidden, slots, addresses = w_in, sentence, np.empty(1, np.int64)  # where the vector of each word is
    if model.subwords:
        hidden, slots = subwords.hidden, np.arange(len(sentence)) % len(subwords.hidden)
        addresses = np.empty(1 + longest_stretch(subwords.starts), np.int64)
    # Addresses of the vectors of a sentence; behind them, room for what is copied with the last of them.
    vectors = np.empty(len(sentence) + objectives.EIGHT, np.int64)
    context = np.empty(model.most_inputs + objectives.EIGHT, np.int64)
    width = model.most_rows + simd.LANES
    rows = np.full(3 * width, scratch.zeros, np.int64)  # of three windows: the one that is trained and two ahead
    labels = np.zeros(3 * width, np.float32)
    here, following, coming = 0, width, 2 * width
    n, n_following, n_coming = 0, 0, 0
    reach, reach_following, reach_coming = window, window, window
    drawn = np.empty(negatives, np.uint64)
    noise, chosen = noise_of(tables), objectives.room_for_rows(negatives)
    pool, pool_bits, stretch = np.empty(model.pool, np.int32), np.empty(model.pool, np.uint64), np.int64(-1)
    pool_rows = np.empty(model.pool, np.int64)
    mean_rows = np.empty(2, np.int64)
    mean_rows[0], mean_rows[1] = scratch.hidden, scratch.error
    nowhere = np.full(model.most_inputs, scratch.frozen, np.int64)
    copied = np.empty(width, np.int64)
    factor, exponents, power = simd.vsplat(np.float32(1.0)), simd.vsplat(np.float32(0.0)), 0
    slopes, owner = 0.0, 0
    windows, scores, pairs, kept = 0, 0, 0, 0
    for s in range(len(offsets) - 1):
        place = position + np.int64(offsets[s])
        state = rng.start_stream(key, place)
        state, length = keep_words(ids, offsets[s], offsets[s + 1], state, tables.keep, sentence)
        kept += length
        if length == 0 or (length == 1 and not model.documents):
            continue
        rate = np.float32(max(first_rate - rate_per_token * place, last_rate))
        if model.pool > 0 and stretch_of(place, model.pool) != stretch:
            stretch = stretch_of(place, model.pool)
            draw_pool(key, stretch, noise, pool_bits, pool)
            for i in range(model.pool):
                pool_rows[i] = pointers.address_of(w_out, np.int64(pool[i]))
        for c in range(length):
            vectors[c] = pointers.address_of(hidden, slots[c])
        if model.subwords:
            for c in range(min(length, window + 1)):
                gather(subwords, sentence[c], w_in, slots[c], addresses, row_bytes)
            if window + 1 < length:
                fetch_word(subwords, sentence[window + 1], w_in, row_bytes)
        elif model.words:
            for c in range(min(length, window + 1)):
                pointers.fetch_row(vectors[c], row_bytes)
        if model.documents:
            owner = documents.owners[s]
            pointers.fetch_row(pointers.address_of(documents.rows, owner), row_bytes)
        # Between the gradients of a window and their use, a window two ahead is made ready: so the processor has work.
        for t in range(-3, length):
            here, following, coming = following, coming, here
            n, n_following, n_coming = n_following, n_coming, 0
            reach, reach_following, reach_coming = reach_following, reach_coming, window
            m, columns, far = 0, 0, scratch.zeros
            # Addresses are taken anew for each window: an array is freed once nothing but its address is in use.
            outputs = pointers.address_of(rows, here)
            changes = pointers.address_of(context, 0)
            share = np.float32(1.0)
            ready = t + 2  # the window that is made ready; noise is drawn for the one behind it
            if model.pool > 0 and 0 <= ready < length:
                choose_from_pool(
                    pointers.address_of(w_out, sentence[np.uint64(ready)]), pointers.address_of(drawn, 0), negatives,
                    pointers.address_of(pool_rows, 0), model.pool, pointers.address_of(chosen, 0),
                )  # fmt: skip
            if t >= 0:
                first, behind = max(0, t - reach), min(length, t + reach + 1) - (t + 1)
                m = t - first
                pointers.copy_numbers(changes, pointers.address_of(vectors, first), m)
                pointers.copy_numbers(changes + 8 * m, pointers.address_of(vectors, t + 1), behind)
                m += behind
                if model.documents:
                    for tag in range(documents.tag_starts[owner], documents.tag_starts[owner + 1]):
                        context[m] = pointers.address_of(w_in, documents.tags[tag])
                        m += 1
                    context[m] = pointers.address_of(documents.rows, owner)
                    m += 1
                if model.subwords:
                    if t + window + 1 < length:
                        gather(subwords, sentence[t + window + 1], w_in, slots[t + window + 1], addresses, row_bytes)
                    if t + window + 2 < length:
                        fetch_word(subwords, sentence[t + window + 2], w_in, row_bytes)
                elif model.words and t + window + 1 < length:
                    far = vectors[np.uint64(t + window + 1)]
                    if model.averaged:
                        pointers.fetch_row(far, row_bytes)
                inputs, columns = changes, m
                if model.averaged:
                    inputs, columns = pointers.address_of(mean_rows, 0), 1
                    share = np.float32(1.0) / np.float32(m)
                    scale = share if model.mean else np.float32(1.0)
                    add_up_rows(pointers.address_of(context, 0), m, scale, scratch.hidden, row_bytes)
                if model.freeze_output:
                    copy_rows(outputs, n, scratch.frozen + row_bytes, copied, row_bytes)
                    outputs = pointers.address_of(copied, 0)
                if model.freeze_input and not model.averaged:
                    if model.documents:
                        nowhere[m - 1] = context[m - 1]
                    changes = pointers.address_of(nowhere, 0)
                factor, exponents = score_step(
                    inputs, columns, outputs, pointers.address_of(labels, here), n, rate, scratch, factor, exponents
                )
            if model.shrink_window and 0 <= ready < length:
                state = rng.step(state)
                reach_coming = 1 + rng.below(rng.output(state), window)
            if 0 <= ready < length:
                target = sentence[np.uint64(ready)]
                places, wanted = pointers.address_of(rows, coming), pointers.address_of(labels, coming)
                if model.hierarchical_softmax:
                    path = tables.starts[np.uint64(target)]
                    n_coming = tables.starts[np.uint64(target + 1)] - path
                    steps = pointers.address_of(tables.steps, path)
                    score_path(steps, n_coming, pointers.address_of(w_out, 0), row_bytes, places, wanted)
                else:
                    if model.pool == 0:
                        choose_from_all(
                            pointers.address_of(w_out, target), pointers.address_of(drawn, 0), negatives, noise,
                            pointers.address_of(w_out, 0), row_bytes, pointers.address_of(chosen, 0),
                        )  # fmt: skip
                    n_coming = leave_out_equal(pointers.address_of(chosen, 0), negatives)
                    score_words(pointers.address_of(chosen, 0), n_coming, places, wanted)
                fill_tile(scratch.zeros, n_coming, places, wanted)
            if ready + 1 < length:
                if model.hierarchical_softmax:
                    fetch_path(
                        pointers.address_of(tables.steps, 0), pointers.address_of(tables.starts, 0),
                        pointers.address_of(sentence, 0), ready + 1, length,
                    )  # fmt: skip
                elif model.pool > 0:
                    for k in range(negatives):
                        state = rng.step(state)
                        drawn[np.uint64(k)] = rng.output(state)
                else:
                    for k in range(negatives):
                        state = rng.step(state)
                        drawn[np.uint64(k)] = rng.output(state)
                        fetch_noise(drawn[np.uint64(k)], noise)
            ahead = pointers.address_of(rows, coming)
            if t < 0:
                fetch_rows(ahead, 0, n_coming, row_bytes)
                continue
            if model.averaged:
                scale = np.float32(1.0) if model.mean else share
                spread, receiving = pointers.address_of(context, 0), m
                if model.freeze_input:  # only the document's row, which is the last, is not
                    receiving = 1 if model.documents else 0
                    spread += 8 * (m - receiving)
                update_step_of_mean(
                    pointers.address_of(mean_rows, 1), spread, receiving, scale, outputs, n, scratch, ahead, n_coming
                )
            else:
                update_step(changes, columns, outputs, n, scratch, ahead, n_coming, far)
                if model.freeze_input and model.documents:
                    nowhere[m - 1] = scratch.frozen
            if model.subwords and t >= window and not model.freeze_input:
                scatter(subwords, sentence[t - window], w_in, slots[t - window], addresses, row_bytes)
            pairs += columns
            windows += 1
            if windows % SLOPES_EVERY == 0 and rate > 0:
                slopes += sum_of_slopes(scratch, n, columns, rate)
                scores += n * columns
        if model.subwords and not model.freeze_input:
            for c in range(max(0, length - window), length):
                scatter(subwords, sentence[c], w_in, slots[c], addresses, row_bytes)
        power += likelihood.sum_of_exponents(exponents)
        exponents = simd.vsplat(np.float32(0.0))
    statistics[LOSS] += likelihood.loss_of(factor, power)
    statistics[PAIRS] += pairs
    statistics[KEPT] += kept
    statistics[SLOPES] += slopes
    statistics[SCORES] += scores

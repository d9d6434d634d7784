"""Which rows of both matrices training on some sentences will touch, by drawing ahead what training will draw.

A sentence's random stream is named by its position, so it can be gone through twice. What is found may be a little
more than what is needed, such as noise words that equal the target, and never less.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels import pointers, rng
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.noise_pool import draw_pool, stretch_of
from w2v_spark.kernels.objectives import fetch_noise, noise_of, noise_word
from w2v_spark.kernels.train import keep_words, longest_stretch

AHEAD: Final = 6  # rows


@kernel
def mark_rows(sentences, key, model, tables, ngram_starts, ngrams, inputs, outputs):
    """Set to 1 the rows of words, n-grams and nodes that `train.train_sentences` reads or writes.

    Rows of documents and of tags are not among them: whose they are is known without drawing.

    Parameters
    ----------
    sentences : arguments.Sentences
    key : uint64
        That of the schedule.
    model : arguments.Model
    tables : sampling.tables.SamplingTables
    ngram_starts : (V + 1,) int64, ngrams : (n-grams of all words,) int32
        For a model with sub-words, the rows of each word beside its own; else of any content.
    inputs, outputs : (rows,) uint8
        Written to.

    Notes
    -----
    Cost: what training spends on a window beside its products, some tenth of the whole; where noise comes from a pool,
    all of which is taken for touched, a fraction of that.
    """
    ids, offsets = sentences.ids, sentences.offsets
    sentence, negatives = np.empty(longest_stretch(offsets), np.int64), model.negatives
    drawn, noise = np.empty(negatives, np.uint64), noise_of(tables)
    pool, bits, stretch = np.empty(model.pool, np.int32), np.empty(model.pool, np.uint64), np.int64(-1)
    for s in range(len(offsets) - 1):
        state = rng.start_stream(key, sentences.position + np.int64(offsets[s]))
        state, length = keep_words(ids, offsets[s], offsets[s + 1], state, tables.keep, sentence)
        if length == 0 or (length == 1 and not model.documents):
            continue
        for c in range(length):
            word = sentence[c]
            if model.words:
                inputs[word] = 1
            if model.subwords:
                for i in range(ngram_starts[word], ngram_starts[word + 1]):
                    inputs[ngrams[i]] = 1
            if model.hierarchical_softmax:
                for i in range(tables.starts[word], tables.starts[word + 1]):
                    outputs[np.int64(tables.steps[i]) >> 1] = 1
            else:
                outputs[word] = 1
        if model.hierarchical_softmax:
            continue
        if model.pool > 0:
            place = sentences.position + np.int64(offsets[s])
            if stretch_of(place, model.pool) != stretch:
                stretch = stretch_of(place, model.pool)
                draw_pool(key, stretch, noise, bits, pool)
                for word in pool:
                    outputs[word] = 1
            continue
        for coming in range(length + 1):
            if coming > 0:
                for k in range(negatives):
                    outputs[noise_word(drawn[k], noise)] = 1
                if model.shrink_window:
                    state = rng.step(state)
            if coming < length:
                for k in range(negatives):
                    state = rng.step(state)
                    drawn[k] = rng.output(state)
                    fetch_noise(drawn[k], noise)


@inline
def _fetch_ahead(matrix, numbers, i):
    """Ask for a row that is copied soon: which one it is, no processor foresees."""
    coming = numbers[min(i + AHEAD, len(numbers) - 1)]
    pointers.fetch_row(pointers.address_of(matrix, coming), np.int64(matrix.shape[1]) * 4)


@kernel
def scatter_rows(source, numbers, target):
    """Copy some rows of one matrix to the same places of another, whose further columns become zero.

    Parameters
    ----------
    source : (rows, D) float32
    numbers : (n,) int64
    target : (rows, D or more) float32
    """
    dim = source.shape[1]
    for i in range(len(numbers)):
        _fetch_ahead(source, numbers, i)
        _fetch_ahead(target, numbers, i)
        r = numbers[i]
        for d in range(dim):
            target[r, d] = source[r, d]
        for d in range(dim, target.shape[1]):
            target[r, d] = np.float32(0)


@kernel
def gather_rows(source, numbers, target):
    """Copy some rows of a matrix behind each other, as many columns as there is room for.

    Parameters
    ----------
    source : (rows, D or more) float32
    numbers : (n,) int64
    target : (n, D) float32
    """
    for i in range(len(numbers)):
        _fetch_ahead(source, numbers, i)
        for d in range(target.shape[1]):
            target[i, d] = source[numbers[i], d]


@kernel
def sums_and_differences(matrix, numbers, before, often, sums, differences):
    """Some rows plus and, times how often each counts, minus what they were.

    Parameters
    ----------
    matrix : (rows, D or more) float32
    numbers : (n,) int64
    before : (n, D) float32
    often : (n,) float32
    sums, differences : (n, D padded) float32
        Written to, but for the padding.
    """
    for i in range(len(numbers)):
        _fetch_ahead(matrix, numbers, i)
        for d in range(before.shape[1]):
            now, was = matrix[numbers[i], d], before[i, d]
            sums[i, d] = now + was
            differences[i, d] = (now - was) * often[i]

"""Rows of new documents: training with all other rows as they are."""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels import rng
from w2v_spark.kernels.arguments import Documents, Schedule, Sentences
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.subwords import NO_SUBWORDS
from w2v_spark.kernels.train import train_sentences


@kernel
def infer_documents(
    ids, offsets, starts, keys, epochs, first_rate, last_rate, weights, documents, model, tables, memory, statistics
):  # fmt: skip
    """Train the rows of some documents, each for itself.

    Parameters
    ----------
    ids : (tokens,) int32, offsets : (sentences + 1,) int64
        Sentence ``s`` is ``ids[offsets[s]:offsets[s + 1]]``.
    starts : (documents + 1,) int64
        The sentences of document ``d`` are ``starts[d]`` to before ``starts[d + 1]``.
    keys : (documents,) uint64
        By which random streams begin: what is drawn for a document depends on its key alone.
    epochs : int
    first_rate, last_rate : float
        The learning rate falls from the first to the second over all epochs.
    weights, documents, model, tables, memory, statistics
        See `train.train_sentences`; the model freezes both matrices.
    """
    fall = (first_rate - last_rate) / epochs
    for d in range(len(starts) - 1):
        begin, end = starts[d], starts[d + 1]
        tokens = offsets[end] - offsets[begin]
        if tokens == 0:
            continue
        own = Documents(documents.rows, documents.owners[begin:end], documents.tag_starts, documents.tags)
        sentences = Sentences(ids, offsets[begin : end + 1], -offsets[begin])
        for epoch in range(epochs):
            key = rng.mix(keys[d] + np.uint64(epoch + 1) * np.uint64(0x9E3779B97F4A7C15))
            schedule = Schedule(key, first_rate - fall * epoch, fall / tokens, last_rate)
            train_sentences(sentences, schedule, weights, own, NO_SUBWORDS, model, tables, memory, statistics)

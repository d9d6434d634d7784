"""Twins of the kernels that split and average documents, in plain Python and float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tests.naive.word2vec import MASK, Stream, draw_noise, mix, sigmoid

WORDS_A_STEP, PLACES = 8, 1 << 13


def infer_bag(ids, key, row, w_out, epochs, first_rate, last_rate, seed, keep, noise, paths):
    """The row of a document of PV-DBOW whose output rows stay; ``noise`` is (accept, alias, negatives) or None."""
    for epoch in range(epochs):
        stream = Stream(mix((key + (epoch + 1) * 0x9E3779B97F4A7C15) & MASK), 0)
        words = [int(word) for word in ids if (stream.bits() >> 32) <= keep[word]]
        stream = Stream(mix((seed + (epoch + 1) * 0xD1B54A32D192ED03) & MASK), 0)
        drawn = [] if noise is None else [
            [draw_noise(stream.bits(), *noise[:2]) for _ in range(noise[2])] for _ in range(min(len(ids), PLACES))
        ]  # fmt: skip
        for start in range(0, len(words), WORDS_A_STEP):
            rows, labels = [], []
            for t in range(start, min(start + WORDS_A_STEP, len(words))):
                if noise is None:
                    rows += [node for node, _ in paths[words[t]]]
                    labels += [label for _, label in paths[words[t]]]
                else:
                    others = [word for word in dict.fromkeys(drawn[t % PLACES]) if word != words[t]]
                    rows += [words[t], *others]
                    labels += [1, *[0] * len(others)]
            rate = first_rate - (first_rate - last_rate) * (epoch + start / len(words)) / epochs
            row = row + rate * (np.array(labels) - sigmoid(w_out[rows] @ row)) @ w_out[rows]
    return row


def mean_vector(
    words: Sequence[str | None], vectors: Mapping[str, Sequence[float]], dim: int, count_unknown: bool
) -> list[float]:
    known = [vectors[word] for word in words if word in vectors]
    count = len(words) if count_unknown else len(known)
    if not known:
        return [0.0] * dim
    return [sum(vector[k] for vector in known) / count for k in range(dim)]

"""Sub-words in plain Python and float64: n-grams of words, and training with them, window by window in its order."""

import numpy as np

from tests.naive import word2vec

MASK_32 = 2**32 - 1


def ngrams_of(word, min_n, max_n):
    """The distinct n-grams of a word, as fastText has them, in reading order."""
    marked = f"<{word}>"
    found = []
    for i in range(len(marked)):
        for n in range(min_n, max_n + 1):
            ngram = marked[i : i + n]
            if len(ngram) == n and not (n == 1 and (i == 0 or i == len(marked) - 1)):
                found.append(ngram)
    return list(dict.fromkeys(found))


def bucket_of(ngram, buckets):
    """FNV-1a as in fastText: bytes have a sign."""
    key = 2166136261
    for byte in ngram.encode():
        signed = byte - 256 if byte > 127 else byte
        key = ((key ^ (signed & MASK_32)) * 16777619) & MASK_32
    return key % buckets


class Hidden:
    """The vectors of the words of a sentence, from when they come into reach until they leave it."""

    def __init__(self, w_in, words, rows_of, frozen):
        self.w_in, self.words, self.rows_of, self.frozen = w_in, words, rows_of, frozen
        self.vectors, self.begun = {}, {}

    def enter(self, place):
        self.vectors[place] = self.w_in[self.rows_of[self.words[place]]].mean(axis=0)
        self.begun[place] = self.vectors[place].copy()

    def leave(self, place):
        self.w_in[self.rows_of[self.words[place]]] += self.vectors.pop(place) - self.begun.pop(place)


def left_of(others, t, words):
    """How many of the words of a window are left of word ``t`` of a sentence."""
    return next(min(reach, t) for reach in range(words) if min(reach, t) + min(reach, words - 1 - t) == others)


def train(ids, offsets, position, key, w_in, w_out, keep, objective, rate, model, rows_of, freeze="none"):
    """`word2vec.train` where word ``w`` has the rows ``rows_of[w]`` of ``w_in``, its own first, all distinct."""
    loss, pairs, kept = 0.0, 0, 0
    for place, words, stream in word2vec.sentences(ids, offsets, position, key, keep):
        kept += len(words)
        if len(words) < 2:
            continue
        window = model.window if isinstance(model.window, int) else len(words)
        hidden = Hidden(w_in, words, rows_of, freeze == "input")
        for c in range(min(len(words), window + 1)):
            hidden.enter(c)
        objective.begin_sentence(stream)
        for t, (target, context) in enumerate(word2vec.windows(words, stream, model)):
            if t + window + 1 < len(words):
                hidden.enter(t + window + 1)
            first = t - left_of(len(context), t, len(words))
            places = [c for c in range(first, first + len(context) + 1) if c != t]
            inputs = np.stack([hidden.vectors[c] for c in places])
            rows, labels = objective.rows_and_labels(target, stream)
            x, o = word2vec.input_rows(inputs, model), w_out[rows]
            scores = o @ x.T
            loss += np.logaddexp(0, (1 - 2 * labels)[:, None] * scores).sum()
            g = rate(place) * (labels[:, None] - word2vec.sigmoid(scores))
            changes = word2vec.gradients_of_rows(g.T @ o, len(inputs), model)
            if freeze != "output":
                w_out[rows] += g @ x
            for c, change in zip(places, changes, strict=True):
                hidden.vectors[c] = hidden.vectors[c] + (0 if hidden.frozen else change)
            if t >= window:
                hidden.leave(t - window)
            pairs += 1 if word2vec.is_averaged(model) else len(inputs)
        for c in sorted(hidden.vectors):
            hidden.leave(c)
    return loss, pairs, kept

"""The models of word2vec and of paragraph vectors in float64 and plain Python; imports nothing from the package.

A model is any object with the names of the section [model]: architecture, cbow_mean, dbow_words, window, shrink_window.
"""

import numpy as np

MASK = 2**64 - 1


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def stream_key(seed, epoch, shard):
    key = mix((seed + 0x9E3779B97F4A7C15) & MASK)
    key = mix(key ^ ((epoch + 0xD1B54A32D192ED03) & MASK))
    return mix(key ^ ((shard + 0x8CB92BA72F3D8DD7) & MASK))


class Stream:
    """The random numbers of one sentence."""

    def __init__(self, key, position):
        self.key, self.position = key, position
        self.state = mix((key + position * 0x9E3779B97F4A7C15) & MASK) | 1

    def bits(self):
        x = self.state
        x ^= x >> 12
        x = (x ^ (x << 25)) & MASK
        x ^= x >> 27
        self.state = x
        return (x * 2685821657736338717) & MASK


def below(bits, n):
    return ((bits >> 32) * n) >> 32


def draw_noise(bits, accept, alias):
    i = below(bits, len(accept))
    return i if (bits & 0xFFFFFFFF) < accept[i] else int(alias[i])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class NegativeSampling:
    """Output rows are words: the target, then the distinct noise words of one draw for each window."""

    def __init__(self, accept, alias, negatives, pool=0):
        self.accept, self.alias, self.negatives, self.words = accept, alias, negatives, pool

    def begin_sentence(self, stream):
        if self.words:
            drawn = Stream(mix(stream.key ^ 0xA0761D6478BD642F), stream.position // (8 * self.words))
            self.pool = [draw_noise(drawn.bits(), self.accept, self.alias) for _ in range(self.words)]
        self.draw_window(stream)

    def draw_window(self, stream):
        draws = [stream.bits() for _ in range(self.negatives)]
        if self.words:
            self.noise = [self.pool[below(bits, self.words)] for bits in draws]
        else:
            self.noise = [draw_noise(bits, self.accept, self.alias) for bits in draws]

    def rows_and_labels(self, target, stream):
        rows = list(dict.fromkeys([target, *self.noise]))
        self.draw_window(stream)  # noise is drawn one window ahead
        return rows, np.array([1.0] + [0.0] * (len(rows) - 1))


class HierarchicalSoftmax:
    """Output rows are inner nodes of a tree: those on the target's path, [(node, label), ...]."""

    def __init__(self, paths):
        self.paths = paths

    def begin_sentence(self, stream):
        pass

    def rows_and_labels(self, target, stream):
        path = self.paths[target]
        return [node for node, _ in path], np.array([float(label) for _, label in path])


def sentences(ids, offsets, position, key, keep):
    """(position, kept words, random stream) of each sentence."""
    for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        stream = Stream(key, position + start)
        yield position + start, [int(w) for w in ids[start:stop] if (stream.bits() >> 32) <= keep[w]], stream


def windows(words, stream, model):
    """(target, context words) of each word of a sentence."""
    for t, target in enumerate(words):
        if model.architecture == "pv_dbow" and not model.dbow_words:
            reach = 0
        elif model.window == "sentence":
            reach = len(words)
        else:
            reach = 1 + below(stream.bits(), model.window) if model.shrink_window else model.window
        yield target, words[max(0, t - reach) : t] + words[t + 1 : t + 1 + reach]


class Documents:
    """Rows of documents (N, D); whose each sentence is; and the rows of w_in that are each document's tags."""

    def __init__(self, rows, owners, tags):
        self.rows, self.owners, self.tags = rows, owners, tags


def is_averaged(model):
    return model.architecture in ("cbow", "pv_dm")


def input_rows(rows, model):
    """What meets the output rows: each of the window's rows (m, D), or their mean or sum (1, D)."""
    if not is_averaged(model):
        return rows
    combine = np.mean if model.cbow_mean else np.sum
    return combine(rows, axis=0, keepdims=True)


def gradients_of_rows(gradients, m, model):
    """Of each row its own (m, D), or the one of the mean for all, or 1/m of that of the sum."""
    if not is_averaged(model):
        return gradients
    return np.repeat(gradients if model.cbow_mean else gradients / m, m, axis=0)


def window_rows(w_in, context, document, model):
    """Rows of the context words and tags, and behind them the document's."""
    own = [] if document is None else [document]
    return np.concatenate([w_in[context], *(row[None] for row in own)])


def loss_of(w_in, w_out, context, rows, labels, model, document=None):
    """The objective of one window: minus the log-likelihood of all labels."""
    scores = w_out[rows] @ input_rows(window_rows(w_in, context, document, model), model).T
    return np.logaddexp(0, (1 - 2 * labels)[:, None] * scores).sum()


def step(w_in, w_out, context, rows, labels, rate, model, freeze="none", document=None):
    """Train on one window in place; all gradients are those of the old values. One matrix may stay as it is.

    ``document`` is a view of the document's row, which is always trained.
    """
    inputs = window_rows(w_in, context, document, model)
    x, o = input_rows(inputs, model), w_out[rows]
    g = rate * (labels[:, None] - sigmoid(o @ x.T))
    changes = gradients_of_rows(g.T @ o, len(inputs), model)
    if freeze != "output":
        w_out[rows] += g @ x
    if freeze != "input":
        np.add.at(w_in, context, changes[: len(context)])
    if document is not None:
        document += changes[-1]


def train(ids, offsets, position, key, w_in, w_out, keep, objective, rate, model, freeze="none", documents=None):
    """Train in place; ``rate(position)`` is the learning rate. Returns (loss, pairs, kept words)."""
    loss, pairs, kept = 0.0, 0, 0
    for s, (place, words, stream) in enumerate(sentences(ids, offsets, position, key, keep)):
        kept += len(words)
        if len(words) < (2 if documents is None else 1):
            continue
        document, tags = None, []
        if documents is not None:
            owner = documents.owners[s]
            document, tags = documents.rows[owner], documents.tags[owner]
        objective.begin_sentence(stream)
        for target, context in windows(words, stream, model):
            inputs = [*context, *tags]
            rows, labels = objective.rows_and_labels(target, stream)
            loss += loss_of(w_in, w_out, inputs, rows, labels, model, document)
            step(w_in, w_out, inputs, rows, labels, rate(place), model, freeze, document)
            pairs += 1 if is_averaged(model) else len(inputs) + (document is not None)
    return loss, pairs, kept

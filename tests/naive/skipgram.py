"""Skip-gram with negative sampling in float64 and plain Python; imports nothing from the package."""

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


def windows(sentence, stream, accept, alias, window, negatives):
    """(context words, [target, *distinct noise words]) of each word of a sentence of kept words."""
    if len(sentence) < 2:
        return
    noise = [draw_noise(stream.bits(), accept, alias) for _ in range(negatives)]
    for t, target in enumerate(sentence):
        reach = 1 + below(stream.bits(), window)
        context = sentence[max(0, t - reach) : t] + sentence[t + 1 : t + 1 + reach]
        rows = list(dict.fromkeys([target, *noise]))
        noise = [draw_noise(stream.bits(), accept, alias) for _ in range(negatives)]
        yield context, rows


def loss_of(w_in, w_out, context, rows):
    """The objective of one window: minus the log-likelihood of all labels."""
    total = 0.0
    for c in context:
        for k, row in enumerate(rows):
            score = w_in[c] @ w_out[row]
            total += np.log1p(np.exp(-score)) if k == 0 else np.log1p(np.exp(score))
    return total


def train(ids, offsets, position, key, w_in, w_out, accept, alias, keep, window, negatives, rate):
    """Train in place; ``rate(position)`` is the learning rate. Returns (loss, pairs, kept words)."""
    loss, pairs, kept = 0.0, 0, 0
    for s in range(len(offsets) - 1):
        place = position + int(offsets[s])
        stream = Stream(key, place)
        sentence = [int(w) for w in ids[offsets[s] : offsets[s + 1]] if (stream.bits() >> 32) <= keep[w]]
        kept += len(sentence)
        for context, rows in windows(sentence, stream, accept, alias, window, negatives):
            loss += loss_of(w_in, w_out, context, rows)
            labels = np.array([1.0] + [0.0] * (len(rows) - 1))
            x, o = w_in[context], w_out[rows]
            g = rate(place) * (labels[:, None] - sigmoid(o @ x.T))
            np.add.at(w_out, rows, g @ x)
            np.add.at(w_in, context, g.T @ o)
            pairs += len(context)
    return loss, pairs, kept

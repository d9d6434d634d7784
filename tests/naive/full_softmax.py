"""Skip-gram and CBOW with the full softmax, which the other objectives stand for; float64, nothing from the package."""

import numpy as np

from tests.naive.word2vec import gradients_of_rows, input_rows, sentences, windows


def probabilities(w_in, w_out, context, model):
    """p(word | input row) as (input rows, V), for one window."""
    scores = input_rows(w_in[context], model) @ w_out.T
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def loss_of(w_in, w_out, context, target, model):
    """Minus the log-likelihood of the target, once for each input row."""
    return -np.log(probabilities(w_in, w_out, context, model)[:, target]).sum()


def step(w_in, w_out, context, target, rate, model):
    """Train on one window in place; all gradients are those of the old values."""
    error = -probabilities(w_in, w_out, context, model)
    error[:, target] += 1
    gradients = rate * error @ w_out
    w_out += rate * error.T @ input_rows(w_in[context], model)
    np.add.at(w_in, context, gradients_of_rows(gradients, len(context), model))


def train(ids, offsets, position, key, w_in, w_out, keep, rate, model):
    """Train in place; ``rate(position)`` is the learning rate. Returns the loss."""
    loss = 0.0
    for place, words, stream in sentences(ids, offsets, position, key, keep):
        for target, context in windows(words, stream, model):
            if context:
                loss += loss_of(w_in, w_out, context, target, model)
                step(w_in, w_out, context, target, rate(place), model)
    return loss

"""Trained on a corpus whose conditional probabilities are known, every model finds them.

The corpus is a reversible Markov chain: word t follows word c with the probability T[c, t], precedes it with the same,
and is between l and r with one proportional to T[l, t] T[r, t] / p(t). The full softmax can express both exactly.
"""

import functools

import numpy as np
import pytest

from tests.naive import full_softmax
from tests.naive import word2vec as naive
from tests.naive.huffman import huffman_paths
from tests.unit.cases import HIERARCHICAL_SOFTMAX, NEGATIVE_SAMPLING, Case
from w2v_spark.kernels.arguments import LOSS, PAIRS

WORDS, SENTENCES, LENGTH, EPOCHS = 10, 100, 100, 20
MODEL = {"dim": 16, "window": 1, "shrink_window": False}
SETTINGS = pytest.mark.parametrize(
    ("architecture", "cbow_mean"),
    [("skipgram", True), ("cbow", True), ("cbow", False)],
    ids=["skipgram", "cbow mean", "cbow sum"],
)


@functools.cache
def chain():
    """(p(word), T, ids of a corpus, counts), words by falling count."""
    random = np.random.default_rng(11)
    weights = random.gamma(0.5, size=(WORDS, WORDS)) + 0.01
    weights += weights.T
    p, following = weights.sum(axis=1) / weights.sum(), weights / weights.sum(axis=1, keepdims=True)
    steps = following.cumsum(axis=1)
    steps[:, -1] = 1
    ids = np.empty((SENTENCES, LENGTH), np.int32)
    ids[:, 0] = random.choice(WORDS, SENTENCES, p=p)
    for t in range(1, LENGTH):
        ids[:, t] = (steps[ids[:, t - 1]] <= random.random((SENTENCES, 1))).sum(axis=1)
    order = np.argsort(-np.bincount(ids.ravel(), minlength=WORDS))
    ids = np.argsort(order).astype(np.int32)[ids.ravel()]
    return p[order], following[order][:, order], ids, np.bincount(ids)


def truth(architecture):
    """(contexts, how probable each is, p(word | context))."""
    p, following, _, _ = chain()
    if architecture == "skipgram":
        return [[c] for c in range(WORDS)], p, following
    contexts = [[a, b] for a in range(WORDS) for b in range(WORDS)]
    between = np.array([following[a] * following[b] / p for a, b in contexts])
    share = np.array([p[a] * (following @ following)[a, b] for a, b in contexts])
    return contexts, share, between / between.sum(axis=1, keepdims=True)


def divergence(architecture, found):
    """The mean Kullback-Leibler divergence of the true p(word | context) from the ones found, nats."""
    _, share, true = truth(architecture)
    return share @ (true * np.log(true / found)).sum(axis=1)


def case_of(**model):
    _, _, ids, counts = chain()
    case = Case({**MODEL, **model}, words=WORDS, counts=counts, lengths=[LENGTH] * SENTENCES, sample=0, scale=0.1)
    case.ids, case.w_out = ids, np.zeros_like(case.w_out)
    return case


def falling_rates(epochs):
    return np.linspace(0.1, 0.002, epochs)


@functools.cache
def divergence_of_full_softmax(architecture, cbow_mean):
    """What plain SGD in float64 attains in a few epochs."""
    case = case_of(architecture=architecture, cbow_mean=cbow_mean)
    w_in, w_out = case.w_in.astype(float), case.w_out.astype(float)
    for epoch, rate in enumerate(falling_rates(5)):
        position = epoch * len(case.ids)
        full_softmax.train(
            case.ids, case.offsets, position, 1, w_in, w_out, case.tables.keep, lambda _, rate=rate: rate, case.model
        )
    contexts, _, _ = truth(architecture)
    found = [full_softmax.probabilities(w_in, w_out, context, case.model)[0] for context in contexts]
    return divergence(architecture, np.array(found))


def train(case, read):
    """Train by the kernel; the mean loss of each epoch, and the divergence of what ``read`` finds before and after."""
    architecture = str(case.model.architecture)
    contexts, _, _ = truth(architecture)
    losses, divergences = [], [divergence(architecture, read(case, contexts))]
    for epoch, rate in enumerate(falling_rates(EPOCHS)):
        position = epoch * len(case.ids)
        case.w_in, case.w_out, statistics = case.kernel(position=position, first=rate, fall=0.0, last=0.0)
        losses.append(statistics[LOSS] / statistics[PAIRS])
        divergences.append(divergence(architecture, read(case, contexts)))
    return losses, divergences


def assert_finds_the_truth(losses, divergences, architecture, cbow_mean, factor):
    """The last divergence is at most ``factor`` times that of the full softmax, and the way there leads down."""
    assert divergences[-1] < factor * divergence_of_full_softmax(architecture, cbow_mean)
    p, _, _, _ = chain()
    contexts, _, _ = truth(architecture)
    without_context = divergence(architecture, np.tile(p, (len(contexts), 1)))
    assert divergences[-1] < without_context / 5
    for values in (losses, divergences):
        assert values[0] > values[1] > np.mean(values[5:10]) > np.mean(values[10:15]) > values[-1]


def along_the_tree(case, contexts):
    """p(word | context) as the product of the branches on the word's path."""
    objective = naive.HierarchicalSoftmax(huffman_paths(case.counts))
    outputs = [objective.rows_and_labels(word, None) for word in range(WORDS)]
    weights = case.w_in.astype(float), case.w_out.astype(float)
    losses = [[naive.loss_of(*weights, context, *output, case.model) for output in outputs] for context in contexts]
    return np.exp(-np.array(losses))


def odds_of(case, contexts):
    """exp(o . h) for each context and word."""
    hidden = [naive.input_rows(case.w_in[context].astype(float), case.model)[0] for context in contexts]
    return np.exp(np.array(hidden) @ case.w_out.T.astype(float))


def noise_of(case):
    return case.counts**0.75 / (case.counts**0.75).sum()


def as_levy_and_goldberg(case, contexts):
    """Their equation: exp(o . h) is p(word | context) / (K noise(word)), in a large vocabulary."""
    found = odds_of(case, contexts) * case.model.negatives * noise_of(case)
    return found / found.sum(axis=1, keepdims=True)


def by_the_odds(case, contexts):
    """The same for a small vocabulary, where noise often equals the target, or occurs twice, and is left out.

    A word is noise only of windows in which it is not the target, then with the chance q = 1 - (1 - noise)^K, so
    exp(o . h) is p / ((1 - p) q).
    """
    odds = odds_of(case, contexts) * (1 - (1 - noise_of(case)) ** case.model.negatives)
    found = odds / (1 + odds)
    return found / found.sum(axis=1, keepdims=True)


@SETTINGS
def test_hierarchical_softmax_finds_the_conditional_probabilities(architecture, cbow_mean):
    """With CBOW, the branches of the tree cannot express p(word | l, r) exactly, but nearly so."""
    case = case_of(**HIERARCHICAL_SOFTMAX, architecture=architecture, cbow_mean=cbow_mean)
    losses, divergences = train(case, along_the_tree)
    assert_finds_the_truth(losses, divergences, architecture, cbow_mean, 1.5 if architecture == "skipgram" else 12)
    _, share, true = truth(architecture)
    entropy = -share @ (true * np.log(true)).sum(axis=1)
    assert losses[-1] == pytest.approx(entropy + divergences[-1], abs=0.03)


@pytest.mark.parametrize("negatives", [1, 5])
@pytest.mark.parametrize(("read", "factors"), [(by_the_odds, (1.5, 3)), (as_levy_and_goldberg, (5, 5))])
@SETTINGS
def test_negative_sampling_finds_the_conditional_probabilities(architecture, cbow_mean, read, factors, negatives):
    case = case_of(**NEGATIVE_SAMPLING, architecture=architecture, cbow_mean=cbow_mean, negatives=negatives)
    losses, divergences = train(case, read)
    assert_finds_the_truth(losses, divergences, architecture, cbow_mean, factors[architecture == "cbow"])

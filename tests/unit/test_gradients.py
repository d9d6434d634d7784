"""The naive twins' steps are the derivatives of their losses, but for CBOW's factor, which gensim has as well."""

import numpy as np
import pytest

from tests.naive import full_softmax, word2vec
from tests.naive.huffman import huffman_paths
from tests.unit.cases import HIERARCHICAL_SOFTMAX, MODELS, SKIPGRAM, Case
from w2v_spark.config import ModelConfig

WORDS, DIM = 12, 6
COUNTS = [168, 98, 91, 43, 33, 32, 31, 26, 20, 11, 3, 2]  # no two nodes of their tree count the same


def derivative(loss, weights):
    """Central differences of ``loss()`` by each of the weights, which end as they were."""
    slopes = np.empty_like(weights)
    for place in np.ndindex(weights.shape):
        value, ends = weights[place], []
        for change in (1e-6, -1e-6):
            weights[place] = value + change
            ends.append(loss())
        weights[place] = value
        slopes[place] = (ends[0] - ends[1]) / 2e-6
    return slopes


def factor_of(model, context):
    """What the steps of input rows are multiplied by; 1 in the model of the papers."""
    if model.architecture == "skipgram":
        return 1
    return len(context) if model.cbow_mean else 1 / len(context)


def outputs_of(model):
    """Rows and labels of target 3."""
    stream = word2vec.Stream(1, 0)
    objective = word2vec.HierarchicalSoftmax(huffman_paths(COUNTS))
    if model.objective == "negative_sampling":
        everything = np.full(WORDS, 2**32 - 1, np.uint32), np.arange(WORDS)
        objective = word2vec.NegativeSampling(*everything, negatives=4)
    objective.begin_sentence(stream)
    return objective.rows_and_labels(3, stream)


@pytest.mark.parametrize("cbow_mean", [True, False])
@pytest.mark.parametrize("context", [[1], [1, 2, 5], [4, 1, 4, 4]], ids=["one", "three", "a word three times"])
@pytest.mark.parametrize("model", MODELS)
def test_gradient_is_the_derivative_of_the_loss(model, context, cbow_mean):
    model = ModelConfig(**model, cbow_mean=cbow_mean)
    w_in, w_out = np.random.default_rng(5).normal(0, 0.5, (2, WORDS, DIM))
    rows, labels = outputs_of(model)
    assert len(rows) > 2
    before_in, before_out = w_in.copy(), w_out.copy()
    word2vec.step(w_in, w_out, context, rows, labels, 1.0, model)
    step_in, step_out = w_in - before_in, w_out - before_out
    w_in[:], w_out[:] = before_in, before_out

    def loss():
        return word2vec.loss_of(w_in, w_out, context, rows, labels, model)

    np.testing.assert_allclose(step_in, -factor_of(model, context) * derivative(loss, w_in), atol=1e-7)
    np.testing.assert_allclose(step_out, -derivative(loss, w_out), atol=1e-7)
    assert np.abs(step_in).max() > 0.1


@pytest.mark.parametrize("cbow_mean", [True, False])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_gradient_of_the_full_softmax_is_the_derivative_of_its_loss(architecture, cbow_mean):
    model = ModelConfig(architecture, cbow_mean=cbow_mean)
    w_in, w_out = np.random.default_rng(5).normal(0, 0.5, (2, WORDS, DIM))
    before_in, before_out, context = w_in.copy(), w_out.copy(), [4, 1, 4]
    full_softmax.step(w_in, w_out, context, 3, 1.0, model)
    step_in, step_out = w_in - before_in, w_out - before_out
    w_in[:], w_out[:] = before_in, before_out

    def loss():
        return full_softmax.loss_of(w_in, w_out, context, 3, model)

    np.testing.assert_allclose(step_in, -factor_of(model, context) * derivative(loss, w_in), atol=1e-7)
    np.testing.assert_allclose(step_out, -derivative(loss, w_out), atol=1e-7)


def test_the_loss_is_the_likelihood_of_a_word_among_all():
    """Along the tree, the probabilities of all words add up to 1."""
    w_in, w_out = np.random.default_rng(5).normal(0, 0.5, (2, WORDS, DIM))
    objective, model = word2vec.HierarchicalSoftmax(huffman_paths(COUNTS)), ModelConfig(**SKIPGRAM)
    losses = [word2vec.loss_of(w_in, w_out, [2], *objective.rows_and_labels(w, None), model) for w in range(WORDS)]
    assert np.exp(-np.array(losses)).sum() == pytest.approx(1)
    others = [full_softmax.loss_of(w_in, w_out, [2], w, model) for w in range(WORDS)]
    assert np.exp(-np.array(others)).sum() == pytest.approx(1)


def sigmoid_of_gensim(x):
    """Its table of 1,000 values between -6 and 6, with the place in it as its integer arithmetic finds it."""
    assert np.abs(x).max() < 6
    return 1 / (1 + np.exp(-(((x + 6) * (1000 // 6 // 2)).astype(int) / 1000 * 2 - 1) * 6))


@pytest.mark.parametrize(
    ("architecture", "cbow_mean", "length"), [("cbow", True, 40), ("cbow", False, 40), ("skipgram", True, 2)]
)
def test_steps_along_the_tree_are_those_of_gensim(monkeypatch, architecture, cbow_mean, length):
    """Here gensim draws nothing at random. With skip-gram a window is one pair, since it updates after each."""
    from gensim.models import Word2Vec

    model = {**HIERARCHICAL_SOFTMAX, "architecture": architecture, "cbow_mean": cbow_mean, "window": 3, "dim": DIM}
    case = Case({**model, "shrink_window": False}, words=WORDS, counts=COUNTS, lengths=[length], sample=0, scale=0.3)
    case.ids = case.random.integers(0, WORDS, length).astype(np.int32)
    gensim = Word2Vec(
        vector_size=DIM, window=3, sg=architecture == "skipgram", cbow_mean=cbow_mean, hs=1, negative=0, sample=0,
        min_count=1, workers=1, shrink_windows=False, alpha=0.1, min_alpha=0.1,
    )  # fmt: skip
    gensim.build_vocab_from_freq({str(word): count for word, count in enumerate(COUNTS)})
    codes = [gensim.wv.get_vecattr(str(word), "code").tolist() for word in range(WORDS)]
    assert codes == [[1 - label for _, label in path] for path in huffman_paths(COUNTS)]
    gensim.wv.vectors[:], gensim.syn1[: WORDS - 1] = case.w_in, case.w_out[::-1]  # gensim's last node is the root
    gensim.train([[str(word) for word in case.ids]], total_examples=1, epochs=1)
    monkeypatch.setattr(word2vec, "sigmoid", sigmoid_of_gensim)
    w_in, w_out, _ = case.naive(first=0.1, fall=0.0)
    assert np.abs(w_in - case.w_in).max() > 0.04
    np.testing.assert_allclose(w_in, gensim.wv.vectors, atol=1e-6)
    np.testing.assert_allclose(w_out[::-1], gensim.syn1[: WORDS - 1], atol=1e-6)

"""Loss on text that was held out: the naive loss, the same for any order of documents, and nothing is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.naive import word2vec as naive
from w2v_spark.config import Config, ModelConfig
from w2v_spark.evaluation import held_out
from w2v_spark.evaluation.held_out import Trained, encode_text, losses, measure_held_out_loss
from w2v_spark.kernels.rng import stream_key
from w2v_spark.models.tables import SamplingTables

V, D = 40, 20
WORDS = pa.array([f"w{number}" for number in range(V)])
COUNTS = np.sort(np.random.default_rng(3).integers(5, 500, V))[::-1].copy()
TEXT = Config().text
MODELS = [
    {}, {"window": "sentence"}, {"architecture": "cbow"}, {"objective": "hierarchical_softmax"},
    {"architecture": "cbow", "objective": "hierarchical_softmax", "cbow_mean": False},
]  # fmt: skip


def documents(count: int = 60, seed: int = 0) -> pa.ChunkedArray:
    random = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        sentences = [" ".join(f"w{i}" for i in random.integers(V, size=random.integers(1, 9))) for _ in range(3)]
        texts.append(". ".join([*sentences, "unknown"]))
    return pa.chunked_array([texts[: count // 2], texts[count // 2 :]])


def trained(seed: int, model: ModelConfig, scale: float = 0.4, words: pa.Array = WORDS, dim: int = D) -> Trained:
    random, size = np.random.default_rng(seed), len(words)
    nodes = size - 1 if model.objective == "hierarchical_softmax" else size
    inputs, outputs = (random.normal(0, scale, (rows, dim)).astype(np.float32) for rows in (size, nodes))
    return Trained(replace(model, dim=dim), words, COUNTS[:size], (inputs, outputs))


def model_of(**settings: Any) -> ModelConfig:
    return Config.from_dict({"model": {"dim": D, "negatives": 3, **settings}}).model


@pytest.mark.parametrize("settings", MODELS)
def test_it_is_the_loss_of_training_without_a_step(settings: dict[str, Any]) -> None:
    model = model_of(**settings)
    result, text = trained(1, model), encode_text(documents(), TEXT, WORDS)
    loss, pairs = losses(text, result, np.arange(V), COUNTS, model)
    tables = SamplingTables.build(COUNTS, model, 0.0)
    if settings.get("objective"):
        steps = [tables.steps[a:b] for a, b in zip(tables.starts[:-1], tables.starts[1:], strict=True)]
        objective: Any = naive.HierarchicalSoftmax([[(step >> 1, step & 1) for step in path] for path in steps])
    else:
        objective = naive.NegativeSampling(tables.accept, tables.alias, model.negatives)
    weights = [matrix.astype(np.float64) for matrix in result.weights]
    expected, count, _ = naive.train(
        text.ids, text.offsets, 0, int(stream_key(0, 0, 0)), *weights, tables.keep, objective, lambda _: 0.0, model
    )
    assert pairs.sum() == count
    assert loss.sum() == pytest.approx(expected, rel=1e-5)
    assert len(loss) == 60, "a document is an item"


def test_the_order_of_documents_does_not_matter() -> None:
    model = model_of()
    one, other = trained(1, model), trained(2, model)
    some = documents()
    reversed_ = pa.chunked_array([some.to_pylist()[::-1]])
    first, second = (measure_held_out_loss(text, TEXT, one, other) for text in (some, reversed_))
    assert first == second
    assert first.difference is not None
    assert first.difference.items == 60
    assert measure_held_out_loss(some, TEXT, one, None).candidate == first.candidate, "all words are common"


def test_the_same_weights_have_the_same_loss_and_no_noise() -> None:
    """Also where a result has its rows in another order, more words, and vectors of another length."""
    model = model_of()
    one = trained(1, model)
    order = np.random.default_rng(5).permutation(V)
    weights = tuple(np.concatenate([m[order], np.ones((3, D), np.float32)]) for m in one.weights)
    words = pa.array([*WORDS.take(pa.array(order)).to_pylist(), "x", "y", "z"])
    same = Trained(one.model, words, np.arange(V + 3), (weights[0], weights[1]))
    found = measure_held_out_loss(documents(), TEXT, one, same)
    assert found.difference is not None
    assert (found.candidate, found.difference.noise) == (found.incumbent, 0.0)
    wide = tuple(np.concatenate([m, np.zeros((V, 13), np.float32)], axis=1) for m in one.weights)
    wider = Trained(replace(one.model, dim=D + 13), WORDS, COUNTS, (wide[0], wide[1]))
    found = measure_held_out_loss(documents(), TEXT, one, wider)
    assert found.incumbent == pytest.approx(found.candidate, rel=1e-5)


def test_a_tree_is_asked_about_common_words_alone() -> None:
    model = model_of(objective="hierarchical_softmax")
    one = trained(1, model)
    rows = np.array([3, 1, 17, 39])
    text = encode_text(documents(), TEXT, WORDS.take(pa.array(rows)))
    whole = text._replace(ids=rows.astype(np.int32)[text.ids])
    part, full = losses(text, one, rows, COUNTS[rows], model), losses(whole, one, np.arange(V), COUNTS, model)
    np.testing.assert_allclose(part[0], full[0], rtol=1e-6)
    np.testing.assert_array_equal(part[1], full[1])


def test_what_is_worse_has_the_larger_loss() -> None:
    """Words of a topic stand together; the one knows the topics, the other has them at random."""
    model = model_of()
    topics, random = np.arange(V) % 4, np.random.default_rng(0)
    texts = [" ".join(f"w{i}" for i in random.choice(np.flatnonzero(topics == t % 4), 12)) for t in range(200)]
    axes = 2 * np.eye(D, dtype=np.float32)[:4]
    good, bad = axes[topics], axes[random.permutation(topics)]
    results = [Trained(model, WORDS, np.ones(V, np.int64), (rows, rows)) for rows in (good, bad)]
    found = measure_held_out_loss(pa.chunked_array([texts]), TEXT, *results)
    assert found.difference is not None
    assert found.incumbent is not None
    assert found.candidate < found.incumbent - 5 * found.difference.noise
    assert found.difference.noise > 0
    low, high = found.difference.interval
    assert low < high < 0


@pytest.mark.parametrize(("name", "value"), [("window", 4), ("negatives", 4), ("architecture", "cbow")])
def test_losses_that_cannot_be_compared(name: str, value: Any) -> None:
    one, other = trained(1, model_of()), trained(1, model_of(**{name: value}))
    found = measure_held_out_loss(documents(), TEXT, one, other)
    assert np.isnan(found.candidate)
    assert found.why == f"the loss of the incumbent is another one: it has another {name}"


def test_no_text() -> None:
    one = trained(1, model_of())
    for texts in ([], ["unknown words"], ["w1", "w2", "w3."]):
        found = measure_held_out_loss(pa.chunked_array([pa.array(texts, pa.string())]), TEXT, one, None)
        assert np.isnan(found.candidate)
        assert "held out" in found.why


def test_no_more_than_so_many_words(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encode_text(documents(), TEXT, WORDS)
    monkeypatch.setattr(held_out, "HELD_OUT_WORDS", 100)
    monkeypatch.setattr(held_out, "_ITEMS", 5)
    part = encode_text(documents(), TEXT, WORDS)
    assert 80 < len(part.ids) <= 100
    assert part.ids.tolist() == whole.ids[: len(part.ids)].tolist()
    assert len(part.items) == 6
    assert part.items[-1] == len(part.offsets) - 1

"""What the curvature correction expects of a model, against counts over a long text of independent words."""

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from tests.naive import word2vec as naive
from w2v_spark.config import Config
from w2v_spark.errors import StoreError
from w2v_spark.models.tables import SamplingTables
from w2v_spark.training.update_statistics import build_update_statistics, statistics_from_bytes, statistics_to_bytes

WORDS, LENGTH, DIM = 12, 15_000, 4


class Counted:
    """How often each row is updated and met in one epoch of a text, by walking over its windows."""

    def __init__(self, architecture, objective, **model):
        random = np.random.default_rng(1)
        counts = np.sort(random.integers(300, 3000, WORDS))[::-1].astype(np.int64)
        text = random.choice(WORDS, LENGTH, p=counts / counts.sum())
        self.counts = np.bincount(text, minlength=WORDS)
        values = {"architecture": architecture, "objective": objective, "window": 3, "negatives": 4, **model}
        self.config = Config.from_dict({"model": values, "train": {"sample": 0}})
        self.model = self.config.model
        self.tables = SamplingTables.build(self.counts, self.model, 0.0)
        x = random.normal(0.5, 1, (WORDS, DIM))
        self.inputs, self.outputs = np.zeros(WORDS), np.zeros(self.tables.output_rows)
        self.moment, windows = np.zeros((DIM, DIM)), 0
        stream = naive.Stream(3, 0)
        objective = self.objective()
        objective.begin_sentence(stream)
        for target, context in naive.windows(text.tolist(), stream, self.model):
            rows, _ = objective.rows_and_labels(target, stream)
            np.add.at(self.inputs, context, 1)
            met = naive.input_rows(x[context], self.model)
            np.add.at(self.outputs, rows, len(met))
            self.moment += met.T @ met / len(met)
            windows += 1
        self.moment /= windows
        self.met_by_outputs = x

    def objective(self):
        t = self.tables
        if len(t.accept):
            return naive.NegativeSampling(t.accept, t.alias, self.model.negatives)
        paths = [t.steps[t.starts[w] : t.starts[w + 1]].tolist() for w in range(WORDS)]
        return naive.HierarchicalSoftmax([[(step >> 1, step & 1) for step in path] for path in paths])


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize("shrink", [True, False])
def test_expected_updates_are_those_counted_in_the_tree(architecture, shrink):
    counted = Counted(architecture, "hierarchical_softmax", shrink_window=shrink)
    inputs, outputs = build_update_statistics(counted.counts, counted.config, counted.tables)
    np.testing.assert_allclose(inputs.updates, counted.inputs, rtol=0.06)
    np.testing.assert_allclose(outputs.updates, counted.outputs, rtol=0.06)
    np.testing.assert_allclose(
        inputs.partner_counts, counted.outputs / counted.outputs.max(), rtol=0.06
    )  # the root is always met


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_expected_updates_are_those_counted_with_noise(architecture):
    """Noise that equals the target or other noise is left out, so there is a little less of it than expected."""
    counted = Counted(architecture, "negative_sampling")
    inputs, outputs = build_update_statistics(counted.counts, counted.config, counted.tables)
    np.testing.assert_allclose(inputs.updates, counted.inputs, rtol=0.06)
    assert (outputs.updates >= counted.outputs * 0.94).all()
    assert outputs.updates.sum() == pytest.approx(counted.outputs.sum(), rel=0.3)
    np.testing.assert_allclose(inputs.partner_counts.sum(), 1 + counted.model.negatives)


@pytest.mark.parametrize(
    "model",
    [
        {"architecture": "skipgram"},
        {"architecture": "cbow"},
        {"architecture": "cbow", "shrink_window": False},
        {"architecture": "cbow", "cbow_mean": False},
    ],
    ids=str,
)
def test_expected_second_moment_is_the_one_met(model):
    counted = Counted(objective="hierarchical_softmax", **model)
    _, outputs = build_update_statistics(counted.counts, counted.config, counted.tables)
    x, met = counted.met_by_outputs, outputs.partner_counts[:, None]
    mean = (met * x).sum(axis=0)
    expected = outputs.moment_weight * (met * x).T @ x + outputs.mean_weight * np.outer(mean, mean)
    np.testing.assert_allclose(counted.moment, expected, atol=0.05 * np.abs(expected).max())


SHARES = np.array([0.5, 0.25, 0.1, 0.4])


class CountedDocuments:
    """The same for a text whose words belong to documents of one sentence each, some of which have tags."""

    def __init__(self, model, documents=3000, length=20):
        random = np.random.default_rng(5)
        counts = np.sort(random.integers(300, 3000, WORDS))[::-1].astype(np.int64)
        text = random.choice(WORDS, (documents, length), p=counts / counts.sum())
        has_tag = random.random((documents, len(SHARES))) < SHARES
        self.shares = has_tag.mean(axis=0)
        self.counts = np.bincount(text.ravel(), minlength=WORDS)
        self.config = Config.from_dict({
            "model": {"objective": "hierarchical_softmax", "window": 3, **model}, "train": {"sample": 0},
        })  # fmt: skip
        self.tables = SamplingTables.build(self.counts, self.config.model, 0.0)
        model, words = self.config.model, WORDS
        if model.architecture == "pv_dbow" and not model.dbow_words:
            words = 0
        self.rows = random.normal(0.5, 1, (words + len(SHARES), DIM))
        self.own = random.normal(-0.5, 1, (documents, DIM))
        self.inputs, self.outputs, windows = np.zeros(len(self.rows)), np.zeros(WORDS - 1), 0
        self.moment = np.zeros((DIM, DIM))
        paths = [self.tables.steps[a:b] >> 1 for a, b in pairwise(self.tables.starts)]
        stream = naive.Stream(3, 0)
        for words_of, tagged, own in zip(text.tolist(), has_tag, self.own, strict=True):
            tags = (words + np.flatnonzero(tagged)).tolist()
            for target, context in naive.windows(words_of, stream, model):
                inputs = [*context, *tags]
                np.add.at(self.inputs, inputs, 1)
                met = naive.input_rows(naive.window_rows(self.rows, inputs, own, model), model)
                self.outputs[paths[target]] += len(met)
                self.moment += met.T @ met
                windows += len(met)
        self.moment /= windows


@pytest.mark.parametrize(
    "model",
    [
        {"architecture": "pv_dbow"},
        {"architecture": "pv_dbow", "dbow_words": False},
        {"architecture": "pv_dm"},
        {"architecture": "pv_dm", "cbow_mean": False},
    ],
    ids=str,
)
def test_documents_and_tags_are_counted_as_they_are_met(model):
    """Windows end with documents here, so a word meets a tenth fewer of the others than is expected."""
    counted = CountedDocuments(model)
    inputs, outputs = build_update_statistics(counted.counts, counted.config, counted.tables, 1, None, counted.shares)
    words = len(counted.rows) - len(SHARES)
    np.testing.assert_allclose(inputs.updates[words:], counted.inputs[words:], rtol=0.03)
    np.testing.assert_allclose(inputs.updates[:words], counted.inputs[:words], rtol=0.16)
    np.testing.assert_allclose(outputs.updates, counted.outputs, rtol=0.13)
    assert outputs.partner_counts.sum() + outputs.private == pytest.approx(1)
    met = np.concatenate([counted.rows, counted.own])
    weights = np.concatenate([outputs.partner_counts, np.full(len(counted.own), outputs.private / len(counted.own))])
    mean = weights @ met
    expected = outputs.moment_weight * (weights[:, None] * met).T @ met + outputs.mean_weight * np.outer(mean, mean)
    np.testing.assert_allclose(counted.moment, expected, atol=0.15 * np.abs(expected).max())


@pytest.mark.parametrize("window", [51, 10_000, "sentence"])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_windows_wider_than_sentences_meet_their_other_words(architecture, window):
    values = {"architecture": architecture, "window": window, "shrink_window": False}
    config = Config.from_dict({"model": values, "train": {"sample": 0}})
    text = np.random.default_rng(2).integers(0, WORDS, (500, 30)).tolist()
    counts, counted = np.bincount(np.ravel(text), minlength=WORDS), np.zeros(WORDS)
    for sentence in text:
        for _, context in naive.windows(sentence, naive.Stream(3, 0), config.model):
            np.add.at(counted, context, 1)
    tables = SamplingTables.build(counts, config.model, 0.0)
    inputs, outputs = build_update_statistics(counts, config, tables, sentences=len(text))
    np.testing.assert_allclose(inputs.updates, counted, rtol=0.02)
    assert inputs.updates.sum() == pytest.approx(counted.sum(), rel=1e-12)
    assert outputs.moment_weight == pytest.approx(1.0 if architecture == "skipgram" else 1 / 29)


def test_the_ends_of_sentences_do_not_count_for_narrow_windows():
    config = Config.from_dict({"model": {"architecture": "cbow", "window": 50}})
    counts = np.arange(40, 20, -1)
    tables = SamplingTables.build(counts, config.model, config.train.sample)
    narrow, alone = (build_update_statistics(counts, config, tables, sentences) for sentences in (200, 1))
    for one, other in zip(narrow, alone, strict=True):
        for field in fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.fixture
def statistics():
    counts, config = np.arange(40, 20, -1), Config.from_dict({"model": {"architecture": "cbow"}})
    return build_update_statistics(counts, config, SamplingTables.build(counts, config.model, config.train.sample))


def test_round_trip(statistics):
    again = statistics_from_bytes(statistics_to_bytes(statistics), "update_statistics.npz")
    for one, other in zip(statistics, again, strict=True):
        for field in fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def test_damage_is_named(statistics):
    worse = replace(statistics[0], updates=statistics[0].updates * np.nan), statistics[1]
    shorter = replace(statistics[0], partner_counts=statistics[0].partner_counts[1:]), statistics[1]
    for data in (
        b"",
        statistics_to_bytes(statistics)[:-100],
        statistics_to_bytes(worse),
        statistics_to_bytes(shorter),
    ):
        with pytest.raises(StoreError, match=r"s3://bucket/update_statistics\.npz is damaged"):
            statistics_from_bytes(data, "s3://bucket/update_statistics.npz")

"""PV-DBOW and PV-DM against their naive twins: documents and tags are input rows like others."""

import numpy as np
import pytest

from tests.naive import word2vec as naive
from tests.naive.huffman import huffman_paths
from tests.unit.cases import HIERARCHICAL_SOFTMAX, NEGATIVE_SAMPLING, Case
from w2v_spark.config import Freeze
from w2v_spark.kernels.arguments import KEPT, LOSS, PAIRS, Documents, Schedule, Sentences, Weights
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.training.trainer import ThreadedTrainer, Trainer

DBOW_WORDS = {"architecture": "pv_dbow"}
DBOW = {"architecture": "pv_dbow", "dbow_words": False}
DM = {"architecture": "pv_dm"}
DM_SUM = {"architecture": "pv_dm", "cbow_mean": False}
MODELS = [
    pytest.param({**architecture, **objective}, id=f"{name}-{short}")
    for name, architecture in {"dbow-words": DBOW_WORDS, "dbow": DBOW, "dm": DM, "dm-sum": DM_SUM}.items()
    for short, objective in {"ns": NEGATIVE_SAMPLING, "hs": HIERARCHICAL_SOFTMAX}.items()
]
KEY, TAGS = stream_key(7, 2, 3), 3


class DocumentCase(Case):
    """A case whose sentences belong to documents of some tags, which are rows behind those of the words."""

    def __init__(self, model, documents=4, freeze="none", **options):
        super().__init__(model, freeze=freeze, scale=0.2, **options)
        words = len(self.w_in) if model["architecture"] == "pv_dm" or model.get("dbow_words", True) else 0
        self.w_in = np.concatenate([self.w_in[:words], self.random.normal(0, 0.2, (TAGS, self.model.dim))])
        self.w_in = self.w_in.astype(np.float32)
        self.rows = self.random.normal(0, 0.2, (documents, self.model.dim)).astype(np.float32)
        self.owners = np.sort(self.random.integers(0, documents, len(self.offsets) - 1))
        number = self.random.integers(0, TAGS + 1, documents)
        self.tags = [words + self.random.choice(TAGS, n, replace=False) for n in number]

    def documents(self):
        rows = aligned_zeros(len(self.rows), padded(self.model.dim))
        rows[:, : self.model.dim] = self.rows
        starts = np.concatenate([[0], np.cumsum([len(tags) for tags in self.tags])]).astype(np.int64)
        return Documents(rows, self.owners, starts, np.concatenate(self.tags).astype(np.int64))

    def train(self, trainer=None):
        dim = self.model.dim
        w_in, w_out = (aligned_zeros(len(w), padded(dim)) for w in (self.w_in, self.w_out))
        w_in[:, :dim], w_out[:, :dim] = self.w_in, self.w_out
        trainer = trainer or Trainer(self.model, self.tables, self.freeze, TAGS)
        documents, schedule = self.documents(), Schedule(np.uint64(KEY), 0.05, 1e-6, 1e-4)
        trainer.train(Sentences(self.ids, self.offsets, 1000), schedule, Weights(w_in, w_out), documents)
        assert not documents.rows[:, dim:].any()
        return w_in[:, :dim], w_out[:, :dim], documents.rows[:, :dim], trainer.statistics

    def twin(self):
        w_in, w_out, rows = (each.astype(float) for each in (self.w_in, self.w_out, self.rows))
        objective = naive.NegativeSampling(self.tables.accept, self.tables.alias, self.model.negatives)
        if self.is_tree:
            objective = naive.HierarchicalSoftmax(huffman_paths(self.counts))
        result = naive.train(
            self.ids, self.offsets, 1000, KEY, w_in, w_out, self.tables.keep, objective,
            lambda p: max(0.05 - 1e-6 * p, 1e-4), self.model, self.freeze,
            naive.Documents(rows, self.owners, [tags.tolist() for tags in self.tags]),
        )  # fmt: skip
        return w_in, w_out, rows, result


def assert_equals_the_twin(case):
    *weights, statistics = case.train()
    *expected, (loss, pairs, kept) = case.twin()
    for one, other in zip(weights, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)
    assert (statistics[PAIRS], statistics[KEPT]) == (pairs, kept)
    assert statistics[LOSS] == pytest.approx(loss, rel=1e-5)
    assert pairs > 0


@pytest.mark.parametrize("sample", [0, 0.05])
@pytest.mark.parametrize("dim", [1, 17, 40, 100])
@pytest.mark.parametrize("model", MODELS)
def test_equals_the_naive_twin(model, dim, sample):
    assert_equals_the_twin(DocumentCase({**model, "dim": dim}, sample=sample))


@pytest.mark.parametrize("window", [1, 3, 50, "sentence"])
@pytest.mark.parametrize("model", MODELS)
def test_any_window(model, window):
    assert_equals_the_twin(DocumentCase({**model, "window": window, "shrink_window": window == 3}, sample=0))


@pytest.mark.parametrize("model", MODELS)
def test_sentences_of_one_word_train_their_document(model):
    case = DocumentCase(model, lengths=[1] * 30, sample=0)
    assert_equals_the_twin(case)
    _, _, rows, _ = case.train()
    assert (rows[np.unique(case.owners)] != case.rows[np.unique(case.owners)]).any(axis=1).all()


@pytest.mark.parametrize("freeze", ["input", "output"])
@pytest.mark.parametrize("model", MODELS)
def test_rows_of_documents_are_trained_while_a_matrix_is_frozen(model, freeze):
    case = DocumentCase(model, freeze=freeze)
    assert_equals_the_twin(case)
    w_in, w_out, rows, _ = case.train()
    assert np.array_equal(w_in, case.w_in) == (freeze == "input")
    assert np.array_equal(w_out, case.w_out) == (freeze == "output")
    assert not np.array_equal(rows, case.rows)


@pytest.mark.parametrize("model", MODELS)
def test_one_thread_is_the_trainer_and_many_train_each_document(model):
    case = DocumentCase(model, sentences=40)
    alone = case.train()
    for one, other in zip(
        case.train(ThreadedTrainer(case.model, case.tables, 1, Freeze.NONE, TAGS)), alone, strict=True
    ):
        np.testing.assert_array_equal(one, other)
    *_, rows, statistics = case.train(ThreadedTrainer(case.model, case.tables, 3, Freeze.NONE, TAGS))
    assert statistics[PAIRS] == alone[-1][PAIRS]
    assert np.abs(rows - alone[2]).max() < 0.5

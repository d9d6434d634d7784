"""Training with sub-words against its twin, and n-grams against those of fastText as gensim has them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.naive import subwords as naive
from tests.naive import word2vec
from tests.naive.huffman import huffman_paths
from tests.unit.cases import MODELS, Case
from w2v_spark.config import Config
from w2v_spark.errors import StoreError
from w2v_spark.kernels.arguments import KEPT, LOSS, PAIRS, Schedule, Sentences, Weights
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.ngrams import NgramRule
from w2v_spark.kernels.rng import stream_key
from w2v_spark.kernels.subwords import compose
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.training.composed import ComposedRows, composed_moment
from w2v_spark.training.trainer import Trainer
from w2v_spark.training.update_statistics import build_update_statistics

NGRAMS = 25


def as_bytes(words):
    raw = [word.encode() for word in words]
    text = np.frombuffer(b"".join(raw), np.uint8)
    return text, np.concatenate([[0], np.cumsum([len(each) for each in raw])]).astype(np.int64)


def table_of(words, counts=None, **model):
    config = Config.from_dict({"model": {"subwords": True, "min_ngram_words": 2, **model}}).model
    counts = np.arange(len(words), 0, -1) if counts is None else np.asarray(counts)
    return SubwordTable.build(*as_bytes(words), counts, counts.astype(float), config)


class SubwordCase(Case):
    """A `Case` whose words have some of 25 n-grams each, and some none."""

    def __init__(self, model, most=6, **options):
        super().__init__({**model, "subwords": True}, **options)
        words = len(self.w_in)
        sizes = self.random.integers(0, most + 1, words)
        self.rows_of = [
            [w, *np.sort(words + self.random.choice(NGRAMS, size, replace=False)).tolist()]
            for w, size in enumerate(sizes)
        ]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        rows = np.array([row for own in self.rows_of for row in own[1:]], np.int32)
        none = np.empty(0, np.int64)
        self.ngrams = SubwordTable(
            starts, rows, np.ones(NGRAMS, np.int64), np.full(words, 1 / words), np.empty(0, np.uint8), none, none
        )
        more = self.random.normal(0, 0.5, (NGRAMS, self.model.dim)).astype(np.float32)
        self.w_in = np.concatenate([self.w_in, more])

    def kernel(self, first=0.05, threads=1):
        dim = self.model.dim
        w_in, w_out = (aligned_zeros(len(w), padded(dim)) for w in (self.w_in, self.w_out))
        w_in[:, :dim], w_out[:, :dim] = self.w_in, self.w_out
        trainer = Trainer(self.model, self.tables, self.freeze, subwords=self.ngrams, pool=self.pool)
        schedule = Schedule(np.uint64(stream_key(7, 2, 3)), first, 1e-6, 1e-4)
        trainer.train(Sentences(self.ids, self.offsets, 1000), schedule, Weights(w_in, w_out))
        assert not w_in[:, dim:].any()
        return w_in[:, :dim], w_out[:, :dim], trainer.statistics

    def naive(self, first=0.05):
        w_in, w_out = self.w_in.astype(float), self.w_out.astype(float)
        objective = word2vec.NegativeSampling(self.tables.accept, self.tables.alias, self.model.negatives, self.pool)
        if self.is_tree:
            objective = word2vec.HierarchicalSoftmax(huffman_paths(self.counts))
        result = naive.train(
            self.ids, self.offsets, 1000, word2vec.stream_key(7, 2, 3), w_in, w_out, self.tables.keep, objective,
            lambda p: max(first - 1e-6 * p, 1e-4), self.model, self.rows_of, self.freeze,
        )  # fmt: skip
        return w_in, w_out, result


def assert_equals_the_twin(case, tolerance=1e-5, **options):
    w_in, w_out, statistics = case.kernel(**options)
    expected_in, expected_out, (loss, pairs, kept) = case.naive(**options)
    assert pairs > 0
    np.testing.assert_allclose(w_in, expected_in, rtol=0, atol=tolerance)
    np.testing.assert_allclose(w_out, expected_out, rtol=0, atol=tolerance)
    assert (statistics[PAIRS], statistics[KEPT]) == (pairs, kept)
    assert statistics[LOSS] == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("lengths", [[2], None], ids=["one step", "ten sentences"])
@pytest.mark.parametrize("dim", [1, 16, 17, 100])
@pytest.mark.parametrize("model", MODELS)
def test_equals_the_twin(model, dim, lengths):
    assert_equals_the_twin(SubwordCase({**model, "dim": dim}, lengths=lengths, sample=0.05 if lengths is None else 0))


@pytest.mark.parametrize("window", [1, 7, 50, "sentence"])
@pytest.mark.parametrize("shrink_window", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_every_window(model, shrink_window, window):
    model = {**model, "window": window, "shrink_window": shrink_window}
    case = SubwordCase(model, words=90, lengths=[1, 2, 60, 120, 9], sample=0, scale=0.2)
    assert_equals_the_twin(case, tolerance=5e-5, first=0.005)


@pytest.mark.parametrize("freeze", ["input", "output"])
@pytest.mark.parametrize("model", MODELS)
def test_a_frozen_matrix(model, freeze):
    case = SubwordCase(model, freeze=freeze, scale=0.2)
    assert_equals_the_twin(case)
    w_in, w_out, _ = case.kernel()
    assert np.array_equal(w_in, case.w_in) == (freeze == "input")
    assert np.array_equal(w_out, case.w_out) == (freeze == "output")


@pytest.mark.parametrize("model", MODELS)
def test_words_without_ngrams_train_as_ever_but_for_rounding(model):
    """Where no word is in reach of itself."""
    options = {"words": 60, "counts": [1] * 60, "lengths": [20, 20, 20], "sample": 0}
    case, plain = SubwordCase(model, most=0, **options), Case(model, **options)
    case.ids = plain.ids = np.random.default_rng(1).permutation(60).astype(np.int32)
    plain.w_in, plain.w_out = case.w_in[:60], case.w_out
    for found, expected in zip(case.kernel()[:2], plain.kernel(key=stream_key(7, 2, 3))[:2], strict=True):
        np.testing.assert_allclose(found[: len(expected)], expected, atol=2e-6)


def test_composes_the_mean_of_the_rows_of_a_word():
    case = SubwordCase(MODELS[0].values[0])
    words = np.array([3, 0, 17])
    out = np.empty((3, case.model.dim), np.float32)
    compose(words, case.ngrams.starts, case.ngrams.rows, case.w_in, out)
    expected = [case.w_in[case.rows_of[w]].mean(axis=0) for w in words]
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_expected_updates_of_ngrams_are_those_counted(architecture):
    """And output rows meet what the shards add up: their share of words and n-grams by themselves is none."""
    case = SubwordCase({"architecture": architecture, "shrink_window": False, "window": 3}, sentences=1, longest=9_000)
    counted = np.zeros(len(case.w_in))
    counts = np.bincount(case.ids, minlength=len(case.counts))
    for _, context in word2vec.windows(case.ids.tolist(), word2vec.Stream(3, 0), case.model):
        np.add.at(counted, [row for word in context for row in case.rows_of[word]], 1)
    config = Config.from_dict({
        "model": {"architecture": architecture, "shrink_window": False, "window": 3, "subwords": True},
        "train": {"sample": 0},
    })  # fmt: skip
    inputs, outputs = build_update_statistics(counts, config, case.tables, subwords=case.ngrams)
    there = counted > 0
    np.testing.assert_allclose(inputs.updates[there], counted[there], rtol=0.02)
    assert len(outputs.partner_counts) == len(case.w_in)
    assert not outputs.partner_counts.any()
    assert outputs.private == 1.0


@pytest.mark.parametrize("words", [40, 9_000])
def test_the_moment_of_composed_words(words):
    """All of the frequent words count, and one in eight of the others stands for them."""
    case = SubwordCase({}, words=words)
    shares = 1 / np.arange(1, words + 1)
    table = case.ngrams._replace(met=shares / shares.sum())
    vectors = ComposedRows(table, case.w_in)[:].astype(float)
    np.testing.assert_allclose(vectors[3], case.w_in[case.rows_of[3]].mean(axis=0), atol=1e-6)
    padded_rows = aligned_zeros(len(case.w_in), padded(20))
    padded_rows[:, :20] = case.w_in
    found = composed_moment(table, padded_rows, 20)
    expected = np.concatenate([vectors.T * table.met @ vectors, [table.met @ vectors]])
    np.testing.assert_allclose(found, expected, atol=1e-6 if words == 40 else 0.01)
    assert np.trace(found[:20]) == pytest.approx(np.trace(expected[:20]), rel=1e-5 if words == 40 else 0.03)


def test_rows_of_words_in_any_order_are_those_of_the_whole():
    case = SubwordCase({}, words=90)
    composed = ComposedRows(case.ngrams, case.w_in)
    some = np.array([70, 3, 3, 0])
    np.testing.assert_array_equal(composed.take(some), composed[:][some])
    assert len(composed) == 90
    np.testing.assert_array_equal(composed[5:9], composed[:][5:9])


WORDS = ["the", "running", "aaaaaa", "ß", "żółw", "日本語", "a", "<>", "über", "\U0001f600smile"]


@pytest.mark.parametrize("bounds", [(3, 6), (1, 2), (1, 64), (5, 5)])
def test_ngrams_are_those_of_the_twin(bounds):
    table = table_of(WORDS, min_n=bounds[0], max_n=bounds[1], min_ngram_words=1)
    labels = table.labels().to_pylist()
    for w, word in enumerate(WORDS):
        rows = table.rows[table.starts[w] : table.starts[w + 1]]
        assert {labels[row - len(WORDS)] for row in rows} == set(naive.ngrams_of(word, *bounds))
        assert (np.diff(rows) > 0).all()


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 3), st.integers(1, 5000))
def test_buckets_are_those_of_gensim(word, min_n, more, bucket):
    hashes = pytest.importorskip("gensim.models.fasttext").ft_ngram_hashes
    word = word.encode(errors="ignore").decode() or "x"
    _, keys, _, _ = NgramRule(min_n, min_n + more, bucket).spans(*as_bytes([word]))
    own = [naive.bucket_of(ngram, bucket) for ngram in naive.ngrams_of(word, min_n, min_n + more)]
    assert keys.tolist() == sorted(set(own))
    if min_n > 1:  # of single letters gensim takes the marks as well
        assert keys.tolist() == sorted(set(hashes(word, min_n, min_n + more, bucket)))


def test_ngrams_of_few_words_get_no_row_and_frequent_ones_come_first():
    table = table_of(["walking", "talking", "talk"], [100, 10, 1], min_n=4, max_n=4, min_ngram_words=2)
    assert set(table.labels().to_pylist()[:4]) == {"alki", "ing>", "king", "lkin"}
    assert set(table.labels().to_pylist()[4:]) == {"<tal", "talk"}
    assert table.words.tolist() == [2] * 6
    assert table.met.tolist() == [100 / 111, 10 / 111, 1 / 111]


def test_many_words_are_numbered_as_few_are():
    """More than are numbered at a time."""
    words = [f"w{number}" for number in range(70_000)]
    table = table_of(words, min_n=3, max_n=3)
    some = NgramRule(3, 3, 0).spans(*as_bytes(words[65_530:65_540]))
    labels = table.labels().to_pylist()
    for w in range(65_530, 65_540):
        own = {labels[row - 70_000] for row in table.rows[table.starts[w] : table.starts[w + 1]]}
        assert own == {ngram for ngram in naive.ngrams_of(words[w], 3, 3) if ngram in labels}
        assert len(own) == some[0][w - 65_529] - some[0][w - 65_530]


@pytest.mark.parametrize("bucket", [0, 7])
def test_a_table_survives_its_file_and_damage_is_noticed(bucket):
    table = table_of(WORDS, bucket=bucket, min_ngram_words=1)
    again = SubwordTable.from_bytes(table.to_bytes(), "x")
    for one, other in zip(table, again, strict=True):
        np.testing.assert_array_equal(one, other)
    for broken in (
        table._replace(rows=table.rows + 100),
        table._replace(starts=table.starts[:-1]),
        table._replace(words=table.words[:-1]),
        table._replace(met=table.met.astype(np.float32)),
    ):
        with pytest.raises(StoreError, match="x"):
            SubwordTable.from_bytes(broken.to_bytes(), "x")

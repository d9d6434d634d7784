"""The parts of the Estimator that need no Spark session: kernels, nearest words, the table of Params."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive.documents import mean_vector
from w2v_spark import Config, KeyedVectors
from w2v_spark.config import SETTINGS, Entry, Setting, TextConfig
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import ConfigError, InputError, Name, StoreError, WordNotFound
from w2v_spark.estimator import Word2Vec
from w2v_spark.kernels.mean_rows import mean_rows
from w2v_spark.ml.model_store import FittedStore
from w2v_spark.ml.param_table import DOCUMENT_PARAMS, PARAMS, ParamEntry, build_config, errors_naming_params, params_of
from w2v_spark.ml.params import Keywords
from w2v_spark.ml.summary import TrainingSummary
from w2v_spark.ml.transform import _Served, _word_ids
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import build_analyzer

WORDS = ["a", "b", "été", "longer than eight bytes"]
MATRIX = np.random.default_rng(0).standard_normal((len(WORDS), 5)).astype(np.float32)
ANALYZER = build_analyzer(TextConfig())
SERVED = _Served(WordTable.from_words(pa.array(WORDS)), MATRIX, None)
VECTORS = {word: [float(x) for x in row] for word, row in zip(WORDS, MATRIX, strict=True)}


@given(st.lists(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4), st.none()), max_size=6)), st.booleans())
def test_means_of_words_are_those_of_the_twin(documents: list[list[str | None]], count_unknown: bool) -> None:
    ids, firsts, others = _word_ids(pa.array(documents, pa.list_(pa.string())), ANALYZER, SERVED)
    out = np.empty((len(documents), 5))
    mean_rows(ids, firsts, MATRIX, others, count_unknown, out)
    expected = [mean_vector(words, VECTORS, 5, count_unknown) for words in documents]
    np.testing.assert_allclose(out, np.array(expected).reshape(-1, 5), rtol=1e-12, atol=1e-15)


def test_a_slice_of_documents_is_read_from_its_own_start() -> None:
    ids, firsts, _ = _word_ids(pa.array([["a"], ["b", "b"], ["a"]]).slice(1), ANALYZER, SERVED)
    assert ids.tolist() == [1, 1, 0]
    assert firsts.tolist() == [0, 2, 3]


def test_text_without_words_keeps_its_place() -> None:
    documents = pa.array(["", "A, b. Zz", "...", "b"])
    ids, firsts, _ = _word_ids(documents, ANALYZER, SERVED)
    assert ids.tolist() == [0, 1, -1, 1]
    assert firsts.tolist() == [0, 0, 3, 3, 4]


class TestFindSynonyms:
    matrix = np.random.default_rng(1).standard_normal((3000, 20)).astype(np.float32)
    matrix[7] = 0
    store = FittedStore(Directory.open("/nowhere"))
    store.vectors = KeyedVectors([f"w{i}" for i in range(3000)], matrix)

    def test_of_a_word_they_are_the_most_similar_words(self) -> None:
        assert self.store.find_synonyms("w3", 12) == self.store.vectors.most_similar("w3", topn=12)
        assert len(self.store.find_synonyms("w3", 5000)) == 2999

    def test_a_vector_may_find_its_own_word(self) -> None:
        word, similarity = self.store.find_synonyms((3 * self.matrix[40]).tolist(), 2)[0]
        assert word == "w40"
        assert similarity == pytest.approx(1, abs=1e-6)

    def test_a_vector_of_zeros_is_similar_to_nothing(self) -> None:
        assert self.store.find_synonyms([0.0] * 20, 2) == [("w0", 0.0), ("w1", 0.0)]

    def test_what_cannot_be_asked_is_refused(self) -> None:
        with pytest.raises(WordNotFound):
            self.store.find_synonyms("nothing", 1)
        for num in (0, -1, 2.5, True):
            with pytest.raises(ConfigError, match=f"num = {num}"):
                self.store.find_synonyms("w3", num)
        with pytest.raises(InputError, match=r"expected \(20,\)"):
            self.store.find_synonyms([1.0], 1)
        with pytest.raises(InputError, match="not finite"):
            self.store.find_synonyms([float("nan")] * 20, 1)


class TestParams:
    def test_every_param_has_its_key_and_the_default_of_the_configuration(self) -> None:
        default, built = Config().to_dict(), build_config(Word2Vec()).to_dict()
        assert built.pop("train") == {**default.pop("train"), "epochs": 1}
        assert built == default

    def test_every_key_that_fit_can_use_has_a_param(self) -> None:
        for table, others in (
            (PARAMS, {"model.dbow_words", "infer.epochs", "infer.learning_rate"}), (DOCUMENT_PARAMS, set()),
        ):  # fmt: skip
            keys = [param.entry.name for param in table.values() if param.entry is not None]
            without = {entry.name for entry in SETTINGS if entry.section != "retrain"} - set(keys)
            of_versions = {"text.column", "train.freeze", "train.held_out"}
            zero_is_something = {"train.noise_pool"}  # and not "auto", as in Params
            assert without == of_versions | others | zero_is_something | {"infer.min_learning_rate"}
            assert len(set(keys)) == len(keys)

    def test_a_word_in_place_of_a_number_is_0(self) -> None:
        assert Word2Vec().getNumPartitions() == Word2Vec().getRounds() == 0
        config = build_config(Word2Vec(windowSize=0))
        assert (config.model.window, config.train.shards, config.train.rounds) == ("sentence", "auto", "auto")
        assert (Word2Vec().getWindowSize(), build_config(Word2Vec(windowSize=80)).model.window) == (5, 80)

    def test_a_word_in_place_of_a_truth_value_is_none(self) -> None:
        entry = Entry("text", "lowercase", (bool, Literal["auto"]), "auto", Setting("fold case"))
        assert ParamEntry.of_setting("lowercase", entry) == ParamEntry(
            "lowercase", bool, "fold case (None is 'auto' here)", None, entry
        )

    def test_published_rows_do_not_hide_the_vectors(self) -> None:
        estimator = Word2Vec(publishedRows="sum")
        assert estimator.getPublishedRows() == build_config(estimator).model.published_rows == "sum"
        assert not hasattr(estimator, "getVectors")
        with pytest.raises(TypeError, match="vectors is now called publishedRows"):
            Word2Vec(vectors="sum")  # type: ignore[call-arg]

    def test_explain_params_has_the_help_of_the_table(self) -> None:
        text = Word2Vec().explainParams()
        for param in PARAMS.values():
            assert f"{param.name}: {param.help}" in text or param.name in ("inputCol", "outputCol")
        assert "windowSize: neighbours on each side, at most; " in text

    def test_a_path_may_be_a_path(self, tmp_path: Path) -> None:
        assert Word2Vec(runDirectory=tmp_path).getRunDirectory() == str(tmp_path)
        assert Word2Vec().setRunDirectory(tmp_path).getRunDirectory() == str(tmp_path)
        assert Word2Vec().getRunDirectory() is None

    def test_every_param_has_a_keyword_a_setter_and_a_getter(self) -> None:
        estimator = Word2Vec(inputCol="in", runDirectory="somewhere")
        assert {param.name for param in estimator.params} == set(Keywords.__annotations__)
        for param in estimator.params:
            name, value = param.name[0].upper() + param.name[1:], estimator.getOrDefault(param)
            assert getattr(estimator, f"set{name}")(value) is estimator
            assert getattr(estimator, f"get{name}")() == value

    def test_values_reach_the_configuration(self) -> None:
        config = build_config(Word2Vec(vectorSize=7, numPartitions=3, maxIter=4, minCount=0, seed=-1, stepSize=5e-5))
        assert (config.model.dim, config.train.shards, config.train.epochs) == (7, 3, 4)
        assert (config.vocabulary.min_count, config.train.seed) == (1, 2**63 - 1)
        assert config.train.min_learning_rate == 5e-5

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            (
                {"vectorSize": -1},
                "vectorSize = -1 is not allowed: expected a finite number, at least 1 and at most 1024",
            ),
            ({"merge": "sum"}, "merge = 'sum' is not allowed: expected 'curvature' or 'mean'"),
            (
                {"minStepSize": 0.5},
                "minStepSize = 0.5 is above stepSize = 0.025; the rate falls from the second to the first, so lower "
                "the first",
            ),
            (
                {"objective": "hierarchical_softmax", "publishedRows": "sum"},
                "publishedRows = 'sum' is not allowed: with objective = 'hierarchical_softmax' output rows belong to "
                "the inner nodes of the Huffman tree and not to words; expected 'input', or choose objective = "
                "'negative_sampling'",
            ),
        ],
        ids=str,
    )
    def test_a_value_that_is_not_allowed_names_its_param(self, params: Any, message: str) -> None:
        with pytest.raises(ConfigError) as caught, errors_naming_params():
            build_config(Word2Vec(**params))
        assert str(caught.value) == message
        assert caught.value.__cause__ is None

    def test_errors_keep_their_class_and_cause(self) -> None:
        cause = OSError("disk")
        with pytest.raises(StoreError) as caught, errors_naming_params():
            raise StoreError(Name("input"), " is gone; ", Name("overwrite"), ", ", Name("elsewhere")) from cause
        assert str(caught.value) == "the dataset is gone; write().overwrite(), elsewhere"
        assert caught.value.__cause__ is cause
        with pytest.raises(KeyError), errors_naming_params():
            raise KeyError("not ours")

    def test_an_unknown_keyword_is_refused(self) -> None:
        with pytest.raises(TypeError, match="vectorsize"):
            Word2Vec(vectorsize=3)  # type: ignore[call-arg]

    def test_none_is_the_default(self) -> None:
        assert Word2Vec(seed=None).getSeed() == Word2Vec().getSeed()


def test_a_notebook_shows_the_summary_as_a_table() -> None:
    record = {
        "tokens": 1500, "pairs": 9000, "loss": 2.5, "learning_rate": 0.02, "words_per_second": 3000.4,
        "seconds": {"total": 0.5},
    }  # fmt: skip
    summary = TrainingSummary(
        history=[{"round": number, **record} for number in range(2)],
        corpus={"documents": 10, "tokens": 3000, "vocabulary_size": 7},
        seconds={"total": 1.5},
        plan={"shards": 1, "rounds": 2},
        config={},
    )
    line, table = ElementTree.fromstring(f"<div>{summary._repr_html_()}</div>")
    assert line.text == str(summary)
    assert [[cell.text for cell in row] for row in table] == [
        ["round", "words", "loss", "learning rate", "words/s", "seconds"],
        ["1", "1,500", "2.5000", "0.02000", "3,000", "0.5"],
        ["2", "1,500", "2.5000", "0.02000", "3,000", "0.5"],
    ]


def test_the_summary_leaves_out_the_loss_of_rounds_that_trained_on_nothing() -> None:
    rounds = [{"pairs": pairs, "loss": loss} for pairs, loss in ((0, 0.0), (5, 3.5), (7, 2.0), (0, 0.0))]
    corpus = {"documents": 1, "tokens": 9, "vocabulary_size": 2}
    summary = TrainingSummary(rounds, corpus, {"total": 1.0}, {"shards": 1, "rounds": 4}, {})
    assert "loss 3.5000 to 2.0000" in str(summary)


@pytest.mark.parametrize(
    "changes", [[], ["model.dim=7", "train.shards=3", "train.seed=5", "vocabulary.max_size=9", "train.rounds=auto"]]
)
def test_params_of_a_configuration_stand_for_it(changes: list[str]) -> None:
    config = Config.load(None, changes)
    again = build_config(Word2Vec(**params_of(config)))
    kept = {(param.entry.section, param.entry.key) for param in PARAMS.values() if param.entry is not None}
    for section, key in kept:
        assert again.to_dict()[section][key] == config.to_dict()[section][key], (section, key)

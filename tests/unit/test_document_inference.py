"""Inference: equal text gives equal vectors, whatever stands beside it and however it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.naive import documents as naive
from tests.naive.huffman import huffman_paths
from w2v_spark.config import Config
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import InputError
from w2v_spark.inference.document_inference import DocumentInference, inferred_model
from w2v_spark.inference.encoding import encode_documents
from w2v_spark.kernels.arguments import Weights
from w2v_spark.kernels.infer_bags import infer_bags
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.window_step import build_scratch
from w2v_spark.models.tables import SamplingTables
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.training.trainer import build_model

WORDS, D = [f"w{number}" for number in range(30)], 10
COUNTS = np.arange(60, 30, -1)
MODELS = {
    f"{architecture}-{objective}": {"architecture": architecture, "objective": objective}
    for architecture in ("pv_dbow", "pv_dm")
    for objective in ("negative_sampling", "hierarchical_softmax")
}
TEXTS = ["w1 w2 w3. W4 w5", "w9 w8 unknown w7", "nothing known", "", None, "w1 w2 w3. W4 w5", "w0 w1 w2 w3 w4 w5", "w1"]


def inference(model: dict[str, Any], **infer: Any) -> DocumentInference:
    config = Config.from_dict({"model": {"dim": D, **model}, "train": {"sample": 0}, "infer": {"epochs": 5, **infer}})
    tables, random = SamplingTables.build(COUNTS, config.model, 0.0), np.random.default_rng(0)
    weights = []
    for rows in (len(WORDS) if model["architecture"] == "pv_dm" else 0, tables.output_rows):
        weights.append(aligned_zeros(rows, padded(D)))
        weights[-1][:, :D] = random.normal(0, 0.5, (rows, D))
    return DocumentInference(config, pa.array(WORDS), tables, Weights(*weights))


def long_text(words: int, seed: int = 0) -> str:
    numbers = np.random.default_rng(seed).integers(0, len(WORDS), words)
    return " ".join(f"w{number}{'.' if place % 9 == 8 else ''}" for place, number in enumerate(numbers))


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_equal_text_gives_equal_vectors(model: dict[str, Any]) -> None:
    """Beside others, alone, in any order, among thousands, and after other calls."""
    infer = inference(model)
    texts = [*TEXTS, long_text(20_000), *(f"w{n % 30} w{n % 7} w{n % 11}" for n in range(1100)), long_text(20_000)]
    together = infer.infer(texts)
    assert together.dtype == np.float32
    assert np.isnan(together[2:5]).all()
    assert np.isfinite(np.delete(together, [2, 3, 4], axis=0)).all()
    np.testing.assert_array_equal(together[0], together[5])
    np.testing.assert_array_equal(together[8], together[-1])
    assert not np.allclose(together[0], together[6])
    for place in (0, 1, 6, 7, 8, 1000):
        np.testing.assert_array_equal(infer.infer([texts[place]])[0], together[place])
    np.testing.assert_array_equal(infer.infer(texts[:20][::-1])[::-1], together[:20])
    np.testing.assert_array_equal(inference(model).infer(pa.array(texts[:20], pa.large_string())), together[:20])


@pytest.mark.parametrize("dim", [10, 20, 40, 64, 100])
@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_equals_the_naive_twin(objective: str, dim: int) -> None:
    """Every place of a step, a document of more words than noise is drawn for, and subsampling."""
    config = Config.from_dict({"model": {"architecture": "pv_dbow", "objective": objective, "dim": dim}})
    tables, random = SamplingTables.build(COUNTS, config.model, 0.02), np.random.default_rng(dim)
    w_out = aligned_zeros(tables.output_rows, padded(dim))
    w_out[:, :dim] = random.normal(0, 0.4, (len(w_out), dim))
    lengths = [0, 1, 2, 7, 8, 9, 33, 300, *random.integers(1, 40, 40), 3 * naive.PLACES]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids, keys = random.integers(0, len(WORDS), starts[-1]).astype(np.int32), random.integers(0, 2**63, len(lengths))
    rows = aligned_zeros(len(lengths), padded(dim))
    rows[:, :dim] = random.normal(0, 0.1, (len(lengths), dim))
    before, model = rows[:, :dim].astype(np.float64), build_model(inferred_model(config.model), tables, True, True)
    infer_bags(
        ids, starts, keys.astype(np.uint64), np.argsort(lengths), 3, 0.05, 0.01, np.uint64(9), w_out, rows, model,
        tables, build_scratch(model.most_inputs, model.most_rows, dim),
    )  # fmt: skip
    noise = (tables.accept, tables.alias, model.negatives) if objective == "negative_sampling" else None
    for d, row in enumerate(before):
        expected = naive.infer_bag(
            ids[starts[d] : starts[d + 1]], int(keys[d]), row, w_out[:, :dim].astype(np.float64), 3, 0.05, 0.01, 9,
            tables.keep, noise, huffman_paths(COUNTS),
        )  # fmt: skip
        np.testing.assert_allclose(rows[d, :dim], expected, rtol=2e-3, atol=2e-5)
    assert not rows[:, dim:].any()


def test_lists_of_words_are_documents_of_one_sentence() -> None:
    infer = inference(MODELS["pv_dm-negative_sampling"])
    lists = infer.infer([["w1", "w2", "unknown", "w3"], [], ["unknown"], None])
    np.testing.assert_array_equal(lists[0], infer.infer(["w1 w2 w3"])[0])
    assert np.isnan(lists[1:]).all()


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_more_epochs_predict_the_words_better(model: dict[str, Any]) -> None:
    text, found = long_text(50, 3), {}
    for epochs in (1, 300):
        infer = inference(model, epochs=epochs)
        found[epochs] = infer.infer([text])[0]
    assert np.linalg.norm(found[300]) > 2 * np.linalg.norm(found[1])


def test_what_is_no_list_of_documents() -> None:
    infer = inference(MODELS["pv_dbow-negative_sampling"])
    assert infer.infer([]).shape == (0, D)
    assert np.isnan(infer.infer([None, None])).all()
    assert np.isnan(infer.infer([[], []])).all()
    for texts, message in (
        ("w1 w2", r"one string; expected a list of documents: infer\(\[text\]\)"),
        ([1, 2], "of type int64; expected text, or lists of words"),
        ([[1]], "of type list<item: int64>; expected text"),
        (["w1", ["w2"]], "neither all text nor all lists of words"),
    ):
        with pytest.raises(InputError, match=message):
            infer.infer(texts)  # type: ignore[arg-type]


def test_documents_as_ids() -> None:
    """Above 4,096 words a document is several chunks; none begins with an unknown word's sentence."""
    config = Config.from_dict({"text": {"max_sentence_length": 100}})
    table, analyzer = WordTable.from_words(pa.array(WORDS)), build_analyzer(config.text)
    column = pa.array(["w1 w2. W3", None, long_text(10_000), "unknown. unknown", "w3 unknown w4", "", "w1 w2. W3"])
    encoded = encode_documents(column, analyzer, table, 100)
    assert encoded.tokens.tolist() == [3, 0, 10_000, 0, 2, 0, 3]
    assert (np.diff(encoded.starts) == 0).tolist() == [False, True, False, True, False, True, False]
    assert encoded.offsets[encoded.starts[-1]] == len(encoded.ids) == 10_008
    assert (np.diff(encoded.offsets) > 0).all()
    words = [[WORDS[i] for i in encoded.ids[encoded.offsets[s] : encoded.offsets[e]]] for s, e in
             zip(encoded.starts[:-1], encoded.starts[1:], strict=True)]  # fmt: skip
    assert words[0] == words[6] == ["w1", "w2", "w3"]
    assert words[4] == ["w3", "w4"]
    assert words[2] == long_text(10_000).replace(".", "").split()
    assert encoded.keys[0] == encoded.keys[6]
    assert len(np.unique(encoded.keys[[0, 2, 4]])) == 3
    alone = encode_documents(column.slice(2, 1), build_analyzer(config.text), table, 100)
    assert alone.keys[0] == encoded.keys[2]
    np.testing.assert_array_equal(alone.ids, encoded.ids[3:10_003])

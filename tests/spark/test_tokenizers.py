"""A tokenizer of the user's through training, inference and another version of it."""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import infer, train
from w2v_spark import DocumentInference, KeyedVectors
from w2v_spark.text.user_tokenizer import load_tokenizer

PAIRS = '''
def pairs(texts):
    """Two letters at a time, so that no other tokenizer could have made these words."""
    return [[text[i : i + 2] for i in range(0, len(text) - 1, 2)] for text in texts]


def raises(texts):
    raise KeyError("no dictionary")
'''
TEXTS = ["abcdefgh" * 5, "cdefabgh" * 5, "ghabefcd" * 5] * 20
SETTINGS = ["model.dim=8", "train.epochs=2", "train.rounds=2", "train.shards=2", "train.sample=0"]


@pytest.fixture(scope="module")
def tokens(spark, tmp_path_factory):
    """The module as spark-submit's --py-files brings it: on the paths of driver and executors."""
    path = tmp_path_factory.mktemp("modules") / "letters_of_mine.py"
    path.write_text(PAIRS)
    spark.sparkContext.addPyFile(str(path))
    yield path
    sys.modules.pop("letters_of_mine", None)
    load_tokenizer.cache_clear()


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    pq.write_table(pa.table({"text": TEXTS, "id": np.arange(len(TEXTS))}), folder / "part.parquet")
    return folder


def arguments(texts, output, *settings):
    options = (item for setting in (*SETTINGS, *settings) for item in ("--set", setting))
    return ["--input", str(texts), "--format", "parquet", "--output", str(output), "--quiet", "--id", "id", *options]


@pytest.fixture(scope="module")
def model(spark, tokens, texts, tmp_path_factory):
    output = tmp_path_factory.mktemp("model") / "out"
    settings = ["model.architecture=pv_dbow", "text.tokenizer=letters_of_mine:pairs"]
    assert train(arguments(texts, output, *settings)) == 0
    return output


def test_it_makes_the_words_and_is_named_with_its_version(model):
    assert sorted(KeyedVectors.load(model).words) == ["ab", "cd", "ef", "gh"]
    packages = json.loads((model / "model.json").read_text())["packages"]
    assert packages["letters_of_mine"].startswith("sha256:")


def test_it_reads_new_text(model, texts, tmp_path):
    source = ["--input", str(texts), "--format", "parquet", "--id", "id"]
    assert infer(["--model", str(model), *source, "--output", str(tmp_path / "out"), "--quiet"]) == 0
    table = pq.read_table(tmp_path / "out/documents").sort_by("id")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        here = DocumentInference.load(model).infer(TEXTS[:2])
    np.testing.assert_array_equal(np.array(table["vector"].to_pylist()[:2], np.float32), here)


def test_another_version_of_it_is_told(model, monkeypatch, tokens):
    monkeypatch.setattr(sys.modules["letters_of_mine"], "__file__", str(tokens.with_name("other.py")))
    tokens.with_name("other.py").write_text("other")
    with pytest.warns(UserWarning, match="letters_of_mine sha256:.* here, and was letters_of_mine sha256:"):
        DocumentInference.load(model)


def test_what_is_wrong_with_it_is_one_line_with_the_document(spark, tokens, texts, tmp_path, capsys):
    assert train(arguments(texts, tmp_path / "out", "text.tokenizer=letters_of_mine:raises")) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "'letters_of_mine:raises' raises KeyError: 'no dictionary', for the document that begins 'abcdefgh" in error


def test_one_that_is_not_there_is_said_before_anything_is_read(spark, texts, tmp_path, capsys):
    assert train(arguments(texts, tmp_path / "out", "text.tokenizer=no_such_module:words")) == 2
    assert "text.tokenizer = 'no_such_module:words': no_such_module cannot be imported" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

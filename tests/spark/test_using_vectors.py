"""Every recipe of docs/guide/using-vectors.md, run as it is printed."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest

from tests.conftest import ROOT
from tests.unit import document_models
from w2v_spark.storage import Directory
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.table import write_vectors

WORDS = ["king", "queen", "man", "woman", "prince", "throne", "crown", "apple", "river", "stone", "it's", "été"]
RECIPES = re.findall(
    r"^## (.+?)$.*?^```python\n(.*?)^```",
    (ROOT / "docs" / "guide" / "using-vectors.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE | re.DOTALL,
)
OPTIONAL = {"PyTorch": "torch"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("recipes")
    directory = Directory.open(place / "model").create()
    matrix = np.random.default_rng(0).normal(size=(len(WORDS), 30)).astype(np.float32)
    counts = np.arange(len(WORDS), 0, -1)
    write_vectors(directory.filesystem, directory.file("vectors"), pa.array(WORDS), counts, [matrix], {})
    directory.write_bytes("_SUCCESS", b"")
    return place


def test_every_recipe_is_found():
    assert [name for name, _ in RECIPES] == [
        "w2v-spark", "DuckDB", "Spark SQL", "pandas", "Polars", "gensim", "scikit-learn", "PyTorch", "Documents",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "recipe"), RECIPES[:-1], ids=[name for name, _ in RECIPES[:-1]])
def test_recipe_finds_the_nearest_words(name, recipe, place, spark, monkeypatch):
    if name in OPTIONAL:
        pytest.importorskip(OPTIONAL[name])
    monkeypatch.chdir(place)
    recipe = recipe.replace('"model/vectors"', f'"{place}/model/vectors"') if name == "Spark SQL" else recipe
    names = {"spark": spark}
    exec(compile(recipe, f"docs/guide/using-vectors.md, {name}", "exec"), names)  # noqa: S102 - our own document
    expected = KeyedVectors.load(place / "model").most_similar("king", topn=5)
    assert [word for word, _ in names["nearest"]] == [word for word, _ in expected]
    np.testing.assert_allclose([s for _, s in names["nearest"]], [s for _, s in expected], atol=1e-5)


def test_the_recipe_of_documents(tmp_path, monkeypatch):
    words = [*WORDS, *document_models.WORDS[len(WORDS) :]]
    monkeypatch.setattr(document_models, "WORDS", words)
    document_models.write_model(tmp_path / "model", pa.array([f"d{row}" for row in range(document_models.N)]))
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(RECIPES[-1][1], "docs/guide/using-vectors.md, Documents", "exec"), names)  # noqa: S102 - ours
    answers = {name: names[name] for name in ("similar", "about", "mixed", "words", "of_month", "between")}
    assert {len(answer) for answer in answers.values()} == {5}
    assert names["words"][0][0] in words
    assert {name for (name, _), _ in names["months"]} == {"month"}
    assert names["between"][0][0] in ("d3", "d7")

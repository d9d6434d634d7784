"""Every recipe of docs/guide/using-vectors.md, run as it is printed."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.conftest import ROOT
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
    import pyarrow as pa

    place = tmp_path_factory.mktemp("recipes")
    directory = Directory.open(place / "model").create()
    matrix = np.random.default_rng(0).normal(size=(len(WORDS), 30)).astype(np.float32)
    counts = np.arange(len(WORDS), 0, -1)
    write_vectors(directory.filesystem, directory.file("vectors"), pa.array(WORDS), counts, [matrix], {})
    directory.write_bytes("_SUCCESS", b"")
    return place


def test_every_recipe_is_found():
    assert [name for name, _ in RECIPES] == [
        "w2v-spark", "DuckDB", "Spark SQL", "pandas", "Polars", "gensim", "scikit-learn", "PyTorch",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "recipe"), RECIPES, ids=[name for name, _ in RECIPES])
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

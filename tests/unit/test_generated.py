"""What is written from the table of settings is what the table says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools import generated
from w2v_spark.config import SETTINGS
from w2v_spark.estimator import Word2Vec
from w2v_spark.ml import params
from w2v_spark.ml.param_table import DOCUMENT_PARAMS, PARAMS


@pytest.mark.parametrize("path", generated.DOCUMENTS, ids=lambda path: path.name)
def test_tables_of_the_documentation_are_those_of_today(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == generated.fill(text), "run: make generated"


def test_every_setting_stands_in_a_document_with_all_that_is_known_of_it() -> None:
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    for entry in SETTINGS:
        assert text.count(f"| `{entry.name}` | ") == 1
        assert f" | {entry.setting.help} | {entry.setting.gensim} | {entry.setting.mllib} | " in text
    estimator = (ROOT / "docs" / "guide" / "estimator.md").read_text(encoding="utf-8")
    for name in {*PARAMS, *DOCUMENT_PARAMS} - {"inputCol", "outputCol"}:
        assert estimator.count(f"| `{name}` | ") == 1


def test_marks_without_a_table_are_filled_and_other_text_stays() -> None:
    marked = "a\n<!-- settings: begin vocabulary -->\nold\n<!-- settings: end -->\nb\n"
    filled = generated.fill(marked)
    assert filled.startswith("a\n<!-- settings: begin vocabulary -->\n\n| key | default | range |")
    assert "old" not in filled
    assert filled.endswith(" |\n\n<!-- settings: end -->\nb\n")
    assert generated.fill(filled) == filled


def test_ranges_and_defaults_are_written_for_people() -> None:
    tables = generated.render_tables()
    rows = {row.split("|")[1].strip(): row for table in tables.values() for row in table.splitlines()}
    assert '| `"auto"` | `"auto"`, 1 to 65,536 | ' in rows["`train.shards`"]
    assert "| `0.025` | above 0, to 10 | " in rows["`train.learning_rate`"]
    assert "| `0.0001` | 0 to 10, not above `train.learning_rate` | " in rows["`train.min_learning_rate`"]
    assert "| `5` | 1 to 2^62 | " in rows["`vocabulary.min_count`"]
    assert "| `1` | 0 to 2^63 - 1 | " in rows["`train.seed`"]
    assert "| `0.75` | -2 to 2 | " in rows["`model.noise_exponent`"]
    assert "| `true` | `true`, `false` | " in rows["`model.cbow_mean`"]
    assert '| `"input"` | `"input"`, `"output"`, `"sum"` | ' in rows["`model.published_rows`"]
    assert "| 1 | `1` | 1 as in MLlib" in rows["`maxIter`"]
    assert '| `"skip"` | ' in rows["`unknownWords`"]


def test_types_of_params_are_those_of_today() -> None:
    assert generated.STUB.read_text(encoding="utf-8") == generated.render_stub(), "run: make generated"


def test_what_the_types_declare_is_what_there_is() -> None:
    """Classes, their bases, attributes and methods of the stub, against the module."""
    declared = {node.name: node for node in ast.parse(generated.render_stub()).body if isinstance(node, ast.ClassDef)}
    classes = {"Keywords", "DocumentKeywords"}
    classes |= {f"{name}{kind}" for name in ("Word2Vec", "Doc2Vec") for kind in ("Params", "Setters")}
    assert set(declared) == classes
    names = {
        name: [ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else node.name for node in each.body]
        for name, each in declared.items()
    }
    assert names.pop("Keywords") == list(params.Keywords.__annotations__) == list(PARAMS)
    assert names.pop("DocumentKeywords") == list(params.DocumentKeywords.__annotations__) == list(DOCUMENT_PARAMS)
    for name, members in names.items():
        made = getattr(params, name)
        assert [ast.unparse(base) for base in declared[name].bases] == [base.__name__ for base in made.__bases__]
        assert sorted(members) == sorted(m for m in vars(made) if m == "__init__" or not m.startswith("_"))


def test_methods_know_their_names_and_what_they_are_for() -> None:
    assert Word2Vec.setVectorSize.__doc__ == "Set `vectorSize`: numbers in a vector."
    assert Word2Vec.getVectorSize.__name__ == "getVectorSize"
    assert Word2Vec.setVectorSize.__qualname__ == "Word2VecSetters.setVectorSize"

"""The page about a model with documents, tags, topics or drift, and of vectors that were not trained here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import align, drift, report, translate
from tests.unit import document_models
from tests.unit.test_report import HOSTILE, Page, rounds, write_model
from tests.unit.translated_spaces import make_spaces
from tests.unit.vector_files import make_table
from w2v_spark import DocumentVectors
from w2v_spark.errors import StoreError
from w2v_spark.report.markup import percent
from w2v_spark.report.page import build_report
from w2v_spark.topics.tables import topic_schema


def page_of(model: Path, *given: Any, **more: Any) -> str:
    return Page(build_report(model, *given, **more)).text


# Documents and tags


def write_documents(directory: Path, with_tags: bool = True, ids: pa.Array | None = None) -> Path:
    names = [*HOSTILE, *(f"d{row}" for row in range(document_models.N))]  # one of the former is there twice
    given = pa.array(names[: document_models.N]) if ids is None else ids
    document_models.write_model(directory, given, with_tags)
    other = write_model(directory.with_name(f"{directory.name}-description"), history=rounds())
    for name in ("model.json", "history.json"):
        shutil.copy(other / name, directory / name)
    return directory


def test_documents_and_tags_have_their_neighbours(tmp_path: Path) -> None:
    model = write_documents(tmp_path / "model", ids=pa.array([f"d{row}" for row in range(document_models.N)]))
    vectors, said = DocumentVectors.load(model), page_of(model)
    assert "9 of 148, chosen by their place in the table" in said
    last = vectors.id(len(vectors) - 1)
    nearest = " ".join(f"{name} {cosine:.2f}" for name, cosine in vectors.most_similar([last], topn=5))
    words = " ".join(f"{word} {cosine:.2f}" for word, cosine in vectors.nearest_words(last, 5))
    assert f"{last} 149 words nearest documents {nearest} nearest words {words}" in said
    tag = ("month", "2024-02")  # which most documents have
    tags = " ".join(f"{' = '.join(key)} {cosine:.2f}" for key, cosine in vectors.tags.most_similar(tag, 5))
    assert f"month = 2024-02 4 documents nearest tags {tags} nearest words" in said


def test_hostile_ids_and_one_that_two_documents_have(tmp_path: Path) -> None:
    said = page_of(write_documents(tmp_path / "model"))
    assert f"{HOSTILE[0]} 0 words nearest documents" in said


@pytest.mark.parametrize("ids", [pa.array(range(150)), pa.array([b"\xff%d" % row for row in range(150)])])
def test_ids_of_any_type_and_no_tags(tmp_path: Path, ids: pa.Array) -> None:
    said = page_of(write_documents(tmp_path / "model", with_tags=False, ids=ids))
    assert "nearest documents" in said
    assert "nearest tags" not in said


def test_documents_without_words(tmp_path: Path) -> None:
    model = write_documents(tmp_path / "model", with_tags=False)
    shutil.rmtree(model / "vectors")
    said = page_of(model)
    assert "no vectors of words" in said
    assert "nearest documents" in said


# Topics


def write_topics(directory: Path, run: str = "run", count: int = 50) -> Path:
    """As many topics, and one that merging has made of them."""
    rows = [
        {
            "id": number, "title": "t", "size": 10 + number, "similarity": 0.5, "level": count, "parent": None,
            "parent_level": 1, "first_leaf": number, "last_leaf": number, "documents": [], "information_gain": None,
            "npmi": 0.25, "words": [{"word": f"<i>{number}", "similarity": 0.5}, {"word": "y", "similarity": 0.25}],
            "vector": [1.0, 0.0], "centroid": [1.0, 0.0],
        }
        for number in range(count)
    ]  # fmt: skip
    rows.append({**rows[0], "id": count, "size": 10**6, "first_leaf": 0, "last_leaf": count - 1})
    (directory / "topics").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=topic_schema(pa.string())), directory / "topics/part-0.parquet")
    described = {"made_by": "w2v-spark", "next_id": count, "model": {"location": "x", "run": run}, "documents": {}}
    (directory / "topics.json").write_text(json.dumps(described))
    (directory / "_SUCCESS").touch()
    return directory


@pytest.mark.parametrize("name", ["topics", "model-topics"])
def test_topics_beside_a_model_are_shown_if_they_are_of_it(tmp_path: Path, name: str) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    write_topics(tmp_path / name)
    said = page_of(model)
    assert "50 topics of 1,725 documents" in said
    assert "49 <i>49 , y 59 3.42 % 0.25" in said
    assert "1,000,000 " not in said
    write_topics(tmp_path / "other", run="another")
    shutil.rmtree(tmp_path / name)
    (tmp_path / "other").rename(tmp_path / name)
    assert "topics of" not in page_of(model)
    assert "50 topics" in page_of(model, topics=tmp_path / name), "who names it wants it"


def test_a_damaged_neighbour_is_nobodys_business_until_it_is_named(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    write_topics(tmp_path / "topics")
    (tmp_path / "topics/topics.json").write_text("[")
    assert "topics of" not in page_of(model)
    for place in ("topics", "missing"):
        with pytest.raises(StoreError, match=place):
            build_report(model, topics=tmp_path / place)


# Drift


def test_words_that_changed_by_a_table_of_drift(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    words, rows = [*HOSTILE[:3], *(f"w{row}" for row in range(97))], random.standard_normal((100, 8))
    for number, name in enumerate(("before", "after", "seed")):
        shaken = rows + 0.05 * random.standard_normal(rows.shape)
        shaken[0] *= -1 if number else 1
        make_table(tmp_path / name, words, shaken.astype(np.float32))
    given = ["--before", f"{tmp_path}/before", "--after", f"{tmp_path}/after", "--quiet"]
    assert drift([*given, "--other-seed", f"{tmp_path}/seed", "--output", f"{tmp_path}/noise"]) == 0
    assert drift([*given, "--output", f"{tmp_path}/plain"]) == 0
    model = write_model(tmp_path / "model", history=rounds())
    assert "Words that have changed most" not in page_of(model)
    for name, note in (("noise", "Times what two seeds differ by"), ("plain", "what seeds differ by is not known")):
        said = page_of(model, drift=tmp_path / name)
        assert note in said
        assert f"Count before Count after {HOSTILE[0]} " in said


def test_words_that_changed_in_a_version(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    (model / "drift").mkdir()
    columns = {"word": ["x", "<b>"], "count_before": [1, 2], "count_after": [3, 4], "cosine": [0.5, 0.25]}
    table = pa.table({**columns, "overlap": [0.5, 0.75]})
    pq.write_table(table, model / "drift/part-00000.parquet")
    assert "<b> – 0.25 0.75 2 4 x – 0.5 0.5 1 3" in page_of(model)
    pq.write_table(table.drop_columns(["cosine"]), model / "drift/part-00000.parquet")
    with pytest.raises(StoreError, match="no column 'cosine'"):
        build_report(model)


def test_places_without_a_table_of_drift(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/_SUCCESS").touch()
    for place in ("missing", "empty"):
        with pytest.raises(StoreError, match=place):
            build_report(model, drift=tmp_path / place)


# Vectors that were mapped onto another space


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, spaces = tmp_path_factory.mktemp("aligned"), make_spaces()
    source, target = spaces.write(folder)
    dictionary = spaces.dictionary(folder / "learn.txt", range(60))
    arguments = ["--source", source, "--target", target, "--dictionary", dictionary, "--refine", "2"]
    assert align([*arguments, "--output", str(folder / "mapped")]) == 0
    test = spaces.dictionary(folder / "test<b>.txt", range(60, 120))
    arguments = ["--source", str(folder / "mapped"), "--target", target, "--dictionary", test]
    assert translate([*arguments, "--report", str(folder / "precision.json")]) == 0
    return folder


def test_aligned_vectors_say_what_they_are(aligned: Path) -> None:
    said = page_of(aligned / "mapped")
    fitted = json.loads((aligned / "mapped/model.json").read_text())["alignment"]["fitted"]
    for expected in (
        "mapped onto another space by w2v-spark align", "60 known of 60", "Dictionary learn.txt", "were mapped, not",
        f"refinement 2 {fitted[2]['pairs']} {fitted[2]['cosine']:.4g}", "How often words occur", "e0",
    ):  # fmt: skip
        assert expected in said, expected


def test_precision_is_shown(aligned: Path) -> None:
    found = json.loads((aligned / "precision.json").read_text())
    said = page_of(aligned / "mapped", aligned / "precision.json")
    assert "test<b>.txt: 60 of 60 words asked, coverage 100 %" in said
    assert f"csls P@1 {percent(found['csls']['p@1']['share'])}" in said
    for damaged in ({"csls": 3}, {"csls": {"p@1": []}, "words": 3}, {"csls": {"p@1": {"share": "x"}}}):
        (aligned / "damaged.json").write_text(json.dumps({"dictionary": [], **damaged}))
        page_of(aligned / "mapped", aligned / "damaged.json")


@pytest.mark.parametrize("value", [True, [1], {"pairs": 3, "fitted": {"a": 1}}, {"fitted": [3, {"pairs": "x"}]}])
def test_damaged_descriptions_of_an_alignment(aligned: Path, tmp_path: Path, value: Any) -> None:
    model = shutil.copytree(aligned / "mapped", tmp_path / "mapped")
    described = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**described, "alignment": value}))
    if isinstance(value, dict):
        page_of(model)
        return
    with pytest.raises(StoreError, match=r"model\.json"):
        build_report(model)


def test_the_command_takes_all_of_it(aligned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_model(tmp_path / "model", history=rounds())
    output = tmp_path / "page.html"
    arguments = ["--model", str(model), "--output", str(output), "--topics", str(write_topics(tmp_path / "t"))]
    assert report(arguments) == 0
    assert "50 topics" in output.read_text(encoding="utf-8")
    assert report(["--model", str(model), "--output", f"{tmp_path}/x.html", "--drift", f"{tmp_path}/t"]) == 2
    assert "drift" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()

"""Translations of all words as a table, against the twin, from any number of tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.commands import align, translate
from tests.naive import translation as naive
from tests.unit.translated_spaces import Spaces, make_spaces
from tests.unit.vector_files import make_table
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import Progress
from w2v_spark.spark.neighbours import write_neighbour_table
from w2v_spark.storage import Directory
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.neighbour_request import Request
from w2v_spark.vectors.search.csls import Measure

ROWS, MORE = 900, 200  # some files of 256 rows


@pytest.fixture(scope="module")
def spaces() -> Spaces:
    return make_spaces(ROWS, MORE, shaken=0.5)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, spaces: Spaces) -> tuple[str, str]:
    """The mapped space, and the one it was mapped onto."""
    folder = tmp_path_factory.mktemp("spaces")
    source, target = spaces.write(folder)
    dictionary = spaces.dictionary(folder / "learn.txt", range(60))
    arguments = [
        "--source",
        source,
        "--target",
        target,
        "--dictionary",
        dictionary,
        "--output",
        str(folder / "aligned"),
    ]
    assert align(arguments) == 0
    return str(folder / "aligned"), target


def scores_of(tables: tuple[str, str], measure: str) -> Any:
    source, target = (KeyedVectors.load(place).matrix for place in tables)
    return naive.csls(source, target) if measure == "csls" else naive.unit(source) @ naive.unit(target).T


@pytest.mark.parametrize("measure", ["csls", "cosine"])
def test_all_words(spark: SparkSession, tables: tuple[str, str], out: Path, capsys: Any, measure: str) -> None:
    arguments = ["--source", tables[0], "--target", tables[1], "--output", str(out), "--measure", measure]
    code = translate(arguments)
    shown = capsys.readouterr()
    assert code == 0, shown.err
    assert ("pairs" in shown.out) == (measure == "csls")
    found, scores = pq.read_table(out).to_pylist(), scores_of(tables, measure)
    assert [row["word"] for row in found] == [f"e{row}" for row in range(ROWS)]
    ids = np.array([[int(entry["word"][1:]) for entry in row["neighbours"]] for row in found])
    values = np.array([[entry["similarity"] for entry in row["neighbours"]] for row in found])
    np.testing.assert_allclose(values, np.take_along_axis(scores, ids, axis=1), rtol=0, atol=2e-6)
    np.testing.assert_allclose(values, -np.sort(-scores, axis=1)[:, :5], rtol=0, atol=2e-6)
    metadata = pq.read_schema(next(out.glob("*.parquet"))).metadata
    assert metadata.get(b"w2v.measure") == (b"csls" if measure == "csls" else None)
    answers = KeyedVectors.load(tables[0]).translate("e7", KeyedVectors.load(tables[1]), 5, measure)
    assert [word for word, _ in answers] == [entry["word"] for entry in found[7]["neighbours"]]


def test_the_same_bytes_from_any_number_of_tasks(spark: SparkSession, tables: tuple[str, str], tmp_path: Path) -> None:
    request = Request.build(tables[0], 3, among_vectors=tables[1]).between_spaces(Measure.CSLS)
    results = []
    for tasks in (1, 3, None):
        target = Publication(Directory.open(tmp_path / f"{tasks}"), Kind.NEIGHBOURS)
        write_neighbour_table(spark, request, target, Progress(quiet=True), tasks)
        results.append({path.name: path.read_bytes() for path in (tmp_path / f"{tasks}").iterdir()})
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 1 + 4
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_some_words_get_what_they_get_among_all(
    spark: SparkSession, tables: tuple[str, str], tmp_path: Path, out: Path
) -> None:
    (tmp_path / "words.txt").write_text("e3\nnobody\ne899\n")
    code = translate([
        "--source", tables[0], "--target", tables[1], "--output", str(out), "--quiet",
        "--words", str(tmp_path / "words.txt"), "--skip-unknown", "--topn", "1",
    ])  # fmt: skip
    assert code == 0
    scores = scores_of(tables, "csls")
    assert [(row["word"], row["neighbours"][0]["word"]) for row in pq.read_table(out).to_pylist()] == [
        (f"e{row}", f"f{scores[row].argmax()}") for row in (3, 899)
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--target": "SOURCE"}, "is the table of --source: words are translated into another space"),
        ({"--target": "wide"}, "vectors of length 8"),
        ({"--topn": "0"}, "--topn = 0 is not allowed"),
        ({"--output": "taken"}, "exists; choose another directory, or give --overwrite"),
        ({"--output": "SOURCE/vectors/out"}, "lies within"),
        ({"--words": "words.txt"}, "1 of 1 words are not among the 900 of the vocabulary: 'nobody'"),
    ],
)
def test_what_is_refused(
    spark: SparkSession, tables: tuple[str, str], tmp_path: Path, out: Path, capsys: Any,
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    make_table(tmp_path / "wide", ["a"], np.ones((1, 9), np.float32))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("mine")
    (tmp_path / "words.txt").write_text("nobody\n")
    given = {"--source": tables[0], "--target": tables[1], "--output": str(out), **change}
    arguments = [part.replace("SOURCE", tables[0]) for pair in given.items() for part in pair]
    assert translate(arguments) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()

"""Neighbours between any two of the tables words, documents and tags, and between two models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.commands import neighbours
from tests.naive import neighbours as naive
from tests.unit.document_models import (
    DOCUMENT_MATRIX,
    MISSING,
    ROWS,
    TAG_MATRIX,
    TAGS,
    WORD_MATRIX,
    WORDS,
    D,
    N,
    random_matrix,
    write_documents,
    write_model,
)
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import Progress
from w2v_spark.spark.neighbours import write_neighbour_table
from w2v_spark.storage import Directory
from w2v_spark.vectors import neighbour_request
from w2v_spark.vectors.neighbour_request import Request

IDS = [10 * row for row in range(N)]
KNOWN = DOCUMENT_MATRIX[~MISSING]
MATRICES = {"words": WORD_MATRIX, "documents": KNOWN, "tags": TAG_MATRIX}
NAMES: dict[str, list[Any]] = {"words": WORDS, "documents": [IDS[row] for row in ROWS], "tags": TAGS}
COLUMNS = {"words": ("word",), "documents": ("id",), "tags": ("tag", "value")}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("between") / "model", pa.array(IDS, pa.int64()))


def name_of(row: dict[str, Any], kind: str) -> Any:
    names = tuple(row[column] for column in COLUMNS[kind])
    return names[0] if len(names) == 1 else names


def assert_nearest(output: Path, of: str, among: str, topn: int, own: bool, others: Any = None) -> None:
    rows = pq.read_table(output).to_pylist()
    assert [name_of(row, of) for row in rows] == NAMES[of]
    similarities = naive.cosines_between(MATRICES[of], MATRICES[among] if others is None else others)
    for number, row in enumerate(rows):
        expected = naive.nearest_of(similarities, number, topn, {number} if own else ())
        found = [name_of(entry, among) for entry in row["neighbours"]]
        values = [entry["similarity"] for entry in row["neighbours"]]
        if NAMES[of][number] != 770:  # a zero vector, to which all are equally far
            places = [NAMES[among].index(name) for name in found]
            np.testing.assert_allclose(similarities[number][places], similarities[number][expected], rtol=0, atol=1e-6)
        else:
            assert found == [NAMES[among][place] for place in expected]
        assert values == pytest.approx([similarities[number][place] for place in expected], abs=1e-6)


@pytest.mark.parametrize("of", list(NAMES))
@pytest.mark.parametrize("among", list(NAMES))
def test_any_two_tables(spark: SparkSession, model: Path, out: Path, capsys: Any, of: str, among: str) -> None:
    code = neighbours(["--vectors", str(model), "--output", str(out), "--topn", "4", "--of", of, "--among", among])
    shown = capsys.readouterr()
    assert code == 0, shown.err
    assert f"4 a {of[:-1]}, among {len(NAMES[among])} {among}" in shown.out
    assert_nearest(out, of, among, 4, own=of == among)
    metadata = pq.read_schema(next(out.glob("*.parquet"))).metadata
    assert metadata[b"w2v.candidates"] == str(len(NAMES[among])).encode()
    assert (metadata.get(b"w2v.of"), b"w2v.vocabulary_size" in metadata) == (
        (None, True) if of == among == "words" else (of.encode(), False)
    )


def test_the_same_bytes_from_any_number_of_tasks(
    spark: SparkSession, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of the queries is read a file's rows at a time."""
    many = write_documents(tmp_path / "many" / "documents", pa.array(range(1500)), random_matrix(1500, 8), files=3)
    (many.parent / "_SUCCESS").touch()
    request, results = Request.build(str(many.parent), 3, of="documents", among_vectors=str(model)), []
    for tasks in (1, 4, None):
        target = Publication(Directory.open(tmp_path / f"{tasks}"), Kind.NEIGHBOURS)
        write_neighbour_table(spark, request, target, Progress(quiet=True), tasks)
        results.append({path.name: path.read_bytes() for path in (tmp_path / f"{tasks}").iterdir()})
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 1 + 6
    found = pq.read_table(tmp_path / "1")
    assert found["id"].to_pylist() == list(range(1500))
    assert found["id"].type == pa.int64()


def test_words_among_the_words_of_another_model(spark: SparkSession, model: Path, tmp_path: Path, out: Path) -> None:
    """A word may be its own neighbour there."""
    other = write_model(tmp_path / "other", pa.array(IDS))
    (tmp_path / "words.txt").write_text("w3\nw59\n")
    code = neighbours([
        "--vectors", str(model), "--output", str(out), "--topn", "1", "--among-vectors", str(other), "--quiet",
        "--words", str(tmp_path / "words.txt"), "--restrict", "60",
    ])  # fmt: skip
    assert code == 0
    rows = pq.read_table(out).to_pylist()
    assert [(row["id"], row["word"], row["neighbours"][0]["word"]) for row in rows] == [
        (3, "w3", "w3"), (59, "w59", "w59"),
    ]  # fmt: skip


@pytest.mark.parametrize("among", list(NAMES))
def test_documents_of_a_file_of_ids(
    spark: SparkSession, model: Path, tmp_path: Path, out: Path, monkeypatch: Any, capsys: Any, among: str
) -> None:
    """They are read stretch by stretch, however far apart they are."""
    monkeypatch.setattr("w2v_spark.spark.side_rows._STRETCH", 40)
    (tmp_path / "ids.txt").write_text("1400\n70\n1400\n50\n0\n")
    options = ["--of", "documents", "--among", among, "--topn", "3", "--ids", str(tmp_path / "ids.txt")]
    assert neighbours(["--vectors", str(model), "--output", str(out), *options]) == 2
    assert "1 of 4 ids are not among those of the 148 documents that have a vector: 50 (" in capsys.readouterr().err
    assert neighbours(["--vectors", str(model), "--output", str(out), *options, "--skip-unknown"]) == 0
    assert "1 ids have no vector and are left out" in capsys.readouterr().err
    rows = pq.read_table(out).to_pylist()
    assert [row["id"] for row in rows] == [0, 70, 1400]
    similarities = naive.cosines_between(DOCUMENT_MATRIX[[0, 7, 140]], MATRICES[among])
    for number, row in enumerate(rows):
        own = {NAMES["documents"].index(row["id"])} if among == "documents" else set()
        values = [similarities[number][place] for place in naive.nearest_of(similarities, number, 3, own)]
        assert [entry["similarity"] for entry in row["neighbours"]] == pytest.approx(values, abs=1e-6)


def test_one_table_by_two_ways(spark: SparkSession, model: Path, tmp_path: Path, out: Path) -> None:
    (tmp_path / "link").symlink_to(model)
    for other in (f"{model}/", str(model / "vectors"), str(tmp_path / "link")):
        request = Request.build(str(model), 3, among_vectors=other)
        assert request.is_of_one_table
    write_neighbour_table(
        spark, request, Publication(Directory.open(out), Kind.NEIGHBOURS), Progress(quiet=True)
    )  # fmt: skip
    assert_nearest(out, "words", "words", 3, own=True)


def test_a_version_is_kept_for_both_tables(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = neighbour_request.open_result
    monkeypatch.setattr(neighbour_request, "open_result", lambda place: asked.append(str(place)) or original(place))
    request = Request.build(str(model), 3, of="documents")
    assert asked == [str(model), request.of.location]


def test_documents_of_words_that_were_restricted(spark: SparkSession, model: Path, out: Path) -> None:
    options = ["--of", "documents", "--topn", "3", "--restrict", "10", "--quiet"]
    assert neighbours(["--vectors", str(model), "--output", str(out), *options]) == 0
    assert_nearest(out, "documents", "words", 3, own=False, others=WORD_MATRIX[:10])


def test_analysts_join_documents_and_words(spark: SparkSession, model: Path, out: Path) -> None:
    options = ["--of", "documents", "--among", "words", "--topn", "2", "--quiet"]
    assert neighbours(["--vectors", str(model), "--output", str(out), *options]) == 0
    rows = duckdb.sql(f"""
        SELECT d.id, d.tokens, n.near.word, v.count
        FROM (SELECT id, unnest(neighbours) AS near FROM '{out}/*.parquet') AS n
        JOIN '{model}/documents/*.parquet' AS d ON d.id = n.id
        JOIN '{model}/vectors/*.parquet' AS v ON v.word = n.near.word
        WHERE d.id = 90 ORDER BY n.near.similarity DESC
    """).fetchall()
    similarities = naive.cosines_between(DOCUMENT_MATRIX[9:10], WORD_MATRIX)
    assert rows == [(90, 9, WORDS[word], 60 - word) for word in naive.nearest_of(similarities, 0, 2)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--of", "documents", "--words", "words.txt"], "--words is about words, and does not go with --of documents"),
        (["--ids", "words.txt"], "--ids is about documents, and does not go with --of words: leave it out"),
        (["--of", "documents", "--ids", "words.txt"], "the id 'w1' is no int64, which the ids of these documents are"),
        (["--among", "tags", "--restrict", "3"], "--restrict is about words, and does not go with --among tags"),
        (["--among-vectors", "missing"], "missing does not exist"),
        (["--of", "paragraphs"], "argument --of: invalid choice: 'paragraphs'"),
    ],
)
def test_options_that_do_not_go_together(
    model: Path, out: Path, tmp_path: Path, monkeypatch: Any, capsys: Any, options: list[str], message: str
) -> None:
    monkeypatch.setattr("w2v_spark.spark.session.get_session", lambda: pytest.fail("Spark was started"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("w1\n")
    try:
        code: Any = neighbours(["--vectors", str(model), "--output", str(out), *options])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_tables_that_do_not_fit(model: Path, out: Path, tmp_path: Path, capsys: Any) -> None:
    narrow = write_documents(tmp_path / "narrow" / "documents", pa.array(IDS), random_matrix(N, 8, D // 2))
    plain = write_documents(tmp_path / "none", pa.array([1]), DOCUMENT_MATRIX[:1], np.ones(1, np.bool_), files=1)
    (tmp_path / "narrow" / "_SUCCESS").touch()
    for options, message in (
        (["--among", "documents", "--among-vectors", str(narrow)], "of length 16, "),
        (["--among", "documents", "--among-vectors", str(plain)], "has 0 vectors: expected 1 to"),
        (["--of", "tags", "--among-vectors", str(narrow)], "column 'id' is int64, expected int32"),
    ):
        assert neighbours(["--vectors", str(model), "--output", str(out), *options]) == 2
        assert message in capsys.readouterr().err


def test_tables_of_other_programs_whose_lengths_differ(
    spark: SparkSession, model: Path, out: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "foreign").mkdir()
    lists = pa.array([[1.0, 2.0]], pa.list_(pa.float32()))
    pq.write_table(pa.table({"id": ["a"], "tokens": [1], "vector": lists}), tmp_path / "foreign" / "a.parquet")
    options = ["--among", "documents", "--among-vectors", str(tmp_path / "foreign"), "--quiet"]
    assert neighbours(["--vectors", str(model), "--output", str(out), *options]) == 2
    assert "vectors of length 16 have no neighbours among vectors of 2" in capsys.readouterr().err

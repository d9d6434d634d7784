"""The table of nearest neighbours: what the job publishes, what it refuses, and how analysts join it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs
from pyspark.sql import SparkSession

from tests.commands import neighbours
from tests.conftest import ROOT
from tests.java_start import environment_without
from tests.naive import neighbours as naive
from tests.spark.refusal import snapshot
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import Progress
from w2v_spark.spark.neighbours import write_neighbour_table
from w2v_spark.storage import Directory
from w2v_spark.vectors.neighbour_request import Request
from w2v_spark.vectors.neighbour_table import NEIGHBOUR_SCHEMA
from w2v_spark.vectors.table import write_vectors

V, D = 1200, 8
WORDS = [f"w{row}" for row in range(V)]
MATRIX = np.random.default_rng(5).standard_normal((V, D)).astype(np.float32)
COUNTS = np.arange(V, 0, -1, dtype=np.int64)

Job = Callable[..., tuple[int, str, str]]


def write_table(directory: Path, matrix: Any = MATRIX) -> Path:
    words = pa.array(WORDS[: len(matrix)])
    write_vectors(fs.LocalFileSystem(), str(directory), words, COUNTS[: len(matrix)], [matrix], {}, 500)
    return directory


def write_foreign_table(directory: Path, matrix: Any) -> Path:
    """As another program would, which writes what this one refuses."""
    directory.mkdir()
    size = len(matrix)
    ids, lists = pa.array(range(size), pa.int32()), pa.array(list(matrix), pa.list_(pa.float32()))
    table = pa.table({"id": ids, "word": WORDS[:size], "count": pa.array(COUNTS[:size], pa.int64()), "vector": lists})
    pq.write_table(table, directory / "part-00000.parquet")
    return directory


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("vectors") / "table")


@pytest.fixture
def find(spark: SparkSession, vectors: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> Job:
    """Runs the job; exit code, standard output and standard error."""

    def run(*options: str, source: Path = vectors, output: Path = out) -> tuple[int, str, str]:
        capsys.readouterr()
        code = neighbours(["--vectors", str(source), "--output", str(output), *options])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(find: Job, out: Path) -> Callable[..., str]:
    """Runs the job on something bad and returns the one line of complaint."""

    def run(*options: str, output: Path = out, **places: Path) -> str:
        before = snapshot(output.parent)
        code, shown, err = find(*options, "--quiet", output=output, **places)
        assert (code, shown) == (2, ""), err
        assert err.startswith("error: ")
        assert err.count("\n") == 1, err
        assert snapshot(output.parent) == before, "something was written"
        return err

    return run


def published(output: Path) -> dict[str, list[tuple[str, float]]]:
    assert (output / "_SUCCESS").is_file()
    table = pq.read_table(output)
    assert table.schema.remove_metadata() == NEIGHBOUR_SCHEMA
    assert [WORDS[row] for row in table["id"].to_pylist()] == table["word"].to_pylist()
    assert table["id"].to_pylist() == sorted(table["id"].to_pylist())
    lists = table["neighbours"].to_pylist()
    return {
        word: [(entry["word"], entry["similarity"]) for entry in row]
        for word, row in zip(table["word"].to_pylist(), lists, strict=True)
    }


# The result


def test_all_words_get_the_neighbours_of_the_twin(find, out):
    code, shown, err = find("--topn", "7")
    assert code == 0, err
    for line in ("words           1,200", "7 a word, among 1,200 words", str(out)):
        assert line in shown
    found, similarities = published(out), naive.cosines(MATRIX)
    assert list(found) == WORDS
    for row, word in enumerate(WORDS):
        assert [name for name, _ in found[word]] == [WORDS[i] for i in naive.nearest(similarities, row, 7)]
        assert [value for _, value in found[word]] == pytest.approx(
            [similarities[row][WORDS.index(name)] for name, _ in found[word]], abs=1e-6
        )
    assert sorted(path.name for path in out.parent.iterdir()) == ["out"], "nothing is left beside it"


def test_the_same_bytes_from_one_task_and_from_four(spark, vectors, tmp_path):
    request, results = Request.build(str(vectors), 5), []
    for tasks in (1, 4, None):
        target = Publication(Directory.open(tmp_path / f"{tasks}"), Kind.NEIGHBOURS)
        write_neighbour_table(spark, request, target, Progress(quiet=True), tasks)
        results.append({path.name: path.read_bytes() for path in (tmp_path / f"{tasks}").iterdir()})
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 1 + 5, "several files, so that tasks can differ"


def test_some_words_in_rank_order_and_once(find, tmp_path, out):
    (tmp_path / "words.txt").write_text("w900\r\n\n  w3 \nw900\nw0\n")
    assert find("--words", str(tmp_path / "words.txt"), "--topn", "3", "--restrict", "4")[0] == 0
    found = published(out)
    assert list(found) == ["w0", "w3", "w900"]
    similarities = naive.cosines(MATRIX)
    for word, row in found.items():
        assert [name for name, _ in row] == [f"w{i}" for i in naive.nearest(similarities, int(word[1:]), 3, 4)]


def test_more_neighbours_than_there_are_words(find, tmp_path, out):
    source = write_table(tmp_path / "small", MATRIX[:6])
    assert find("--topn", "100", source=source)[0] == 0
    assert {len(row) for row in published(out).values()} == {5}


def test_unknown_words_are_left_out_when_asked(find, tmp_path, out):
    (tmp_path / "words.txt").write_text("w1\nnothing\n")
    code, _, err = find("--words", str(tmp_path / "words.txt"), "--skip-unknown")
    assert code == 0
    assert "1 words are not in the vocabulary" in err
    assert list(published(out)) == ["w1"]


def test_a_result_of_the_main_job_is_read_and_may_hold_the_output(find, reference, tmp_path):
    model = tmp_path / "model"
    (model / "vectors").mkdir(parents=True)
    (model / "vectors" / "part-00000.parquet").write_bytes(reference.files)
    (model / "_SUCCESS").touch()
    (model / "model.json").touch()
    assert find("--topn", "2", source=model, output=model / "neighbours")[0] == 0
    table = pq.read_table(model / "neighbours")
    assert table["word"].to_pylist() == reference.table["word"].to_pylist()


def test_a_table_that_was_replaced_is_read_again(find, tmp_path, out):
    """Workers keep the vectors from task to task, but not from one table to the next."""
    source = write_table(tmp_path / "table")
    assert find("--topn", "1", source=source)[0] == 0
    first = published(out)
    write_table(source, MATRIX[::-1])
    assert find("--topn", "1", "--overwrite", source=source)[0] == 0
    assert published(out) != first


# Joins


JOIN = """
    SELECT u.word, u.neighbour.word AS neighbour, u.neighbour.similarity AS similarity, v.count
    FROM (SELECT id, word, {unnest}(neighbours) AS neighbour FROM n) AS u JOIN v ON v.word = u.neighbour.word
    WHERE u.word IN ('w0', 'w77') AND u.neighbour.similarity > 0.5
    ORDER BY u.id, similarity DESC, v.id
"""


def expected_join() -> list[tuple[Any, ...]]:
    similarities = naive.cosines(MATRIX)
    return [
        (WORDS[row], WORDS[other], pytest.approx(similarities[row][other], abs=1e-6), COUNTS[other])
        for row in (0, 77)
        for other in naive.nearest(similarities, row, 10)
        if similarities[row][other] > 0.5
    ]


@pytest.fixture(scope="module")
def table(spark: SparkSession, vectors: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("joins") / "neighbours"
    request = Request.build(str(vectors), 10)
    write_neighbour_table(spark, request, Publication(Directory.open(directory), Kind.NEIGHBOURS), Progress(quiet=True))
    return directory


def test_analysts_join_in_duckdb(vectors, table):
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW n AS SELECT * FROM '{table}/*.parquet'")
        connection.execute(f"CREATE VIEW v AS SELECT * FROM '{vectors}/*.parquet'")
        types = dict(connection.execute("SELECT column_name, column_type FROM (DESCRIBE n)").fetchall())
        rows = connection.execute(JOIN.format(unnest="unnest")).fetchall()
    types = {name: kind.replace('"', "") for name, kind in types.items()}
    assert types == {"id": "INTEGER", "word": "VARCHAR", "neighbours": "STRUCT(word VARCHAR, similarity FLOAT)[]"}
    assert rows == expected_join()


def test_analysts_join_in_spark_sql(spark, vectors, table):
    frame = spark.read.parquet(str(table))
    assert frame.schema.simpleString() == (
        "struct<id:int,word:string,neighbours:array<struct<word:string,similarity:float>>>"
    )
    frame.createOrReplaceTempView("n")
    spark.read.parquet(str(vectors)).createOrReplaceTempView("v")
    rows = spark.sql(JOIN.format(unnest="explode")).collect()
    assert [tuple(row) for row in rows] == expected_join()


# Spark Connect


@pytest.mark.slow
def test_the_job_runs_in_a_spark_connect_session(find, vectors, out, tmp_path):
    """A server of its own, which ends with the process; the bytes are those of a classic session."""
    pytest.importorskip("grpc")
    assert find("--topn", "4")[0] == 0
    program = "import sys; from w2v_spark.cli.main import main; sys.exit(main(['neighbours', *sys.argv[1:]]))"
    others = environment_without("PYSPARK_", "SPARK_")
    environment = {**others, "SPARK_REMOTE": "local[2]", "PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, "-c", program, "--vectors", vectors, "--output", tmp_path / "connect", "--topn", "4"]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    comp = {path.name: path.read_bytes() for path in (tmp_path / "connect").iterdir()}
    assert comp == {path.name: path.read_bytes() for path in out.iterdir()}


# Refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--topn", "0"], "topn = 0 is not allowed: expected at least 1"),
        (["--topn", "-3"], "topn = -3 is not allowed"),
        (["--restrict", "0"], "restrict = 0 is not allowed"),
        (["--words", "missing.txt"], "--words missing.txt cannot be read: No such file"),
    ],
)
def test_options_that_are_not_allowed(refused, monkeypatch, options, message):
    monkeypatch.setattr("w2v_spark.spark.session.get_session", lambda: pytest.fail("Spark was started"))
    assert message in refused(*options)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"w1\nx1\nx2\nx3\nx4\nx5\nx6\n", [], "6 of 7 words are not among the 1200 of the vocabulary: 'x1', 'x2',"),
        (b"w1\nx1\n", [], "'x1'; leave them out or give --skip-unknown"),
        (b"x1\nx2\n", ["--skip-unknown"], "2 of 2 words are not among"),
        (b"\n \n", [], "there are no words to find neighbours for"),
        (b"\xff\n", [], "is not UTF-8 text"),
    ],
)
def test_files_of_words_that_cannot_be_used(refused, tmp_path, content, options, message):
    (tmp_path / "words.txt").write_bytes(content)
    assert message in refused("--words", str(tmp_path / "words.txt"), *options)


def test_a_missing_or_damaged_vector_table(refused, tmp_path):
    assert "holds no vector table" in refused(source=tmp_path)
    (tmp_path / "part-00000.parquet").write_text("no Parquet")
    assert "cannot be read" in refused(source=tmp_path)


def test_vectors_that_are_not_finite(refused, tmp_path):
    matrix = MATRIX[:10].copy()
    matrix[4] = np.nan
    source = write_foreign_table(tmp_path / "bad", matrix)
    assert "the vectors of ids 0 to 9 are not all finite" in refused(source=source)


def test_an_output_that_exists(refused, out):
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert f"--output {out} exists; choose another directory, or give --overwrite" in refused()
    assert f"--output {out} holds 'notes.txt', which is not part of a table of neighbours" in refused("--overwrite")


def test_a_table_of_another_program_is_not_replaced(refused, out):
    """Spark's own tables have files of the same names."""
    out.mkdir()
    pq.write_table(pa.table({"a": [1]}), out / "part-00000.parquet")
    (out / "_SUCCESS").touch()
    assert "holds 'part-00000.parquet', which is not part of" in refused("--overwrite")
    assert pq.read_table(out / "part-00000.parquet").num_rows == 1


def test_an_output_below_a_file(refused, tmp_path):
    (tmp_path / "file").touch()
    assert "is a file" in refused(output=tmp_path / "file" / "out")


def test_an_output_within_the_vector_table(refused, tmp_path):
    source = write_table(tmp_path / "table")
    (tmp_path / "link").symlink_to(source)
    for output in (source, source / "neighbours", tmp_path / "link" / "below"):
        assert "lies within the vector table" in refused("--overwrite", source=source, output=output)


def test_a_failure_leaves_the_old_table_alone(find, refused, tmp_path, out):
    assert find("--topn", "2")[0] == 0
    matrix = MATRIX[:10].copy()
    matrix[9] = np.inf
    refused("--overwrite", source=write_foreign_table(tmp_path / "bad", matrix))
    assert len(published(out)) == V
    assert find("--topn", "3", "--overwrite")[0] == 0
    assert {len(row) for row in published(out).values()} == {3}

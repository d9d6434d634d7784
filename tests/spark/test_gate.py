"""Gates of versions: what passes is followed, what fails stays as rejected with its report, and readers stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.commands import train
from tests.spark.documents import write_text
from w2v_spark import KeyedVectors
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.errors import ConfigError
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.spark import held_out
from w2v_spark.spark.gate_queries import check_queries, run_queries
from w2v_spark.spark.held_out import collect_held_out, trained_documents
from w2v_spark.storage import Directory

SETTINGS = (
    "vocabulary.min_count=1", "model.dim=16", "model.window=sentence", "train.epochs=30", "train.rounds=2",
    "train.shards=1", "train.sample=0", "train.learning_rate=0.05", "train.held_out=0.1",
)  # fmt: skip
TOPICS, WORDS = 4, 6


def corpus(seed: int, documents: int = 300) -> list[str]:
    """Documents of words of one topic each."""
    random = np.random.default_rng(seed)
    topics = random.integers(TOPICS, size=documents)
    return [" ".join(f"t{topic}w{word}" for word in random.integers(WORDS, size=8)) for topic in topics]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two texts of the same topics, a small one, and word pairs."""
    place = tmp_path_factory.mktemp("gate")
    write_text(place / "one.txt", corpus(0))
    write_text(place / "two.txt", corpus(1))
    write_text(place / "small.txt", corpus(3, 60))
    pairs = [(f"t{a}w0", f"t{b}w{w}", float(a == b)) for a in range(TOPICS) for b in range(TOPICS) for w in (1, 2, 3)]
    (place / "topics.tsv").write_text("\n".join(f"{a}\t{b}\t{score}" for a, b, score in pairs))
    return place


def run(capsys: pytest.CaptureFixture[str], folder: Path, text: str, *options: str) -> tuple[int, str, str]:
    changes = [item for setting in SETTINGS for item in ("--set", setting)]
    arguments = ["--input", str(folder / text), "--publish", str(folder / "root"), *changes, *options]
    code = train([*arguments, "--similarity", str(folder / "topics.tsv")])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


GATES = (
    "--gate", "topics >= 0.5", "--gate", "topics >= incumbent - 2 noise", "--gate", "tokens >= 0.8 incumbent",
    "--gate", "overlap >= 0.7", "--gate", "held_out_loss <= incumbent + 2 noise", "--gate", "finite >= 1",
    "--gate-sql", "SELECT i.word FROM incumbent i LEFT ANTI JOIN vectors v ON v.word = i.word",
)  # fmt: skip

BROKEN = ("--set", "train.learning_rate=1e-6", "--set", "train.min_learning_rate=0")


def test_gates_of_three_nights(spark: SparkSession, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A first version, one whose configuration is broken, and one of too little text."""
    root = VersionRoot.open(folder / "root")
    code, out, err = run(capsys, folder, "one.txt", *GATES)
    assert code == 0, err
    first = root.current()
    assert first is not None
    assert f"{first}/vectors" in out
    assert "passed: topics is " in err
    assert "passed: overlap: there is no incumbent to compare with" in err
    report = root.report(first)
    assert (report["state"], report["incumbent"], report["parent"]) == ("published", None, None)
    assert [gate["passed"] for gate in report["gates"]] == [True] * 7
    assert report["measures"]["held_out_loss"]["candidate"] > 0
    assert 230 < report["measures"]["documents"]["candidate"] < 300, "a tenth was held out"

    events = folder / "events.jsonl"
    code, out, err = run(capsys, folder, "two.txt", "--quiet", "--events", str(events), *BROKEN, *GATES)
    (rejected,) = {version.id for version in root.list()} - {first}
    assert (code, out) == (3, "")
    (line,) = err.splitlines()
    assert line.startswith(f"error: version {rejected} did not pass its gate: topics is ")
    assert f"; {first} stays as the version that readers follow; all numbers are in " in line
    assert root.current() == first
    assert root.get(rejected).state == "rejected"
    report = root.report(rejected)
    assert (report["state"], report["incumbent"], report["parent"]) == ("rejected", first, first)
    passed = {gate["gate"]: gate["passed"] for gate in report["gates"]}
    assert [gate for gate, ok in passed.items() if ok] == ["tokens >= 0.8 incumbent", "finite >= 1", GATES[-1]]
    compared = next(gate for gate in report["gates"] if gate["gate"] == "topics >= incumbent - 2 noise")
    low, high = compared["interval"]
    assert low < compared["difference"] < high < 0
    assert compared["items"] == 48
    assert compared["bound"] == pytest.approx(compared["incumbent"] - 2 * compared["noise"])
    assert line.rpartition(" ")[2] == f"{folder}/root/versions/{rejected}/report.json"
    told = [json.loads(row) for row in events.read_text().splitlines()]
    assert {row["gate"]: row["passed"] for row in told if row["event"] == "gate"} == passed
    assert (told[-1]["event"], told[-1]["exit_code"]) == ("error", 3)
    assert KeyedVectors.load(folder / "root").words == KeyedVectors.load(root.directory(first).uri).words
    assert KeyedVectors.load(f"{folder}/root@{rejected}").dim == 16, "it can still be looked at"

    code, _, err = run(capsys, folder, "small.txt", "--quiet", "--gate", "tokens >= 0.8 incumbent")
    assert code == 3
    assert "did not pass its gate: tokens is " in err
    assert "; topics" not in err
    assert root.current() == first
    assert len(root.list()) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gate", "topic >= 0.5"], "did you mean 'topics'?"),
        (["--gate", "topics => 0.5"], "--gate 'topics => 0.5' is not understood"),
        (["--gate", "drift <= 4 noise"], "drift is measured where a training goes on from a version"),
        (["--analogies", "absent.txt"], "absent.txt cannot be read"),
        (["--gate", "held_out_loss < 3", "--set", "train.held_out=0"], "set train.held_out, for example to 0.01"),
        (["--gate-sql", "SELECT wrod FROM vectors"], "--gate-sql 'SELECT wrod FROM vectors' cannot be run: "),
        (["--gate-sql", "DROP TABLE vectors"], "--gate-sql 'DROP TABLE vectors' cannot be run: "),
    ],
)
def test_what_is_refused_before_training(
    spark: SparkSession, folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    place = folder / "refused"
    place.mkdir(exist_ok=True)
    for name in ("one.txt", "topics.tsv"):
        (place / name).write_text((folder / name).read_text())
    code, out, err = run(capsys, place, "one.txt", "--quiet", "--overwrite", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (place / "root/versions").exists()


def test_gates_are_of_versions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--input", str(folder / "one.txt"), "--output", str(folder / "out"), "--gate", "tokens > 1"]
    assert train(arguments) == 2
    assert "--gate decides what readers of versions are led to; give --publish" in capsys.readouterr().err


# Documents that are held out


NOTHING = {"bytes": 0, "invalid_utf8": 0, "invalid_bytes": 0, "overlong_words": 0}


@pytest.mark.parametrize("kind", ["string", "binary", "array<string>"])
def test_a_document_is_held_out_by_its_content_alone(spark: SparkSession, kind: str) -> None:
    texts = [f"document number {number}" for number in range(2000)]
    change = {"array<string>": str.split, "binary": str.encode, "string": str}[kind]
    rows: list[Any] = [change(text) for text in texts]
    frame = spark.createDataFrame([(row,) for row in rows], f"document {kind}")
    shares = (0.05, 0.1)
    trained = [{str(row.document) for row in trained_documents(frame, share).collect()} for share in shares]
    assert trained[1] < trained[0]
    assert 30 < 2000 - len(trained[0]) < 180
    again = frame.where("rand(1) < 0.5").repartition(5)
    assert {str(row.document) for row in trained_documents(again, 0.1).collect()} <= trained[1]
    statistics = CorpusStatistics(documents=1900, sentences=1900, tokens=5700, distinct_words=2000, **NOTHING)
    held = {str(document) for document in collect_held_out(frame, 0.1, statistics).to_pylist()}
    everything = {str(row.document) for row in frame.collect()}
    assert held == everything - trained[1]
    assert trained_documents(frame, 0.0) is frame


def test_no_more_documents_than_have_so_many_words(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = spark.createDataFrame([(f"document number {number}",) for number in range(2000)], "document string")
    statistics = CorpusStatistics(documents=1000, sentences=1000, tokens=3000, distinct_words=2000, **NOTHING)
    whole = collect_held_out(frame, 0.5, statistics).to_pylist()
    monkeypatch.setattr(held_out, "HELD_OUT_WORDS", 300)
    part = collect_held_out(frame.repartition(7), 0.5, statistics).to_pylist()
    assert len(part) == 120
    assert part == whole[:120]


# Queries


def test_queries_see_both_results_and_the_drift(spark: SparkSession, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    from w2v_spark.vectors.table import write_vectors

    sides = []
    for number, words in enumerate((["a", "b", "c"], ["a", "b", "gone"])):
        place = Directory.open(tmp_path / f"it's `{number}`")
        matrix = np.full((3, 16), number + 1, np.float32)
        write_vectors(place.filesystem, place.file("vectors"), pa.array(words), np.array([9, 5, 2]), [matrix], {})
        sides.append(place)
    new, old = sides
    new.child("drift").create()
    pq.write_table(pa.table({"word": ["a"], "cosine": [0.25]}), new.file("drift/part-00000.parquet"))
    queries = {
        "SELECT word FROM incumbent WHERE word NOT IN (SELECT word FROM vectors)": '{"word": "gone"}',
        "SELECT 1 FROM vectors v JOIN incumbent i USING (word) WHERE v.vector[0] > i.vector[0];": None,
        "SELECT word, cosine FROM drift WHERE cosine < 0.3": '{"word": "a", "cosine": 0.25}',
        "WITH few AS (SELECT count(*) AS n FROM vectors) SELECT n FROM few WHERE n < 3": None,
    }
    check_queries(spark, list(queries))
    verdicts = run_queries(spark, list(queries), new, old)
    assert [verdict.passed for verdict in verdicts] == [row is None for row in queries.values()]
    for verdict, (query, row) in zip(verdicts, queries.items(), strict=True):
        assert verdict.reason == f"{query} " + ("returned no row" if row is None else f"returned a row: {row}")
        assert json.loads(json.dumps(verdict.to_dict())) == verdict.to_dict()
    assert run_queries(spark, ["SELECT * FROM incumbent"], new, None)[0].passed, "there is none"
    names = {row.tableName for row in spark.sql("SHOW TABLES").collect()}
    assert not names & {"vectors", "incumbent", "drift"}, "nothing of the session has changed"


@pytest.mark.parametrize("query", ["", "SELECT FROM", "INSERT INTO vectors VALUES (1)", "SELECT nothing FROM drift"])
def test_queries_that_cannot_be_run(spark: SparkSession, query: str) -> None:
    with pytest.raises(ConfigError, match="cannot be run") as caught:
        check_queries(spark, [query])
    assert len(str(caught.value).splitlines()) == 1

"""``train --publish``: the same vectors as in a plain output, as versions that keep what a warm start needs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.commands import train
from tests.spark.documents import REPEATED, write_text
from tests.spark.main_job import SMALL, MainJob, Model
from tests.unit.stores import S3Server
from w2v_spark import KeyedVectors, Word2VecModel, table_path
from w2v_spark.config import Config
from w2v_spark.corpus.word_counts import COUNT_SCHEMA, WordCounts
from w2v_spark.errors import ConfigError
from w2v_spark.publishing.layout import STATE
from w2v_spark.publishing.lock import LOCK_FILE
from w2v_spark.publishing.manifest import Manifest
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.run.directory import RunDirectory
from w2v_spark.spark import train as main_job
from w2v_spark.spark.count_pass import build_vocabulary
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.origin import Scratch
from w2v_spark.storage import Directory

FREQUENT = ["vocabulary.min_count=2"]
RARE = " ".join(f"rare{number}" for number in range(40))
TEXT = [*REPEATED, f"the {RARE} cat"]


def arguments(source: Path, root: Path, *options: str, settings: tuple[str, ...] | list[str] = ()) -> list[str]:
    changes = [item for setting in (*SMALL, *settings) for item in ("--set", setting)]
    return ["--input", str(source), "--publish", str(root), *changes, *options]


def publish(source: Path, root: Path, *options: str, settings: tuple[str, ...] | list[str] = ()) -> str:
    """Train, and the id of the version that is current then."""
    assert train(arguments(source, root, "--quiet", *options, settings=settings)) == 0
    current = VersionRoot.open(root).current()
    assert current is not None
    return current


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "a.txt", TEXT)


@pytest.fixture(scope="module")
def published(spark: SparkSession, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with one version."""
    root = tmp_path_factory.mktemp("published") / "root"
    publish(source, root, settings=FREQUENT)
    return root


def rows_of(counts: Directory) -> dict[str, int]:
    table = pq.read_table([info.path for info in counts.list() if info.extension == "parquet"])
    words = table["word"].to_pylist()
    assert len(set(words)) == len(words)
    return dict(zip(words, table["count"].to_pylist(), strict=True))


def test_a_version_has_the_vectors_of_a_plain_output(job: MainJob, source: Path, out: Path, published: Path) -> None:
    plain = job.train(source, out, settings=FREQUENT)
    (version,) = VersionRoot.open(published).list()
    directory = VersionRoot.open(published).directory(version.id)
    there = Model.read(Path(directory.path))
    assert there.files == plain.files
    assert sorted(info.base_name for info in directory.list()) == [
        "_SUCCESS", "history.json", "manifest.json", "model.json", "report.html", "report.json", "state", "vectors",
    ]  # fmt: skip
    assert not (published / "_run").exists()
    assert not (published / LOCK_FILE).exists()
    assert not (out / STATE).exists()


def test_the_state_has_both_matrices_in_rank_order_and_the_counts_of_all_words(source: Path, published: Path) -> None:
    directory = VersionRoot.open(published).directory(VersionRoot.open(published).list()[0].id)
    vectors, state = KeyedVectors.load(str(published)), directory.child(STATE)
    w_in, w_out = (np.load(state.file(f"{name}.npy")) for name in ("w_in", "w_out"))
    assert w_in.dtype == w_out.dtype == np.float32
    assert np.array_equal(w_in, vectors.matrix)
    assert w_out.shape == w_in.shape
    assert np.abs(w_out).max() > 0
    expected = Counter(source.read_text(encoding="utf-8").lower().split())
    counts, known = rows_of(state.child("counts")), WordCounts.read(state)
    assert min(expected.values()) == 1  # words without a vector are there
    assert len(counts) > len(vectors)
    assert {word: count for word, count in counts.items() if count >= 2} == dict(
        zip(vectors.words, vectors.counts.tolist(), strict=True)
    )
    assert (known.words, known.tokens) == (len(counts), sum(counts.values()))


def test_the_same_text_in_other_files_gives_the_same_version(source: Path, published: Path, tmp_path: Path) -> None:
    before = VersionRoot.open(published).list()
    lines = source.read_text(encoding="utf-8").splitlines()
    (tmp_path / "parts").mkdir()
    for number, line in enumerate(lines):
        (tmp_path / "parts" / f"{number}.txt").write_text(f"{line}\n", encoding="utf-8")
    again = publish(tmp_path / "parts", published, settings=FREQUENT)
    assert [version.id for version in VersionRoot.open(published).list()] == [again] == [before[0].id]


def test_hierarchical_softmax_keeps_its_inner_nodes(source: Path, tmp_path: Path, spark: SparkSession) -> None:
    root = tmp_path / "root"
    publish(source, root, settings=["model.objective=hierarchical_softmax", "vocabulary.max_size=20"])
    directory = VersionRoot.open(root).directory(VersionRoot.open(root).list()[0].id)
    assert np.load(directory.file("state/w_node.npy")).shape == (19, 8)
    assert not directory.exists("state/w_out.npy")
    assert len(KeyedVectors.load(str(root))) == 20
    assert len(rows_of(directory.child("state/counts"))) > 20


def test_new_text_becomes_a_new_version_and_old_readers_keep_theirs(
    source: Path, spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"
    first = publish(source, root)
    table = table_path(root)
    frame = spark.read.parquet(table)
    more = write_text(tmp_path / "more.txt", [*TEXT, "entirely new words of today"])
    assert train(arguments(more, root)) == 0
    second = VersionRoot.open(root).current()
    assert second != first
    assert f"{root}/versions/{second}/vectors" in capsys.readouterr().out
    assert frame.count() == len(KeyedVectors.load(f"{root}@{first}")) < len(KeyedVectors.load(str(root)))
    assert VersionRoot.open(root).get(str(second)).parent == first


class Interruption(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (EncodePass, "encode"),
        (main_job, "write_state"),
        (VersionRoot, "_switch"),
    ],
)
def test_an_interrupted_run_goes_on_to_the_same_version(
    job: MainJob,
    source: Path,
    published: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise Interruption

    root = tmp_path / "root"
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, interrupt)
        with pytest.raises(Interruption):
            train(arguments(source, root, "--quiet", settings=FREQUENT))
    assert VersionRoot.open(root).current() is None
    assert train(arguments(source, root, "--quiet", settings=FREQUENT)) == 2
    assert "interrupted run" in job.capsys.readouterr().err
    version = publish(source, root, "--resume", settings=FREQUENT)
    assert VersionRoot.open(root).get(version).digest == VersionRoot.open(published).list()[0].digest
    assert len(VersionRoot.open(root).list()) == 1
    assert not (root / "_run").exists()


def test_resume_of_what_is_done_does_nothing(
    source: Path, published: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Scratch, "count", None)  # and is not called
    assert train(arguments(source, published, "--resume", settings=FREQUENT)) == 0
    assert "is complete already" in capsys.readouterr().err


def test_a_second_job_is_told_who_is_at_work(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = VersionRoot.open(tmp_path / "root").create()
    script = "import sys, time; from w2v_spark.publishing.lock import *; from w2v_spark.storage import Directory\n"
    script += "with Lock(Directory.open(sys.argv[1]), purpose='train'): print('held', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", script, root.root.path], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            assert train(arguments(source, tmp_path / "root")) == 2
            error = capsys.readouterr().err
            assert f"(process {other.pid})" in error
            assert os.uname().nodename in error
        finally:
            other.kill()
    publish(source, tmp_path / "root")  # the other one is dead, so its lock is taken over
    assert "taking" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--output", "a", "--publish", "b"]])
def test_one_place(options: list[str], source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(["--input", str(source), *options]) == 2
    assert "--output" in (error := capsys.readouterr().err)
    assert "--publish" in error


def test_a_plain_output_is_no_root_and_a_root_no_plain_output(
    job: MainJob, source: Path, published: Path, reference: Model, out: Path
) -> None:
    out.mkdir()
    (out / "vectors").mkdir()
    assert train(arguments(source, out)) == 2
    assert "a single result" in job.capsys.readouterr().err
    code, _, error = job(source, published, "--overwrite")
    assert code == 2
    assert "nothing else is ever removed" in error


def test_counts_of_lost_attempts_do_not_count(spark: SparkSession, tmp_path: Path) -> None:
    counts = RunDirectory(Directory.open(tmp_path / "run")).begin_counts()
    lost = pa.table([["lost"], [7]], schema=COUNT_SCHEMA)
    pq.write_table(lost, counts.file("lost.parquet"))
    documents = spark.createDataFrame([(text,) for text in TEXT], "document string").repartition(3)
    config = Config.load(None, ["vocabulary.min_count=2", "vocabulary.max_size=4"])
    vocabulary, _ = build_vocabulary(documents, config, counts)
    assert not counts.exists("lost.parquet")
    expected = Counter(word for text in TEXT for word in text.split())
    assert rows_of(counts) == dict(expected)
    assert WordCounts.read(counts).tokens == expected.total()
    assert vocabulary.words.to_pylist() == build_vocabulary(documents, config)[0].words.to_pylist()


def test_the_estimators_model_reads_a_result(
    spark: SparkSession, source: Path, published: Path, tmp_path: Path
) -> None:
    model = Word2VecModel.load(published)
    vectors = KeyedVectors.load(str(published))
    assert np.array_equal(model.vectors_table.matrix, vectors.matrix)
    assert model.getMinCount() == 2
    assert model.getVectorSize() == 8
    assert model.summary.config["train"]["rounds"] == 2
    model.save(tmp_path / "saved")
    again = Word2VecModel.load(tmp_path / "saved")
    assert again.vectors_table.words == vectors.words
    assert again.getMinCount() == 2
    frame = spark.createDataFrame([(["cat", "dog"],)], "words array<string>")
    (row,) = again.setInputCol("words").setOutputCol("mean").transform(frame).collect()
    assert np.allclose(row["mean"].toArray(), vectors.get_mean_vector(["cat", "dog"], pre_normalize=False), atol=1e-6)
    with pytest.raises(ConfigError, match="no version 'nonsense'"):
        Word2VecModel.load(f"{published}@nonsense")


@pytest.mark.slow
def test_a_training_on_an_object_store(
    spark: SparkSession, source: Path, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Driver and executors read and write all of it by the protocol of S3; every fiftieth request is refused."""
    server = S3Server()
    try:
        monkeypatch.setattr(server, "refuse", lambda number, *_: number % 50 == 0)
        root = VersionRoot.open(server.uri("root"))
        changes = [item for setting in (*SMALL, *FREQUENT) for item in ("--set", setting)]
        assert train(["--input", str(source), "--publish", server.uri("root"), "--quiet", *changes]) == 0
        (version,) = root.list()
        assert version.digest == VersionRoot.open(published).list()[0].digest  # the same bits as on a local disk
        Manifest.read(root.directory(version.id)).verify(root.directory(version.id))
        assert KeyedVectors.load(server.uri("root")).words == KeyedVectors.load(str(published)).words
        assert not root.run.list()
        assert server.refused
    finally:
        server.close()

"""What the main job publishes and shows, options at their limits, and what becomes of the output directory."""

from __future__ import annotations

import re
import shutil
import tomllib

import numpy as np
import pytest

from tests.commands import train
from tests.conftest import ROOT
from tests.spark.documents import COUNTS, DOCUMENTS, SENTENCES, write_text
from w2v_spark.vectors.table import VECTOR_SCHEMA

# The result


def test_the_table_holds_what_can_be_counted_by_hand(reference):
    assert reference.counts == COUNTS
    assert reference.table["word"].to_pylist() == list(COUNTS), "most frequent first, then by bytes"
    assert reference.table["id"].to_pylist() == list(range(len(COUNTS)))
    assert reference.table.schema.remove_metadata() == VECTOR_SCHEMA
    assert reference.matrix.shape == (len(COUNTS), 8)
    assert np.isfinite(reference.matrix).all()
    assert reference.table.schema.metadata[b"w2v.dim"] == b"8"


def test_the_description_says_how_the_table_came_about(reference):
    model = reference.description
    assert model["format_version"] == 1
    assert model["config"]["model"]["dim"] == 8
    assert model["plan"]["shards"] == 2
    expected = {
        "documents": 3, "sentences": SENTENCES, "tokens": 18, "distinct_words": 9, "vocabulary_size": 9,
        "kept_tokens": 18, "kept_sentences": SENTENCES, "invalid_utf8": 0, "overlong_words": 0,
    }  # fmt: skip
    assert expected.items() <= model["corpus"].items()
    assert model["input"]["files"] == 1
    assert model["input"]["bytes"] == sum(len(text.encode()) + 1 for text in DOCUMENTS)
    assert {"count", "encode", "train", "publish", "rounds", "total"} == model["timings"].keys()
    assert {"python", "pyspark", "numpy", "numba", "pyarrow", "w2v_spark"} == model["packages"].keys()


def test_the_history_covers_every_word_of_every_epoch(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS * 50)
    settings = ("train.epochs=3", "train.rounds=4", "train.sample=0", "model.negatives=2")
    rounds = job.train(source, out, settings=settings).rounds
    assert [record["round"] for record in rounds] == [0, 1, 2, 3]
    assert sum(record["tokens"] for record in rounds) == 3 * 50 * 18
    assert all(record["kept"] == record["tokens"] for record in rounds), "also where a round ends within a sentence"
    rates = [record["learning_rate"] for record in rounds]
    assert rates == sorted(rates, reverse=True)
    assert 0.0001 < rates[-1] < rates[0] < 0.025
    assert rounds[0]["loss"] <= 3 * np.log(2), "a target and at most two noise words, all at 1/2"
    assert rounds[-1]["loss"] < rounds[0]["loss"]
    assert all(record["words_per_second"] > 0 and record["seconds"]["total"] > 0 for record in rounds)


# Options at their limits


@pytest.mark.parametrize(
    "settings",
    [
        ["model.dim=1"],
        ["model.dim=1024"],
        ["model.window=50", "model.negatives=64"],
        ["train.sample=0"],
        ["train.merge=mean", "train.shards=5"],
        ["train.rounds=1", "train.shards=1", "train.epochs=2"],
        ["model.noise_exponent=-1.5", "text.max_sentence_length=2"],
        ["text.sentences=line", "text.lowercase=false", "text.apostrophes=keep"],
    ],
    ids=" ".join,
)
def test_options_at_their_limits(job, tmp_path, out, settings):
    model = job.train(write_text(tmp_path / "a.txt", DOCUMENTS * 20), out, settings=settings)
    dim = model.description["config"]["model"]["dim"]
    assert model.matrix.shape == (len(model.counts), dim)
    assert np.isfinite(model.matrix).all()
    assert np.ptp(model.matrix) > 0
    assert sum(model.counts.values()) == 18 * 20 - (20 if "text.apostrophes=keep" in settings else 0)


def test_a_vocabulary_of_two_words(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", ["yes no yes"])
    model = job.train(source, out, settings=["train.sample=0", "train.shards=1"])
    assert model.counts == {"yes": 2, "no": 1}
    assert sum(record["pairs"] for record in model.rounds) > 0


def test_the_vocabulary_is_cut_at_its_largest_size(job, tmp_path, out):
    model = job.train(write_text(tmp_path / "a.txt", DOCUMENTS), out, settings=["vocabulary.max_size=4"])
    assert model.counts == {"the": 4, "cat": 3, "dog": 3, "ran": 2}, "of two equally frequent words the first"
    assert (model.corpus["distinct_words"], model.corpus["tokens"], model.corpus["kept_tokens"]) == (9, 18, 12)


def test_the_vocabulary_is_cut_at_the_least_count(job, tmp_path, out):
    model = job.train(write_text(tmp_path / "a.txt", DOCUMENTS), out, settings=["vocabulary.min_count=3"])
    assert model.counts == {"the": 4, "cat": 3, "dog": 3}


# What is shown, and what becomes of the output directory


def test_print_config_needs_neither_input_nor_spark(capsys, monkeypatch):
    monkeypatch.setattr("w2v_spark.spark.session.get_session", lambda: pytest.fail("Spark was started"))
    assert train(["--print-config"]) == 0
    plain = tomllib.loads(capsys.readouterr().out)
    assert plain["model"]["dim"] == 100
    preset = str(ROOT / "w2v_spark" / "presets" / "quality.toml")
    changes = ["--set", "model.dim=7", "--column", "größe 😀"]
    assert train(["--print-config", "--config", preset, *changes]) == 0
    shown = capsys.readouterr().out
    changed = tomllib.loads(shown)
    assert (changed["model"]["dim"], changed["text"]["column"]) == (7, "größe 😀")
    assert changed["train"] == {
        **plain["train"],
        **tomllib.loads((ROOT / "w2v_spark" / "presets" / "quality.toml").read_text())["train"],
    }


def test_quiet_prints_nothing(job, tmp_path, out):
    assert job(write_text(tmp_path / "a.txt", DOCUMENTS), out, "--quiet") == (0, "", "")


def test_progress_and_summary(job, tmp_path, out):
    code, shown, progress = job(write_text(tmp_path / "a.txt", DOCUMENTS), out)
    assert code == 0
    for line in ("count ...", "3 documents, 5 sentences, 18 words; vocabulary 9 of 9 words", "train round 2/2"):
        assert line in progress
    for row in ("documents       3", "words           18", "vocabulary      9 words", str(out / "vectors")):
        assert row in shown
    seconds = {name: float(value) for name, value in re.findall(r"^(\w+) +([0-9.]+) s$", shown, re.MULTILINE)}
    assert list(seconds) == ["count", "encode", "train", "publish", "other", "total"]
    total = seconds.pop("total")
    assert abs(sum(seconds.values()) - total) < 0.051 * len(seconds)


def test_the_run_directory_is_kept_when_asked(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    kept = job.train(source, out, "--keep-run")
    assert (out / "_run" / "run.json").is_file()
    assert job.train(source, tmp_path / "other").files == kept.files
    assert not (tmp_path / "other" / "_run").exists()


def test_overwrite_replaces_the_result(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    job.train(source, out, settings=["model.dim=5"])
    (part,) = (out / "vectors").iterdir()
    shutil.copy(part, out / "vectors" / "part-00001.parquet")  # of a larger result, and of an earlier version
    model = job.train(source, out, "--overwrite")
    assert model.matrix.shape == (9, 8)
    replaced, *names = sorted(path.name for path in out.iterdir())
    assert names == ["_SUCCESS", "history.json", "model.json", "report.html", "vectors"]
    assert sorted(path.name for path in (out / replaced).iterdir()) == [part.name, "part-00001.parquet"]
    assert len(list((out / "vectors").iterdir())) == 1


def test_resume_of_a_finished_run_says_so_and_changes_nothing(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    job.train(source, out)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.rglob("*") if path.is_file()}
    code, _, err = job(source, out, "--resume")
    assert code == 0
    assert "is complete already" in err
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.rglob("*") if path.is_file()}


def test_resume_of_a_finished_run_tidies_up_after_a_process_that_was_killed_then(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    job.train(source, out, "--keep-run")
    assert job(source, out, "--resume", "--keep-run")[0] == 0
    assert (out / "_run" / "run.json").is_file()
    assert job(source, out, "--resume")[0] == 0
    assert not (out / "_run").exists()


def test_resume_starts_where_nothing_is(job, tmp_path, out, reference):
    assert job.train(write_text(tmp_path / "a.txt", DOCUMENTS), out, "--resume").files == reference.files


def test_the_output_may_be_an_empty_directory_or_lie_deep(job, tmp_path, reference):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    (tmp_path / "empty").mkdir()
    assert job.train(source, tmp_path / "empty", "--resume").files == reference.files
    assert job.train(source, tmp_path / "a/b/c", "--resume").files == reference.files

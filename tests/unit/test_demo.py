"""The demo around ``w2v-spark train``: what it hands to it, and what it shows afterwards."""

from __future__ import annotations

import argparse
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from tests import commands
from w2v_spark.cli import train
from w2v_spark.cli.demo import command as demo
from w2v_spark.cli.demo.corpus import Passage
from w2v_spark.cli.parsers import build_command_parser
from w2v_spark.config import Config
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.publishing.description import EncodedStatistics, ModelDescription, write_history
from w2v_spark.storage import Directory
from w2v_spark.training.plan import Plan
from w2v_spark.vectors.table import write_vectors

MODEL = ModelDescription(
    "run", Config(), Plan(2, 2, 5, 0.025, 0.0001, 1e-3),
    CorpusStatistics(documents=3, sentences=5, tokens=1234, distinct_words=40, invalid_utf8=0, overlong_words=0),
    EncodedStatistics(vocabulary_size=30, kept_tokens=617, kept_sentences=5, digest="0"), {}, {},
    {"count": 0.5, "encode": 1.0, "train": 2.0, "publish": 0.1, "rounds": 1.9, "total": 3.6},
)  # fmt: skip


def write_model(directory: Path, words: list[str]) -> None:
    """What the main job leaves behind: word n points n * n degrees away from the first."""
    angles = np.radians(np.arange(len(words)) ** 2)
    matrix = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    counts = np.arange(len(words), 0, -1)
    write_vectors(fs.LocalFileSystem(), str(directory / "vectors"), pa.array(words), counts, [matrix], {})
    MODEL.write(Directory.open(directory))
    write_history(Directory.open(directory), [{"tokens": 1000}, {"tokens": 2000}])
    (directory / "_SUCCESS").touch()


def test_words_are_spread_over_the_ranks() -> None:
    letters = "abcdefghij"
    words = [f"{a}{b}{c}" for a in letters for b in letters for c in letters]
    words[100] = "1995"
    chosen = demo.spread_words(words, 5)
    ranks = [words.index(word) for word in chosen]
    assert ranks == [101, 150, 224, 334, 500]


@pytest.mark.parametrize("words", [[], ["a"], ["12", "34"], ["ab"], ["the", "ab", "cd"]])
def test_small_vocabularies_give_what_they_have(words: list[str]) -> None:
    chosen = demo.spread_words(words)
    assert len(chosen) == len(set(chosen))
    assert set(chosen) <= {"ab", "cd"}


@pytest.mark.parametrize("name", ["model", "it's $HOME `here`, too"])
def test_query_works_from_a_shell(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb")
    write_model(tmp_path / name, ["zero", "one", "two", "three"])
    demo._show_query(demo.neighbours_code(tmp_path / name / "vectors", "zero", 2))
    (command,) = [line for line in capsys.readouterr().out.splitlines() if " -c " in line]
    shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert "one" in shown
    assert "two" in shown
    assert "three" not in shown


def test_runs_the_main_job_on_the_documentation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyspark")
    arguments = (
        f"--input {tmp_path}/corpus --output {tmp_path}/model --overwrite "
        "--set train.epochs=20 --set vocabulary.min_count=10 --set model.dim=2"
    )

    def run(options: argparse.Namespace) -> int:
        assert options == build_command_parser("train").parse_args(shlex.split(arguments))
        assert list((tmp_path / "corpus").glob("*.parquet"))
        write_model(tmp_path / "model", ["the", "array", "matrix"])
        return 0

    monkeypatch.setattr(demo, "collect", lambda roots: [Passage("python", "os", "some text")])
    monkeypatch.setattr(train, "run", run)
    assert commands.demo(["--output", str(tmp_path), "--set", "model.dim=2"]) == 0
    shown = capsys.readouterr().out
    assert f"\nRunning: w2v-spark train {arguments}\n" in shown
    assert "1,234 words" in shown
    assert "cover 50.0% of the text" in shown
    assert "1,500 words/s" in shown
    assert "array       the 1.00, matrix 1.00" in shown
    assert "-c \"import duckdb; duckdb.sql('''SELECT" in shown


def test_runs_on_the_users_own_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    text = tmp_path / "a.json"
    text.touch()
    seen: list[argparse.Namespace] = []

    def run(options: argparse.Namespace) -> int:
        seen.append(options)
        return 1

    monkeypatch.setattr(train, "run", run)
    assert commands.demo(["--input", str(text), "--column", "body", "--output", str(tmp_path / "out")]) == 1
    expected = f"--input {text} --column body --output {tmp_path}/out/model --overwrite"
    assert seen == [build_command_parser("train").parse_args(shlex.split(expected))]

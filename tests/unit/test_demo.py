"""The demo around the main job: what it hands to it, and what it shows afterwards."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from jobs import demo
from jobs.demo_corpus import Passage
from w2v_spark.vectors.table import write_vectors

MODEL = {
    "corpus": {
        "documents": 3, "sentences": 5, "tokens": 1234, "distinct_words": 40, "vocabulary_size": 30, "kept_tokens": 617,
    },
    "timings": {"count": 0.5, "encode": 1.0, "train": 2.0, "publish": 0.1, "total": 3.6},
}  # fmt: skip


def write_model(directory: Path, words: list[str]) -> None:
    """What the main job leaves behind: word n points n * n degrees away from the first."""
    angles = np.radians(np.arange(len(words)) ** 2)
    matrix = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    counts = np.arange(len(words), 0, -1)
    write_vectors(fs.LocalFileSystem(), str(directory / "vectors"), pa.array(words), counts, [matrix], {})
    (directory / "model.json").write_text(json.dumps(MODEL))
    (directory / "history.json").write_text(json.dumps({"rounds": [{"tokens": 1000}, {"tokens": 2000}]}))
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
    def train(arguments: list[str]) -> int:
        assert arguments == shlex.split(
            f"--input {tmp_path}/corpus --format parquet --output {tmp_path}/model --overwrite "
            "--set train.epochs=20 --set vocabulary.min_count=10 --set model.dim=2"
        )
        assert list((tmp_path / "corpus").glob("*.parquet"))
        write_model(tmp_path / "model", ["the", "array", "matrix"])
        return 0

    monkeypatch.setattr(demo, "collect", lambda roots: [Passage("python", "os", "some text")])
    monkeypatch.setattr(demo, "_train", train)
    assert demo.main(["--output", str(tmp_path), "--set", "model.dim=2"]) == 0
    shown = capsys.readouterr().out
    assert "1,234 words" in shown
    assert "cover 50.0% of the text" in shown
    assert "1,500 words/s" in shown
    assert "array       the 1.00, matrix 1.00" in shown
    assert "-c \"import duckdb; duckdb.sql('''SELECT" in shown


def test_runs_on_the_users_own_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "a.json"
    text.touch()
    seen: list[str] = []

    def train(arguments: list[str]) -> int:
        seen.extend(arguments)
        return 2

    monkeypatch.setattr(demo, "_train", train)
    assert demo.main(["--input", str(text), "--output", str(tmp_path / "out")]) == 2
    assert seen == [
        "--input",
        str(text),
        "--format",
        "json",
        "--output",
        str(tmp_path / "out" / "model"),
        "--overwrite",
    ]


def test_starts_from_any_directory(tmp_path: Path) -> None:
    command = [sys.executable, str(demo.ROOT / "jobs" / "demo.py"), "--help"]
    assert "--input" in subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

"""The evaluation job: its table, its JSON, its errors, and that it starts no Spark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from tests.commands import evaluate as run_evaluate
from w2v_spark.evaluation.suite import check_report_place, evaluate, write_report
from w2v_spark.vectors.table import write_vectors

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A directory with a finished run's vectors, questions and pairs."""
    eye = np.eye(4, dtype=np.float32)
    matrix = np.concatenate([eye[:3] * 2, eye[:3] * 2 + eye[3]])
    words = pa.array(["a0", "a1", "a2", "b0", "b1", "b2"])
    write_vectors(fs.LocalFileSystem(), str(tmp_path / "out" / "vectors"), words, np.arange(6, 0, -1), [matrix], {})
    (tmp_path / "out" / "_SUCCESS").touch()
    (tmp_path / "q.txt").write_text(": places\nA0 B0 A1 B1\n: gram1\na0 b0 a2 b2\na0 b0 a1 b2\na0 b0 a1 zz\n")
    (tmp_path / "pairs.txt").write_text("a0\tb0\t9\na0\tb1\t1\nb0\tb1\t4\na0\tzz\t5\n")
    return tmp_path


def test_table_and_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--vectors", f"{run}/out", "--analogies", f"{run}/q.txt", "--similarity", f"{run}/pairs.txt"]
    assert run_evaluate([*arguments, "--output", f"{run}/result.json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "6 words read, D = 4" in printed.out
    table = {line.split()[0]: line.split()[1:] for line in printed.out.splitlines() if line[:1].isalpha()}
    assert table["places"] == table["semantic"] == ["100.00", "%", "1", "1", "0"]
    assert table["gram1"] == table["syntactic"] == ["50.00", "%", "1", "2", "1"]
    assert table["total"] == ["66.67", "%", "2", "3", "1"]
    assert table["pairs.txt"][0] == "1.0000"
    assert table["pairs.txt"][2:] == ["3", "1"]

    report = json.loads((run / "result.json").read_text())
    assert report["words_read"] == 6
    assert report["analogies"]["restrict"] == 30_000
    assert report["analogies"]["total"] == {
        "name": "total",
        "correct": 2,
        "answered": 3,
        "skipped": 1,
        "accuracy": pytest.approx(2 / 3),
    }
    assert [section["name"] for section in report["analogies"]["sections"]] == ["places", "gram1"]
    assert report["similarity"][0]["spearman"] == 1.0
    assert sorted(path.name for path in run.iterdir()) == ["out", "pairs.txt", "q.txt", "result.json"]


def test_restrict(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_evaluate(["--vectors", f"{run}/out", "--analogies", f"{run}/q.txt", "--restrict", "5"]) == 0
    assert "5 words read" in capsys.readouterr().out


def test_several_similarity_files_and_an_undefined_correlation(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "one.csv").write_text('"word1";"word2";"pos";"SimLex999"\n"A0";"b0";"N";"1,5"\n"z";"w";"N";"2"\n')
    arguments = ["--vectors", f"{run}/out", "--similarity", f"{run}/pairs.txt", f"{run}/one.csv"]
    assert run_evaluate([*arguments, "--output", f"{run}/result.json"]) == 0
    printed = capsys.readouterr().out
    read_as = (
        "words in columns 1 (word1) and 2 (word2), score in column 4 (SimLex999); between semicolons; decimal commas"
    )
    assert f"  ({read_as})\n" in printed + "\n"
    report = json.loads((run / "result.json").read_text())
    assert "analogies" not in report
    assert report["similarity"][1] == {
        "file": f"{run}/one.csv",
        "read_as": read_as,
        "restrict": 300_000,
        "spearman": None,
        "pearson": None,
        "pairs": 1,
        "skipped": 1,
    }


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--similarity", "x y 1\nz w 2\n", "none of its 2 pairs"),
        ("--similarity", "'a0','b0',1\n'a1','b1',2\n", "none of its 2 pairs"),
        ("--analogies", ": s\na0 b0 a1 zz\nx y z w\na0 x a0 x\n", "none of its 3 questions"),
    ],
)
def test_a_set_that_answers_nothing_is_an_error(
    run: Path, capsys: pytest.CaptureFixture[str], option: str, text: str, message: str
) -> None:
    (run / "set.txt").write_text(text)
    assert run_evaluate(["--vectors", f"{run}/out", option, f"{run}/set.txt", "--output", f"{run}/result.json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert f"set.txt: {message}" in printed.err
    assert "such as 'a0', 'a1', 'a2'" in printed.err
    assert not (run / "result.json").exists()


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_of_any_kind(run: Path, kind: Any) -> None:
    report = evaluate(kind(run / "out" / "vectors"), kind(run / "q.txt"), [kind(run / "pairs.txt")])
    check_report_place(kind(run / "report.json"))
    write_report(report, kind(run / "report.json"))
    assert json.loads((run / "report.json").read_text()) == report
    write_report({"word": "maße"}, (run / "report.json").as_uri())
    assert (run / "report.json").read_text(encoding="utf-8") == '{\n  "word": "maße"\n}\n'
    assert [path.name for path in run.iterdir() if path.name.startswith(("report", "."))] == ["report.json"]


def test_a_report_takes_the_place_of_a_report_alone(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not of vectors, nor of a test set; a link leads to its file, and a pipe gets what would be in one."""
    arguments = ["--vectors", f"{run}/out", "--similarity", f"{run}/pairs.txt", "--output"]
    (part,) = (run / "out/vectors").glob("*.parquet")
    for file in (part, run / "pairs.txt"):
        before = file.read_bytes()
        assert run_evaluate([*arguments, str(file)]) == 2
        assert f"--output {file} exists and is no report of evaluate" in capsys.readouterr().err
        assert file.read_bytes() == before
    (run / "link.json").symlink_to(run / "report.json")
    for _ in range(2):
        assert run_evaluate([*arguments, f"{run}/link.json"]) == 0
    assert (run / "link.json").is_symlink()
    os.mkfifo(run / "pipe")
    with ThreadPoolExecutor() as pool:
        reading = pool.submit((run / "pipe").read_text)
        assert run_evaluate([*arguments, f"{run}/pipe"]) == 0
    assert reading.result() == (run / "report.json").read_text()
    assert (run / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vectors", "{run}/out"], "nothing to evaluate: give --analogies, --similarity or both"),
        (["--vectors", "{run}/out", "--analogies", "{run}/absent.txt"], "absent.txt cannot be read"),
        (
            ["--vectors", "{run}/out", "--similarity", "{run}/q.txt"],
            "q.txt holds analogy questions, which belong to --analogies",
        ),
        (["--vectors", "{run}/out", "--analogies", "{run}/pairs.txt"], "scores, which belong to --similarity"),
        (["--vectors", "{run}/out", "--similarity", "{run}/out/_SUCCESS"], "_SUCCESS holds no word pairs"),
        (["--vectors", "{run}/absent", "--analogies", "{run}/q.txt"], "absent does not exist; check the path"),
        (["--vectors", "s9://x/y", "--analogies", "{run}/q.txt"], "s9://x/y"),
        (["--vectors", "{run}/out", "--analogies", "{run}/q.txt", "--restrict", "0"], "--restrict = 0"),
        (["--vectors", "{run}/out", "--analogies", "{run}/q.txt", "--output", "{run}/no/where.json"], "--output"),
        (["--vectors", "{run}/out", "--analogies", "{run}/q.txt", "--output", "{run}"], "--output"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    run: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    before = sorted(run.rglob("*"))
    assert run_evaluate([argument.format(run=run) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert sorted(run.rglob("*")) == before


def test_an_unfinished_run_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "out" / "_SUCCESS").unlink()
    assert run_evaluate(["--vectors", f"{run}/out", "--analogies", f"{run}/q.txt"]) == 2
    assert "not finished" in capsys.readouterr().err


def test_it_needs_no_spark_and_no_java(run: Path) -> None:
    blocked = "import sys; sys.modules['pyspark'] = sys.modules['numba'] = None\n"
    blocked += "from w2v_spark.cli.main import main; sys.exit(main())"
    arguments = ["--vectors", f"{run}/out", "--analogies", f"{run}/q.txt"]
    done = subprocess.run(
        [sys.executable, "-c", blocked, "evaluate", *arguments],
        cwd=ROOT,
        env={"PATH": "/nonexistent", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "total" in done.stdout

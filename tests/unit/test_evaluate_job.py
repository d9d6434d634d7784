"""The evaluation job: its table, its JSON, its errors, and that it starts no Spark."""

from __future__ import annotations

import json
import os
import re
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
from w2v_spark.evaluation.report_files import check_report_place, write_report
from w2v_spark.evaluation.suite import evaluate
from w2v_spark.vectors.keyed_vectors import KeyedVectors
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
    for folder, text in (("topics", "a0\nb0\n"), ("odd", "a0\na1\na2\n\nb0\n")):
        (tmp_path / folder).mkdir()
        for name in ("first.txt", "second.txt"):
            (tmp_path / folder / name).write_text(text if name == "first.txt" else text.replace("0", "2"))
    (tmp_path / "weat.json").write_text(
        '{"X": ["q", "r", "s", "t"], "Y": ["e", "f", "g", "h"], "A": ["i", "j"],\n"B": ["k", "l"]}'
    )
    return tmp_path


def test_table_and_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--vectors", f"{run}/out", "--analogies", f"{run}/q.txt", "--similarity", f"{run}/pairs.txt"]
    assert run_evaluate([*arguments, "--output", f"{run}/result.json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "6 words read, D = 4" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 100
    lines = [re.sub(r"\[.*?\]|%", "", line).split() for line in printed.out.splitlines() if line[:1].isalpha()]
    table = {line[0]: line[1:] for line in lines}
    assert table["places"] == table["semantic"] == ["100.00", "100.00", "1", "0"]
    assert table["gram1"] == table["syntactic"] == ["50.00", "50.00", "2", "1"]
    assert table["total"] == ["66.67", "66.67", "3", "1"]
    assert table["pairs.txt"][0] == "1.0000"
    assert table["pairs.txt"][2:] == ["3", "1"]
    assert re.search(r"^gram1 +50.00 % \[0.0, 100.0\] +50.00 % \[0.0, 100.0\] +2 +1$", printed.out, re.MULTILINE)
    assert "(questions with an unknown word are skipped)" in printed.out

    report = json.loads((run / "result.json").read_text())
    assert report["words_read"] == 6
    (analogies,) = report["analogies"]
    assert analogies["restrict"] == 30_000
    assert analogies["total"] == {
        "name": "total",
        "correct": 2,
        "answered": 3,
        "skipped": 1,
        "accuracy": pytest.approx(2 / 3),
        "correct_3cosmul": 2,
        "accuracy_3cosmul": pytest.approx(2 / 3),
        "intervals": {"accuracy": [0, 1], "accuracy_3cosmul": [0, 1]},
    }
    assert [section["name"] for section in analogies["sections"]] == ["places", "gram1"]
    assert report["similarity"][0]["spearman"] == 1.0
    assert not [path.name for path in run.iterdir() if path.name.startswith(".")]


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
    assert f"one.csv: {read_as}" in " ".join(printed.split())
    report = json.loads((run / "result.json").read_text())
    assert report["analogies"] == []
    assert report["similarity"][1] == {
        "file": f"{run}/one.csv",
        "name": "one",
        "read_as": read_as,
        "restrict": 300_000,
        "spearman": None,
        "pearson": None,
        "pairs": 1,
        "skipped": 1,
        "intervals": {"spearman": [None, None]},
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


def test_two_models_are_compared_on_what_both_answer(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other one lacks a2, and has b1 and b2 the wrong way round."""
    vectors = KeyedVectors.load(run / "out")
    other, matrix = pa.array(["a0", "a1", "b0", "b2", "b1"]), vectors[["a0", "a1", "b0", "b1", "b2"]]
    write_vectors(fs.LocalFileSystem(), str(run / "other/vectors"), other, np.arange(5, 0, -1), [matrix], {})
    (run / "other/_SUCCESS").touch()
    arguments = ["--vectors", f"{run}/out", "--against", f"{run}/other", "--analogies", f"{run}/q.txt"]
    arguments += ["--similarity", f"{run}/pairs.txt", "--output", f"{run}/result.json"]
    assert run_evaluate(arguments) == 0
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines() if str(run) not in line) <= 100
    report = json.loads((run / "result.json").read_text())
    assert report["against"] == {"vectors": f"{run}/other", "words_read": 5, "dim": 4, "subwords": False}
    total = report["analogies"][0]["total"]
    assert (total["answered"], total["against"]["answered"]) == (3, 2)
    paired = total["paired"]["accuracy"]
    assert (paired["items"], paired["candidate"], paired["incumbent"]) == (2, 0.5, 0.5)
    assert paired["mcnemar"] == {"only_candidate": 1, "only_incumbent": 1, "p": 1.0}
    assert re.search(r"total 3CosAdd +50.00 % +50.00 % +\+0.00 % \[-100.0, \+100.0\] +2 +1.0000", printed)
    assert report["similarity"][0]["paired"]["spearman"]["items"] == 3
    again = evaluate(run / "out", {"analogies": [run / "q.txt"]}, run / "other")
    assert again["analogies"][0]["total"] == total


def test_sets_of_every_kind_from_paths_and_packages(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--vectors",
        f"{run}/out",
        "--categories",
        f"{run}/topics",
        f"{run}/topics",
        "--outliers",
        f"{run}/odd",
    ]
    arguments += ["--analogies", f"{run}/q.txt", "--analogies", f"{run}/q.txt", "--output", f"{run}/result.json"]
    assert run_evaluate(arguments) == 0
    printed = capsys.readouterr().out
    report = json.loads((run / "result.json").read_text())
    assert [len(report[kind]) for kind in ("analogies", "categories", "outliers", "weat", "rnd")] == [2, 2, 1, 0, 0]
    assert report["categories"][0]["coverage"] == 1.0
    assert list(report["unknown"]) == ["analogies", "categories", "outliers"]
    assert printed.count("100.00 %           2      4") == 2


@pytest.mark.parametrize("kind", [str, Path])
def test_paths_of_any_kind(run: Path, kind: Any) -> None:
    report = evaluate(
        kind(run / "out" / "vectors"), {"analogies": [kind(run / "q.txt")], "similarity": [kind(run / "pairs.txt")]}
    )
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
        assert f"--output {file} exists and is no report of this command" in capsys.readouterr().err
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
        (["--vectors", "{run}/out"], "nothing to evaluate: give --analogies, --similarity, --categories, --o"),
        (["--vectors", "{run}/out", "--analogies", "{run}/absent.txt"], "absent.txt cannot be read"),
        (
            ["--vectors", "{run}/out", "--similarity", "{run}/q.txt"],
            "q.txt holds analogy questions, which belong to --analogies",
        ),
        (["--vectors", "{run}/out", "--analogies", "{run}/pairs.txt"], "scores, which belong to --similarity"),
        (["--vectors", "{run}/out", "--similarity", "{run}/out/_SUCCESS"], "_SUCCESS holds no word pairs"),
        (["--vectors", "{run}/absent", "--analogies", "{run}/q.txt"], "absent does not exist; check the path"),
        (["--vectors", "s9://x/y", "--analogies", "{run}/q.txt"], "s9://x/y"),
        (["--vectors", "{run}/out", "--analogies", "{run}/q.txt", "--seed", "-1"], "--seed = -1"),
        (
            ["--vectors", "{run}/out", "--analogies", "{run}/q.txt", "--against", "{run}/absent"],
            "absent does not exist",
        ),
        (
            ["--vectors", "{run}/out", "--similarity", "no_such_package:x.txt"],
            "no package no_such_package can be imported",
        ),
        (["--vectors", "{run}/out", "--similarity", "{run}/weat.json"], "weat.json holds WEAT tests of four sets of"),
        (["--vectors", "{run}/out", "--weat", "{run}/pairs.txt"], "scores, which belong to --similarity"),
        (["--vectors", "{run}/out", "--outliers", "{run}/topics"], "words with categories, which belong to --categ"),
        (["--vectors", "{run}/out", "--categories", "{run}/odd"], "words with outliers, which belong to --outliers"),
        (["--vectors", "{run}/out", "--rnd", "{run}/weat.json"], "four sets of words, which belong to --weat"),
        (["--vectors", "{run}/out", "--weat", "{run}/weat.json"], "weat.json, line 1: the vectors know 0 of 4 words"),
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

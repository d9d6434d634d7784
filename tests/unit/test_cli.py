"""The command ``w2v-spark``: its help, its errors in one line, its exit codes, and what it imports."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT
from w2v_spark import __version__
from w2v_spark.cli import main as cli
from w2v_spark.cli import path
from w2v_spark.cli.main import entry_point, main
from w2v_spark.cli.package_zip import write_package_zip
from w2v_spark.cli.parsers import COMMANDS, build_command_parser
from w2v_spark.errors import ConfigError, DivergedError, InputError, MissingExtra, Name

HIDDEN = "import sys; sys.modules.update(dict.fromkeys(['pyspark', 'numba', 'tqdm', 'threadpoolctl', 'pandas']))\n"


def run(code: str, *arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let ``w2v-spark path`` end with an error."""

    def run(options: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(path, "run", run)


# Help


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(command.help)}$", shown.out, re.MULTILINE)
    assert "exit codes:\n  0  done" in shown.out


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_shows_an_example_that_parses(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    lines = capsys.readouterr().out.partition("\nexample:\n")[2].splitlines()
    assert lines[0].startswith(f"  w2v-spark {name}")
    for line in lines:
        called, *arguments = shlex.split(re.sub(r".*w2v-spark (path\) )?", "", line))
        build_command_parser(called).parse_all(arguments)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"w2v-spark {__version__}\n"


def test_help_needs_the_base_installation_only() -> None:
    """Of all commands in one process, which takes as long as one of them."""
    code = "from w2v_spark.cli.main import main; print([name for name in sys.argv[1:] if main([name, '--help'])])"
    done = run(HIDDEN + code, *COMMANDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"
    assert [name for name in COMMANDS if f"usage: w2v-spark {name} " not in done.stdout] == []


@pytest.mark.parametrize(
    "arguments", [["--help"], ["evaluate", "--vectors", "/nowhere", "--analogies", "/nowhere"], ["path"]]
)
def test_a_command_imports_what_it_needs(arguments: list[str]) -> None:
    code = (
        "import sys; from w2v_spark.cli.main import main; main()\n"
        "from w2v_spark.cli.parsers import COMMANDS\n"
        "print([name for name in ('numba', 'pyspark', 'pandas', 'tqdm') if name in sys.modules])\n"
        "print([name for name, command in COMMANDS.items() if command.module in sys.modules])"
    )
    libraries, commands = run(code, *arguments).stdout.splitlines()[-2:]
    assert libraries == "[]"
    assert commands == str([name for name in arguments if name in COMMANDS])


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unknown command 'trian', did you mean 'train'?; see: w2v-spark --help"),
        (["x"], f"unknown command 'x'; the commands are {', '.join(COMMANDS)}; see: w2v-spark --help"),
        (["--versoin"], "unknown option '--versoin', did you mean '--version'?; see: w2v-spark --help"),
        (["train", "--inptu=x"], "unknown option '--inptu=x', did you mean '--input'?; see: w2v-spark train --help"),
        (["train", "--out", "x"], "unknown option '--out'"),
        (["path", "x"], "unknown argument 'x'; see: w2v-spark path --help"),
        (["evaluate"], "the following arguments are required: --vectors; see: w2v-spark evaluate --help"),
        (["export", "--limit", "x"], "argument --limit: invalid int value: 'x'; see: w2v-spark export --help"),
        (["train", "--input", "x"], "--output or --publish is needed; see: w2v-spark train --help"),
        (["train", "--set", "model.dim=x"], "model.dim = 'x' is not allowed"),
    ],
)
def test_mistakes_are_one_line_and_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"error: {message}")
    assert shown.err.count("\n") == 1


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "commands:\n  train" in shown.err


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_may_be_cut_short(name: str) -> None:
    assert not build_command_parser(name).allow_abbrev


# Errors and exit codes


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ConfigError(Name("skip_unknown"), " or ", Name("train.epochs")), 2, "--skip-unknown or train.epochs"),
        (ConfigError(Name("text.column"), " = 'x'"), 2, "--column = 'x'"),
        (InputError("two\nlines"), 2, "two lines"),
        (MissingExtra("pyspark is not installed"), 2, "pyspark is not installed"),
        (DivergedError("not finite"), 1, "not finite"),
        (FileNotFoundError(2, "No such file or directory", "/x"), 1, "[Errno 2] No such file or directory: '/x'"),
        (BrokenPipeError(32, "Broken pipe"), 1, "[Errno 32] Broken pipe"),
        (MemoryError(), 1, "MemoryError"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_are_one_line_with_a_code(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, error)
    assert main(["path"]) == code
    assert capsys.readouterr() == ("", f"error: {message}\n")


def test_an_error_of_spark_is_its_cause(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    errors = pytest.importorskip("pyspark.errors")
    fail_with(monkeypatch, errors.PySparkException("Job aborted\nCaused by: java.io.IOException: disk is gone\n\tat x"))
    assert main(["path"]) == 1
    assert capsys.readouterr().err == "error: Spark failed: java.io.IOException: disk is gone\n"


def test_a_mistake_of_the_program_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["path"])


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_only_a_failure_ends_the_process(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Databricks calls the entry point as a function and takes any `SystemExit` for a failure."""
    monkeypatch.setattr(cli, "main", lambda argv: code)
    if code == 0:
        entry_point()
        return
    with pytest.raises(SystemExit) as ending:
        entry_point()
    assert ending.value.code == code


def test_the_arguments_are_those_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["w2v_spark", "path"])
    entry_point()
    assert capsys.readouterr().out == f"{path.ENTRY}\n"


@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_failure(buffered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", buffered)
    reader, writer = os.pipe()
    os.close(reader)
    done = run("from w2v_spark.cli.main import entry_point; entry_point()", "train", "--print-config", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("buffered", ["", "1"])
def test_results_that_cannot_be_written_are_a_failure(buffered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", buffered)
    with Path("/dev/full").open("w") as full:
        code = "from w2v_spark.cli.main import entry_point; entry_point()"
        done = run(code, "train", "--print-config", stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr == "error: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)])
def test_closed_streams_do_no_harm(closed: str, code: int) -> None:
    command = f"{shlex.quote(sys.executable)} -m w2v_spark train --print-config {closed}"
    assert subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, timeout=60, check=False).returncode == 0
    command = f"{shlex.quote(sys.executable)} -m w2v_spark nothing {closed}"
    assert subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, timeout=60, check=False).returncode == 2


def test_characters_that_the_terminal_lacks_are_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    code = "from w2v_spark.cli.main import entry_point; entry_point()"
    done = run(code, "train", "--print-config", "--set", "text.column=слово")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"\\u0441\\u043b' in done.stdout


# Other ways to start it


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (["-m", "w2v_spark"], ["train"]),
        ([str(path.ENTRY)], ["train"]),
        ([str(ROOT / "jobs" / "train.py")], []),
    ],
)
def test_every_entry_runs_the_command(command: Sequence[str], arguments: Sequence[str], tmp_path: Path) -> None:
    full = [sys.executable, *command, *arguments]
    done = subprocess.run([*full, "--print-config"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("[text]\n")
    done = subprocess.run([*full, "--input", "x"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


JOBS = """
import contextlib, io, json, runpy, sys
shown = {}
for file in sys.argv[1:]:
    sys.argv, sys.path[0], said = [file, "--help"], file.rpartition("/")[0], io.StringIO()
    with contextlib.redirect_stdout(said):
        runpy.run_path(file, run_name="__main__")
    shown[file] = said.getvalue()
print(json.dumps(shown))
"""


def test_the_files_of_a_checkout_are_the_commands() -> None:
    """All in one process, as Python would run each; one is started on its own above."""
    files = sorted((ROOT / "jobs").glob("*.py"))
    done = run(JOBS, *map(str, files))
    assert (done.returncode, done.stderr) == (0, "")
    shown = {Path(file).stem: text for file, text in json.loads(done.stdout).items()}
    assert sorted(shown) == [file.stem for file in files]
    commands = {name: {"import_vectors": "import"}.get(name, name) for name in shown}
    assert [name for name in shown if not shown[name].startswith(f"usage: w2v-spark {commands[name]} ")] == []


def test_the_entry_has_a_directory_of_its_own() -> None:
    """Python puts it on ``sys.path``, where our modules would take the place of others of their names."""
    assert sorted(file.name for file in path.ENTRY.parent.glob("*.py")) == ["__init__.py", "w2v_spark_job.py"]


# The zip


def test_the_zip_is_imported_and_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "w2v_spark.zip"
    for _ in range(2):
        assert main(["path", "--zip", str(target)]) == 0
        assert capsys.readouterr().out == f"{target}\n"
    assert [file.name for file in target.parent.iterdir()] == [target.name]
    code = f"import sys; sys.path.insert(0, {str(target)!r}); import w2v_spark.cli.main; print(w2v_spark.__file__)"
    assert run(code).stdout == f"{target}/w2v_spark/__init__.py\n"


def test_the_zip_makes_no_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"there is no directory {re.escape(str(tmp_path / 'new'))}; make it first"):
        write_package_zip(tmp_path / "new" / "w2v_spark.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["text", "zip", "directory"])
def test_the_zip_replaces_nothing_else(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    if kind == "directory":
        target.mkdir()
    elif kind == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("a.txt", "mine")
    else:
        target.write_text("mine")
    before = target.read_bytes() if target.is_file() else b""
    with pytest.raises(ConfigError, match=f"zip {re.escape(str(target))} exists and is no zip of w2v_spark"):
        write_package_zip(target)
    assert (target.read_bytes() if target.is_file() else b"") == before
    assert list(tmp_path.iterdir()) == [target]

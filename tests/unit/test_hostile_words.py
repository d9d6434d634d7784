"""Hostile words come through tables, exports and reports as they are, or are refused by a format that has no room."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from tests.conftest import ROOT
from tests.unit.hostile import HOSTILE, LONG, WITH_BLANKS, WITHOUT_BLANKS
from w2v_spark.cli.terminal import TerminalOutput
from w2v_spark.config import Config
from w2v_spark.config.configuration import SETTINGS
from w2v_spark.errors import ConfigError, InputError, Name, W2VError, WordNotFound, one_line, printable
from w2v_spark.evaluation.report_files import write_report
from w2v_spark.evaluation.report_table import format_report
from w2v_spark.evaluation.suite import evaluate
from w2v_spark.formats.exporting import export_vectors
from w2v_spark.formats.formats import Format, VectorFile
from w2v_spark.formats.importing import import_vectors
from w2v_spark.phrases.dictionary import load_dictionary
from w2v_spark.publishing.description import to_html
from w2v_spark.run.progress import Progress
from w2v_spark.storage import Directory
from w2v_spark.text.user_tokenizer import check_tokenizer
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.table import write_vectors

WORDS = [*HOSTILE, LONG, "plain"]
OBEYED = [chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\t\n"] + list(
    "\u202e\u2066\u200f"
)


def matrix_of(words: list[str]) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((len(words), 16)).astype(np.float32)


def write(directory: Path, words: list[str]) -> Path:
    counts, local = np.arange(len(words), 0, -1), fs.LocalFileSystem()
    described = {"import": json.dumps({"file": "\x1b[2J\u202e<b>\x00"}, ensure_ascii=False)}
    write_vectors(local, str(directory / "vectors"), pa.array(words), counts, [matrix_of(words)], described)
    (directory / "_SUCCESS").touch()
    return directory


def test_tables(tmp_path: Path) -> None:
    write(tmp_path, WORDS)
    vectors = KeyedVectors.load(tmp_path)
    assert vectors.words == WORDS
    for row, word in enumerate(WORDS):
        assert vectors.index(word) == row
        assert vectors[word].tobytes() == matrix_of(WORDS)[row].tobytes()
        assert vectors.most_similar(word, topn=3)[0][0] in WORDS
    assert pq.read_table(tmp_path / "vectors")["word"].to_pylist() == WORDS
    seen = duckdb.execute(f"select word from '{tmp_path}/vectors/*.parquet' order by id").fetchall()
    assert [word for (word,) in seen] == WORDS


@pytest.mark.parametrize("kind", [*Format])
def test_there_and_back(tmp_path: Path, kind: Format) -> None:
    """Every format gives back what it has taken."""
    words = {
        Format.NUMPY: [word for word in WORDS if not set(word) & {"\n", "\r"}],
        Format.PARQUET: WORDS,
    }.get(kind, [*WITHOUT_BLANKS, LONG, "plain"])
    write(tmp_path / "table", words)
    name = {Format.NUMPY: "v.npy", Format.PARQUET: "v.parquet", Format.WORD2VEC_BINARY: "v.bin"}.get(kind, "v.txt")
    vocabulary = tmp_path / "v.vocab.txt" if kind is Format.NUMPY else None
    file = VectorFile(tmp_path / name, kind, vocabulary=vocabulary)
    assert export_vectors(tmp_path / "table", file) == len(words)
    import_vectors(file, Directory.open(tmp_path / "again"))
    again = KeyedVectors.load(tmp_path / "again")
    assert again.words == words
    assert again.matrix.tobytes() == matrix_of(words).tobytes()


@pytest.mark.parametrize("word", WITH_BLANKS)
@pytest.mark.parametrize("kind", [Format.WORD2VEC_TEXT, Format.WORD2VEC_BINARY, Format.NUMPY])
def test_what_a_format_has_no_room_for(tmp_path: Path, kind: Format, word: str) -> None:
    if kind is Format.NUMPY and not set(word) & {"\n", "\r"}:
        return
    write(tmp_path / "table", ["plain", word])
    vocabulary = tmp_path / "v.vocab.txt" if kind is Format.NUMPY else None
    with pytest.raises(InputError, match=r"rank 1: the word .* holds white space"):
        export_vectors(tmp_path / "table", VectorFile(tmp_path / "v", kind, vocabulary=vocabulary))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table"]


def test_a_word_beyond_a_mebibyte_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "table", ["plain", LONG + LONG])
    with pytest.raises(InputError, match="rank 1: a word of 2000000 bytes, 'longlong"):
        export_vectors(tmp_path / "table", VectorFile(tmp_path / "v.parquet", Format.PARQUET))


def hostile_sections(path: Path) -> list[str]:
    names = ["\x1b[31mred", "\u202eback\u202c", "<b>&", 'quote"', "nul\x00", "\x9b2J"]
    lines = [f": {name}\na1 b1 c1 d1\n" for name in names]
    path.write_text("".join(lines), encoding="utf-8")
    return names


def test_reports(tmp_path: Path) -> None:
    write(tmp_path / "table", ["a1", "b1", "c1", "d1", *HOSTILE])
    names = hostile_sections(tmp_path / "q.txt")
    report = evaluate(tmp_path / "table", {"analogies": [tmp_path / "q.txt"]})
    assert [section["name"] for section in report["analogies"][0]["sections"]] == names
    write_report(report, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == report
    shown = printable(format_report(report))
    assert not set(shown) & set(OBEYED)
    assert "\\x1b[31mred" in shown


def run_evaluate(tmp_path: Path, terminal: bool) -> tuple[str, str]:
    """Standard output and standard error of the command, on a terminal or in a pipe."""
    command = [sys.executable, "-m", "w2v_spark", "evaluate", "--vectors", str(tmp_path / "table"), "--analogies"]
    if not terminal:
        done = subprocess.run([*command, str(tmp_path / "q.txt")], cwd=ROOT, capture_output=True, check=True)
        return done.stdout.decode(), done.stderr.decode()
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*command, str(tmp_path / "q.txt")], cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        parts = []
        try:
            while part := os.read(ours, 65_536):
                parts.append(part)
        except OSError:  # the other end is closed
            pass
        assert process.stderr is not None
        errors = process.stderr.read().decode()
    os.close(ours)
    return b"".join(parts).decode().replace("\r\n", "\n"), errors


def test_a_terminal_shows_what_a_pipe_is_given(tmp_path: Path) -> None:
    write(tmp_path / "table", ["a1", "b1", "c1", "d1", *WITHOUT_BLANKS])
    names = hostile_sections(tmp_path / "q.txt")
    piped, errors = run_evaluate(tmp_path, terminal=False)
    assert errors == ""
    assert all(name in piped for name in names)
    shown, errors = run_evaluate(tmp_path, terminal=True)
    assert errors == ""
    assert shown == printable(piped)
    assert not set(shown) & set(OBEYED)


def test_errors_are_one_line_that_no_terminal_obeys(tmp_path: Path) -> None:
    write(tmp_path, WORDS)
    vectors = KeyedVectors.load(tmp_path)
    for word in HOSTILE:
        with pytest.raises(WordNotFound) as caught:
            vectors.most_similar(f"no {word}")
        assert not set(caught.value.render(str)) & {*OBEYED, "\n"}
    with pytest.raises(WordNotFound) as caught:
        vectors.most_similar(LONG + "x")
    assert len(caught.value.render(str)) < 4100
    assert W2VError("a\x1b[2J\nb", Name("x.y")).render(str.upper) == "a\\x1b[2J bX.Y"
    assert one_line("x" * 10_000).startswith("x" * 2000 + " ... (6,000 characters) ... x")


def test_what_a_terminal_obeys_is_shown() -> None:
    assert printable("a\tb\nc é 日本 👩‍👩‍👧 ä") == "a\tb\nc é 日本 👩‍👩‍👧 ä"
    assert printable("\x1b[31m\x00\r\x9b\u202e\ud800") == "\\x1b[31m\\x00\\r\\x9b\\u202e\\ud800"
    assert all(printable(character) == repr(character)[1:-1] for character in OBEYED)
    stream = io.StringIO()
    output = TerminalOutput(stream)
    print("a\x1b[2J", file=output, flush=True)
    assert stream.getvalue() == "a\\x1b[2J\n"
    assert not output.isatty()


def test_progress_and_notebooks() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.say("reading \x1b[2J\u202e")
    progress.warn("column \x07")
    assert stream.getvalue() == "reading \\x1b[2J\\u202e\nWARNING: column \\x07\n"
    shown = to_html("<b>", ["a"], [[word] for word in HOSTILE])
    assert "<script>" not in shown
    assert "<b>" not in shown


def test_no_setting_names_a_file() -> None:
    """What is free text names a column, or a tokenizer among what can be imported: no path is opened or written.

    But for two, files of words that the driver reads.
    """
    free = [entry.name for entry in SETTINGS if str in entry.options]
    assert free == ["text.column", "text.tokenizer", "text.dictionary", "phrases.connector_words"]
    for value in ("../../etc/passwd", "/etc/passwd", "s3://bucket/key", "a\x00b", LONG):
        assert Config.from_dict({"text": {"column": value}}).text.column == value
        with pytest.raises(ConfigError, match="expected one of 'unicode'"):
            check_tokenizer(Config.from_dict({"text": {"tokenizer": value}}).text)
        with pytest.raises((ConfigError, InputError), match=r"text\.dictionary"):
            load_dictionary(Config.from_dict({"text": {"dictionary": value}}).text)

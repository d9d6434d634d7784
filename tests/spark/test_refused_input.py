"""Input that cannot be used is refused in one clear line, with exit code 2 and nothing written."""

from __future__ import annotations

import bz2
import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.spark.documents import REPEATED, half, write_text

PARQUET = ("--format", "parquet")


# Input that is not there


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "does not exist"),
        ("missing/*.txt", "matches no file"),
        ("missing[1].txt", "matches no file"),
        ("missing.{txt,gz}", "Path does not exist"),
        ("empty.txt", "is empty: 1 file(s) of 0 bytes"),
        ("empties", "is empty: 2 file(s) of 0 bytes"),
        ("directory", "holds no files"),
        ("hidden", "names that start with . or _ are not read"),
        ("hidden/_a.txt", "names that start with . or _ are not read"),
        ("dangling/link", "does not exist"),
        ("dangling", "is not readable"),
    ],
)
def test_input_that_is_missing_or_empty(refused, tmp_path, out, path, message):
    write_text(tmp_path / "empty.txt", [])
    write_text(tmp_path / "empties/a.txt", [])
    write_text(tmp_path / "empties/b/c.txt", [])
    (tmp_path / "directory/below").mkdir(parents=True)
    write_text(tmp_path / "hidden/_a.txt")
    write_text(tmp_path / "hidden/.b.txt")
    write_text(tmp_path / "hidden/_temporary/c.txt")
    write_text(tmp_path / "dangling/a.txt")
    (tmp_path / "dangling/link").symlink_to(tmp_path / "nowhere")
    said = refused(tmp_path / path, out)
    assert message in said
    assert path.split("/")[0] in said


def test_input_without_permission(refused, text, tmp_path, out):
    closed = write_text(tmp_path / "in" / "a.txt")
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user reads everything")
    assert f"input {closed} is not readable" in refused([text, closed.parent], out)


def test_one_missing_input_of_several(refused, text, tmp_path, out):
    assert "missing does not exist" in refused([text, tmp_path / "missing"], out)


def test_a_scheme_that_nobody_knows(refused, text, out):
    assert "unheard" in refused([Path("unheard://of/it")], out)
    said = refused(text, out, "--output", "unheard://of/it")
    assert "unheard://of/it is not a path or URI that can be opened" in said


# Input that cannot be read


def write_cut_gzip(folder: Path) -> list[str]:
    (folder / "bad.gz").write_bytes(gzip.compress(os.urandom(10_000)))
    half(folder / "bad.gz")
    return []


def write_no_gzip(folder: Path) -> list[str]:
    write_text(folder / "bad.gz")
    return []


def write_cut_bz2(folder: Path) -> list[str]:
    (folder / "bad.bz2").write_bytes(bz2.compress("\n".join(REPEATED).encode()))
    half(folder / "bad.bz2")
    return []


def write_cut_parquet(folder: Path) -> list[str]:
    pq.write_table(pa.table({"text": REPEATED}), folder / "bad.parquet")
    half(folder / "bad.parquet")
    return ["--format", "parquet"]


def write_damaged_parquet(folder: Path) -> list[str]:
    pq.write_table(pa.table({"text": REPEATED}), folder / "bad.parquet")
    data = bytearray((folder / "bad.parquet").read_bytes())
    data[20:60] = b"\xff" * 40  # in the first page, behind what Spark looks at before it reads
    (folder / "bad.parquet").write_bytes(data)
    return ["--format", "parquet"]


def write_text_as(name: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        write_text(folder / f"bad.{name}")
        return ["--format", name]

    return write


def write_cut_parquet_among_good(folder: Path) -> list[str]:
    (folder / "bad").mkdir()
    for name in "ab":
        pq.write_table(pa.table({"text": REPEATED}), folder / f"bad/{name}.parquet")
    half(folder / "bad/b.parquet")
    return ["--format", "parquet"]


def write_parquet_of_two_types(folder: Path) -> list[str]:
    (folder / "bad").mkdir()
    pq.write_table(pa.table({"text": REPEATED}), folder / "bad/a.parquet")
    pq.write_table(pa.table({"text": [1, 2]}), folder / "bad/b.parquet")
    return ["--format", "parquet"]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_cut_gzip, "bad.gz cannot be read: java.io.EOFException: Unexpected end of input stream; repair it"),
        (write_no_gzip, "bad.gz cannot be read: java.io.IOException: not a gzip file; repair it or leave it out"),
        (write_cut_bz2, "bad.bz2 cannot be read"),
        (write_cut_parquet, "bad.parquet is not a Parquet file"),
        (write_damaged_parquet, "bad.parquet cannot be read"),
        (write_text_as("parquet"), "bad.parquet is not a Parquet file"),
        (write_text_as("orc"), "Malformed ORC file"),
        (write_text_as("json"), "bad.json has no line that is valid JSON; if a record goes over several lines"),
        (write_cut_parquet_among_good, "bad/b.parquet cannot be read"),
        (write_parquet_of_two_types, "bad/b.parquet cannot be read"),
    ],
)
def test_input_that_is_corrupt_or_of_another_format(refused, tmp_path, out, write, message):
    options = write(tmp_path)
    assert message in refused(next(tmp_path.glob("bad*")), out, *options)


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file with columns of many types, none of them of text."""
    path = tmp_path_factory.mktemp("columns") / "a.parquet"
    maps = pa.array([[("a", 1)], [("b", 2)]], pa.map_(pa.string(), pa.int32()))
    table = {"number": [1, 2], "map": maps, "numbers": [[1.5], [2.5]], "lists": [[["a"]], [["b"]]],
             "record": [{"text": "a"}, {"text": "b"}], "flag": [True, False]}  # fmt: skip
    pq.write_table(pa.table(table), path)
    return path


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("number", "--column = 'number' is of type bigint; it must be text (string or binary) or an array of words"),
        ("map", "is of type map<string,int>"),
        ("numbers", "is of type array<double>"),
        ("lists", "is of type array<array<string>>"),
        ("record", "is of type struct<text:string>"),
        ("record.other", "--column = 'record.other' is not in the input"),
        ("record.text.a", "--column = 'record.text.a' is not in the input"),
        ("Record", "is of type struct<text:string>"),
        ("flag", "is of type boolean"),
        ("text", "--column = 'text' is not in the input; its columns are number, map, numbers, lists, record, flag"),
        ("NUMBER", "--column = 'NUMBER' is of type bigint"),
        ("", "--column is empty"),
    ],
)
def test_columns_that_are_absent_or_of_another_type(refused, columns, out, column, message):
    assert message in refused(columns, out, *PARQUET, "--column", column)


@pytest.mark.parametrize(
    ("documents", "settings", "message"),
    [
        (REPEATED, ["vocabulary.min_count=81"],
         "no word reaches vocabulary.min_count = 81 (the most frequent of 8 words occurs 80 times)"),
        (REPEATED, ["vocabulary.min_count=61"], "only one word reaches vocabulary.min_count = 61"),
        (REPEATED, ["vocabulary.max_size=1"], "only one word reaches"),
        (["word", "Word WORD"], [], "only one word reaches vocabulary.min_count = 1"),
        ([None, None], [], "there is no document in the input"),
        (["", " ", "?! --"], [], "3 documents hold no word"),
        ([], [], "there is no document in the input"),
    ],
)  # fmt: skip
def test_too_few_words(refused, tmp_path, out, documents, settings, message):
    pq.write_table(pa.table({"text": pa.array(documents, pa.string())}), tmp_path / "a.parquet")
    said = refused(tmp_path / "a.parquet", out, *PARQUET, settings=settings)
    assert message in said
    assert ("check it, --where" if "no document" in message else "lower vocabulary.min_count, or check") in said


def test_errors_of_spark_itself_are_one_line(job, text, out, monkeypatch):
    def break_in_task(batches: Any) -> Any:
        for _ in batches:
            raise ZeroDivisionError("not the fault of the input")
        yield

    monkeypatch.setattr(
        "w2v_spark.spark.count_pass.partial_counts",
        lambda documents, *_: documents.mapInArrow(break_in_task, "word string, statistic string, count bigint"),
    )
    code, _, err = job(text, out, "--quiet")
    said = r"error: Spark failed: ZeroDivisionError: not the fault of the input( \(details: \S+\.log\))?\n"
    assert code == 1
    assert re.fullmatch(said, err)
    assert not out.exists()

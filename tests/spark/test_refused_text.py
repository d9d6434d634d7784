"""Input that is not the text, or the lines, that it is taken for: refused, or counted and warned of."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.spark.documents import REPEATED, write_text


def named(name: str, data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return write


def zipped(data: bytes) -> bytes:
    with io.BytesIO() as sink:
        with zipfile.ZipFile(sink, "w") as archive:
            archive.writestr("a.txt", data)
        return sink.getvalue()


def tarred(data: bytes) -> bytes:
    with io.BytesIO() as sink:
        with tarfile.open(fileobj=sink, mode="w") as archive:
            entry = tarfile.TarInfo("a.txt")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        return sink.getvalue()


TEXT = "\n".join(REPEATED).encode()
GERMAN = "\n".join(["Die Größe der Straße ist schön", "Der Fuß ist groß und schön"] * 20)


@pytest.mark.parametrize(
    ("write", "options", "message"),
    [
        (named("a.txt.xz", lzma.compress(TEXT)), [], "a.txt.xz is compressed with xz, which Spark does not read"),
        (named("a.txt", lzma.compress(TEXT)), [], "a.txt is compressed with xz"),
        (
            named("a.txt.lz4", b"\x04\x22\x4d\x18" + TEXT),
            [],
            "a.txt.lz4 is compressed with lz4, which Spark",
        ),
        (named("a.zip", zipped(TEXT)), [], "a.zip is a zip archive; unpack it first"),
        (named("a.tar", tarred(TEXT)), [], "a.tar is a tar archive"),
        (named("a.tar.gz", gzip.compress(tarred(TEXT))), [], "a.tar.gz is a tar archive"),
        (named("a.txt.bz2", bz2.compress(zipped(TEXT))), [], "a.txt.bz2 is a zip archive"),
        (
            named("a.txt", gzip.compress(TEXT)),
            [],
            "Spark knows that by a name that ends in .gz, so rename it",
        ),
        (named("a.txt", GERMAN.encode("utf-16")), [], "a.txt is text in UTF-16; give --encoding utf-16"),
        (named("a.txt", GERMAN.encode("utf-32")), [], "a.txt is text in UTF-32; give --encoding utf-32"),
        (named("a.txt", GERMAN.encode("utf-16-le")), [], "a.txt holds zero bytes"),
        (named("a.txt", GERMAN.encode("utf-16-le")), ["--encoding", "utf-16"], "do not begin with a byte-order mark"),
        (
            named("a.txt", GERMAN.encode("latin-1")),
            [],
            "are not UTF-8; if it is text in another encoding",
        ),
        (named("a.txt", GERMAN.encode("latin-1")), ["--encoding", "ascii"], "bytes of the text are not UTF-8"),
        (named("a.txt", TEXT), ["--encoding", "latin-none"], "encoding latin-none is not known"),
        (named("a.txt", TEXT), ["--encoding", "rot13"], "encoding rot13 is not known"),
        (named("a.txt", TEXT), ["--encoding", "cp037"], "encoding cp037 is not possible"),
        (
            named("a.parquet", TEXT),
            ["--encoding", "cp1252", "--format", "parquet"],
            "is for text, CSV and JSON",
        ),
    ],
)
def test_what_is_no_text_in_utf8(refused, tmp_path, out, write, options, message):
    assert message in refused(write(tmp_path), out, *options)


def test_a_table_that_nobody_has_called_so(refused, tmp_path, out):
    pq.write_table(pa.table({"text": REPEATED}), tmp_path / "data")
    assert f"{tmp_path}/data is a Parquet file; give --format parquet" in refused(tmp_path / "data", out)
    (tmp_path / "data").rename(tmp_path / "c.parquet")
    assert "c.parquet is a Parquet file" in refused(tmp_path / "c.parquet", out, "--format", "text")


def test_text_that_is_a_little_invalid_warns_even_when_quiet(job, refused, tmp_path, out):
    source = named("a.txt", TEXT + b" caf\xe9")(tmp_path)
    code, _, err = job(source, out, "--quiet")
    size = len(TEXT) + 5 - TEXT.count(b"\n")  # lines without their ends
    assert (code, err) == (0, f"WARNING: 1 of {size:,} bytes of the text are not UTF-8 and were replaced\n")
    assert "give --max-invalid 0.01" in refused(source, tmp_path / "b", "--max-invalid", "0")


def test_files_of_several_formats(refused, tmp_path, out):
    write_text(tmp_path / "in/a.txt")
    write_text(tmp_path / "in/b/c.json.gz")
    said = refused(tmp_path / "in", out)
    assert f"holds files of several formats: {tmp_path}/in/b/c.json.gz (json), {tmp_path}/in/a.txt (text)" in said


def test_a_colon_in_a_name(refused, tmp_path, out):
    write_text(tmp_path / "in/2024-01-01T10:00:00.txt")
    assert "10:00:00.txt has a colon in its name, which Hadoop cannot read; rename it" in refused(tmp_path / "in", out)


def test_files_that_spark_does_not_see(refused, tmp_path, out, monkeypatch):
    """As where Java has no UTF-8 locale: what Spark lists lacks a file."""
    for name in ("a.txt", "größe.txt"):
        write_text(tmp_path / "in" / name)
    kind = type(SparkSession.active().range(1))
    list_all = kind.inputFiles
    monkeypatch.setattr(kind, "inputFiles", lambda frame: [uri for uri in list_all(frame) if "größe" not in uri])
    said = refused(tmp_path / "in", out)
    assert f"Spark sees 1 of 2 files, and '{tmp_path}/in/größe.txt' is not among them" in said


# Malformed lines


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("a.json", ['{"text": "a b"}', '{"text": "c', '{"text": "a b"}'],
         """1 of 3 lines are malformed JSON, for example '{"text": "c'; repair them, or give --max-invalid 0.34"""),
        ("a.csv", ["id,text", "1,a b", "2,a, b", "3"], "2 of 3 lines are malformed CSV, for example '2,a, b'"),
        ("b.csv", ["id,text", '1,"a', 'b"', "2,a b"], "give --option multiLine=true"),
    ],
)  # fmt: skip
def test_malformed_lines_stop_the_run(refused, tmp_path, out, name, lines, message):
    assert message in refused(write_text(tmp_path / name, lines), out)


def test_few_malformed_lines_are_counted(job, tmp_path, out):
    lines = [json.dumps({"text": text}) for text in REPEATED]
    source = write_text(tmp_path / "a.json", [*lines, '{"text": "cut o'])
    code, _, err = job(source, out, "--quiet", "--max-invalid", "0.02")
    assert code == 0
    assert err == (
        """WARNING: 1 of 61 lines are malformed JSON, for example '{"text": "cut o'; what Spark could not read of """
        "them is left out\n"
    )


def test_records_over_several_lines(job, tmp_path, out):
    source = write_text(tmp_path / "a.json", ["[", '{"text":', '"a b"}, {"text": "a b"}', "]"])
    assert job.train(source, out, "--option", "multiLine=true").counts == {"a": 2, "b": 2}


def test_users_may_decide_about_malformed_lines(job, refused, tmp_path, out):
    source = write_text(tmp_path / "a.json", ['{"text": "a b"}', '{"text": "c'])
    assert "Unexpected end-of-input" in refused(source, out, "--option", "mode=FAILFAST")
    assert job.train(source, out, "--option", "MODE=DROPMALFORMED").counts == {"a": 1, "b": 1}

"""Secrets are recognised by the names of options and the form of URIs, and are not written down anywhere."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.unit.vector_files import make_table
from w2v_spark.errors import ConfigError, Name
from w2v_spark.formats.exporting import export_vectors
from w2v_spark.formats.formats import Format, VectorFile
from w2v_spark.formats.importing import import_vectors
from w2v_spark.redaction import HIDDEN, hide, hide_options, is_secret
from w2v_spark.run.events import Events
from w2v_spark.run.progress import Progress
from w2v_spark.storage import Directory

SECRET_NAMES = [
    "password", "PASSWORD", "dbPassword", "passphrase", "pwd", "secret", "spark.authenticate.secret",
    "fs.s3a.secret.key", "fs.s3a.access.key", "fs.s3a.session.token", "fs.azure.account.key.x.dfs.core.windows.net",
    "token", "auth.token", "sas", "sig", "apiKey", "api_key", "private-key", "cloudFiles.clientSecret", "credentials",
    "X-Amz-Signature", "Authorization",
]  # fmt: skip
PLAIN_NAMES = [
    "sep", "escape", "header", "user", "dbtable", "encoding", "tokens", "tokenizer", "multiLine", "key", "keyColumn",
    "quote", "passes", "assign", "design", "mode", "timestampFormat", "maxRecordsPerFile", "bypass",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)
    assert hide_options({name: "hunter2"}) == {name: HIDDEN}
    for form in (f"{name}=hunter2", f"{name} = 'hun ter2'", f'x?{name}="hunter2"&b=1', f"jdbc:x;{name}=hunter2;a=b"):
        assert "ter2" not in hide(form)
        assert name in hide(form)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_names_of_others(name: str) -> None:
    assert not is_secret(name)
    assert hide_options({name: "hunter2"}) == {name: "hunter2"}
    assert hide(f"{name}=hunter2") == f"{name}=hunter2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://AKIA:s3cr3t@bucket/x is missing", "s3://***@bucket/x is missing"),
        ("s3://AKIA:s3/cr3+t=@bucket/x", "s3://***@bucket/x"),
        ("https://me:pw@host:8080/a, ftp://me:pw@host", "https://***@host:8080/a, ftp://***@host"),
        ("https://h/a?sig=abc%3D&sv=1", "https://h/a?sig=***&sv=1"),
        ("s3://b/x?access_key=A&secret_key=B&region=c", "s3://b/x?access_key=***&secret_key=***&region=c"),
        ("abfss://container@account.dfs.core.windows.net/x", "abfss://container@account.dfs.core.windows.net/x"),
        ("hdfs://name:8020/root@20260101", "hdfs://name:8020/root@20260101"),
        ("s3://bucket/root@20260101", "s3://bucket/root@20260101"),
        ("/home/a:b@c/d", "/home/a:b@c/d"),
        ("train.epochs = 3; tokens = 900", "train.epochs = 3; tokens = 900"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert hide(text) == expected


@pytest.mark.parametrize(
    "text",
    ["um" * 500_000, "a.b-" * 250_000, "a://b:" * 200_000, "a://b:" * 200_000 + "@", 'x="' * 250_000, " " * 10**6],
)
def test_the_longest_messages(text: str) -> None:
    """Each takes some hundredths of a second; a search that goes over a run of characters again would take hours."""
    assert hide(f"{text} :// = password=hunter2 s3://me:hunter2@b").count("hunter2") == 0


def test_what_is_said(tmp_path: Path) -> None:
    uri = "s3://me:hunter2@bucket/x"
    assert "hunter2" not in ConfigError(Name("input"), f" {uri} is missing").render(str)
    stream = io.StringIO()
    progress = Progress(stream)
    progress.say(f"reading {uri}")
    progress.warn("option password=hunter2")
    assert stream.getvalue() == "reading s3://***@bucket/x\nWARNING: option password=***\n"
    events = Events(tmp_path / "events")
    events.emit("start", command="train", output=uri, nested=[{"text": "token=hunter2"}])
    events.close()
    (line,) = (tmp_path / "events").read_text().splitlines()
    assert json.loads(line)["output"] == "s3://***@bucket/x"
    assert "hunter2" not in line


def test_what_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's location goes into the table and its description."""
    make_table(tmp_path / "table", ["a", "b"], np.ones((2, 3), np.float32))
    export_vectors(tmp_path / "table", VectorFile(tmp_path / "v.txt", Format.WORD2VEC_TEXT))
    place = Directory.open(tmp_path / "v.txt")
    uri = "s3://me:hunter2@bucket/v.txt"
    opened = Directory.open
    monkeypatch.setattr(Directory, "open", lambda location: place if str(location) == uri else opened(location))
    model = import_vectors(VectorFile(uri, Format.WORD2VEC_TEXT), opened(tmp_path / "out"))
    assert model["import"]["files"] == ["s3://***@bucket/v.txt"]
    assert b"hunter2" not in b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    (part,) = (tmp_path / "out/vectors").iterdir()
    assert json.loads(pq.read_metadata(part).metadata[b"w2v.import"])["file"] == "s3://***@bucket/v.txt"


def test_files_have_the_rights_that_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make_table(tmp_path / "table", ["a", "b"], np.ones((2, 3), np.float32))
        export_vectors(tmp_path / "table", VectorFile(tmp_path / "v.txt", Format.WORD2VEC_TEXT))
        import_vectors(VectorFile(tmp_path / "v.txt", Format.WORD2VEC_TEXT), Directory.open(tmp_path / "out"))
    finally:
        os.umask(before)
    rights = {path.stat().st_mode & 0o077 for path in [*tmp_path.rglob("*")]}
    assert rights == {0}

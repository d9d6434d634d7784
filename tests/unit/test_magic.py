"""Files are recognised by their first bytes, and text that begins like one is not."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import pickle
import sqlite3
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from w2v_spark.magic import BYTE_ORDER_MARKS, HEAD_BYTES, Kind, recognise


def compressed(codec: str) -> bytes:
    file = pa.BufferOutputStream()
    with pa.CompressedOutputStream(file, codec) as stream:
        stream.write(b"some words\n")
    return file.getvalue().to_pybytes()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        writer.writestr("x.txt", "some words\n")
    return file.getvalue()


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as writer:
        writer.addfile(tarfile.TarInfo("x.txt"))
    return file.getvalue()


def table(write: object) -> bytes:
    file = io.BytesIO()
    write(pa.table({"word": ["a", "b"]}), file)  # type: ignore[operator]
    return file.getvalue()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


FILES = {
    Kind.GZIP: gzip.compress(b"some words\n"),
    Kind.BZIP2: bz2.compress(b"some words\n"),
    Kind.XZ: lzma.compress(b"some words\n"),
    Kind.ZSTD: compressed("zstd"),
    Kind.LZ4: compressed("lz4"),
    Kind.ZIP: archive(),
    Kind.TAR: tar(),
    Kind.PARQUET: table(pq.write_table),
    Kind.ORC: table(orc.write_table),
    Kind.AVRO: b"Obj\x01\x04\x14avro.codec",
    Kind.NPY: array(),
    Kind.PICKLE: pickle.dumps({"vectors": [1.0]}),
    Kind.FASTTEXT: struct.pack("<iii", 793712314, 12, 100),
    Kind.UTF8: codecs.BOM_UTF8 + b"some words\n",
    Kind.UTF16_LE: codecs.BOM_UTF16_LE + "some words\n".encode("utf-16-le"),
    Kind.UTF16_BE: codecs.BOM_UTF16_BE + "some words\n".encode("utf-16-be"),
    Kind.UTF32_LE: codecs.BOM_UTF32_LE + "some words\n".encode("utf-32-le"),
    Kind.UTF32_BE: codecs.BOM_UTF32_BE + "some words\n".encode("utf-32-be"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_as_their_writers_make_them(kind: Kind) -> None:
    assert recognise(FILES[kind][:HEAD_BYTES]) is kind
    assert recognise(FILES[kind]) is kind


def test_nothing_within_and_an_empty_table_as_well(tmp_path: Path) -> None:
    assert recognise(bz2.compress(b"")) is Kind.BZIP2
    file = io.BytesIO()
    pq.write_table(pa.table({"word": pa.array([], pa.string())}), file)
    assert recognise(file.getvalue()) is Kind.PARQUET
    with zipfile.ZipFile(file := io.BytesIO(), "w"):
        pass
    assert recognise(file.getvalue()) is Kind.ZIP
    with sqlite3.connect(tmp_path / "x.db") as base:
        base.execute("create table t (a)")
    base.close()
    assert recognise((tmp_path / "x.db").read_bytes()) is Kind.SQLITE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "some words\n",
        "BZh9 is how bzip2 begins\n",
        "PAR1 for the course\n",
        "PAR1\n",
        "ORC and elf\nhobbit\n",
        "PK for Peter Kay\n",
        "7z is an archive\n",
        "Objective\n",
        "%PDF- is how they begin\n",
        "6 4\na 0.1257 -0.1321 0.6404 0.1049\n",
        "x" * 257 + "ustar\n",
        "\u043f\u0440\u0438\u0432\u0435\u0442 \u6771\u4eac\n",
    ],
)
def test_text_is_text(text: str) -> None:
    assert recognise(text.encode()) is None


def test_every_kind_has_a_phrase_and_every_mark_is_that_of_its_encoding() -> None:
    assert all(kind.phrase for kind in Kind)
    for kind, mark in BYTE_ORDER_MARKS.items():
        encoding = "utf-8" if kind is Kind.UTF8 else kind.value
        assert "\ufeff".encode(encoding) == mark

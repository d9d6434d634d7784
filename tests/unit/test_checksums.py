"""A vector table notices every changed byte, and tables that carry no digests still open."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from tests.conftest import ROOT
from tests.unit.vector_files import awkward_matrix, words_of
from w2v_spark.errors import StoreError
from w2v_spark.vectors import checksums, table
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.reading import VectorTable, open_vectors, read_vectors, read_words, stream_vectors
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.table import VECTOR_SCHEMA, write_vectors
from w2v_spark.vectors.thrift import decode_struct

V, D = 40, 16
WORDS = words_of(V)
COUNTS = np.arange(V, 0, -1, dtype=np.int64) * 10
MATRIX = awkward_matrix(V, D)

Open = Callable[[Path], VectorTable]


@pytest.fixture(autouse=True)
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of 16 rows, in blocks of 4."""
    monkeypatch.setattr(table, "ROWS_PER_GROUP", 16)
    monkeypatch.setattr(checksums, "BLOCK_BYTES", 4 * 4 * D)


def write(directory: Path, matrix: Matrix = MATRIX, rows_per_file: int = V, **metadata: str) -> list[Path]:
    local = fs.LocalFileSystem()
    words = pa.array(WORDS[: len(matrix)], pa.string())
    paths = write_vectors(local, str(directory), words, COUNTS[: len(matrix)], [matrix], metadata, rows_per_file)
    return [Path(path) for path in paths]


def is_the_table(content: VectorTable) -> bool:
    same = content.words.to_pylist() == WORDS and content.counts.tolist() == COUNTS.tolist()
    return same and content.matrix.tobytes() == MATRIX.tobytes()


def as_table(directory: Path) -> VectorTable:
    """All that streaming gives."""
    batches = list(stream_vectors(directory).batches)
    words, matrices, counts = zip(*batches, strict=True)
    return VectorTable(pa.concat_arrays(words), np.concatenate(counts), RowStack(list(matrices)), {})


WAYS: list[Open] = [open_vectors, read_vectors, as_table]


def test_every_byte_counts(tmp_path: Path) -> None:
    (path,) = write(tmp_path, MATRIX[:20], config='{"dim": 16}')
    content = path.read_bytes()
    unnoticed, unnamed = [], []
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        try:
            _ = WAYS[place % 3](tmp_path).matrix
            unnoticed.append(place)
        except StoreError as error:
            unnamed += [] if "part-00000.parquet" in str(error) else [place]
    assert (unnoticed, unnamed) == ([], [])


def test_bits_are_those_that_were_given(tmp_path: Path) -> None:
    write(tmp_path, rows_per_file=32)
    assert all(is_the_table(way(tmp_path)) for way in WAYS)
    assert np.array(pq.read_table(tmp_path)["vector"].to_pylist(), np.float32).tobytes() == MATRIX.tobytes()
    assert read_words(tmp_path) == WORDS


@pytest.mark.parametrize("stop", [1, 4, 5, 16, 17, 39])
def test_a_limit_looks_at_what_it_reads(tmp_path: Path, stop: int) -> None:
    write(tmp_path, rows_per_file=32)
    for way in (open_vectors, read_vectors):
        assert way(tmp_path, stop).matrix.tobytes() == MATRIX[:stop].tobytes()


def test_mapped_vectors_are_looked_at_when_they_are_touched(tmp_path: Path) -> None:
    path = write(tmp_path)[0]
    groups = json.loads(pq.read_metadata(path).metadata[b"w2v.checksums"])
    with path.open("r+b") as file:
        file.seek(groups[1]["numbers"] + 4 * D * 6)  # a number of row 22, in the block of rows 20 to 23
        file.write(b"\x01\x02\x03\x04")
    vectors = KeyedVectors.load(tmp_path)
    assert vectors.words == WORDS
    for row in (0, 19, 24, V - 1):
        assert vectors[row].tobytes() == MATRIX[row].tobytes()
    with pytest.raises(StoreError, match=r"part-00000\.parquet is damaged: the vectors of ids 20 to 23"):
        vectors[21]
    for use in (lambda: vectors.most_similar(0), lambda: vectors.matrix, lambda: vectors[[0, 23]], lambda: vectors[20]):
        with pytest.raises(StoreError, match="ids 20 to 23"):
            use()
    assert len(KeyedVectors.load(tmp_path, limit=20).matrix) == 20
    with pytest.raises(StoreError, match="ids 20 to 23"):
        _ = KeyedVectors.load(tmp_path, limit=21).matrix


def test_files_of_two_tables_are_not_mixed(tmp_path: Path) -> None:
    ours, theirs = write(tmp_path / "a", rows_per_file=16), write(tmp_path / "b", MATRIX / 2, rows_per_file=16)
    ours[1].write_bytes(theirs[1].read_bytes())
    with pytest.raises(StoreError, match=r"part-00001\.parquet was not written after .*part-00000\.parquet"):
        open_vectors(tmp_path / "a")


def test_lost_digests_are_missed(tmp_path: Path) -> None:
    first, second = write(tmp_path, rows_per_file=32)
    content = second.read_bytes()
    second.write_bytes(content.replace(b"w2v.footer_sha256", b"w2v.footer_sha257"))
    with pytest.raises(StoreError, match="lost its checksums"):
        read_vectors(tmp_path)
    second.write_bytes(content.replace(b"w2v.footer_sha256", b"xxx.footer_sha256").replace(b"w2v.", b"xxx."))
    with pytest.raises(StoreError, match=r"part-00001\.parquet has no checksums, other files"):
        read_vectors(tmp_path)
    second.write_bytes(b"")
    with pytest.raises(StoreError, match=r"part-00001\.parquet cannot be read: it is no Parquet file, or cut off"):
        read_vectors(tmp_path)
    second.write_bytes(first.read_bytes()[-200:])
    with pytest.raises(StoreError, match=r"a footer of .* bytes in a file of 200"):
        read_vectors(tmp_path)


def test_metadata_that_looks_like_a_digest_is_metadata(tmp_path: Path) -> None:
    text = "w2v.footer_sha256\x18@" + "7" * 64 + "ARROW:schema"
    path = write(tmp_path, import_=text)[0]
    content = open_vectors(tmp_path)
    assert is_the_table(content)
    assert content.metadata["import_"] == text
    path.write_bytes(path.read_bytes().replace(b"7777", b"7787", 1))
    with pytest.raises(StoreError, match="footer"):
        open_vectors(tmp_path)


def columns(matrix: Matrix = MATRIX) -> pa.Table:
    values = [pa.array(range(V), pa.int32()), pa.array(WORDS), pa.array(COUNTS), pa.array(list(matrix))]
    return pa.table(dict(zip(VECTOR_SCHEMA.names, values, strict=True)))


def write_version_1(path: Path) -> None:
    """As this package wrote tables before there were checksums."""
    names = {"w2v.format_version": "1", "w2v.vocabulary_size": str(V), "w2v.dim": str(D), "w2v.config": "{}"}
    with pq.ParquetWriter(
        path, VECTOR_SCHEMA, compression={"id": "zstd", "word": "zstd", "count": "zstd", "vector.list.element": "none"},
        use_dictionary=False, write_statistics=["id", "word", "count"], data_page_size=1 << 30, store_schema=False,
    ) as writer:  # fmt: skip
        writer.write_table(columns().cast(VECTOR_SCHEMA), row_group_size=16)
        writer.add_key_value_metadata(names)


def write_again(path: Path) -> None:
    """As who reads a table of ours with pyarrow and writes it, metadata included."""
    (ours,) = write(path.parent / "ours")
    again = pq.read_table(ours)
    assert b"w2v.footer_sha256" in again.schema.metadata
    pq.write_table(again, path, compression="zstd")


def write_plain(path: Path) -> None:
    pq.write_table(columns(), path, compression="none", use_dictionary=False)


def write_plain_with_infinity(path: Path) -> None:
    pq.write_table(columns(np.where(np.arange(V)[:, None] == 33, np.inf, MATRIX).astype(np.float32)), path,
                   compression="none", use_dictionary=False)  # fmt: skip


@pytest.mark.parametrize("write_file", [write_version_1, write_again, write_plain])
def test_tables_without_digests_open(tmp_path: Path, write_file: Callable[[Path], None]) -> None:
    path = tmp_path / "a.parquet"
    write_file(path)
    assert all(is_the_table(way(path)) for way in WAYS)


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_plain_with_infinity(path)
    for way in (read_vectors, as_table):
        with pytest.raises(StoreError, match="ids 32 to 35 are not all finite"):
            way(path)
    vectors = KeyedVectors.load(path)  # mapped
    assert vectors[31].tobytes() == MATRIX[31].tobytes()
    for row in (32, 33):
        with pytest.raises(StoreError, match=r"a\.parquet: the vectors of ids 32 to 35 are not all finite"):
            vectors[row]


FOOTERS = """
import random, sys
from pathlib import Path
from w2v_spark.errors import W2VError
from w2v_spark.vectors.reading import open_vectors, read_vectors
path = Path(sys.argv[1])
content = path.read_bytes()
length = int.from_bytes(content[-8:-4], "little") + 8
chance = random.Random(5)
for trial in range(int(sys.argv[2])):
    damaged = bytearray(content)
    damaged[-chance.randrange(1, length)] = chance.randrange(256)
    path.write_bytes(damaged)
    for way in (open_vectors, read_vectors):
        try:
            way(path).matrix
        except W2VError:
            pass
print("done")
"""


@pytest.mark.parametrize("write_file", [write_version_1, write_plain, write_again])
def test_damaged_footers_of_others_end_no_process(tmp_path: Path, write_file: Callable[[Path], None]) -> None:
    """In a process of its own: pyarrow may end it, as its accessors of column chunks do."""
    write_file(tmp_path / "a.parquet")
    command = [sys.executable, "-c", FOOTERS, str(tmp_path / "a.parquet"), "400"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]


def varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])


def test_thrift_structs() -> None:
    strings = bytes([0x28]) + b"".join(varint(len(word)) + word for word in (b"a", b"bcd"))
    long_list = bytes([0xF5]) + varint(20) + b"".join(varint(2 * n) for n in range(20))
    encoded = b"\x15\x03" + b"\x19" + strings + b"\x11" + b"\x12" + b"\x17" + struct.pack("<d", 1.5)
    encoded += b"\x06" + varint(2 * 300) + varint(2 * 70_000) + b"\x1c\x15\x01\x00" + b"\x19" + long_list + b"\x00rest"
    expected = {1: -2, 2: [b"a", b"bcd"], 3: True, 4: False, 5: 1.5, 300: 70_000, 301: {1: -1}, 302: list(range(20))}
    assert decode_struct(encoded) == expected
    for stop in range(len(encoded) - len(b"rest\x00")):
        with pytest.raises(ValueError, match=r"cut off|are said to follow|a list of"):
            decode_struct(encoded[:stop])


@given(st.binary(max_size=60))
def test_any_bytes_are_a_struct_or_a_value_error(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(decode_struct(content), dict)


def test_structs_within_structs_end_somewhere() -> None:
    with pytest.raises(ValueError, match="too deep"):
        decode_struct(b"\x1c" * 10_000)

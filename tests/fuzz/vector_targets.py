"""Vector tables, ours and others', and the files that vectors are imported from."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from tests.fuzz.target import Target, place, scratch
from w2v_spark.formats.formats import Format, VectorFile
from w2v_spark.formats.lenience import Duplicates, Lenience, UnicodeErrors
from w2v_spark.formats.opening import find_format, open_file
from w2v_spark.formats.parquet_columns import ParquetColumns
from w2v_spark.formats.word2vec_binary import write_binary
from w2v_spark.formats.word2vec_text import write_text
from w2v_spark.vectors import checksums, table
from w2v_spark.vectors.checksums import OWN_DIGEST, ZEROS
from w2v_spark.vectors.reading import VectorTable, open_vectors, read_vectors, stream_vectors
from w2v_spark.vectors.stream import Batch, VectorStream
from w2v_spark.vectors.table import VECTOR_SCHEMA, write_vectors

V, D = 20, 16
WORDS = [f"wörd{row}" if row % 3 else f"字 {row}" for row in range(V)]
COUNTS = np.arange(V, 0, -1, dtype=np.int64) * 7
MATRIX = np.random.default_rng(1).standard_normal((V, D)).astype(np.float32)
_GROUP = re.compile(
    rb'"start":(\d+),"numbers":(\d+),"stop":(\d+),"head":"([0-9a-f]{16})","rows":(\d+),"blocks":\[([^\]]*)\]'
)

_LENIENT = [
    Lenience(),
    Lenience(Duplicates.FIRST, True, UnicodeErrors.REPLACE),
    Lenience(Duplicates.ERROR, True, UnicodeErrors.IGNORE),
]


@contextmanager
def _small_spans() -> Iterator[None]:
    """Row groups of 8 rows and blocks of 4."""
    before = table.ROWS_PER_GROUP, checksums.BLOCK_BYTES
    table.ROWS_PER_GROUP, checksums.BLOCK_BYTES = 8, 4 * 4 * D
    try:
        yield
    finally:
        table.ROWS_PER_GROUP, checksums.BLOCK_BYTES = before


@lru_cache(maxsize=1)
def _own_tables() -> list[bytes]:
    """The one file of a table of ours, with long and with short vectors."""
    contents = []
    with _small_spans():
        for dim in (D, 3):
            directory = scratch() / f"own{dim}"
            words = pa.array(WORDS, pa.string())
            metadata = {"config": '{"train": {"epochs": 1}}'}
            (path,) = write_vectors(
                fs.LocalFileSystem(), str(directory), words, COUNTS, [MATRIX[:, :dim].copy()], metadata
            )
            contents.append(Path(path).read_bytes())
    return contents


def _check(content: VectorTable) -> None:
    assert np.isfinite(content.matrix).all(), "numbers that are not finite"
    assert len(content.words) == len(content.counts) == len(content.stack)
    assert not content.words.null_count


def read_table(data: bytes) -> None:
    """In the ways a table is read; a table of ours is what was written, or refused."""
    directory = scratch() / "table"
    directory.mkdir(exist_ok=True)
    (directory / "part-00000.parquet").write_bytes(data)
    content = open_vectors(directory)
    _check(content)
    again = read_vectors(directory)
    assert content.words.equals(again.words)
    assert content.matrix.tobytes() == again.matrix.tobytes()


def read_own_table(data: bytes) -> None:
    """A damaged table of ours gives what was written, or nothing at all."""
    read_table(data)
    if b"w2v." not in data:  # so much is gone that it is any table
        return
    content = read_vectors(scratch() / "table")
    assert content.words.to_pylist() == WORDS, "other words than were written"
    assert content.matrix.tobytes() in (MATRIX.tobytes(), MATRIX[:, :3].tobytes()), "other vectors than were written"
    assert content.counts.tolist() == COUNTS.tolist(), "other counts than were written"


def seal(data: bytes) -> bytes:
    """The bytes with digests that fit them, as who means harm would make them."""
    tail = len(data) - 8 - int.from_bytes(data[-8:-4], "little") if len(data) > 12 else 0
    if not 0 < tail < len(data):
        return data
    sealed, footer = data[:tail], data[tail:]
    for group in list(_GROUP.finditer(footer)):
        start, numbers, stop, rows = (int(group[number]) for number in (1, 2, 3, 5))
        count = group[6].count(b'"') // 2
        dim = D if -(-(stop - numbers) // (4 * D * max(1, rows))) == count else 3
        if stop < len(data) and rows:
            step = 4 * dim * rows
            digests = [checksums.digest_of(data[at : min(at + step, stop)]) for at in range(numbers, stop, step)]
            blocks = ",".join(f'"{digest}"' for digest in digests).encode()
            footer = footer.replace(group[4], checksums.digest_of(data[start:numbers]).encode())
            footer = footer.replace(group[6], blocks) if len(blocks) == len(group[6]) else footer
    own = list(OWN_DIGEST.finditer(footer))
    if not own:
        return sealed + footer
    before, after = footer[: own[-1].start(1)], footer[own[-1].end(1) :]
    return sealed + before + hashlib.sha256(before + ZEROS + after).hexdigest().encode() + after


def read_forged_table(data: bytes) -> None:
    """A table whose digests fit whatever is in it."""
    read_table(seal(data))


@lru_cache(maxsize=1)
def _other_tables() -> list[bytes]:
    """The same table as other programs write it."""
    values = [pa.array(range(V), pa.int32()), pa.array(WORDS), pa.array(COUNTS), pa.array(list(MATRIX))]
    columns = pa.table(dict(zip(VECTOR_SCHEMA.names, values, strict=True)))
    plain = {"compression": "none", "use_dictionary": False}
    delta = {"id": "DELTA_BINARY_PACKED", "word": "DELTA_BYTE_ARRAY", "count": "DELTA_BINARY_PACKED"}
    kinds = [
        plain,
        {**plain, "store_schema": False, "row_group_size": 8},
        {"compression": "zstd"},
        {"compression": "snappy", "data_page_version": "2.0", "write_page_checksum": True},
        {"compression": "gzip", "row_group_size": 8, "write_page_index": True},
        {**plain, "use_byte_stream_split": ["vector.list.element"]},
        {"use_dictionary": False, "column_encoding": delta, "compression": "lz4"},
    ]
    contents = []
    for options in kinds:
        file = io.BytesIO()
        pq.write_table(columns, file, **options)
        contents.append(file.getvalue())
    fixed = columns.set_column(3, "vector", columns["vector"].cast(pa.list_(pa.float32(), D)))
    file = io.BytesIO()
    pq.write_table(fixed.set_column(1, "word", columns["word"].cast(pa.large_string())), file)
    return [*contents, file.getvalue()]


def _import(file: VectorFile, data: bytes) -> None:
    """All that an import reads, strictly or not."""
    lenience = _LENIENT[(data[0] if data else 0) % len(_LENIENT)]
    with ExitStack() as handles:
        stream = open_file(file, 7 if data[:1] > b"\x80" else None, lenience, handles)
        rows = 0
        for batch in stream.batches:
            assert np.isfinite(batch.matrix).all(), "numbers that are not finite"
            assert len(batch.words) == len(batch.matrix) == len(batch.counts)
            assert not batch.words.null_count
            batch.words.validate(full=True)
            rows += len(batch.words)
        assert rows == stream.rows


def import_parquet(data: bytes) -> None:
    """The first byte chooses the lenience, and whether there is a column of counts."""
    columns = ParquetColumns(count="count" if data[:1] < b"\x40" else None)
    _import(VectorFile(place("import.parquet", data[1:]), Format.PARQUET, columns=columns), data)


@lru_cache(maxsize=1)
def _columns_table() -> bytes:
    """A table with a column a number."""
    file = io.BytesIO()
    numbers = {f"vector{column}": pa.array(MATRIX[:, column].astype(np.float64)) for column in range(4)}
    pq.write_table(pa.table({"word": pa.array(WORDS), "count": pa.array(COUNTS), **numbers}), file)
    return file.getvalue()


def import_numpy(data: bytes) -> None:
    """The matrix and the words, between which four zeros and a one stand."""
    matrix, _, words = data[1:].partition(_BETWEEN)
    file = VectorFile(place("m.npy", matrix), Format.NUMPY, vocabulary=place("m.vocab.txt", words))
    _import(file, data)


_BETWEEN = b"\0\0\0\0\1"


def _lines() -> bytes:
    return "".join(f"{word}\n" for word in WORDS).encode()


def _numpy_pairs() -> list[bytes]:
    pairs = []
    for dtype in ("<f4", "<f2", ">f8"):
        file = io.BytesIO()
        np.save(file, MATRIX.astype(dtype))
        pairs.append(b"\0" + file.getvalue() + _BETWEEN + _lines())
    return pairs


def _stream(words: list[str]) -> VectorStream:
    return VectorStream(V, iter([Batch(pa.array(words, pa.string()), MATRIX, COUNTS)]))


@lru_cache(maxsize=1)
def _word2vec_texts() -> list[bytes]:
    file = io.BytesIO()
    write_text(_stream([word.replace(" ", "_") for word in WORDS]), file, "", True)
    text = file.getvalue()
    return [
        b"\0" + text,
        b"\x01" + text,
        b"\x02" + text.partition(b"\n")[2],
        b"\x04new york 1 2\nb 3 4\n",
        b"\0" + text[:90],
    ]


@lru_cache(maxsize=1)
def _word2vec_binaries() -> list[bytes]:
    file = io.BytesIO()
    write_binary(_stream([word.replace(" ", "_") for word in WORDS]), file, "")
    return [b"\0" + file.getvalue(), b"\x01" + file.getvalue()]


def import_text(data: bytes) -> None:
    """The first byte chooses the lenience, and whether there is a header."""
    _import(VectorFile(place("v.txt", data[1:]), Format.WORD2VEC_TEXT, header=not data[:1] or not data[0] & 2), data)


def import_binary(data: bytes) -> None:
    """The first byte chooses the lenience; counts come from a file of words and numbers if it is odd."""
    lines = "".join(f"{word.replace(' ', '_')} {count}\n" for word, count in zip(WORDS, COUNTS, strict=True))
    counts = place("v.counts", lines.encode()) if data[:1] and data[0] & 1 else None
    _import(VectorFile(place("v.bin", data[1:]), Format.WORD2VEC_BINARY, counts=counts), data)


def _archives() -> list[bytes]:
    text = _word2vec_texts()[0][1:]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v.txt", text)
    packed = [
        gzip.compress(text, mtime=0),
        bz2.compress(text),
        lzma.compress(text),
        zipped.getvalue(),
        b"\xef\xbb\xbf" + text,
    ]
    packed += [pa.Codec(codec).compress(text, asbytes=True) for codec in ("zstd", "lz4")]
    texts = [b"\0" + content for content in packed]
    return [*texts, b"\x04" + _columns_table(), b"\x04" + _numpy_pairs()[0][1:].partition(_BETWEEN)[0]]


def import_anything(data: bytes) -> None:
    """A file whatever it is packed with; the first byte chooses whether its name says that there is text in it."""
    location = place("anything" if data[:1] and data[0] & 4 else "anything.txt", data[1:])
    kind = find_format(location)
    vocabulary = place("m.vocab.txt", _lines()) if kind is Format.NUMPY else None
    _import(VectorFile(location, kind, vocabulary=vocabulary), data)


def stream_table(data: bytes) -> None:
    """A table as it is exported."""
    path = place("stream.parquet", data)
    for batch in stream_vectors(path, 11).batches:
        assert np.isfinite(batch.matrix).all()


PARQUET = (
    b"PAR1",
    b"w2v.",
    b"\x15\x00",
    b"\x15\x02",
    b"\x18",
    b"\x19\x1c",
    b"\x16",
    b"\x26",
    b"\x2c",
    b"ARROW:schema",
)

TARGETS = {
    "own-table": Target(_own_tables, read_own_table, PARQUET),
    "forged-table": Target(_own_tables, read_forged_table, (*PARQUET, b'"rows":', b"-1", b"1e3", b"[]", b"null")),
    "other-table": Target(_other_tables, read_table, PARQUET),
    "stream-table": Target(lambda: [*_own_tables(), *_other_tables()], stream_table, PARQUET),
    "import-parquet": Target(
        lambda: [b"\0" + content for content in [*_other_tables(), _columns_table()]], import_parquet, PARQUET
    ),
    "import-numpy": Target(_numpy_pairs, import_numpy, (b"'descr': ", b"'shape': (", b"True", b"<f4", b"\n", b"}")),
    "import-text": Target(_word2vec_texts, import_text, (b" ", b"\n", b"\t", b"nan", b"1e39", b"\xc2\xa0", b"0 ")),
    "import-binary": Target(
        _word2vec_binaries, import_binary, (b" ", b"\n", b"20 16\n", b"\x7f\x80\0\0", b"\0\0\x80\x7f")
    ),
    "import-anything": Target(
        _archives, import_anything, (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
    ),
}

"""The first bytes of text files, which show what is no text that Spark could read as such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa
from pyarrow import fs as pafs

from w2v_spark.errors import InputError, Name
from w2v_spark.magic import ARCHIVES, BYTE_ORDER_MARKS, COMPRESSED, HEAD_BYTES, Kind, recognise

_CODECS: Final = {".gz": Kind.GZIP, ".bz2": Kind.BZIP2, ".zst": Kind.ZSTD}
"""Compressions that Spark reads, by the names that it knows them by."""
_ARROW_CODECS: Final = {Kind.GZIP: "gzip", Kind.BZIP2: "bz2", Kind.ZSTD: "zstd"}
_TABLES: Final = {Kind.PARQUET: "parquet", Kind.ORC: "orc", Kind.AVRO: "avro"}
_WIDE: Final = tuple(kind for kind in BYTE_ORDER_MARKS if kind is not Kind.UTF8)
_ZEROS: Final = 0.1  # the share of zero bytes from which on something is no text of single bytes


def sample(files: Sequence[Any], most: int) -> list[Any]:
    """At most so many of some files, evenly from all of them."""
    return list(files) if len(files) <= most else [files[i * len(files) // most] for i in range(most)]


def check_heads(files: Iterable[tuple[str, pafs.FileSystem, str]], encoding: str | None) -> list[Kind | None]:
    """Refuse files that are not text in the encoding.

    Parameters
    ----------
    files : iterable of tuple
        What to call each file, its file system, and its path there. What cannot be opened is left to Spark.
    encoding : str, optional
        As Python calls it; None is UTF-8.

    Returns
    -------
    list of Kind or None
        The byte-order mark that each file begins with.

    Raises
    ------
    InputError
        Names the file, what it is, and what helps.
    """
    marks = []
    for name, filesystem, path in files:
        last = None
        for head in read_heads(name, filesystem, path):
            last = recognise(head)
            _check(name, head, last, encoding)
        marks.append(last if last in BYTE_ORDER_MARKS else None)
    return marks


def read_heads(name: str, filesystem: pafs.FileSystem, path: str) -> Iterator[bytes]:
    """The first bytes of a file; then, where Spark will decompress it, those of what it holds."""
    with suppress(pa.ArrowException, OSError), closing(filesystem.open_input_stream(path, compression=None)) as stream:
        head = stream.read(HEAD_BYTES)
        yield head
        codec = _CODECS.get(PurePosixPath(name).suffix.lower())
        if codec is not None and recognise(head) is codec:
            with closing(filesystem.open_input_stream(path, compression=_ARROW_CODECS[codec])) as inner:
                yield inner.read(HEAD_BYTES)


def _check(name: str, head: bytes, kind: Kind | None, encoding: str | None) -> None:
    is_wide = (encoding or "").startswith(("utf-16", "utf-32"))
    if kind is None:
        if not is_wide and head.count(0) > _ZEROS * len(head):
            raise _refusal(
                name, "holds zero bytes, as text does not; if it is text in UTF-16, give ", Name("encoding"),
                " utf-16-le or utf-16-be",
            )  # fmt: skip
    elif kind in COMPRESSED:
        _check_compression(name, kind)
    elif kind in ARCHIVES:
        raise _refusal(name, f"is {kind.phrase}; unpack it first")
    elif kind in _TABLES:
        raise _refusal(name, f"is {kind.phrase}; give ", Name("format"), f" {_TABLES[kind]}")
    elif kind in _WIDE:
        family = kind.value[:6]
        if not (encoding or "").startswith(family):
            raise _refusal(name, f"is {kind.phrase}; give ", Name("encoding"), f" {family}")
    elif kind is not Kind.UTF8:
        raise _refusal(name, f"is {kind.phrase}, not text; leave it out")


def _check_compression(name: str, kind: Kind) -> None:
    suffix = next((suffix for suffix, codec in _CODECS.items() if codec is kind), None)
    if suffix is None:
        raise _refusal(
            name, f"is {kind.phrase}, which Spark does not read; decompress it, or compress it with gzip, bzip2 or zstd"
        )
    if not name.lower().endswith(suffix):
        raise _refusal(name, f"is {kind.phrase}; Spark knows that by a name that ends in {suffix}, so rename it")


def _refusal(name: str, *parts: str | Name) -> InputError:
    return InputError(Name("input"), f" {name} ", *parts)

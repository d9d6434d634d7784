"""Files of other programs, read from any file system and out of whatever they are compressed with."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from w2v_spark.errors import ConfigError, InputError, Name
from w2v_spark.magic import ARCHIVES, BYTE_ORDER_MARKS, COMPRESSED, HEAD_BYTES, Kind, recognise
from w2v_spark.storage import Directory

CHUNK: Final = 4 << 20
COMPRESSED_SUFFIXES: Final = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip")
"""Endings of names that say nothing of the format within; they are for people, the content decides."""
_READERS: Final[dict[Kind, Any]] = {
    Kind.GZIP: lambda raw: gzip.GzipFile(fileobj=raw, mode="rb"),
    Kind.BZIP2: bz2.BZ2File,
    Kind.XZ: lzma.LZMAFile,
    Kind.ZSTD: lambda raw: pa.CompressedInputStream(raw, "zstd"),
    Kind.LZ4: lambda raw: pa.CompressedInputStream(raw, "lz4"),
}
_DAMAGE: Final = (EOFError, zlib.error, lzma.LZMAError, pa.ArrowException, OSError, zipfile.BadZipFile, RuntimeError)

_UNPACK: Final = ("unpack it first",)
_CONVERT: Final = ("write its words and vectors out as Parquet, or as word2vec's text",)
_TO_UTF8: Final = ("convert it to UTF-8: iconv -f UTF-16 -t UTF-8",)
_REMEDIES: Final[dict[Kind, tuple[str | Name, ...]]] = {
    Kind.FASTTEXT: (
        "it also holds the vectors of parts of words, which a table has no place for: take the .vec file that fastText "
        "writes beside it, or make one with gensim, load_facebook_vectors(...).save_word2vec_format('x.vec')",
    ),
    Kind.PICKLE: (
        "if gensim's save() has written it, load it with gensim and write it with save_word2vec_format('x.bin', "
        "binary=True)",
    ),
    Kind.NPY: ("give ", Name("format"), " numpy"),
    Kind.PARQUET: ("give ", Name("format"), " parquet"),
    Kind.UTF16_LE: _TO_UTF8,
    Kind.UTF16_BE: _TO_UTF8,
    Kind.UTF32_LE: ("convert it to UTF-8: iconv -f UTF-32 -t UTF-8",),
    Kind.UTF32_BE: ("convert it to UTF-8: iconv -f UTF-32 -t UTF-8",),
}


class InputFile:
    """The bytes of a file from front to back, decompressed, whatever its name; a byte-order mark of UTF-8 is left out.

    Parameters
    ----------
    location : str or Path
        A path or any URI that `pyarrow.fs` opens. gzip, bzip2, xz, zstd, lz4 and zip are recognised by content.
    member : str, optional
        Which file of a zip archive; needed if there are several.

    Attributes
    ----------
    member : str or None
        The file of the archive that is read, if it is one.
    kind : Kind or None
        What its first bytes say, after decompression.
    position : int
        Bytes read so far, after decompression.
    size : int or None
        Bytes in all; not known of a compressed file that does not say.

    Raises
    ------
    InputError
        There is no such file, it cannot be read, or the archive has not the one file that is meant.
    ConfigError
        A member is asked for of what is no archive.
    """

    def __init__(self, location: str | Path, member: str | None = None) -> None:
        self.member = member
        self._location = os.fspath(location)
        self._place = Directory.open(location)
        self._open()

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self._location if self.member is None else f"{self._location}, {self.member}"

    def _open(self) -> None:
        """Stand at the first byte."""
        self.position = 0
        self.size: int | None = None
        self._head = b""
        try:
            self._raw = self._place.filesystem.open_input_file(self._place.path)
            outside = recognise(self._raw.read(HEAD_BYTES))
            self._raw.seek(0)
            if self.member is not None and outside is not Kind.ZIP:
                raise ConfigError(
                    Name("member"), f" {self.member} is for a zip archive, and {self._location} is not one"
                )
            if outside is None or (outside not in _READERS and outside is not Kind.ZIP):
                self.size = self._raw.size()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self._location} cannot be read: {error}") from error
        if outside is Kind.ZIP:
            self._stream = self._open_member()
        else:
            self._stream = _READERS.get(outside, lambda raw: raw)(self._raw) if outside else self._raw
        head = self.read(HEAD_BYTES)
        self.kind = recognise(head)
        if self.kind is Kind.UTF8:
            mark = len(BYTE_ORDER_MARKS[Kind.UTF8])
            self._head, self.position = head[mark:], mark
        else:
            self._head, self.position = head, 0

    def _open_member(self) -> Any:
        """The one file of a zip archive, or the one that was asked for."""
        try:
            archive = zipfile.ZipFile(self._raw)
            files = [
                each.filename
                for each in archive.infolist()
                if not each.is_dir() and not each.filename.startswith("__MACOSX/")
            ]
            if self.member is None and len(files) == 1:
                self.member = files[0]
            if self.member not in files:
                raise InputError(
                    f"{self._location} is a zip archive of {len(files)} files",
                    "" if self.member is None else f", none of them {self.member}",
                    "".join(f", {each}" for each in files[:20]) + (", ..." if len(files) > 20 else ""),
                    *((": name one with ", Name("member")) if files else ()),
                )
            self.size = archive.getinfo(self.member).file_size
            return archive.open(self.member)
        except InputError:
            raise
        except (*_DAMAGE, ValueError, LookupError, struct.error) as error:  # RuntimeError: a password is needed
            raise InputError(f"{self._location} cannot be read: {error}") from error

    def __enter__(self) -> InputFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def rewind(self) -> None:
        """Go back to the first byte."""
        self._raw.close()
        self._open()

    def refuse_other_kinds(self, *wanted: Kind) -> None:
        """Raise `InputError` that says what the file is and what to do, if it is recognised as another kind.

        Text, with or without a mark of UTF-8, is recognised as nothing else, and always passes.
        """
        if self.kind is not None and self.kind not in (*wanted, Kind.UTF8):
            raise InputError(*describe(self.name, self.kind))

    def read(self, size: int = CHUNK, /) -> bytes:
        """The next ``size`` bytes, fewer only at the end. Raises `InputError` naming the byte where it is damaged."""
        parts: list[bytes] = []
        while size > 0:
            if self._head:
                part, self._head = self._head[:size], self._head[size:]
            else:
                try:
                    part = self._stream.read(min(size, CHUNK))
                except _DAMAGE as error:
                    raise InputError(f"{self.name}, byte {self.position}: it cannot be read on: {error}") from error
            if not part:
                break
            parts.append(part)
            self.position += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def describe(name: str, kind: Kind) -> tuple[str | Name, ...]:
    """The message about a file that is something else than a file of vectors that can be read."""
    remedy = _REMEDIES.get(kind, _UNPACK if kind in COMPRESSED or kind in ARCHIVES else _CONVERT)
    return (f"{name} is {kind.phrase}: ", *remedy)

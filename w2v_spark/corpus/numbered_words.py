"""Words of a text as numbers: what the first pass keeps for the second, which then need not read the text again.

The first pass numbers words anyway, in the order in which it meets them, by a `WordTable` that it begins anew where
there are too many. Files hold these numbers, two bytes for each of the first 16,383 words of a table, which most of a
text are, and six for the others; and beside the numbers of a table its words. An index says which files are whose. It
is written last, so what a killed task leaves is never read.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.corpus.chunk_files import ChunkFile, read_file, write_file
from w2v_spark.corpus.chunks import MOST_WORDS
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import StoreError
from w2v_spark.kernels.jit import kernel
from w2v_spark.storage import Directory, damage_naming, from_plain

Ids = npt.NDArray[np.int32]
Breaks = npt.NDArray[np.uint8]

_INDEX: Final = "index.json"
_NUMBERS: Final = "numbers"
_WORDS: Final = "words"
_FILE_CODES: Final = 1 << 23  # of a file, 16 MiB, which is held until it is written
_READ_WORDS: Final = MOST_WORDS  # handed on at a time, to whoever makes chunks of them
_SHIFT: Final = 14  # bits of a code below those of the break
_LONG: Final = (1 << _SHIFT) - 1  # says that the number stands in the two codes that follow
_MOST_CODES: Final = 3  # of a word


class WordsWriter:
    """Writes the words of a part of a text to files of their own.

    Parameters
    ----------
    directory : Directory
        There may be those of other parts, and of other attempts at this one.
    part : int
        Its number.

    Notes
    -----
    Memory: 16 MiB, and three times as many bytes as `add` is given at a time.
    """

    def __init__(self, directory: Directory, part: int) -> None:
        self._directory, self._part = directory, part
        self._codes, self._size, self._held = np.empty(0, np.uint16), 0, 0
        self._files: list[ChunkFile] = []
        self._tables: list[dict[str, Any]] = []

    def add(self, numbers: Ids, breaks: Breaks) -> None:
        """The next words: their numbers in the table of now, (n,), and what starts with them, see `Words`."""
        room = self._size + _MOST_CODES * len(breaks)
        if len(self._codes) < room:
            codes = np.empty(max(room, _FILE_CODES), np.uint16)
            codes[: self._size] = self._codes[: self._size]
            self._codes = codes
        self._size = pack(numbers, breaks, self._codes, self._size)
        self._held += len(breaks)
        if self._size >= _FILE_CODES:
            self._flush()

    def end_table(self, table: WordTable) -> None:
        """The table of now has all its words; the next numbers are those of another, or none come."""
        self._flush()
        words = write_file(self._directory, _WORDS, _strings_to_bytes(table.words()))
        self._tables.append({"words": list(words), "files": [list(file) for file in self._files]})
        self._files = []

    def finish(self) -> None:
        """The part is complete: from now on it counts."""
        name = f"{self._part:06d}.{uuid.uuid4().hex}.{_INDEX}"
        self._directory.write_sealed_json(name, {"part": self._part, "tables": self._tables})

    def _flush(self) -> None:
        if self._held:
            size = np.array([self._held], np.int64)
            data = size.tobytes() + self._codes[: self._size].tobytes()
            self._files.append(write_file(self._directory, _NUMBERS, data))
        self._size = self._held = 0


def find_indices(directory: Directory, parts: int) -> tuple[str, ...] | None:
    """The index of each part, of whichever attempt; None where one has none."""
    found: dict[int, str] = {}
    for info in directory.list():
        if info.base_name.endswith(f".{_INDEX}"):
            found.setdefault(int(info.base_name.split(".")[0]), info.base_name)
    return tuple(found[part] for part in range(parts)) if set(found) >= set(range(parts)) else None


@dataclass(slots=True)
class WordsReader:
    """Reads what `WordsWriter` has written, as ids of another table.

    Attributes
    ----------
    directory : Directory
    vocabulary : WordTable
        Its ids are what is handed on.
    """

    directory: Directory
    vocabulary: WordTable
    _found: Ids = field(default_factory=lambda: np.empty(_READ_WORDS, np.int32), init=False)
    _breaks: Breaks = field(default_factory=lambda: np.empty(_READ_WORDS, np.uint8), init=False)

    def read(self, index: str) -> Iterator[tuple[Ids, Breaks]]:
        """The words of a part, some at a time: the id of each, or -1, (n,), and its break, (n,).

        The next step overwrites both.

        Raises
        ------
        StoreError
            A file is missing, or not what was written.
        """
        shown = f"{self.directory.uri}/{index}"
        with damage_naming(shown):
            plain = [from_plain(_Table, table) for table in self.directory.read_sealed_json(index)["tables"]]
            tables = [(ChunkFile(*table.words), [ChunkFile(*file) for file in table.files]) for table in plain]
        for words, files in tables:
            with damage_naming(f"{self.directory.uri}/{words.name}"):
                ids = self.vocabulary.numbers(_strings_from_bytes(read_file(self.directory, words)))
            for file in files:
                yield from self._unpacked(file, ids)

    def _unpacked(self, file: ChunkFile, ids: Ids) -> Iterator[tuple[Ids, Breaks]]:
        data = read_file(self.directory, file)
        left, codes, place = int(np.frombuffer(data, np.int64, 1)[0]), np.frombuffer(data, np.uint16, offset=8), 0
        while left > 0:
            count = min(left, _READ_WORDS)
            found, breaks = self._found[:count], self._breaks[:count]
            place = unpack(codes, place, ids, found, breaks)
            if place < 0:
                raise StoreError(f"{self.directory.uri}/{file.name} is damaged: it has other words than its table")
            left -= count
            yield found, breaks


@dataclass(frozen=True, slots=True)
class _Table:
    """Of an index: the file of a table's words, and those of numbers in it, in order."""

    words: list[str]
    files: list[list[str]]


def _strings_to_bytes(strings: pa.Array) -> bytes:
    sink = pa.BufferOutputStream()
    batch = pa.record_batch([strings], names=["word"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def _strings_from_bytes(data: bytes) -> pa.Array:
    return pa.ipc.open_stream(data).read_all()["word"].combine_chunks()


@kernel
def pack(numbers, breaks, codes, size):
    """Append words to the ``size`` codes there are; how many there are now.

    Parameters
    ----------
    numbers : (n or more,) int32
        Not negative.
    breaks : (n,) uint8
        Below 4.
    codes : (size + 3 n or more,) uint16
    size : int
    """
    for w in range(len(breaks)):
        number, start = np.uint32(numbers[w]), np.uint32(breaks[w]) << np.uint32(_SHIFT)
        if number < _LONG:
            codes[size] = start | number
            size += 1
        else:
            codes[size] = start | np.uint32(_LONG)
            codes[size + 1], codes[size + 2] = number & np.uint32(0xFFFF), number >> np.uint32(16)
            size += 3
    return size


@kernel
def unpack(codes, place, ids, found, breaks):
    """The next words from code ``place`` on: the place behind them, or -1 where they are not such words.

    Parameters
    ----------
    codes : (m,) uint16
    place : int
    ids : (words of the table,) int32
    found : (n,) int32, breaks : (n,) uint8
        The id of each word's number, and its break; written.
    """
    end, known = len(codes), len(ids)
    for w in range(len(breaks)):
        if place >= end:
            return -1
        code = np.int64(codes[place])
        number = code & _LONG
        place += 1
        if number == _LONG:
            if place + 2 > end:
                return -1
            number = np.int64(codes[place]) | (np.int64(codes[place + 1]) << 16)
            place += 2
        if number >= known:
            return -1
        found[w] = ids[number]
        breaks[w] = code >> _SHIFT
    return place

"""What the text and the binary format of word2vec share: the header and the file of counts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import IO, Final, NamedTuple

import numpy as np

from w2v_spark.errors import InputError, Name
from w2v_spark.formats.checks import MAX_DIM, MAX_ROWS, MAX_WORD, Rows, Source, quoted
from w2v_spark.formats.input_file import CHUNK, InputFile
from w2v_spark.formats.lenience import SKIP_MALFORMED, Lenience
from w2v_spark.vectors.stream import Batch, VectorStream

FORBIDDEN: Final = r" \t\n\x0b\f\r"
"""What a word cannot hold: ASCII white space. The C program ends a word at any of it."""
NO_HEADER: Final = Name("no-header")
TAKE_ALL: Final = (SKIP_MALFORMED, " takes all rows that are there")
"""The remedy against a header that is wrong."""
_MAX_HEADER: Final = 100  # bytes
_MAX_LINE: Final = MAX_WORD + 100


class Header(NamedTuple):
    """The first line, ``V D``, and how many bytes it takes with its newline."""

    rows: int
    dim: int
    size: int


def parse_header(line: bytes) -> tuple[int, int] | None:
    """V and D, if the line is nothing but two whole numbers."""
    fields = line.split() if len(line) <= _MAX_HEADER else []
    if len(fields) != 2 or not all(field.isdigit() for field in fields):
        return None
    return int(fields[0]), int(fields[1])


def read_header(file: InputFile, least: int, per_number: int, lenience: Lenience) -> Header:
    """The header ``V D``.

    Parameters
    ----------
    file : InputFile
        At its first byte.
    least, per_number : int
        The fewest bytes that a row takes, and those that each of its numbers takes on top.
    lenience : Lenience
        If malformed rows are left out, a file that is too small for the header passes.

    Raises
    ------
    InputError
        The file is of another kind, the first line is not a header, V or D is 0 or beyond what a table holds, or the
        file is too small for them. Nothing is allocated that only the header promises.
    """
    file.refuse_other_kinds()
    before = file.position
    line, newline, _ = file.read(CHUNK).partition(b"\n")
    shown = f"{file.name}, line 1"
    header = parse_header(line)
    if not newline or header is None:
        raise InputError(
            f"{shown}: expected a header 'V D', two whole numbers, got {quoted(line[:40])}; ",
            "text without a header needs ",
            NO_HEADER,
        )
    rows, dim = header
    if not (1 <= rows <= MAX_ROWS and 1 <= dim <= MAX_DIM):
        raise InputError(f"{shown}: {rows} words of {dim} numbers; allowed are 1 to {MAX_ROWS} and 1 to {MAX_DIM}")
    needed = before + len(line) + 1 + rows * (least + dim * per_number) - 1  # the last newline may be missing
    if file.size is not None and file.size < needed and not lenience.skip_malformed:
        raise InputError(
            f"{shown}: {rows} words of {dim} numbers take {needed} bytes at least, but the file ends at byte "
            f"{file.size}: the header is wrong or the file is truncated; ",
            *TAKE_ALL,
        )
    return Header(rows, dim, len(line) + 1)


def write_counts(stream: VectorStream, file: IO[bytes]) -> Iterator[Batch]:
    """Pass batches on, and write ``word count`` lines, gensim's ``fvocab``, beside them."""
    for batch in stream.batches:
        pairs = zip(batch.words.to_pylist(), batch.counts.tolist(), strict=True)
        file.write("".join(f"{word} {count}\n" for word, count in pairs).encode())
        yield batch


class WithCounts:
    """A source with the counts of a file of ``word count`` lines, one for each row, in the same order.

    `batches` raises `InputError` that names the line if it is not ``word count``, has another word than the vectors
    have there, or is missing. Lines beyond the last row are not looked at, nor is what a line says of a malformed row.

    Parameters
    ----------
    source : Source
        Its words are bytes.
    file : InputFile
    """

    def __init__(self, source: Source, file: InputFile) -> None:
        file.refuse_other_kinds()
        self._source = source
        self._file = file
        self.rows = source.rows
        self.forbidden = source.forbidden
        self.place = source.place

    def batches(self, stop: int | None) -> Iterator[Rows]:
        """See `Source.batches`."""
        self._file.rewind()
        lines = read_lines(self._file, _MAX_LINE)
        start = 0
        for rows in self._source.batches(stop):
            counts = np.zeros(len(rows.words), dtype=np.int64)
            for row, (word, line) in enumerate(zip(rows.words, self._lines(lines, len(counts)), strict=True)):
                if word is not None:
                    counts[row] = _count(f"{self._file.name}, line {start + row + 1}", line, word)
            yield rows._replace(counts=counts)
            start += len(counts)

    @staticmethod
    def _lines(lines: Iterator[bytes], count: int) -> list[bytes | None]:
        taken: list[bytes | None] = [*islice(lines, count)]
        return taken + [None] * (count - len(taken))


def _count(place: str, line: bytes | None, word: bytes) -> int:
    """The count in a line that ought to be about that word."""
    shown = quoted(word[:80])
    if line is None:
        raise InputError(f"{place}: the file ends where the count of {shown} is expected")
    found, *number = line.rsplit(None, 1)
    if len(number) != 1 or not number[0].isdigit() or int(number[0]) > np.iinfo(np.int64).max:
        raise InputError(f"{place}: expected 'word count', got {quoted(line[:80])}")
    if found != word:
        raise InputError(f"{place}: the count of {quoted(found[:80])} where the vectors have {shown}")
    return int(number[0])


def read_lines(file: InputFile, longest: int) -> Iterator[bytes]:
    """The lines of a file without their newlines, of which the last may have none. `InputError` at one too long."""
    number = 0
    rest = b""
    while chunk := file.read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            yield line
        if len(rest) > longest:
            raise InputError(f"{file.name}, line {number + 1}: no line's end within {longest} bytes")
    if rest:
        yield rest

"""What the text and the binary format of word2vec share: the header and the file of counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.formats.files import CHUNK, InputFile
from w2v_spark.vectors.stream import MAX_DIM, MAX_ROWS, MAX_WORD, Batch, VectorStream

FORBIDDEN: Final = r" \t\n\x0b\f\r"
"""What a word cannot hold: ASCII white space. The C program ends a word at any of it."""
_MAX_HEADER: Final = 100  # bytes
_MAX_LINE: Final = MAX_WORD + 100


def read_header(file: InputFile, least: int, per_number: int) -> tuple[int, int, bytes]:
    """The header ``V D``, and the bytes that were read beyond it.

    Parameters
    ----------
    file : InputFile
        At its first byte.
    least, per_number : int
        The fewest bytes that a row takes, and those that each of its numbers takes on top.

    Raises
    ------
    InputError
        The first line is no header, V or D is 0 or beyond what a table holds, or the file is too small for them.
        Nothing is allocated that only the header promises.
    """
    start = file.read(CHUNK)
    line, newline, rest = start.partition(b"\n")
    shown = f"{file.name}, line 1"
    fields = line.split() if len(line) <= _MAX_HEADER else []
    if not newline or len(fields) != 2 or not all(field.isdigit() for field in fields):
        raise InputError(
            f"{shown}: expected a header 'V D', two whole numbers, got {line[:40]!r}; "
            "text without a header needs --no-header"
        )
    rows, dim = int(fields[0]), int(fields[1])
    if not (1 <= rows <= MAX_ROWS and 1 <= dim <= MAX_DIM):
        raise InputError(f"{shown}: {rows} words of {dim} numbers; allowed are 1 to {MAX_ROWS} and 1 to {MAX_DIM}")
    needed = len(line) + 1 + rows * (least + dim * per_number) - 1  # the last newline may be missing
    if file.size is not None and file.size < needed:
        raise InputError(
            f"{shown}: {rows} words of {dim} numbers take {needed} bytes at least, but the file ends at byte "
            f"{file.size}: the header is wrong or the file is truncated"
        )
    return rows, dim, rest


def write_counts(stream: VectorStream, file: IO[bytes]) -> Iterator[Batch]:
    """Pass batches on, and write ``word count`` lines, gensim's ``fvocab``, beside them."""
    for batch in stream.batches:
        pairs = zip(batch.words.to_pylist(), batch.counts.tolist(), strict=True)
        file.write("".join(f"{word} {count}\n" for word, count in pairs).encode())
        yield batch


def read_counts(stream: VectorStream, file: InputFile) -> Iterator[Batch]:
    """Batches with the counts of a file of ``word count`` lines, which has the words in the same order.

    Raises
    ------
    InputError
        A line is not ``word count``, has another word than the vectors have there, or lines are missing. Names the
        line. Lines beyond the last word are not looked at.
    """
    lines = read_lines(file, _MAX_LINE, ended=True)
    start = 0
    for batch in stream.batches:
        counts = np.empty(len(batch.words), dtype=np.int64)
        for row, word in enumerate(batch.words.to_pylist()):
            counts[row] = _count(f"{file.name}, line {start + row + 1}", next(lines, None), word)
        yield Batch(batch.words, batch.matrix, counts)
        start += len(counts)


def _count(place: str, line: bytes | None, word: str) -> int:
    """The count in a line that ought to be about that word."""
    if line is None:
        raise InputError(f"{place}: the file ends where the count of {word!r} is expected")
    found, _, number = line.rstrip().rpartition(b" ")
    if not found or not number.isdigit() or int(number) > np.iinfo(np.int64).max:
        raise InputError(f"{place}: expected 'word count', got {line[:80]!r}")
    if found != word.encode():
        raise InputError(f"{place}: the count of {found[:80]!r} where the vectors have {word!r}")
    return int(number)


def read_lines(file: InputFile, longest: int, ended: bool = False) -> Iterator[bytes]:
    """The lines of a file without their newlines.

    Raises `InputError` at one that is too long, and if ``ended`` at a last one without a newline: it may be cut off.
    """
    number = 0
    rest = b""
    while chunk := file.read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            number += 1
            yield line
        if len(rest) > longest:
            raise InputError(f"{file.name}, line {number + 1}: no line's end within {longest} bytes")
    if rest and ended:
        raise InputError(f"{file.name}, line {number + 1}: the file ends within the line; end it with a newline")
    if rest:
        yield rest

"""word2vec's text format: a line ``V D``, then a line for each word, the word and D numbers, between spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from w2v_spark.errors import InputError
from w2v_spark.formats.files import CHUNK, InputFile
from w2v_spark.formats.word2vec_format import FORBIDDEN, read_header
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import (
    MAX_DIM,
    MAX_ROWS,
    Batch,
    VectorStream,
    check_export,
    check_finite,
    check_words,
    decode_words,
    distinct,
    limited,
    rank_counts,
)

_WHITE: Final = b" \t\r\n\v\f"
_MAX_LINE: Final = 2 * CHUNK
_NUMBERS_AT_ONCE: Final = 1 << 19
_PLAIN: Final = csv.ParseOptions(delimiter="\t", quote_char=False, double_quote=False, ignore_empty_lines=False)
_ONE_COLUMN: Final = csv.ReadOptions(column_names=["f0"], use_threads=False, block_size=2 * CHUNK)
_FLOATS: Final = csv.ConvertOptions(column_types={"f0": pa.float32()}, null_values=[])


def read_text(
    file: InputFile, limit: int | None = None, header: bool = True, unicode_errors: str = "strict"
) -> VectorStream:
    """Stream a text file, or its first ``limit`` words.

    Parameters
    ----------
    file : InputFile
        Lines may end with spaces, as those of the C program and of fastText do, or with a carriage return.
    header : bool
        Without, as in GloVe's files, lines are counted in a pass of its own and the first one says what D is.

    Raises
    ------
    InputError
        Here if the header is wrong, else at the batch that is. The message names the line, counted from 1.
    ConfigError
        ``limit`` is below 1.

    Notes
    -----
    Numbers are rounded once, straight to float32. Memory: some MiB and the words.
    """
    first = 1 + header
    if header:
        rows, dim, rest = read_header(file, least=2, per_number=2)
    else:
        rows, dim = _measure(file)
        file.rewind()
        rest = b""
    wanted = limited(rows, limit)
    reader = _Reader(file.name, _lines(file, rest, first), dim, first, unicode_errors)
    return VectorStream(wanted, distinct(reader.batches(wanted, wanted == rows), reader.place))


def _measure(file: InputFile) -> tuple[int, int]:
    """V and D of a file without a header; blank lines at its end do not count."""
    rows = newlines = 0
    first = b""
    while chunk := file.read(CHUNK):
        if not newlines and len(first) < _MAX_LINE:
            first += chunk
        filled = chunk.rstrip(_WHITE)
        if filled:
            rows = newlines + filled.count(b"\n") + 1
        newlines += chunk.count(b"\n")
    dim = first.partition(b"\n")[0].rstrip(_WHITE).count(b" ")
    if not 1 <= rows <= MAX_ROWS or not 1 <= dim <= MAX_DIM:
        raise InputError(
            f"{file.name}, line 1: {rows} lines, the first with {dim} numbers; allowed are 1 to {MAX_ROWS} and "
            f"1 to {MAX_DIM}"
        )
    return rows, dim


def _lines(file: InputFile, rest: bytes, number: int) -> Iterator[list[bytes]]:
    """The lines, some MiB at a time, without newlines; ``number`` is that of the first."""
    chunk = rest
    rest = b""
    while chunk or (chunk := file.read(CHUNK)):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            yield lines
            number += len(lines)
        if len(rest) > _MAX_LINE:
            raise InputError(f"{file.name}, line {number}: no line's end within {_MAX_LINE} bytes")
        chunk = b""
    if rest.strip():
        raise InputError(
            f"{file.name}, line {number}: the file ends within the line, whose last number may be cut off; if it is "
            "complete, end it with a newline"
        )


class _Reader:
    """Parses lines, and knows the number of each."""

    def __init__(self, name: str, groups: Iterator[list[bytes]], dim: int, first: int, unicode_errors: str) -> None:
        self._name = name
        self._groups = groups
        self._dim = dim
        self._first = first
        self._unicode_errors = unicode_errors

    def place(self, row: int, _column: int = 0) -> str:
        """The line of a row."""
        return f"{self._name}, line {row + self._first}"

    def batches(self, wanted: int, to_the_end: bool) -> Iterator[Batch]:
        """All rows, checked but for duplicates."""
        done = 0
        at_once = max(1, _NUMBERS_AT_ONCE // self._dim)
        left: list[bytes] = []
        while done < wanted:
            lines = next(self._groups, None)
            if lines is None:
                raise InputError(
                    f"{self.place(done)}: the file ends after {done} of {wanted} words: it is truncated, or the header "
                    "is wrong"
                )
            left = lines[wanted - done :]
            for start in range(0, min(len(lines), wanted - done), at_once):
                batch = self._parse(lines[start : min(start + at_once, len(lines) - len(left))], done, wanted)
                yield batch
                done += len(batch.words)
        if to_the_end:
            self._check_end(left, done)

    def _parse(self, lines: list[bytes], start: int, wanted: int) -> Batch:
        raw: list[bytes] = []
        rows: list[bytes] = []
        for row, line in enumerate(lines, start):
            word, _, numbers = line.rstrip(_WHITE).partition(b" ")
            found = numbers.count(b" ") + 1 if numbers else 0
            if not word or found != self._dim:
                reason = f"{found} numbers after the word {word[:80]!r}, expected {self._dim}"
                raise InputError(
                    f"{self.place(row)}: {reason if line.strip() else 'the line is empty'}; words are not empty and "
                    "hold no spaces"
                )
            raw.append(word)
            rows.append(numbers)
        words = decode_words(raw, self._unicode_errors, start, self.place)
        check_words(words, FORBIDDEN, start, self.place)
        matrix = self._numbers(rows, start)
        check_finite(matrix, start, self.place)
        return Batch(words, matrix, rank_counts(wanted, start, len(lines)))

    def _numbers(self, rows: list[bytes], start: int) -> Matrix:
        """The numbers of some lines, (rows, D)."""
        text = b"\n".join(rows).replace(b" ", b"\n")
        try:
            column = csv.read_csv(pa.BufferReader(text), _ONE_COLUMN, _PLAIN, _FLOATS).column(0)
        except pa.ArrowInvalid:
            column = pa.chunked_array([], pa.float32())
        if len(column) != len(rows) * self._dim:  # numbers of an unusual form, or no numbers
            return np.array([self._number_by_number(row, at) for at, row in enumerate(rows, start)], dtype=np.float32)
        numbers: Matrix = column.to_numpy().reshape(len(rows), self._dim)
        return numbers

    def _number_by_number(self, numbers: bytes, row: int) -> list[np.float32]:
        try:
            with np.errstate(over="ignore"):
                return [np.float32(_number(number)) for number in numbers.split(b" ")]
        except ValueError as error:
            raise InputError(f"{self.place(row)}: {error}") from None

    def _check_end(self, left: list[bytes], rows: int) -> None:
        number = rows
        while left or (left := next(self._groups, [])):
            for line in left:
                if line.strip():
                    raise InputError(
                        f"{self.place(number)}: there is more after the {rows} words that the header announces"
                    )
                number += 1
            left = []


def _number(text: bytes) -> float:
    """Like float(), without its underscores and its other digits."""
    if not re.fullmatch(rb"[-+.0-9eE]+|[-+]?(nan|inf|infinity)", text, re.IGNORECASE):
        raise ValueError(f"{text[:40]!r} is not a number")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a number") from None


def write_text(stream: VectorStream, file: IO[bytes], place: str, header: bool = True) -> None:
    """Write the text format, each number with the fewest digits that read back to the same float32.

    Raises `InputError` that names the word if one is empty or holds white space, or a number is not finite.
    """
    start = 0
    for batch in stream.batches:
        dim = batch.matrix.shape[1]
        if header and not start:
            file.write(f"{stream.rows} {dim}\n".encode())
        check_export(batch, start, place, FORBIDDEN)
        at_once = max(1, _NUMBERS_AT_ONCE // dim)
        for row in range(0, len(batch.words), at_once):
            file.write(_format(batch.words[row : row + at_once], batch.matrix[row : row + at_once]))
        start += len(batch.words)


def _format(words: pa.StringArray, matrix: Matrix) -> bytes:
    """Lines of text."""
    rows, dim = matrix.shape
    numbers = pa.array(np.ascontiguousarray(matrix).reshape(-1)).cast(pa.string())
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(dim))
    vectors = pc.binary_join(pa.ListArray.from_arrays(offsets, numbers), " ")
    lines = pc.binary_join_element_wise(words, vectors, " ")
    return b"".join(line.encode() + b"\n" for line in lines.to_pylist())

"""word2vec's text format: a line ``V D``, then a line for each word, the word and D numbers, between spaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import IO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from w2v_spark.errors import InputError
from w2v_spark.formats.checks import MAX_DIM, MAX_ROWS, Rows, check_batch, quoted
from w2v_spark.formats.input_file import CHUNK, InputFile
from w2v_spark.formats.lenience import STRICT, Lenience
from w2v_spark.formats.word2vec_format import FORBIDDEN, NO_HEADER, TAKE_ALL, Header, parse_header, read_header
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import VectorStream

_WHITE: Final = b" \t\r\n\v\f"
_MAX_LINE: Final = 2 * CHUNK
_NUMBERS_AT_ONCE: Final = 1 << 19
_PLAIN: Final = csv.ParseOptions(delimiter="\t", quote_char=False, double_quote=False, ignore_empty_lines=False)
_ONE_COLUMN: Final = csv.ReadOptions(column_names=["f0"], use_threads=False, block_size=2 * CHUNK)
_FLOATS: Final = csv.ConvertOptions(column_types={"f0": pa.float32()}, null_values=[])


class TextSource:
    """A text file cut into rows, and the number of the line of each.

    Words and numbers are separated by any number of spaces and tabs. The last D fields of a line are the numbers and
    what comes before them is the word, which may have spaces in it. Lines may end with white space, as those of the C
    program and of fastText do; the last one need not end with a newline.

    Parameters
    ----------
    file : InputFile
    header : bool
        Without, as in GloVe's files, lines are counted in a pass of its own, and D is what most of the first say.
    lenience : Lenience
        What of a malformed file is let through.

    Raises
    ------
    InputError
        Here if the header is wrong, else at the batch that is. The message names the line, counted from 1.

    Notes
    -----
    Numbers are rounded once, straight to float32. Memory: some MiB.
    """

    forbidden = FORBIDDEN.removeprefix(" ")

    def __init__(self, file: InputFile, header: bool = True, lenience: Lenience = STRICT) -> None:
        self._file = file
        self._lenience = lenience
        self._first = 1 + header
        found = read_header(file, least=2, per_number=2, lenience=lenience) if header else _measure(file)
        self.rows, self._dim, self._header_size = found

    def place(self, row: int, column: int | None = None) -> str:
        """The line of a row."""
        return f"{self._file.name}, line {row + self._first}"

    def batches(self, stop: int | None) -> Iterator[Rows]:
        """See `checks.Source.batches`."""
        self._file.rewind()
        self._file.read(self._header_size)
        at_once = max(1, _NUMBERS_AT_ONCE // self._dim)
        groups = _without_blank_end(_lines(self._file, self._first))
        done = 0
        left: list[bytes] = []
        while stop is None or done < stop:
            lines = next(groups, None)
            if lines is None and self._lenience.skip_malformed:
                return
            if lines is None:
                raise InputError(
                    f"{self.place(done)}: the file ends after {done} of {stop} words: it is truncated, or the header "
                    "is wrong; ",
                    *TAKE_ALL,
                )
            left = [] if stop is None else lines[stop - done :]
            for start in range(0, len(lines) - len(left), at_once):
                part = lines[start : min(start + at_once, len(lines) - len(left))]
                yield self._parse(part, done)
                done += len(part)
        if stop == self.rows and not self._lenience.skip_malformed and (left or next(groups, None)):
            raise InputError(
                f"{self.place(done)}: there is more after the {done} words that the header announces; ", *TAKE_ALL
            )

    def _parse(self, lines: list[bytes], start: int) -> Rows:
        words: list[bytes | None] = []
        numbers: list[bytes] = []
        split = False
        for line in lines:
            word, _, rest = line.rstrip(_WHITE).partition(b" ")
            if word and rest and rest.count(b" ") + 1 == self._dim:  # a space between each and the next
                words.append(word)
                numbers.append(rest)
                continue
            fields = self._fields(line, start + len(words))
            words.append(fields[0] if fields else None)
            numbers.append(b" ".join(fields[1:] or [b"0"] * self._dim))
            split = split or (bool(fields) and b" " in fields[0])
        matrix = self._numbers(numbers)
        if matrix is None:  # numbers of an unusual form, or no numbers
            return self._parse_one_by_one(lines, start)
        return Rows(words, matrix, split=split)

    def _parse_one_by_one(self, lines: list[bytes], start: int) -> Rows:
        """The same where a line has something that is not a number, or a number of an unusual form."""
        words: list[bytes | None] = []
        matrix = np.zeros((len(lines), self._dim), dtype=np.float32)
        split = False
        for at, line in enumerate(lines):
            fields = self._fields(line, start + at)
            try:
                if fields:
                    matrix[at] = self._numbers_of_line(fields[1:])
            except ValueError as error:
                self._lenience.malformed(self.place(start + at), str(error))
                fields = []
            words.append(fields[0] if fields else None)
            split = split or (bool(fields) and b" " in fields[0])
        return Rows(words, matrix, split=split)

    def _fields(self, line: bytes, row: int) -> list[bytes]:
        """The word and D numbers; nothing if the line is malformed and to be left out."""
        fields: list[bytes] = line.rsplit(None, self._dim)
        if not fields:
            what = "the line is empty"
        elif line[:1] in (b" ", b"\t"):
            what = f"the line begins with white space where the word is expected: {quoted(line[:40])}"
        elif len(fields) <= self._dim:
            what = f"{len(fields) - 1} numbers after the word {quoted(fields[0][:80])}, expected {self._dim}"
        elif _ends_with_number(fields[0], fields[1:]):
            *_, word = fields[0].rsplit(None, 1)
            what = f"{quoted(word[:40])} is a number more than the {self._dim} that are expected"
        else:
            return fields
        self._lenience.malformed(self.place(row), what)
        return []

    def _numbers(self, rows: list[bytes]) -> Matrix | None:
        """The numbers of some lines, (rows, D), between single spaces; None if not all are numbers of a usual form."""
        text = b"\n".join(rows).replace(b" ", b"\n")
        try:
            column = csv.read_csv(pa.BufferReader(text), _ONE_COLUMN, _PLAIN, _FLOATS).column(0)
        except pa.ArrowInvalid:
            return None
        if len(column) != len(rows) * self._dim:
            return None
        numbers: Matrix = column.to_numpy().reshape(len(rows), self._dim)
        return numbers

    def _numbers_of_line(self, numbers: list[bytes]) -> Matrix:
        usual = self._numbers([b" ".join(numbers)])
        if usual is not None:
            vector: Matrix = usual[0]
            return vector
        with np.errstate(over="ignore"):  # becomes infinite, and is refused
            unusual: Matrix = np.array([_number(number) for number in numbers]).astype(np.float32)
        return unusual


def _measure(file: InputFile) -> Header:
    """V and D of a file without a header; blank lines at its end do not count."""
    file.refuse_other_kinds()
    rows = newlines = 0
    first = b""
    while chunk := file.read(CHUNK):
        if not newlines and len(first) < _MAX_LINE:
            first += chunk
        filled = chunk.rstrip(_WHITE)
        if filled:
            rows = newlines + filled.count(b"\n") + 1
        newlines += chunk.count(b"\n")
    *whole, last = first.split(b"\n")
    lines = whole or [last]
    dims = Counter(len(line.split()) - 1 for line in lines if line.strip())
    dim = dims.most_common(1)[0][0] if dims else 0
    if not 1 <= rows <= MAX_ROWS or not 1 <= dim <= MAX_DIM:
        raise InputError(
            f"{file.name}, line 1: {rows} lines of {dim} numbers; allowed are 1 to {MAX_ROWS} and 1 to {MAX_DIM}"
        )
    header = parse_header(lines[0])
    if header is not None and rows > 1 and header[1] == dim and (dim > 1 or header[0] == rows - 1):
        raise InputError(
            f"{file.name}, line 1: {quoted(lines[0].strip())} is a header 'V D', and the lines that follow have {dim} "
            "numbers: leave out ",
            NO_HEADER,
        )
    return Header(rows, dim, 0)


def _lines(file: InputFile, number: int) -> Iterator[list[bytes]]:
    """The lines, some MiB at a time, without newlines; ``number`` is that of the first."""
    rest = b""
    while chunk := file.read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            yield lines
            number += len(lines)
        if len(rest) > _MAX_LINE:
            raise InputError(f"{file.name}, line {number}: no line's end within {_MAX_LINE} bytes")
    if rest:
        yield [rest]


def _without_blank_end(groups: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    """The same lines but for those at the end that are blank."""
    blank = 0
    for lines in groups:
        filled = len(lines)
        while filled and not lines[filled - 1].strip():
            filled -= 1
        if filled:
            yield [b""] * blank + lines[:filled]
            blank = 0
        blank += len(lines) - filled


def _ends_with_number(word: bytes, numbers: list[bytes]) -> bool:
    """Whether a word with spaces, as in ``b 0.1``, ends with what may well be a number of the vector.

    ``windows 10`` before numbers with a decimal point does not.
    """
    *before, last = word.rsplit(None, 1)
    if not before:
        return False
    try:
        _number(last)
    except ValueError:
        return False
    return _has_point(last) or not any(map(_has_point, numbers))


def _has_point(number: bytes) -> bool:
    return b"." in number or b"e" in number.lower()


def _number(text: bytes) -> float:
    """Like float(), without its underscores and its other digits."""
    if not re.fullmatch(rb"[-+.0-9eE]+|[-+]?(nan|inf|infinity)", text, re.IGNORECASE):
        raise ValueError(f"{quoted(text[:40])} is not a number")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{quoted(text[:40])} is not a number") from None


def write_text(stream: VectorStream, file: IO[bytes], place: str, header: bool = True) -> None:
    """Write the text format, each number with the fewest digits that read back to the same float32.

    Raises `InputError` that names the word if one is empty or holds white space, or a number is not finite.
    """
    start = 0
    for batch in stream.batches:
        dim = batch.matrix.shape[1]
        if header and not start:
            file.write(f"{stream.rows} {dim}\n".encode())
        check_batch(batch, start, place, FORBIDDEN)
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

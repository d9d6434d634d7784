"""Words and vectors as a stream of batches, and what every stream is checked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.errors import ConfigError, InputError
from w2v_spark.vectors.blocks import Matrix

Counts = npt.NDArray[np.int64]
Place = Callable[[int], str]
"""Says where in its file the row of that number is, to name it in an error: ``"v.txt, line 7"``."""

MAX_ROWS = 2**31 - 1  # the table's ids are int32
MAX_DIM = 65_536  # a row group of the table holds 2**31 numbers at most
MAX_WORD = 65_536  # bytes; whoever finds no end of a word by then is not at a word


class Batch(NamedTuple):
    """Consecutive rows: words (rows,), vectors float32 (rows, D), counts int64 (rows,)."""

    words: pa.StringArray
    matrix: Matrix
    counts: Counts


@dataclass(frozen=True, slots=True)
class VectorStream:
    """Words and vectors in rank order, to be read once.

    Attributes
    ----------
    rows : int
        V, known from the start.
    batches : iterator of Batch
        Together ``rows`` rows; raises `InputError` or `StoreError` at the batch that is wrong.
    """

    rows: int
    batches: Iterator[Batch]


def limited(rows: int, limit: int | None) -> int:
    """The number of rows to read. Raises `ConfigError` if ``limit`` is below 1."""
    if limit is not None and limit < 1:
        raise ConfigError(f"limit = {limit} is not allowed: expected at least 1, or None for all words")
    return rows if limit is None else min(rows, limit)


def decode_words(raw: list[bytes], unicode_errors: str, start: int, place: Place) -> pa.StringArray:
    """Bytes to words. Raises `InputError` that names the place if they are not UTF-8 and ``"strict"`` is asked for."""
    if unicode_errors != "strict":
        return pa.array([word.decode("utf-8", unicode_errors) for word in raw], pa.string())
    try:
        return pa.array(raw, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        for row, word in enumerate(raw, start):
            try:
                word.decode()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{place(row)}: the word {word[:80]!r} is not UTF-8 ({error.reason} at its byte {error.start}); "
                    "unicode errors can be ignored or replaced instead"
                ) from None
        raise


def check_finite(matrix: Matrix, start: int, place: Callable[[int, int], str]) -> None:
    """Raise `InputError` at the first number that is NaN or infinite; ``place`` is told row and column."""
    finite = np.isfinite(matrix)
    if not finite.all():
        row, column = (int(at) for at in np.argwhere(~finite)[0])
        raise InputError(
            f"{place(start + row, column)}: number {column + 1} of the vector is {matrix[row, column]}, "
            "expected a finite float32"
        )


def check_words(words: pa.StringArray, forbidden: str, start: int, place: Place) -> None:
    """Raise `InputError` at the first word that is empty, too long, or holds a character of ``forbidden``.

    ``forbidden`` is the inside of a regular expression's brackets.
    """
    length = pc.binary_length(words)
    wrong = pc.or_(pc.equal(length, 0), pc.greater(length, MAX_WORD))
    if forbidden:
        wrong = pc.or_(wrong, pc.match_substring_regex(words, f"[{forbidden}]"))
    row = pc.index(wrong, True).as_py()
    if row >= 0:
        raise InputError(f"{place(start + row)}: {_what_is_wrong(words[row].as_py())}")


def _what_is_wrong(word: str) -> str:
    size = len(word.encode())
    if not size:
        return "the word is empty"
    if size > MAX_WORD:
        return f"a word of {size} bytes, {word[:20]!r}...; allowed are {MAX_WORD}"
    return f"the word {word!r} holds white space, which this format cannot hold in a word"


def check_export(batch: Batch, start: int, place: str, forbidden: str) -> None:
    """Refuse what a file could not hold. Raises `InputError` that names the word and its rank."""
    check_words(batch.words, forbidden, start, lambda row: f"{place}, rank {row}")
    check_finite(batch.matrix, start, lambda row, _: f"{place}, rank {row}, {batch.words[row - start].as_py()!r}")


def distinct(batches: Iterable[Batch], place: Place) -> Iterator[Batch]:
    """The same batches; after the last one, `InputError` if a word has occurred twice. Holds the words."""
    held: list[pa.StringArray] = []
    for batch in batches:
        held.append(batch.words)
        yield batch
    words = pa.chunked_array(held, pa.string())
    if len(words.unique()) == len(words):
        return
    codes = words.combine_chunks().dictionary_encode().indices.to_numpy()  # numbered by first occurrence
    again = int(np.flatnonzero(codes[1:] <= np.maximum.accumulate(codes)[:-1])[0]) + 1
    first = int(np.flatnonzero(codes == codes[again])[0])
    raise InputError(f"{place(again)}: the word {words[again].as_py()!r} has occurred before ({place(first)})")


def rank_counts(rows: int, start: int, count: int) -> Counts:
    """V - rank of some rows, for counts that are not known: V for the first word, 1 for the last, as gensim does."""
    return np.arange(rows - start, rows - start - count, -1, dtype=np.int64)

"""What every stream of vectors is checked for, in one place: words, numbers, words that occur twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.errors import InputError, Name
from w2v_spark.formats.lenience import DUPLICATES, UNICODE_ERRORS, Duplicates, Lenience, Mended, UnicodeErrors
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import Batch, Counts, VectorStream, limited, rank_counts

Mask = npt.NDArray[np.bool_]

MAX_ROWS: Final = 2**31 - 1  # the table's ids are int32
MAX_DIM: Final = 65_536  # a row group of the table holds 2**31 numbers at most
MAX_WORD: Final = 1 << 20  # bytes; whoever finds no end of a word by then is not at a word
_KEEP_FIRST: Final = ("; ", DUPLICATES, " first keeps the first")


class Rows(NamedTuple):
    """Consecutive rows as a file has them, not checked yet.

    Attributes
    ----------
    words : list of bytes or None, or pa.StringArray
        None where a row cannot be read and is to be left out; its vector is then anything.
    matrix : float32, (rows, D)
    counts : int64, (rows,), optional
        None if the file has none.
    split : bool
        Whether there are words with spaces that had to be told from their numbers; those are reported.
    """

    words: list[bytes | None] | pa.StringArray
    matrix: Matrix
    counts: Counts | None = None
    split: bool = False


class Source(Protocol):
    """A file of another program, which can be read more than once."""

    @property
    def rows(self) -> int:
        """How many rows the file is said to have."""

    @property
    def forbidden(self) -> str:
        """What a word cannot hold: the inside of a regular expression's brackets."""

    def place(self, row: int, column: int | None = None) -> str:
        """Where in its file a row of the batches so far is, or one of its numbers: ``"v.txt, line 7"``."""

    def batches(self, stop: int | None) -> Iterator[Rows]:
        """From the first row to ``stop``, or if that is None to the last that is there.

        Raises `InputError` at what `Lenience.malformed` does not let through, and with a ``stop`` at rows that are
        missing or too many.
        """


@dataclass(frozen=True, slots=True)
class Checked(VectorStream):
    """Words and vectors that are as they should be, and what was mended for that."""

    mended: Mended


def checked(source: Source, limit: int | None, lenience: Lenience) -> Checked:
    """The rows of a file, or the first ``limit`` of them, checked.

    Raises
    ------
    InputError
        A word is empty, too long, not UTF-8, holds what it cannot hold, or occurs twice, or a number is not finite:
        here if rows may be left out, else at the batch, and for words that occur twice after the last one.
    ConfigError
        ``limit`` is below 1.

    Notes
    -----
    If rows may be left out, how many remain is to be known before the first is written: the file is read twice.
    Memory: the words, and a byte a row.
    """
    wanted = limited(source.rows, limit)
    mended = Mended()
    if not lenience.drops:
        return Checked(wanted, _all_rows(source, wanted, lenience, mended), mended)
    stop = limit if lenience.skip_malformed else wanted
    keep = _survey(source, stop, lenience, mended)
    return Checked(int(keep.sum()), _kept_rows(source, stop, lenience, keep), mended)


def _all_rows(source: Source, wanted: int, lenience: Lenience, mended: Mended) -> Iterator[Batch]:
    def batches() -> Iterator[Batch]:
        for start, words, rows in _decoded(source, wanted, lenience, mended):
            _well_formed(source, start, words, rows, lenience)
            if rows.split:
                mended.with_spaces += int(_with_spaces(words).sum())
            counts = rank_counts(wanted, start, len(words)) if rows.counts is None else rows.counts
            yield Batch(words, rows.matrix, counts)

    return distinct(batches(), source.place, *_KEEP_FIRST)


def _survey(source: Source, stop: int | None, lenience: Lenience, mended: Mended) -> Mask:
    """Which rows are to be kept."""
    kept: list[Mask] = [np.empty(0, dtype=np.bool_)]
    held: list[pa.StringArray] = []
    split = False
    for start, words, rows in _decoded(source, stop, lenience, mended):
        split = split or rows.split
        kept.append(_well_formed(source, start, words, rows, lenience))
        held.append(pc.if_else(pa.array(kept[-1]), words, None))
    keep = np.concatenate(kept)
    if lenience.skip_malformed and len(keep) != (source.rows if stop is None else min(stop, source.rows)):
        mended.announced = source.rows
    mended.malformed = int(len(keep) - keep.sum())
    words_held = pa.chunked_array(held, pa.string())
    again = _occurred_before(words_held)
    if again.any() and lenience.duplicates is Duplicates.ERROR:
        raise _twice(words_held, again, source.place, *_KEEP_FIRST)
    mended.duplicates = int(again.sum())
    keep &= ~again
    if split:
        mended.with_spaces = int((_with_spaces(words_held) & keep).sum())
    if not keep.any():
        raise InputError(f"{source.place(0)} and after: no row can be read")
    return keep


def _kept_rows(source: Source, stop: int | None, lenience: Lenience, keep: Mask) -> Iterator[Batch]:
    wanted, done = int(keep.sum()), 0
    for start, words, rows in _decoded(source, stop, lenience, Mended()):
        kept = keep[start : start + len(words)]
        count = int(kept.sum())
        counts = rank_counts(wanted, done, count) if rows.counts is None else rows.counts[kept]
        if count:
            yield Batch(words.filter(pa.array(kept)), np.ascontiguousarray(rows.matrix[kept]), counts)
        done += count


def _decoded(
    source: Source, stop: int | None, lenience: Lenience, mended: Mended
) -> Iterator[tuple[int, pa.StringArray, Rows]]:
    """Rows with the number of the first, and their words as text, null where a row is malformed."""
    start = 0
    for rows in source.batches(stop):
        words = rows.words
        yield start, _decode(words, start, source, lenience, mended) if isinstance(words, list) else words, rows
        start += len(words)


def _decode(raw: list[bytes | None], start: int, source: Source, lenience: Lenience, mended: Mended) -> pa.StringArray:
    try:
        return pa.array(raw, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:  # a word that is not UTF-8
        words: list[str | None] = []
        for row, word in enumerate(raw, start):
            words.append(None if word is None else _decode_word(word, row, source, lenience, mended))
        return pa.array(words, pa.string())


def _decode_word(word: bytes, row: int, source: Source, lenience: Lenience, mended: Mended) -> str | None:
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        if lenience.unicode_errors is UnicodeErrors.STRICT:
            what = f"the word {quoted(word[:80])} is not UTF-8 ({error.reason} at its byte {error.start})"
            lenience.malformed(source.place(row), what, UNICODE_ERRORS, " ignore or replace mends the word, ")
            return None
    mended.not_unicode += 1
    return word.decode("utf-8", lenience.unicode_errors)


def _well_formed(source: Source, start: int, words: pa.StringArray, rows: Rows, lenience: Lenience) -> Mask:
    """Which rows are as they should be. Raises `InputError` at the first that is not, if that is asked for."""
    wrong = _wrong_words(words, source.forbidden)
    finite = np.isfinite(rows.matrix)
    if not lenience.skip_malformed:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            lenience.malformed(source.place(start + row), _what_is_wrong(words[row].as_py()))
        if not finite.all():
            row, column = (int(at) for at in np.argwhere(~finite)[0])
            lenience.malformed(source.place(start + row, column), _what_number(rows.matrix, row, column))
    return ~wrong & finite.all(axis=1)


def _wrong_words(words: pa.StringArray, forbidden: str) -> Mask:
    """Words that are null, empty, too long, or hold a character of ``forbidden``."""
    length = pc.binary_length(words)
    wrong = pc.or_(pc.equal(length, 0), pc.greater(length, MAX_WORD))
    if forbidden:
        wrong = pc.or_(wrong, pc.match_substring_regex(words, f"[{forbidden}]"))
    mask: Mask = wrong.fill_null(True).to_numpy(zero_copy_only=False)
    return mask


def _with_spaces(words: pa.StringArray | pa.ChunkedArray) -> Mask:
    mask: Mask = pc.match_substring(words, " ").fill_null(False).to_numpy(zero_copy_only=False)
    return mask


def _what_is_wrong(word: str) -> str:
    """What a word that is not allowed is like."""
    size = len(word.encode())
    if not size:
        return "the word is empty"
    if size > MAX_WORD:
        return f"a word of {size} bytes, {word[:20]!r}...; allowed are {MAX_WORD}"
    return f"the word {word!r} holds white space, which this format cannot hold in a word"


def quoted(text: bytes) -> str:
    """Bytes of a file within a message: as text, where they are text."""
    return repr(text.decode(errors="backslashreplace")).replace(r"\\x", r"\x")


def _what_number(matrix: Matrix, row: int, column: int) -> str:
    return f"number {column + 1} of the vector is {matrix[row, column]}, expected a finite float32"


def check_batch(batch: Batch, start: int, place: str, forbidden: str) -> None:
    """Refuse what a file could not hold. Raises `InputError` that names the word and its rank."""
    wrong = _wrong_words(batch.words, forbidden)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"{place}, rank {start + row}: {_what_is_wrong(batch.words[row].as_py())}")
    finite = np.isfinite(batch.matrix)
    if not finite.all():
        row, column = (int(at) for at in np.argwhere(~finite)[0])
        word = batch.words[row].as_py()
        raise InputError(f"{place}, rank {start + row}, {word!r}: {_what_number(batch.matrix, row, column)}")


def distinct(batches: Iterable[Batch], place: Callable[[int], str], *remedy: str | Name) -> Iterator[Batch]:
    """The same batches; after the last one, `InputError` if a word has occurred twice. Holds the words."""
    held: list[pa.StringArray] = []
    for batch in batches:
        held.append(batch.words)
        yield batch
    words = pa.chunked_array(held, pa.string())
    again = _occurred_before(words)
    if again.any():
        raise _twice(words, again, place, *remedy)


def _occurred_before(words: pa.ChunkedArray) -> Mask:
    """Which words are among those before them; null is not."""
    if len(words.drop_null().unique()) == len(words) - words.null_count:
        return np.zeros(len(words), dtype=np.bool_)
    numbers = words.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()  # by first occurrence
    newest = np.maximum.accumulate(np.concatenate(([-1], numbers[:-1])))
    again: Mask = (numbers >= 0) & (numbers <= newest)
    return again


def _twice(words: pa.ChunkedArray, again: Mask, place: Callable[[int], str], *remedy: str | Name) -> InputError:
    row = int(np.flatnonzero(again)[0])
    first = pc.index(words, words[row]).as_py()
    return InputError(f"{place(row)}: the word {words[row].as_py()!r} has occurred before ({place(first)})", *remedy)

"""From documents to their words, for all who read text: counting, encoding and the model's transform."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.config import Normalize, Sentences, TextConfig, Tokenizer
from w2v_spark.text import scanner
from w2v_spark.text.characters import CharacterTable, build_character_table
from w2v_spark.text.kmers import KmerAnalyzer
from w2v_spark.text.normalization import Compositions, compositions, find_unnormalized, normalize_documents
from w2v_spark.text.ready_words import ready_words
from w2v_spark.text.user_analyzer import UserAnalyzer
from w2v_spark.text.user_tokenizer import is_own
from w2v_spark.text.words import NEW_DOCUMENT, Seen, Words, string_buffers

_BUFFER_BYTES: Final = 1 << 21
_BUFFER_WORDS: Final = 1 << 19


class Analyzer(Protocol):
    """Turns Arrow arrays of documents, which are text or lists of ready words, into `Words`.

    Made by `build_analyzer` on the driver and sent to the executors, where each copy begins with nothing seen.

    Attributes
    ----------
    seen : Seen
    """

    @property
    def seen(self) -> Seen: ...  # noqa: D102

    def words(self, column: pa.Array, keep_unusable: bool = False) -> Iterator[Words]:
        """Yield the words of a column, whose buffers may be overwritten by the next step.

        Parameters
        ----------
        column : string, large_string, binary, large_binary, list<string> or large_list<string>
            One document a row; a list is one sentence. Documents keep their row's number in `Words.documents`, and
            null and empty ones have no words.
        keep_unusable : bool
            Whether ready words that are null, empty or overlong are handed on, as empty ones, and not left out.
        """


class ScanningAnalyzer:
    """The `Analyzer` of this package's own tokenizers.

    Attributes
    ----------
    seen : Seen

    Notes
    -----
    Memory is constant, whatever the length of a document, as long as there are blanks in it: the buffers hold 2 MiB of
    words at a time, and text that has to be normalised is taken in pieces of 4 MiB.
    """

    def __init__(self, characters: CharacterTable, by_line: bool, composed: Compositions | None) -> None:
        self._characters = characters
        self._by_line = by_line
        self._composed = composed
        self._buffers: tuple[npt.NDArray[Any], ...] | None = None
        self.seen = Seen()

    def __reduce__(self) -> tuple[type[ScanningAnalyzer], tuple[Any, ...]]:
        return ScanningAnalyzer, (self._characters, self._by_line, self._composed)

    def words(self, column: pa.Array, keep_unusable: bool = False) -> Iterator[Words]:
        """See `Analyzer`."""
        self.seen.documents += len(column) - column.null_count
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            yield from ready_words(column, self.seen, keep_unusable, _BUFFER_WORDS)
        else:
            yield from self._scan(column)

    def _scan(self, column: pa.Array) -> Iterator[Words]:
        text, starts = string_buffers(_without_nulls(column))
        self.seen.bytes += int(starts[-1] - starts[0])
        text, starts = self._normalized(text, starts)
        out, offsets, breaks, documents = self._buffers = self._buffers or _make_buffers()
        state = np.zeros(scanner.STATE_SIZE, np.int64)
        state[scanner.POSITION] = starts[0]
        state[scanner.BREAK] = NEW_DOCUMENT
        table = self._characters
        while state[scanner.DOCUMENT] < len(column):
            n = scanner.scan(
                text, starts, table.pages, table.flags, table.lower, self._by_line, out, offsets, breaks, documents,
                state,
            )  # fmt: skip
            if n:
                yield Words(out, offsets[: n + 1], breaks[:n], documents[:n])
        self.seen.invalid_utf8 += int(state[scanner.INVALID])
        self.seen.invalid_bytes += int(state[scanner.INVALID_BYTES])
        self.seen.overlong_words += int(state[scanner.OVERLONG])

    def _normalized(
        self, text: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The documents in normal form, without a copy where all of them are."""
        if self._composed is None:
            return text, starts
        found, table = np.empty(len(starts) - 1, bool), self._characters
        if not find_unnormalized(
            text, starts, table.pages, table.flags, table.classes, table.leads, self._composed.pairs, found
        ):
            return text, starts
        return normalize_documents(text, starts, found, self._composed)


def build_analyzer(config: TextConfig) -> Analyzer:
    """The analyzer that a ``[text]`` section asks for. The one place where the section becomes code that reads text.

    Raises
    ------
    ConfigError, MissingExtra
        See `load_tokenizer`.
    """
    if not is_own(config.tokenizer):
        return UserAnalyzer(config)
    if config.tokenizer is Tokenizer.KMER:
        return KmerAnalyzer(config)
    by_line = config.sentences is Sentences.LINE or config.tokenizer is Tokenizer.WHITESPACE
    composed = None if config.normalize is Normalize.NONE else compositions(config.normalize, config.lowers)
    return ScanningAnalyzer(build_character_table(config), by_line, composed)


def _make_buffers() -> tuple[npt.NDArray[Any], ...]:
    """Room for the text, the offsets, the breaks and the documents of words."""
    return (
        np.empty(_BUFFER_BYTES, np.uint8),
        np.empty(_BUFFER_WORDS + 1, np.int32),
        np.empty(_BUFFER_WORDS, np.uint8),
        np.empty(_BUFFER_WORDS, np.int32),
    )


def _without_nulls(column: pa.Array) -> pa.Array:
    """A column of text whose nulls are empty texts."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pc.fill_null(column, pa.scalar("", pa.string()).cast(column.type)) if column.null_count else column

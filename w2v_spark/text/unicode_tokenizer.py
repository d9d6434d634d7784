"""Arrow columns of text, or of ready-made words, to words: what both passes over the corpus share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.config import Apostrophes, Sentences, TextConfig
from w2v_spark.text import scanner
from w2v_spark.text.characters import CharacterTable, build_character_table
from w2v_spark.text.scanner import MAX_WORD_BYTES, NEW_DOCUMENT, NEW_SENTENCE, SAME

_BUFFER_BYTES: Final = 1 << 21
_BUFFER_WORDS: Final = 1 << 19


@dataclass(frozen=True, slots=True)
class Words:
    """Some words in reading order.

    Attributes
    ----------
    text : (bytes,) uint8
        The words, UTF-8, without separators.
    offsets : (n + 1,) int32
        Word ``i`` is ``text[offsets[i]:offsets[i + 1]]``.
    breaks : (n,) uint8
        `NEW_DOCUMENT`, `NEW_SENTENCE` or `SAME`: what starts with word ``i``.
    """

    text: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int32]
    breaks: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.breaks)


def character_table(config: TextConfig) -> CharacterTable:
    """What each character means under a ``[text]`` section."""
    return build_character_table(config.lowercase, config.apostrophes is Apostrophes.KEEP)


class Tokenizer:
    """Turns Arrow arrays of text, or of ready-made words, into `Words`.

    Parameters
    ----------
    config
        The ``[text]`` section.
    table
        `character_table` of the same section; made when it is not given.

    Attributes
    ----------
    documents, invalid, overlong : int
        Counters since construction: documents that are not null, invalid UTF-8 sequences that were replaced,
        and words of more than `MAX_WORD_BYTES` bytes that were dropped.

    Notes
    -----
    Memory is constant, whatever the length of a document: the buffers hold 2 MiB of words at a time.
    """

    def __init__(self, config: TextConfig, table: CharacterTable | None = None) -> None:
        self._table = table or character_table(config)
        self._by_line = config.sentences is Sentences.LINE
        self._out = np.empty(_BUFFER_BYTES, np.uint8)
        self._offsets = np.empty(_BUFFER_WORDS + 1, np.int32)
        self._breaks = np.empty(_BUFFER_WORDS, np.uint8)
        self.documents = 0
        self.invalid = 0
        self.overlong = 0

    def words(self, column: pa.Array) -> Iterator[Words]:
        """Yield the words of a column of text or of word lists, whose buffers may be overwritten by the next step.

        Parameters
        ----------
        column : string, large_string, binary, or list<string>
            One document a row; a list is one sentence. Null rows and empty rows are passed over.
        """
        column = column.drop_null()
        self.documents += len(column)
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            yield from self._ready_words(column)
        else:
            yield from self._scan(column)

    def _scan(self, column: pa.Array) -> Iterator[Words]:
        text, starts = string_buffers(column)
        out, offsets, breaks = self._out, self._offsets, self._breaks
        state = np.zeros(scanner.STATE_SIZE, np.int64)
        state[scanner.POSITION] = starts[0]
        state[scanner.BREAK] = NEW_DOCUMENT
        table = self._table
        while state[scanner.DOCUMENT] < len(column):
            n = scanner.scan(
                text, starts, table.blocks, table.flags, table.lower, self._by_line, out, offsets, breaks, state
            )
            if n:
                yield Words(out, offsets[: n + 1], breaks[:n])
        self.invalid += int(state[scanner.INVALID])
        self.overlong += int(state[scanner.OVERLONG])

    def _ready_words(self, column: pa.Array) -> Iterator[Words]:
        words = self._valid(column.flatten())
        lengths = np.diff(np.asarray(column.offsets, np.int64))
        first = np.concatenate([[0], np.cumsum(lengths[:-1])]) if len(lengths) else np.empty(0, np.int64)
        breaks = np.zeros(len(words) + 1, np.uint8)
        breaks[first] = NEW_DOCUMENT  # an empty list marks the word behind it, which starts a list of its own anyway
        breaks = breaks[:-1]
        keep, breaks = self._usable(words, breaks)
        text, starts = string_buffers(words.filter(pa.array(keep)) if not keep.all() else words)
        for begin in range(0, len(breaks), _BUFFER_WORDS):
            end = min(begin + _BUFFER_WORDS, len(breaks))
            base = starts[begin]
            yield Words(text[base : starts[end]], (starts[begin : end + 1] - base).astype(np.int32), breaks[begin:end])

    def _valid(self, words: pa.Array) -> pa.Array:
        """The words, those that are not UTF-8 with a replacement character for each invalid sequence."""
        try:
            words.validate(full=True)
            return words
        except pa.ArrowInvalid:
            raw = words.cast(pa.binary()).to_pylist()
        valid = [None if word is None else word.decode(errors="replace") for word in raw]
        self.invalid += sum(
            after.count("\ufffd") - before.count("\ufffd".encode())
            for before, after in zip(raw, valid, strict=True)
            if after is not None
        )
        return pa.array(valid, words.type)

    def _usable(
        self, words: pa.Array, breaks: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.uint8]]:
        """Which words to keep (not null, empty or overlong), and their breaks, moved on where a first word goes."""
        size = pa.compute.fill_null(pa.compute.binary_length(words), 0).to_numpy(zero_copy_only=False)
        self.overlong += int((size > MAX_WORD_BYTES).sum())
        keep = (size > 0) & (size <= MAX_WORD_BYTES)
        if keep.all():
            return keep, breaks
        sentence = np.cumsum(breaks > 0)[keep]
        moved = np.zeros(len(sentence), np.uint8)
        moved[np.flatnonzero(np.diff(sentence, prepend=-1))] = NEW_DOCUMENT
        return keep, moved


def string_buffers(column: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes and the (n + 1,) int64 offsets of an array of strings, without a copy of the bytes."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    wide = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    _, offsets, data = column.buffers()
    if offsets is None:
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    starts = np.frombuffer(offsets, np.int64 if wide else np.int32)[column.offset : column.offset + len(column) + 1]
    text = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return text, starts.astype(np.int64)


__all__ = [
    "MAX_WORD_BYTES",
    "NEW_DOCUMENT",
    "NEW_SENTENCE",
    "SAME",
    "Tokenizer",
    "Words",
    "character_table",
    "string_buffers",
]

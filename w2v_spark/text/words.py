"""Words on their way from documents to ids: one behind the other in a buffer, as kernels read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.text.scanner import MAX_WORD_BYTES, NEW_DOCUMENT, NEW_SENTENCE, SAME


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
    documents : (n,) int32
        Which row of the column each word is from; ascends. Documents without words are missing.
    """

    text: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int32]
    breaks: npt.NDArray[np.uint8]
    documents: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.breaks)

    def part(self, begin: int, end: int) -> Words:
        """Some of the words, as views."""
        return Words(self.text, self.offsets[begin : end + 1], self.breaks[begin:end], self.documents[begin:end])

    @classmethod
    def from_strings(cls, strings: pa.Array) -> Words:
        """Strings, less than 2 GiB of them, as the words of one sentence, without a copy of the bytes."""
        text, starts = string_buffers(strings)
        first, n = starts[0], len(strings)
        breaks = np.zeros(n, np.uint8)
        breaks[:1] = NEW_DOCUMENT
        return cls(text[first : starts[-1]], (starts - first).astype(np.int32), breaks, np.zeros(n, np.int32))


@dataclass(slots=True)
class Seen:
    """What an analyzer has met, in all columns together.

    Attributes
    ----------
    documents : int
        Documents that are not null.
    bytes : int
        Their length, before normalisation.
    invalid_utf8, invalid_bytes : int
        Sequences that are not UTF-8, and their length. They separate words; in ready words a replacement character
        takes their place.
    overlong_words : int
        Words of more than `MAX_WORD_BYTES` bytes, which were dropped.
    letters, foreign_letters, nucleotides : int
        Of sequences that are cut into k-mers: their letters; those that are neither in the alphabet nor stand for some
        of it; and those of A, C, G, T, U and N.
    sequences_cut : int
        Sequences with at least one k-mer.
    """

    documents: int = 0
    bytes: int = 0
    invalid_utf8: int = 0
    invalid_bytes: int = 0
    overlong_words: int = 0
    letters: int = 0
    foreign_letters: int = 0
    nucleotides: int = 0
    sequences_cut: int = 0


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


__all__ = ["MAX_WORD_BYTES", "NEW_DOCUMENT", "NEW_SENTENCE", "SAME", "Seen", "Words", "string_buffers"]

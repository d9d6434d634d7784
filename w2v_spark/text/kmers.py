"""Sequences of DNA, RNA and proteins to their k-mers.

A protein in all its frames is what ProtVec is trained on (Asgari & Mofrad 2015); DNA with k drawn for each letter and
one strand or the other is the text of dna2vec (Ng 2017), but that nothing here runs from one record into the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.config import AMBIGUOUS, LETTERS, Alphabet, ReverseComplement, TextConfig, UnknownLetters, k_range
from w2v_spark.text import kmer_scanner as ks
from w2v_spark.text.ready_words import ready_words
from w2v_spark.text.words import NEW_DOCUMENT, Seen, Words, string_buffers

PLACES: Final = 1 << 16
"""Where k-mers may start in a piece of a sequence, which is what is read of one strand and frame at a time."""

_BUFFER_BYTES: Final = 1 << 21
_BUFFER_WORDS: Final = 1 << 19
_BLANKS: Final = b" \t\r\n\v\f"
_UNCOUNTED: Final = b"*-."  # stops and gaps, which belong to sequences but are no letters
_NUCLEOTIDES: Final = b"ACGTUN"
_FACING: Final = ("ACGTRYSWKMBDHVN", "TGCAYRSWMKVHDBN")  # of IUPAC's letters
_STRANDS: Final = {
    ReverseComplement.NONE: ks.FORWARD,
    ReverseComplement.BOTH: ks.BOTH,
    ReverseComplement.CANONICAL: ks.CANONICAL,
    ReverseComplement.RANDOM: ks.RANDOM,
}

Bytes = npt.NDArray[np.uint8]


class KmerAnalyzer:
    """Turns Arrow arrays of sequences, or of lists of ready words, into `Words`; an `Analyzer`.

    Parameters
    ----------
    config : TextConfig
    places : int
        See `PLACES`; part of the result where frames or the other strand are read.

    Attributes
    ----------
    seen : Seen

    Notes
    -----
    Memory is constant, whatever the length of a sequence. Blanks and line ends within a sequence mean nothing. What is
    drawn at random goes by the letters of the whole sequence and the place in it.
    """

    def __init__(self, config: TextConfig, places: int = PLACES) -> None:
        self._config, self._places = config, places
        self._codes, self._kinds, self._complement = build_tables(config)
        least, most = k_range(config)
        self._rules = np.array([least, most, config.stride, config.frames, _STRANDS[config.reverse_complement]])
        self.seen = Seen()

    def __reduce__(self) -> tuple[type[KmerAnalyzer], tuple[Any, ...]]:
        return KmerAnalyzer, (self._config, self._places)

    def words(self, column: pa.Array, keep_unusable: bool = False) -> Iterator[Words]:
        """Yield the k-mers of a column, whose buffers may be overwritten by the next step.

        Parameters
        ----------
        column : string, large_string, binary, large_binary, list<string> or large_list<string>
            One sequence a row; a list is one sentence of words that are ready.
        keep_unusable : bool
            See `ready_words`.
        """
        self.seen.documents += len(column) - column.null_count
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            yield from ready_words(column, self.seen, keep_unusable, _BUFFER_WORDS)
            return
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if column.null_count:
            column = pc.fill_null(column, pa.scalar("", pa.string()).cast(column.type))
        text, starts = string_buffers(column)
        self.seen.bytes += int(starts[-1] - starts[0])
        yield from self._cut(text, starts)

    def _cut(self, text: Bytes, starts: npt.NDArray[np.int64]) -> Iterator[Words]:
        most = int(self._rules[ks.K_MAX])
        words = min(_BUFFER_WORDS, 1 + 2 * (int(starts[-1] - starts[0]) + len(starts)))  # small for a small column
        out = np.empty(min(_BUFFER_BYTES, most * words), np.uint8)
        offsets, breaks, documents = np.empty(words + 1, np.int32), np.empty(words, np.uint8), np.empty(words, np.int32)
        piece, hashes, state = np.empty(self._places + most - 1, np.uint8), np.zeros(1, np.uint64), _start(starts)
        while state[ks.DOCUMENT] < len(starts) - 1:
            n = ks.cut(
                text, starts, self._codes, self._kinds, self._complement, self._rules, piece, out, offsets, breaks,
                documents, state, hashes,
            )  # fmt: skip
            if n:
                yield Words(out, offsets[: n + 1], breaks[:n], documents[:n])
        seen = self.seen
        seen.letters += int(state[ks.LETTERS])
        seen.foreign_letters += int(state[ks.FOREIGNERS])
        seen.nucleotides += int(state[ks.NUCLEOTIDES])
        seen.sequences_cut += int(state[ks.WITH_WORDS])


def _start(starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    state = np.zeros(ks.STATE_SIZE, np.int64)
    state[ks.POSITION], state[ks.BREAK], state[ks.AT] = starts[0], NEW_DOCUMENT, -1
    return state


def build_tables(config: TextConfig) -> tuple[Bytes, Bytes, Bytes]:
    """What each byte is: the letter in k-mers or 0, its kind, and the letter that faces it; (256,) uint8 each."""
    own, known = LETTERS[config.alphabet], LETTERS[config.alphabet] + AMBIGUOUS[config.alphabet]
    kept = LETTERS[Alphabet.LETTERS] if config.unknown == UnknownLetters.KEEP else own
    codes, kinds = np.zeros(256, np.uint8), np.full(256, ks.LETTER | ks.FOREIGN, np.uint8)
    kinds[list(_BLANKS)], kinds[list(_UNCOUNTED)] = ks.BLANK, 0
    for letter in LETTERS[Alphabet.LETTERS]:
        kind = ks.LETTER | (0 if letter in known else ks.FOREIGN)
        for byte in (ord(letter), ord(letter.lower())):
            codes[byte] = ord(letter) if letter in kept else 0
            kinds[byte] = kind | (ks.NUCLEOTIDE if ord(letter) in _NUCLEOTIDES else 0)
    complement = np.arange(256, dtype=np.uint8)
    for letter, facing in zip(*_FACING, strict=True):
        complement[ord(letter)] = ord(facing)
    if config.alphabet == Alphabet.RNA:
        complement[list(b"AUT")] = list(b"UAT")
    return codes, kinds, complement

"""Phrases joined in words on their way from documents to ids: what later text goes through."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from w2v_spark.corpus.word_table import WordTable
from w2v_spark.kernels.jit import kernel
from w2v_spark.phrases.candidates import DELIMITER, Kinds
from w2v_spark.phrases.joining import chain
from w2v_spark.phrases.table import PhraseTable, connectors_of, part_words
from w2v_spark.text.words import SAME, Words


class PhraseJoiner:
    """Joins the words of phrases, as training has done it.

    Notes
    -----
    A word that belongs to no phrase is what an unknown word is: it is handed on, and nothing goes over it.
    """

    def __init__(self, table: PhraseTable) -> None:
        self._phrases = table
        words, names = part_words(table), table.names()
        self._kinds = Kinds.of_words(words, connectors_of(table), len(names))
        self._passes = table.indices(words, self._kinds)
        self._table = WordTable.from_words(words)
        self._spans = np.ones(len(self._kinds.of), np.int64)  # words that are joined to one, by its id
        self._spans[len(words) + 1 :] += np.asarray(pc.count_substring(names, DELIMITER))

    def __reduce__(self) -> tuple[type[PhraseJoiner], tuple[PhraseTable]]:
        return PhraseJoiner, (self._phrases,)

    def change(self, words: Words) -> Words:
        """See `Changer`: the words of phrases joined."""
        if not len(words):
            return words
        ids = np.empty(len(words), np.int32)
        self._table.find(words, ids)
        ids[ids < 0] = self._kinds.gap
        last = np.append(words.breaks[1:] != SAME, True)
        ids[last] ^= -1
        joined, _ = chain(ids, np.array([len(ids)], np.int32), self._passes)
        if len(joined) == len(ids):
            return words
        spans = self._spans[joined ^ (joined >> 31)]
        starts = np.cumsum(spans) - spans
        text = np.empty(int(words.offsets[-1] - words.offsets[0]) + len(ids) - len(joined), np.uint8)
        offsets = np.empty(len(joined) + 1, np.int32)
        copy_joined(words.text, words.offsets, spans, text, offsets)
        return Words(text, offsets, words.breaks[starts], words.documents[starts])


_DELIMITER = ord(DELIMITER)


@kernel
def copy_joined(text, word_offsets, spans, joined, offsets):
    """Copy words, so many of them joined to one by a delimiter as each of ``spans`` says; fills text and offsets."""
    out, w = np.int64(0), np.int64(0)
    offsets[0] = 0
    for j in range(len(spans)):
        for k in range(spans[j]):
            if k > 0:
                joined[out] = _DELIMITER
                out += 1
            for b in range(word_offsets[w], word_offsets[w + 1]):
                joined[out] = text[b]
                out += 1
            w += 1
        offsets[j + 1] = out

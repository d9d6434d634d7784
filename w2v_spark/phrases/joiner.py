"""Phrases joined in words on their way from documents to ids: what later text goes through."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.config import TextConfig
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.kernels.jit import kernel
from w2v_spark.phrases.candidates import DELIMITER, Kinds
from w2v_spark.phrases.joining import chain
from w2v_spark.phrases.table import PhraseTable, connectors_of, part_words
from w2v_spark.text.analyzer import Analyzer, build_analyzer
from w2v_spark.text.words import SAME, Seen, Words


class PhraseJoiner:
    """Joins the words of phrases, as training has done it.

    Notes
    -----
    A word that belongs to no phrase is what an unknown word is: it is handed on, and nothing goes over it.
    """

    def __init__(self, table: PhraseTable) -> None:
        words, names = part_words(table), table.names()
        self._kinds = Kinds.of_words(words, connectors_of(table), len(names))
        self._passes = table.indices(words, self._kinds)
        self._table = WordTable.from_words(words)
        self._spans = np.ones(len(self._kinds.of), np.int64)  # words that are joined to one, by its id
        self._spans[len(words) + 1 :] += np.asarray(pc.count_substring(names, DELIMITER))

    def join(self, words: Words) -> Words:
        """Words of whole sentences with their phrases joined; a copy, unless there are none."""
        if not len(words):
            return words
        ids = np.empty(len(words), np.int32)
        self._table.find(words, ids)
        ids[ids < 0] = self._kinds.gap
        last = np.append(words.breaks[1:] != SAME, True)
        ids[last] ^= -1
        joined, _ = chain(ids, np.array([len(ids)], np.int32), self._passes, self._kinds)
        if len(joined) == len(ids):
            return words
        spans = self._spans[joined ^ (joined >> 31)]
        starts = np.cumsum(spans) - spans
        text = np.empty(int(words.offsets[-1] - words.offsets[0]) + len(ids) - len(joined), np.uint8)
        offsets = np.empty(len(joined) + 1, np.int32)
        copy_joined(words.text, words.offsets, spans, text, offsets)
        return Words(text, offsets, words.breaks[starts], words.documents[starts])


class JoiningAnalyzer:
    """An `Analyzer` whose words are joined to phrases.

    Attributes
    ----------
    seen : Seen
        What the analyzer behind it has met.
    """

    def __init__(self, analyzer: Analyzer, table: PhraseTable) -> None:
        self._analyzer, self._phrases = analyzer, table
        self._joiner = PhraseJoiner(table)

    def __reduce__(self) -> tuple[type[JoiningAnalyzer], tuple[Analyzer, PhraseTable]]:
        return JoiningAnalyzer, (self._analyzer, self._phrases)

    @property
    def seen(self) -> Seen:
        """See `Analyzer`."""
        return self._analyzer.seen

    def words(self, column: pa.Array, keep_unusable: bool = False) -> Iterator[Words]:
        """See `Analyzer`. Memory grows with the longest sentence, since the last one of a buffer waits for its end."""
        waiting: list[Words] = []
        for words in self._analyzer.words(column, keep_unusable):
            begins = np.flatnonzero(words.breaks != SAME)
            if len(begins):
                ended = words.part(0, int(begins[-1]))
                if waiting or len(ended):
                    yield self._joiner.join(_concatenate([*waiting, ended]))
                waiting, words = [], words.part(int(begins[-1]), len(words))
            waiting.append(_copied(words))  # the buffers are filled anew
        if waiting:
            yield self._joiner.join(_concatenate(waiting))


def build_joining_analyzer(config: TextConfig, phrases: PhraseTable | None) -> Analyzer:
    """What reads text as a model has read it: the analyzer of its ``[text]``, and its phrases, if it has some.

    Raises
    ------
    ConfigError, MissingExtra
        See `build_analyzer`.
    """
    analyzer = build_analyzer(config)
    return analyzer if phrases is None or not len(phrases) else JoiningAnalyzer(analyzer, phrases)


def _copied(words: Words) -> Words:
    """With buffers of its own, which hold these words alone."""
    first, end = int(words.offsets[0]), int(words.offsets[-1])
    return Words(
        words.text[first:end].copy(), words.offsets - np.int32(first), words.breaks.copy(), words.documents.copy()
    )


def _concatenate(parts: list[Words]) -> Words:
    if len(parts) == 1:
        return parts[0]
    own = [_copied(part) for part in parts]
    ends = np.cumsum([len(part.text) for part in own])
    shifted = [part.offsets[1:] + np.int32(end - len(part.text)) for part, end in zip(own, ends, strict=True)]
    return Words(
        np.concatenate([part.text for part in own]),
        np.concatenate([np.zeros(1, np.int32), *shifted]).astype(np.int32),
        np.concatenate([part.breaks for part in own]),
        np.concatenate([part.documents for part in own]),
    )


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

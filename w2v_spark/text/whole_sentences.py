"""Words that are changed a sentence at a time on their way from documents to ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa

from w2v_spark.text.analyzer import Analyzer
from w2v_spark.text.words import SAME, Seen, Words


class Changer(Protocol):
    """Puts other words in the place of some."""

    def change(self, words: Words) -> Words:
        """Words of whole sentences, changed; a copy, unless nothing is."""


class ChangingAnalyzer:
    """An `Analyzer` whose words are changed.

    Attributes
    ----------
    seen : Seen
        What the analyzer behind it has met.
    """

    def __init__(self, analyzer: Analyzer, changer: Changer) -> None:
        self._analyzer, self._changer = analyzer, changer

    def __reduce__(self) -> tuple[type[ChangingAnalyzer], tuple[Analyzer, Changer]]:
        return ChangingAnalyzer, (self._analyzer, self._changer)

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
                    yield self._changer.change(_concatenate([*waiting, ended]))
                waiting, words = [], words.part(int(begins[-1]), len(words))
            waiting.append(_copied(words))  # the buffers are filled anew
        if waiting:
            yield self._changer.change(_concatenate(waiting))


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

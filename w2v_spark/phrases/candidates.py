"""Which ids can be joined: what every pass over the ids has to know of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

WORD: Final = 0
"""A word or a phrase, which can begin or end a phrase."""
GAP: Final = -1
"""Where unknown words stood: no phrase goes over it."""
DELIMITER: Final = "_"
"""Between the parts of a phrase."""
_CODE_BITS: Final = 62  # of a run of connector words


@dataclass(frozen=True, slots=True)
class Kinds:
    """What each id is.

    The ids are those of words by rank, then that of a gap, then those of phrases in the order of their discovery.

    Attributes
    ----------
    of : (ids,) int16
        `WORD`, `GAP`, or the number, from 1 on, of a connector word: one that may stand within a phrase, and not at
        its ends.
    connectors : (C,) int32
        Their ids; number ``c`` is ``connectors[c - 1]``.
    gap : int
        The id of unknown words.
    """

    of: npt.NDArray[np.int16]
    connectors: npt.NDArray[np.int32]
    gap: int

    @classmethod
    def of_words(cls, words: pa.Array, connectors: Sequence[str], phrases: int = 0) -> Self:
        """Of the words of a vocabulary, some of which may be connectors, and so many phrases.

        Words that hold the delimiter, as names in source code do, are handed on as gaps are: they belong to no phrase.
        """
        found = np.asarray(pc.index_in(pa.array(sorted(set(connectors)), pa.string()), words).drop_null())
        found = np.sort(found).astype(np.int32)
        found = found[[DELIMITER not in words[i].as_py() for i in found.tolist()]]
        kinds = np.full(len(words) + 1, WORD, np.int16)
        kinds[: len(words)][np.asarray(pc.match_substring(words, DELIMITER), np.bool_)] = GAP
        kinds[len(words)] = GAP
        kinds[found] = np.arange(1, len(found) + 1)
        return cls(kinds, found, len(words)).with_phrases(phrases)

    def with_phrases(self, phrases: int) -> Self:
        """The same words, and so many phrases."""
        of = np.full(self.gap + 1 + phrases, WORD, np.int16)
        of[: self.gap + 1] = self.of[: self.gap + 1]
        return replace(self, of=of)

    @property
    def base(self) -> int:
        """A run of connector words is a number in this base, each word a digit."""
        return len(self.connectors) + 1

    @property
    def most_connectors(self) -> int:
        """How many of them may follow each other within a phrase: as many as a number of 62 bits can name."""
        return int(_CODE_BITS / np.log2(self.base)) if len(self.connectors) else 0

    def run(self, code: int) -> list[int]:
        """The ids of a run of connector words, in reading order."""
        ids = []
        while code:
            code, digit = divmod(code, self.base)
            ids.append(int(self.connectors[digit - 1]))
        return ids[::-1]

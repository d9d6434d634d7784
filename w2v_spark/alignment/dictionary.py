"""Dictionaries: pairs of words, one of each of two languages, as MUSE has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import InputError
from w2v_spark.evaluation.text_files import read_lines
from w2v_spark.redaction import hide
from w2v_spark.retraining.start import find_rows

_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class KnownPairs:
    """The pairs of a dictionary whose words have a vector both.

    Attributes
    ----------
    source, target : (n,) int64
        Rows of the words, in the order of the dictionary.
    unknown : int
        How many other pairs there are.
    """

    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    unknown: int

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Pairs of words, each pair once.

    Attributes
    ----------
    name : str
        Where they are from, for messages.
    pairs : tuple of (source, target)
        A word may have several translations.
    """

    name: str
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Dictionary:
        """Read two words a line with white space between them, UTF-8; blank lines are passed over.

        Raises
        ------
        InputError
            The file cannot be read, a line has not two words, or there is none.
        """
        pairs: dict[tuple[str, str], None] = {}
        for number, line in read_lines(path, "\0"):
            words = line.split()
            if len(words) != 2:
                raise InputError(
                    f"{path}, line {number}: expected a word and its translation with white space between them, "
                    f"found {line[:80]!r}"
                )
            pairs[words[0], words[1]] = None
        if not pairs:
            raise InputError(f"{path} holds no pairs of words: expected a word and its translation a line")
        return cls(hide(str(path)), tuple(pairs))

    @classmethod
    def identical(cls, source: pa.Array, target: pa.Array) -> Dictionary:
        """The words that two vocabularies share, each with itself, in the order of the first. Raises `InputError`."""
        shared = source.filter(pa.array(find_rows(target, source) >= 0)).to_pylist()
        if not shared:
            raise InputError("no word is in both vocabularies: give a dictionary")
        return cls("identical words", tuple((word, word) for word in shared))

    def known(self, source: pa.Array, target: pa.Array) -> KnownPairs:
        """The pairs whose words are in two vocabularies. Raises `InputError` if there is none."""
        rows = [
            find_rows(words, pa.array([pair[side] for pair in self.pairs], pa.string()))
            for side, words in enumerate((source, target))
        ]
        both = (rows[0] >= 0) & (rows[1] >= 0)
        if not both.any():
            side, place, words = next(
                (side, place, words)
                for side, place, words in ((0, "source", source), (1, "target", target))
                if side or not (rows[0] >= 0).any()
            )
            raise InputError(
                f"{self.name}: of its {len(self.pairs):,} pairs none has two known words; the {place} has words like "
                f"{_examples(words.slice(0, _SHOWN).to_pylist())}, the dictionary "
                f"{_examples([pair[side] for pair in self.pairs[:_SHOWN]])}: give the one of these languages, in this "
                "order, written as they are"
            )
        return KnownPairs(rows[0][both], rows[1][both], int(np.count_nonzero(~both)))


def _examples(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words))

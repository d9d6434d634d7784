"""Which row, and which vector, stands for a word of a test set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import ConfigError, Name
from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import Ids

_BETWEEN: Final = re.compile(r"[_\s]+")
_MARKS: Final = re.compile(r"^\W+|\W+$")


def fold(word: str) -> str:
    """The word without the difference of capitals and small letters, each character by itself.

    Unicode's simple case folding: never more or fewer characters, so ß is not ss, and ı and İ are not i. Source: the
    Unicode Standard, section 5.18, and ``CaseFolding.txt``, status C and S.
    """
    folded = word.casefold()
    return folded if len(folded) == len(word) else "".join(map(_fold_character, word))


def _fold_character(character: str) -> str:
    candidates = (character.casefold(), character.lower(), character)
    return next(candidate for candidate in candidates if len(candidate) == 1)


def phrase_of(word: str) -> str | None:
    """The name that a phrase has in a vocabulary, or None for a single word.

    Test sets write names as they are in print, with ``_`` or blanks between their words: ``St._Louis_Blues``. The
    tokenizer leaves marks about a word out, so the phrase is ``St_Louis_Blues``.
    """
    parts = [_MARKS.sub("", part) for part in _BETWEEN.split(word)]
    named = [part for part in parts if part]
    return "_".join(named) if len(named) > 1 else None


class WordLookup:
    """The rows of words among the most frequent ones: as it stands, in another case, of its concept, or of its phrase.

    A word that is a form of the model's dictionary has been replaced by its concept, and has its row. A phrase is named
    by words that have no full stops and the like about them, so it is asked for like that as well, see `phrase_of`.

    Parameters
    ----------
    vectors : KeyedVectors
    restrict : int
        How many of the most frequent words there are to choose from.
    ignore_case : bool
        Whether a word in another case will do; the most frequent then.

    Attributes
    ----------
    standing : int, (min(restrict, V),)
        For every row the first one whose word differs in case only: two rows are forms of one word if theirs agree.

    Raises
    ------
    ConfigError
        ``restrict`` is below 1.
    """

    def __init__(self, vectors: KeyedVectors, restrict: int, ignore_case: bool) -> None:
        if restrict < 1:
            raise ConfigError(Name("restrict"), f" = {restrict} is not allowed: expected at least 1 word")
        self._rows = vectors.key_to_index
        self._concept_of = vectors.concept_of
        self._count = min(restrict, len(vectors))
        self._forms: dict[str, int] | None = None
        self.standing: Ids = np.arange(self._count)
        if ignore_case:
            forms: dict[str, int] = {}
            words = vectors.words[: self._count]
            self.standing = np.array(
                [forms.setdefault(fold(word), row) for row, word in enumerate(words)], dtype=np.intp
            )
            self._forms = forms

    def find(self, word: str) -> int | None:
        """The row of a word, or None."""
        row = self._find(word)
        if row is None and (phrase := phrase_of(word)) is not None:
            row = self._find(phrase)
        return row

    def _find(self, word: str) -> int | None:
        row = self._rows.get(word)
        if row is not None and row < self._count:
            return row
        other = None if self._forms is None else self._forms.get(fold(word))
        if other is None and (concept := self._concept_of(word)) is not None:
            row = self._rows.get(concept)
            return row if row is not None and row < self._count else None
        return other


class VectorLookup:
    """The vectors of words of a test set: of the row that `WordLookup` finds, else by n-grams where the model has them.

    Parameters
    ----------
    vectors : KeyedVectors
    restrict : int
    ignore_case : bool
    tagged : bool
        A word that is not there may be there without its last two characters, a part of speech: ``sun`` for ``sun-n``.

    Raises
    ------
    ConfigError
        ``restrict`` is below 1.
    """

    def __init__(self, vectors: KeyedVectors, restrict: int, ignore_case: bool = True, tagged: bool = False) -> None:
        self._vectors, self._tagged = vectors, tagged
        self._lookup = WordLookup(vectors, restrict, ignore_case)

    def vector(self, word: str) -> Vector | None:
        """The vector of a word, (D,), or None."""
        row = self._lookup.find(word)
        if row is None and self._tagged:
            row = self._lookup.find(word[:-2])
        if row is not None:
            return self._vectors.get_vector(row)
        return None if self._vectors.subwords is None else self._vectors.subwords.vector(word)

    def units(self, words: Iterable[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
        """The vectors of the words that have one, scaled to length 1 unless zero, (k, D); and which these are, (n,)."""
        found = [self.vector(word) for word in words]
        known = np.array([vector is not None for vector in found], dtype=bool)
        rows = np.array([vector for vector in found if vector is not None], dtype=np.float64)
        rows = rows.reshape(-1, self._vectors.dim)
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        norms[norms == 0] = 1
        return rows / norms[:, None], known

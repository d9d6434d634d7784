"""Which row stands for a word of a test set."""

from __future__ import annotations

import numpy as np

from w2v_spark.errors import ConfigError, Name
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import Ids


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


class WordLookup:
    """The rows of words among the most frequent ones: as it stands, in another case, or of its concept.

    A word that is a form of the model's dictionary has been replaced by its concept, and has its row.

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
        row = self._rows.get(word)
        if row is not None and row < self._count:
            return row
        other = None if self._forms is None else self._forms.get(fold(word))
        if other is None and (concept := self._concept_of(word)) is not None:
            row = self._rows.get(concept)
            return row if row is not None and row < self._count else None
        return other

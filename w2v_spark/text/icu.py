"""Words by the dictionaries of ICU, for scripts without blanks: Chinese, Japanese, Thai, Khmer, Lao, Burmese."""

from __future__ import annotations

from icu4py.breakers import SentenceBreaker, WordBreaker

_LOCALE = "root"  # dictionaries are chosen by script, not by language


def sentences(texts: list[str]) -> list[list[list[str]]]:
    """The sentences of each text as lists of words; what has no letter and no digit is no word."""
    return [[words for sentence in SentenceBreaker(text, _LOCALE) if (words := _words(sentence))] for text in texts]


def _words(text: str) -> list[str]:
    return [word for word in WordBreaker(text, _LOCALE) if any(map(str.isalnum, word))]

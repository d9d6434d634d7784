"""Which characters make up words, by the word boundaries of Unicode Standard Annex #29 (UAX 29).

Python knows the categories of characters and not their property Word_Break, so it is derived here: nearly all of it
follows from categories and names, and the sets below are the rest, as of Unicode 16. In four things words differ from
UAX 29, which says itself that its default is not enough for all languages:

- Letters of scripts that are written without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar and others) stay together in
  a run, where UAX 29 has each ideograph and each Thai letter as a word by itself.
- The narrow no-break space (U+202F) is a space: French and Russian have it before punctuation and between words.
- Format characters never make a word: signs such as the end of ayah (U+06DD) are not the digits they are to UAX 29.
- Apostrophes join word characters of every kind, if they are to.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import Final

from w2v_spark.text import flags as fl


def _characters(ranges: str) -> frozenset[int]:
    """Code points of ranges such as ``2C2-2C5 2DE``."""
    found: set[int] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_LETTER_SYMBOLS: Final = _characters(
    "B8 2C2-2C5 2D2-2D7 2DE-2DF 2E5-2EB 2ED 2EF-2FF 55A-55C 55E 58A 5F3 A708-A716 A720-A721 A789-A78A AB5B"
)
_NUMBER_SYMBOLS: Final = _characters("66B 19DA")
_KATAKANA: Final = _characters(
    "3031-3035 309B-309C 30A0-30FA 30FC-30FF 31F0-31FF 32D0-32FE 3300-3357 FF66-FF9D 1AFF0-1AFF3 1AFF5-1AFFB "
    "1AFFD-1AFFE 1B000 1B120-1B122 1B124-1B128 1B155 1B164-1B168"
)
_VOICE_MARKS: Final = frozenset("\uff9e\uff9f")  # of narrow Katakana
_EXTEND_SYMBOLS: Final = _characters("FF9E-FF9F 1F3FB-1F3FF")  # these, and the skin tones of emoji
_UNSEGMENTED_NAMES: Final = _names(
    "CJK HIRAGANA HENTAIGANA TANGUT KHITAN NUSHU HANGZHOU IDEOGRAPHIC THAI LAO KHMER MYANMAR TAI NEW AHOM"
)  # NEW TAI LUE; Unicode calls some old ideographs of Tangut nothing
_CURSIVE_NAMES: Final = _names(
    "ARABIC SYRIAC MANDAIC NKO MONGOLIAN PHAGS-PA ADLAM HANIFI MANICHAEAN SOGDIAN CHORASMIAN PSALTER"
)
_INVISIBLE_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0")  # fillers of Hangul
_INVISIBLE_MARKS: Final = _characters("34F 17B4-17B5 180B-180D 180F FE00-FE0F E0100-E01EF")
_JOINERS: Final = frozenset("\u200c\u200d\u180e")  # zero-width (non-)joiner, Mongolian vowel separator
_VIRAMA_CLASS: Final = 9  # of canonical combining classes
_ZERO_WIDTH_SPACE: Final = "\u200b"  # of category Cf, and yet between words
_JOINING_SETS: Final = (
    (":\xb7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a", fl.MID_LETTER),
    (",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe50\ufe54\uff0c\uff1b", fl.MID_NUMBER),
    (".\u2024\ufe52\uff0e", fl.MID_LETTER | fl.MID_NUMBER),
    ("_\u203f\u2040\u2054\ufe33\ufe34\ufe4d\ufe4e\ufe4f\uff3f", fl.CONNECTOR),
    ('"', fl.QUOTE),
)
APOSTROPHES: Final = "'\u2018\u2019\uff07"  # Single_Quote, and those of MidNumLet that look like one
_JOINING: Final = {character: flag for characters, flag in _JOINING_SETS for character in characters}


def word_flags(character: str, category: str) -> int:
    """The bits of a character that words and their boundaries depend on, apostrophes apart.

    Parameters
    ----------
    character : str
        One character.
    category : str
        Its general category.
    """
    point = ord(character)
    if category == "Nd" or point in _NUMBER_SYMBOLS:
        return fl.ALPHANUMERIC | fl.NUMERIC
    if point in _LETTER_SYMBOLS:
        return fl.ALPHANUMERIC
    if point in _KATAKANA:
        return fl.KATAKANA | fl.UNSEGMENTED
    if category[0] == "M" or category == "Cf" or point in _EXTEND_SYMBOLS or character in _INVISIBLE_LETTERS:
        return _attached_flags(character, category)
    # Letters, letter numbers and, among the symbols, letters in circles and squares: what Unicode calls alphabetic.
    if category[0] == "L" or category == "Nl" or character.islower() or character.isupper():
        return _letter_flags(character)
    return _JOINING.get(character, 0)


def _attached_flags(character: str, category: str) -> int:
    """The bits of marks and of invisible characters."""
    if character == _ZERO_WIDTH_SPACE:
        return 0
    if character in _JOINERS:
        return fl.EXTEND | fl.HIDDEN | fl.JOINER
    is_visible = category[0] == "M" or character in _VOICE_MARKS
    if is_visible and ord(character) not in _INVISIBLE_MARKS:
        return fl.EXTEND | _script_flags(character)
    return fl.EXTEND | fl.HIDDEN


def _letter_flags(character: str) -> int:
    script = _script(character)
    if script in _UNSEGMENTED_NAMES or script == "":
        return fl.UNSEGMENTED | _script_flags(character)
    return fl.ALPHANUMERIC | (fl.HEBREW if script == "HEBREW" else _script_flags(character))


def _script_flags(character: str) -> int:
    """What zero-width joiners mean to a letter or mark."""
    if unicodedata.combining(character) == _VIRAMA_CLASS:
        return fl.SHAPED | fl.VIRAMA
    return fl.SHAPED if _script(character) in _CURSIVE_NAMES | _virama_scripts() else 0


@lru_cache(maxsize=1)
def _script(character: str) -> str:
    """The first word of a character's name, which is that of its script for all letters that matter here."""
    return unicodedata.name(character, "").partition(" ")[0]


@cache
def _virama_scripts() -> frozenset[str]:
    """Scripts that have a virama: those of India and what came of them."""
    points = (*range(0x0900, 0x2000), *range(0xA800, 0xAC00), *range(0x10A00, 0x12000))
    return frozenset(_script(chr(point)) for point in points if unicodedata.combining(chr(point)) == _VIRAMA_CLASS)

"""What a character can be to the scanner: bits, or-ed in the table of characters.

The names in capitals of Unicode Standard Annex #29 (UAX 29), which says where words begin and end, stand in brackets.
"""

from __future__ import annotations

from typing import Final

# What words are made of. Two neighbours that have one of the first three bits in common belong to one word.
ALPHANUMERIC: Final = 1 << 0  # letters of scripts with spaces (ALetter, Hebrew_Letter) and digits (Numeric)
KATAKANA: Final = 1 << 1  # always with UNSEGMENTED
UNSEGMENTED: Final = 1 << 2  # letters of scripts without spaces, which UAX 29 leaves to dictionaries
WORD: Final = ALPHANUMERIC | KATAKANA | UNSEGMENTED
NUMERIC: Final = 1 << 3  # of the ALPHANUMERIC ones those that are digits
HEBREW: Final = 1 << 4  # and those that are Hebrew letters
# What belongs to the character before it, whatever that is.
EXTEND: Final = 1 << 5  # marks and invisible characters (Extend, Format, ZWJ)
HIDDEN: Final = 1 << 6  # of the EXTEND ones those that a published word leaves out
JOINER: Final = 1 << 7  # of the HIDDEN ones those that are spelling in some scripts
SHAPED: Final = 1 << 8  # letters and marks of those scripts
VIRAMA: Final = 1 << 9  # marks behind which a joiner is spelling at a word's end too
# What joins the two sides of a word, if both are of a kind.
MID_LETTER: Final = 1 << 10  # between letters (MidLetter, MidNumLet)
MID_NUMBER: Final = 1 << 11  # between digits (MidNum, MidNumLet)
APOSTROPHE: Final = 1 << 12  # between word characters of any kind
QUOTE: Final = 1 << 13  # between Hebrew letters (Double_Quote)
CONNECTOR: Final = 1 << 14  # between letters or digits, several in a row too (ExtendNumLet)
JOINING: Final = MID_LETTER | MID_NUMBER | APOSTROPHE | QUOTE | CONNECTOR
# Where sentences end.
SPACE: Final = 1 << 15
NEWLINE: Final = 1 << 16
PARAGRAPH: Final = 1 << 17
FULL_STOP: Final = 1 << 18
TERMINATOR: Final = 1 << 19
UNSPACED: Final = 1 << 20  # ends a sentence even when no space follows
CLOSER: Final = 1 << 21
# Letter case.
LOWER: Final = 1 << 22
CASED: Final = 1 << 23
CASE_IGNORABLE: Final = 1 << 24
# Normal forms.
CHANGES: Final = 1 << 25  # never occurs in normalised text
SECOND: Final = 1 << 26  # may be composed with the character before it
FIRST: Final = 1 << 27  # may be composed with the character behind it

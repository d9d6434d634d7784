"""What each Unicode character means to the tokenizer, as a two-stage table that kernels can index."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

WORD: Final = 1
APOSTROPHE: Final = 2
SPACE: Final = 4
NEWLINE: Final = 8
FULL_STOP: Final = 16
TERMINATOR: Final = 32
CLOSER: Final = 64
LOWER: Final = 128
CASED: Final = 256
CASE_IGNORABLE: Final = 512
UNSPACED: Final = 1024  # ends a sentence even when no space follows
PARAGRAPH: Final = 2048

_TERMINATORS = "!?‼⁇⁈⁉‽⸮܀܁܂۔؟։।॥၊။።፧፨᙮᠃᠉"
_UNSPACED_TERMINATORS = "。！？｡．"
_FULL_STOPS = ".…"
_APOSTROPHES = "'’ʼ＇"
_CLOSERS = "\"'’”»›"
_BLOCK = 256
_ASSIGNED = (range(0x32400), range(0xE0100, 0xE01F0))  # all other code points are unassigned or private


@dataclass(frozen=True, slots=True)
class CharacterTable:
    """Flags and lower-case mappings by code point.

    Attributes
    ----------
    blocks : (0x1100,) uint16
        Which block of 256 rows describes the code points ``256 * i`` onwards; block 0 is that of ASCII.
    flags : (256 * blocks,) uint16
        The constants of this module, or-ed.
    lower : (256 * blocks,) int32
        The code point of the lower-case character minus its own.
    """

    blocks: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.uint16]
    lower: npt.NDArray[np.int32]


@cache
def build_character_table(lowercase: bool, keep_apostrophes: bool) -> CharacterTable:
    """Build the table from Python's Unicode database.

    Parameters
    ----------
    lowercase
        Whether words are lower-cased; if not, every mapping is the identity.
    keep_apostrophes
        Whether an apostrophe between two word characters joins them.

    Notes
    -----
    Built on the driver and shipped to the executors, so that a cluster of mixed Python versions still reads text in
    one way. Costs a quarter of a second.
    """
    flags = np.zeros(0x110000, np.uint16)
    lower = np.zeros(0x110000, np.int32)
    for point in itertools.chain(*_ASSIGNED):
        character = chr(point)
        category = unicodedata.category(character)
        if category in ("Cn", "Co", "Cs"):
            continue
        flags[point] = _classify(character, category)
        if lowercase and category[0] in "LM":
            lower[point] = ord(character.lower()[0]) - point
    for characters, flag in (
        (_TERMINATORS, TERMINATOR),
        (_UNSPACED_TERMINATORS, TERMINATOR | UNSPACED),
        (_FULL_STOPS, FULL_STOP),
        (_CLOSERS, CLOSER),
        (_APOSTROPHES if keep_apostrophes else "", APOSTROPHE),
    ):
        for character in characters:
            flags[ord(character)] |= flag
    return _compress(flags, lower)


def _classify(character: str, category: str) -> int:
    flag = 0
    if category[0] in "LM" or category == "Nd":
        flag |= WORD
    if character.isspace():
        flag |= SPACE
    if character in "\n\x85\u2028":
        flag |= NEWLINE
    if character in "\f\u2029":
        flag |= NEWLINE | PARAGRAPH
    if category in ("Pe", "Pf"):
        flag |= CLOSER
    if character.islower():
        flag |= LOWER
    # The final sigma rule needs the properties Cased and Case_Ignorable, which Python shows only through the rule.
    if (character + "Σ").lower().endswith("ς"):
        flag |= CASED
    elif ("A" + character + "Σ").lower().endswith("ς"):
        flag |= CASE_IGNORABLE
    return flag


def _compress(flags: npt.NDArray[np.uint16], lower: npt.NDArray[np.int32]) -> CharacterTable:
    """Share equal blocks: the tables of a million code points shrink to what fits a core's cache."""
    rows = np.concatenate([flags.reshape(-1, _BLOCK).astype(np.int32), lower.reshape(-1, _BLOCK)], axis=1)
    unique, first, blocks = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)  # by first use, so that the ASCII characters' rows are 0 to 127
    unique, blocks = unique[order], np.argsort(order)[blocks.reshape(-1)]
    return CharacterTable(
        blocks=blocks.astype(np.uint16),
        flags=np.ascontiguousarray(unique[:, :_BLOCK]).astype(np.uint16).reshape(-1),
        lower=np.ascontiguousarray(unique[:, _BLOCK:]).reshape(-1),
    )

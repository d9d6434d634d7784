"""What each Unicode character means to the scanner, as a two-stage table that kernels can index."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Apostrophes, Normalize, TextConfig, Tokenizer
from w2v_spark.text import flags as fl
from w2v_spark.text.normalization import compositions
from w2v_spark.text.word_break import APOSTROPHES, word_flags

_TERMINATORS = "!?‼⁇⁈⁉‽⸮܀܁܂۔؟։।॥၊။።፧፨᙮᠃᠉"
_UNSPACED_TERMINATORS = "。！？｡．"
_FULL_STOPS = ".…"
_CLOSERS = "\"'’”»›"
_PAGE: Final = 256
_POINTS: Final = 0x110000
# All code points but these are unassigned or private.
_IDEOGRAPHS = (range(0x3400, 0xA000), range(0x17000, 0x18D00), range(0x20000, 0x2F800), range(0x30000, 0x32400))
_OTHERS = (
    range(0x3400), range(0xA000, 0x17000), range(0x18D00, 0x20000), range(0x2F800, 0x30000), range(0xE0000, 0xE01F0)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CharacterTable:
    """Flags, lower-case mappings and combining classes by code point.

    Attributes
    ----------
    pages : (0x1100,) uint16
        Which page of 256 rows describes the code points ``256 * i`` onwards; page 0 is that of ASCII.
    flags : (256 * P,) uint32
        The constants of `w2v_spark.text.flags`, or-ed; P pages differ.
    lower : (256 * P,) int32
        The code point of the lower-case character minus its own.
    classes : (256 * P,) uint8
        The canonical combining class; zeros where text is not normalised.
    leads : (256,) bool
        Which first bytes of a character, in UTF-8, need a look when text is to be normalised.
    """

    pages: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.uint32]
    lower: npt.NDArray[np.int32]
    classes: npt.NDArray[np.uint8]
    leads: npt.NDArray[np.bool_]


def build_character_table(config: TextConfig) -> CharacterTable:
    """Build the table that a ``[text]`` section asks for from Python's Unicode database.

    Notes
    -----
    Built on the driver and shipped to the executors, so that a cluster of mixed Python versions still reads text in
    one way. Costs half a second, once for each choice of settings.
    """
    return _build(config.tokenizer, config.lowers, config.apostrophes, config.normalize)


@cache
def _build(tokenizer: Tokenizer, lowercase: bool, apostrophes: Apostrophes, normalize: Normalize) -> CharacterTable:
    by_space = tokenizer is Tokenizer.WHITESPACE
    flags = np.full(_POINTS, fl.UNSEGMENTED if by_space else 0, np.uint32)
    lower = np.zeros(_POINTS, np.int32)
    classes = np.zeros(_POINTS, np.uint8)
    composed = None if normalize is Normalize.NONE else compositions(normalize, lowercase)
    for part in _IDEOGRAPHS:
        flags[[point for point in part if unicodedata.category(chr(point)) == "Lo"]] = fl.UNSEGMENTED
    for point in itertools.chain(*_OTHERS):
        character = chr(point)
        category = unicodedata.category(character)
        if category in ("Cn", "Co", "Cs"):
            continue
        flag = word_flags(character, category) if not by_space else 0 if character.isspace() else fl.UNSEGMENTED
        flag |= _case_flags(character) | _space_flags(character) | (fl.CLOSER if category in ("Pe", "Pf") else 0)
        if lowercase and (category[0] in "LM" or flag & fl.WORD):
            lower[point] = ord(character.lower()[0]) - point
        if composed is not None:
            classes[point] = unicodedata.combining(character)
            flag |= composed.flags(character)
        flags[point] = flag
    for characters, flag in (
        (_TERMINATORS, fl.TERMINATOR),
        (_UNSPACED_TERMINATORS, fl.TERMINATOR | fl.UNSPACED),
        (_FULL_STOPS, fl.FULL_STOP),
        (_CLOSERS, fl.CLOSER),
        ("" if by_space or apostrophes is Apostrophes.SPLIT else APOSTROPHES, fl.APOSTROPHE),
    ):
        for character in characters:
            flags[ord(character)] |= flag
    return _compress(flags, lower, classes)


def _space_flags(character: str) -> int:
    flag = fl.SPACE if character.isspace() else 0
    if character in "\n\x85\u2028":
        flag |= fl.NEWLINE
    if character in "\f\u2029":
        flag |= fl.NEWLINE | fl.PARAGRAPH
    return flag


def _case_flags(character: str) -> int:
    flag = fl.LOWER if character.islower() else 0
    # The final sigma rule needs the properties Cased and Case_Ignorable, which Python shows only through the rule.
    if (character + "Σ").lower().endswith("ς"):
        flag |= fl.CASED
    elif ("A" + character + "Σ").lower().endswith("ς"):
        flag |= fl.CASE_IGNORABLE
    return flag


def _compress(
    flags: npt.NDArray[np.uint32], lower: npt.NDArray[np.int32], classes: npt.NDArray[np.uint8]
) -> CharacterTable:
    """Share equal pages: the tables of a million code points shrink to what fits a core's cache."""
    columns = [part.reshape(-1, _PAGE).astype(np.int64) for part in (flags, lower, classes)]
    rows = np.concatenate(columns, axis=1)
    numbers: dict[bytes, int] = {}  # by first use, so that the ASCII characters' rows are 0 to 127
    pages = [numbers.setdefault(row.tobytes(), len(numbers)) for row in rows]
    parts = np.split(rows[np.unique(pages, return_index=True)[1]], 3, axis=1)
    return CharacterTable(
        pages=np.array(pages, np.uint16),
        flags=parts[0].astype(np.uint32).reshape(-1),
        lower=parts[1].astype(np.int32).reshape(-1),
        classes=parts[2].astype(np.uint8).reshape(-1),
        leads=_leads(flags, classes),
    )


def _leads(flags: npt.NDArray[np.uint32], classes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """The first bytes of characters of which some may make text that is not normalised."""
    leads = np.zeros(256, bool)
    suspects = np.flatnonzero((flags & (fl.CHANGES | fl.SECOND) != 0) | (classes > 0))
    leads[[chr(point).encode()[0] for point in suspects]] = True
    return leads

"""Normal forms: a quick look finds the few documents that are not in theirs, and Python brings those into it."""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Normalize
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.pointers import address_of, load_eight
from w2v_spark.text import flags as fl
from w2v_spark.text.utf8 import decode

Form = Literal["NFC", "NFKC"]
_FORMS: Final[dict[Normalize, Form]] = {Normalize.NFC: "NFC", Normalize.NFKC: "NFKC"}
_PIECE_BYTES: Final = 1 << 22
_BLANK: Final = b" "
_COMPOSED: Final = (range(0x3400), range(0xF900, 0x17000), range(0x18D00, 0x20000))  # Hangul and Han are none of them
_HANGUL_VOWELS: Final = range(0x1161, 0x1176)
_HANGUL_TAILS: Final = range(0x11A8, 0x11C3)
_HANGUL: Final = range(0xAC00, 0xD7A4)  # and what a tail follows are every 28th of them
_HANGUL_LEADS: Final = range(0x1100, 0x1113)


@dataclass(frozen=True, slots=True)
class Compositions:
    """What a normal form does to single characters and to pairs.

    Attributes
    ----------
    form : Form
        As Python calls it.
    firsts, seconds : frozenset of str
        What pairs that become one character are made of.
    pairs : (n,) int64, ascending
        The pairs themselves, see `_pair_key`, those of Hangul apart: there every first goes with every second.
    lowered : dict
        Capitals with a mark that are two characters, and one in lower case, by that one: ``H\u0331`` and ``\u1e96``.
    """

    form: Form
    firsts: frozenset[str]
    seconds: frozenset[str]
    pairs: npt.NDArray[np.int64]
    lowered: dict[str, str]

    def flags(self, character: str) -> int:
        """The bits of a character that the search for documents in another form depends on."""
        return (
            (0 if unicodedata.is_normalized(self.form, character) else fl.CHANGES)
            | (fl.FIRST if character in self.firsts else 0)
            | (fl.SECOND if character in self.seconds else 0)
        )  # fmt: skip

    def apply(self, text: str) -> str:
        """The text in the normal form, of which its lower case is in that form too."""
        text = unicodedata.normalize(self.form, text)
        if any(pair[1] in text for pair in self.lowered):  # which nearly always there is not
            text = re.sub("|".join(map(re.escape, self.lowered)), lambda match: self.lowered[match[0]], text)
        return text


@cache
def compositions(form: Normalize, lowercase: bool) -> Compositions:
    """The pairs of a normal form.

    Parameters
    ----------
    form
        NFC or NFKC, which compose the same pairs.
    lowercase
        Whether words are lower-cased afterwards.
    """
    pairs = {}
    for character in map(chr, itertools.chain(*_COMPOSED)):
        decomposition = unicodedata.decomposition(character).split()
        if len(decomposition) == 2 and not decomposition[0].startswith("<"):  # <compat> is no canonical one
            pair = "".join(chr(int(part, 16)) for part in decomposition)
            if unicodedata.normalize("NFC", pair) == character:
                pairs[pair] = character
    firsts = {pair[0] for pair in pairs} | {*map(chr, _HANGUL_LEADS), *map(chr, _HANGUL[::28])}
    seconds = {pair[1] for pair in pairs} | {*map(chr, _HANGUL_VOWELS), *map(chr, _HANGUL_TAILS)}
    lowered = {}
    for pair, character in pairs.items() if lowercase else ():
        capital = pair[0].upper()
        if capital != pair[0] and capital.lower() == pair[0] and (capital + pair[1]) not in pairs:
            lowered[capital + pair[1]] = character
    firsts |= {pair[0] for pair in lowered}
    # As `_pair_key`, which would be compiled for it.
    keys = np.sort(np.array([(ord(pair[0]) << 21) | ord(pair[1]) for pair in (*pairs, *lowered)], np.int64))
    return Compositions(_FORMS[form], frozenset(firsts), frozenset(seconds), keys, lowered)


@inline
def _pair_key(first, second):
    """Two code points as one number."""
    return (first << 21) | second


@inline
def _is_ascii(place):
    """Whether the 32 bytes at an address are ASCII."""
    both = load_eight(place) | load_eight(place + 8) | load_eight(place + 16) | load_eight(place + 24)
    return both & np.uint64(0x8080808080808080) == 0


@kernel
def find_unnormalized(text, starts, pages, flags, classes, leads, pairs, found):
    """Mark the documents that may not be in normal form; those not marked are.

    Parameters
    ----------
    text : (bytes,) uint8, starts : (documents + 1,) int64
        As in `normalize_documents`.
    pages, flags, classes, leads
        Of the `CharacterTable`.
    pairs
        Of the `Compositions`.
    found : (documents,) bool
        Overwritten.

    Returns
    -------
    bool
        Whether there are such documents.

    Notes
    -----
    By Unicode Standard Annex #15, section 9, and, so that marks alone are no reason, a look at the character before.
    """
    source, any_found = address_of(text, 0), False
    for d in range(len(starts) - 1):
        start, end = starts[d], starts[d + 1]
        found[d] = False
        p = start
        while p < end and not found[d]:
            if p + 32 <= end and _is_ascii(source + p):
                p += 32
                continue
            for q in range(p, min(p + 32, end)):
                if leads[text[q]] and _is_wrong(text, start, q, end, pages, flags, classes, pairs):
                    found[d] = any_found = True
                    break
            p += 32
    return any_found


@inline
def _is_wrong(text, start, p, end, pages, flags, classes, pairs):
    """Whether the character at ``p`` may be one that is not in normal form, by itself or behind the one before it."""
    point, _ = decode(text, p, end)
    if point < 0:
        return False
    place = np.int64(pages[point >> 8]) * 256 + (point & 255)
    f, mark = flags[place], classes[place]
    if f & fl.CHANGES:
        return True
    if p == start or (mark == 0 and f & fl.SECOND == 0):
        return False
    q = p - 1
    while q > start and p - q < 4 and text[q] & 0xC0 == 0x80:
        q -= 1
    before, _ = decode(text, q, p)
    wrong = False
    if before >= 0:
        place = np.int64(pages[before >> 8]) * 256 + (before & 255)
        above = classes[place]
        if f & fl.SECOND == 0 or above > 0:
            wrong = above > mark or f & fl.SECOND != 0
        elif flags[place] & fl.FIRST:
            wrong = 0x1100 <= point < 0x1200 or _is_in(pairs, _pair_key(np.int64(before), np.int64(point)))
    return wrong


@inline
def _is_in(numbers, wanted):
    """Whether one of some rising numbers is the wanted one; for numpy's search workers would load scipy first."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low < len(numbers) and numbers[low] == wanted


def normalize_documents(
    text: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.bool_],
    composed: Compositions,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Bring some documents into a normal form; what is not UTF-8 in them stays as it is.

    Parameters
    ----------
    text : (bytes,) uint8
        UTF-8 of all documents.
    starts : (documents + 1,) int64
        Document ``d`` is ``text[starts[d]:starts[d + 1]]``.
    chosen : (documents,) bool
        Which ones to change; the others are copied.

    Returns
    -------
    text, starts
        As the arguments.
    """
    parts, sizes, kept = [], np.diff(starts), starts[0]
    for d in np.flatnonzero(chosen):
        document = _apply(text[starts[d] : starts[d + 1]].tobytes(), composed)
        parts += [text[kept : starts[d]], np.frombuffer(document, np.uint8)]
        sizes[d], kept = len(document), starts[d + 1]
    parts.append(text[kept : starts[-1]])
    return np.concatenate(parts), np.concatenate([[0], np.cumsum(sizes)])


def _apply(document: bytes, composed: Compositions) -> bytes:
    """Piece by piece, for documents of any length; no character composes with a blank, behind which they are cut."""
    done, begin = [], 0
    while begin < len(document):
        blank = document.find(_BLANK, begin + _PIECE_BYTES)
        end = blank + 1 if blank >= 0 else len(document)
        piece = document[begin:end].decode("utf-8", "surrogateescape")
        done.append(composed.apply(piece).encode("utf-8", "surrogateescape"))
        begin = end
    return b"".join(done)

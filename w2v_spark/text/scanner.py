"""The compiled scanner: bytes of UTF-8 to words.

What a word is, the table of characters says, see `w2v_spark.text.word_break`. The scanner writes the lower-cased words
one behind the other into a buffer, with their offsets, their documents and, for each word, whether a sentence or a
document starts with it. Nothing else of the text is kept; and of a word, neither invisible characters, unless they are
spelling, nor what would join it to a word before or behind it if there were one.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.pointers import address_of
from w2v_spark.text import flags as fl
from w2v_spark.text.bytes import STEP, copy_ascii_word
from w2v_spark.text.utf8 import decode, encode

MAX_WORD_BYTES: Final = 4096  # longer runs (base64, binary junk) are dropped and counted

SAME: Final = 0
NEW_SENTENCE: Final = 1
NEW_DOCUMENT: Final = 2

# Slots of the scanner's state, which lives from one call to the next within a column.
POSITION, DOCUMENT, BREAK, STOP, NEWLINES, INVALID, INVALID_BYTES, OVERLONG = range(8)
STATE_SIZE: Final = 8
# Values of the STOP slot: what a coming space or word means for the sentence.
_NO_STOP, _SEEN_FULL_STOP, _SEEN_TERMINATOR = range(3)
_BLANK: Final = 0x20
# What may follow an ASCII word and still belong to it, or continue in it where another word character follows.
_GOES_ON: Final = fl.WORD | fl.APOSTROPHE | fl.CONNECTOR
_MAY_GO_ON: Final = fl.MID_LETTER | fl.MID_NUMBER
_ANY_KIND: Final = fl.WORD  # of the character before: no character has all kinds


@inline
def _flags(pages, flags, point):
    return np.int64(flags[np.int64(pages[point >> 8]) * 256 + (point & 255)])


@kernel
def _fix_sigmas(out, start, end, pages, flags):
    """Lower-case the capital sigmas of one word in place: final after a cased letter, before none (SpecialCasing)."""
    before = False
    p = start
    while p < end:
        point, length = decode(out, p, end)
        if point == 0x3A3:
            after = False
            q = p + length
            while q < end:
                following, width = decode(out, q, end)
                f = _flags(pages, flags, following)
                if f & fl.CASED:
                    after = True
                if not f & fl.CASE_IGNORABLE:
                    break
                q += width
            encode(0x3C2 if before and not after else 0x3C3, out, p)
        f = _flags(pages, flags, point)
        if not f & fl.CASE_IGNORABLE:
            before = (f & fl.CASED) != 0
        p += length


@kernel
def scan(text, starts, pages, flags, lower, by_line, out, offsets, breaks, documents, state):
    """Write the next words of the documents to the buffers, as many as fit; the number written.

    Parameters
    ----------
    text : (bytes,) uint8
        UTF-8 of all documents.
    starts : (documents + 1,) int64
        Document ``d`` is ``text[starts[d]:starts[d + 1]]``.
    pages, flags, lower
        Of the `CharacterTable`.
    by_line : bool
        Whether only line ends end sentences.
    out : (bytes,) uint8, offsets : (words + 1,) int32, breaks : (words,) uint8, documents : (words,) int32
        The buffers; overwritten from their start.
    state : (8,) int64
        Where to go on, updated; done when the document slot reaches the number of documents.
    """
    p, d = state[POSITION], state[DOCUMENT]
    pending, stop, newlines = state[BREAK], state[STOP], state[NEWLINES]
    n, o = 0, 0
    offsets[0] = 0
    room = len(out) - 2 * MAX_WORD_BYTES
    source, target = address_of(text, 0), address_of(out, 0)
    last = len(text) - STEP
    small = lower[np.int64(ord("A"))] != 0
    while d < len(starts) - 1:
        end = starts[d + 1]
        while p < end and n < len(breaks) and o < room:
            if text[p] == _BLANK and stop == _NO_STOP:
                p += 1
                continue
            f, length = np.int64(flags[text[p]]), 1  # right for ASCII, whose flags come first
            if text[p] >= 0x80:
                point, length = decode(text, p, end)
                if point < 0:
                    state[INVALID] += 1
                    state[INVALID_BYTES] += length
                    stop, newlines = _NO_STOP, 0
                    p += length
                    continue
                f = _flags(pages, flags, point)
            if not f & fl.WORD:
                # Between words: find out whether the sentence has ended.
                if f & fl.NEWLINE:
                    newlines += 1
                    if by_line or newlines > 1 or f & fl.PARAGRAPH:
                        pending = max(pending, NEW_SENTENCE)
                if f & fl.SPACE:
                    if stop == _SEEN_TERMINATOR:
                        pending = max(pending, NEW_SENTENCE)
                    elif stop == _SEEN_FULL_STOP:
                        stop = _SEEN_FULL_STOP | 4
                elif not f & fl.EXTEND:  # which belongs to what it follows
                    newlines = 0
                    if not by_line and f & fl.TERMINATOR:
                        stop = _SEEN_TERMINATOR
                        if f & fl.UNSPACED:
                            pending = max(pending, NEW_SENTENCE)
                    elif not by_line and f & fl.FULL_STOP:
                        stop = max(stop & 3, _SEEN_FULL_STOP)
                    elif not f & fl.CLOSER and stop & 4 == 0:
                        stop = _NO_STOP
                p += length
                continue
            if stop & 4 and not f & fl.LOWER:
                pending = max(pending, NEW_SENTENCE)
            stop, newlines = _NO_STOP, 0
            # Nearly every word is short and ASCII, and is copied in one go; the others take the long way.
            size = copy_ascii_word(source + p, target + o, small) if p <= last else STEP
            behind = p + size
            if size < STEP - 1 and behind < end and (text[behind] == _BLANK or _is_whole(text, behind, flags)):
                p = behind + np.int64(text[behind] == _BLANK)
                o += size
            else:
                p, o, fits = _copy_word(text, p, end, pages, flags, lower, out, o)
                if not fits:
                    state[OVERLONG] += 1
                    continue
            breaks[n] = pending
            documents[n] = d
            pending = SAME
            n += 1
            offsets[n] = o
        if p < end:
            break
        d += 1
        if d < len(starts) - 1:
            p = starts[d]
        pending, stop, newlines = NEW_DOCUMENT, _NO_STOP, 0
    state[POSITION], state[DOCUMENT] = p, d
    state[BREAK], state[STOP], state[NEWLINES] = pending, stop, newlines
    return n


@inline
def _is_whole(text, p, flags):
    """Whether it is plain that a word ends before ``p``, where a word of ASCII letters and digits has stopped.

    Without a branch, since nobody can predict where there are commas; a byte is read behind ``p``, of whatever follows.
    """
    b, c = text[p], text[p + 1]
    f, g = flags[b], flags[c]
    never = (b < 0x80) & (f & _GOES_ON == 0)
    return never & ((f & _MAY_GO_ON == 0) | ((c < 0x80) & (g & fl.WORD == 0)))


@kernel
def _base_behind(text, p, end, pages, flags, skipped):
    """The flags of the next character that has none of the flags ``skipped``; 0 where no character follows."""
    found = 0
    while p < end:
        point, length = decode(text, p, end)
        if point < 0:
            break
        found = _flags(pages, flags, point)
        if not found & skipped:
            break
        found = 0
        p += length
    return found


@inline
def _joins(before, between, behind):
    """Whether a character joins the word characters at its sides, by the flags of all three (UAX 29, WB6 to WB13b)."""
    both = before & behind
    kinds = 0
    if between & fl.APOSTROPHE and before & fl.WORD and behind & fl.WORD:
        kinds = 1
    elif between & fl.CONNECTOR:
        segmented = fl.ALPHANUMERIC | fl.KATAKANA
        kinds = np.int64((before & segmented) != 0 and (behind & segmented) != 0)
    elif between & fl.MID_NUMBER and both & fl.NUMERIC:
        kinds = 1
    elif between & fl.MID_LETTER:
        kinds = np.int64((both & fl.ALPHANUMERIC) != 0 and ((before | behind) & fl.NUMERIC) == 0)
    elif between & fl.QUOTE:
        kinds = both & fl.HEBREW
    return kinds != 0


@kernel
def _copy_word(text, p, end, pages, flags, lower, out, o):
    """Copy the word that starts at ``p``, lower-cased: (position behind it, output position, whether it fits)."""
    start = o
    sigma = False
    before = _ANY_KIND  # the flags of the last word character, or all kinds when the next one is known to be joined
    last = 0  # the flags of the last character that was copied
    joiner = 0  # a zero-width character that the next one decides about
    while p < end:
        point, length = np.int64(text[p]), 1
        if point >= 0x80:
            point, length = decode(text, p, end)
            if point < 0:
                break
        place = np.int64(pages[point >> 8]) * 256 + (point & 255)
        f = np.int64(flags[place])
        if f & fl.WORD:
            if not before & f & fl.WORD:
                break
            before = f
        elif f & fl.EXTEND:
            if f & fl.HIDDEN:
                if f & fl.JOINER and last & fl.SHAPED and joiner == 0:
                    joiner = point
                p += length
                continue
        elif f & fl.JOINING:
            if before != _ANY_KIND:
                skipped = fl.EXTEND | (f & fl.CONNECTOR)
                if not _joins(before, f, _base_behind(text, p + length, end, pages, flags, skipped)):
                    break
                before = _ANY_KIND
        else:
            break
        if joiner != 0:
            if (last & fl.VIRAMA or f & fl.SHAPED) and o - start <= MAX_WORD_BYTES:
                o = encode(joiner, out, o)
            joiner = 0
        if o - start <= MAX_WORD_BYTES:
            change = np.int64(lower[place])
            if point == 0x3A3 and change != 0:
                sigma = True  # which of the two small sigmas it is depends on the word's end
                change = 0
            o = encode(point + change, out, o)
            if point == 0x130 and change != 0:
                o = encode(0x307, out, o)  # the one letter whose lower case is two characters
        last = f
        p += length
    if joiner != 0 and last & fl.VIRAMA and o - start <= MAX_WORD_BYTES:
        o = encode(joiner, out, o)
    if o - start > MAX_WORD_BYTES:
        return p, start, False
    if sigma:
        _fix_sigmas(out, start, o, pages, flags)
    return p, o, True

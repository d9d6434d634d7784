"""The compiled scanner: bytes of UTF-8 to words.

A word is a run of letters, marks and digits (Unicode categories L*, M* and Nd). The scanner writes the lower-cased
words one behind the other into a buffer, with their offsets and, for each word, whether a sentence or a document
starts with it. Nothing else of the text is kept.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.simd import address_of
from w2v_spark.text import characters as ch
from w2v_spark.text.bytes import STEP, copy_ascii_word

MAX_WORD_BYTES: Final = 4096  # longer runs (base64, binary junk) are dropped and counted

SAME: Final = 0
NEW_SENTENCE: Final = 1
NEW_DOCUMENT: Final = 2

# Slots of the scanner's state, which lives from one call to the next within a partition.
POSITION, DOCUMENT, BREAK, STOP, NEWLINES, INVALID, OVERLONG = range(7)
STATE_SIZE: Final = 7
# Values of the STOP slot: what a coming space or word means for the sentence.
_NO_STOP, _SEEN_FULL_STOP, _SEEN_TERMINATOR = range(3)
_BLANK: Final = 0x20


@inline
def _encode(point, out, o):
    """Write a code point as UTF-8 at ``out[o]``; the position behind it."""
    if point < 0x80:
        out[o] = point
        return o + 1
    if point < 0x800:
        out[o] = 0xC0 | (point >> 6)
        out[o + 1] = 0x80 | (point & 0x3F)
        return o + 2
    if point < 0x10000:
        out[o] = 0xE0 | (point >> 12)
        out[o + 1] = 0x80 | ((point >> 6) & 0x3F)
        out[o + 2] = 0x80 | (point & 0x3F)
        return o + 3
    out[o] = 0xF0 | (point >> 18)
    out[o + 1] = 0x80 | ((point >> 12) & 0x3F)
    out[o + 2] = 0x80 | ((point >> 6) & 0x3F)
    out[o + 3] = 0x80 | (point & 0x3F)
    return o + 4


@kernel
def decode(text, p, end):
    """The code point at ``text[p]`` and its length in bytes; (-1, length) for an invalid sequence.

    An invalid sequence is as long as Unicode's "maximal subpart" (The Unicode Standard, section 3.9), so that each
    counts as one replacement character, as in Python.
    """
    b = np.int64(text[p])
    if b < 0x80:
        return b, 1
    if b < 0xC2 or b > 0xF4:
        return -1, 1
    follow = 1 if b < 0xE0 else (2 if b < 0xF0 else 3)
    point = b & (0x3F >> follow)
    for k in range(1, follow + 1):
        if p + k >= end:
            return -1, k
        c = np.int64(text[p + k])
        low, high = 0x80, 0xBF
        if k == 1:
            if b == 0xE0:
                low = 0xA0
            elif b == 0xED:
                high = 0x9F
            elif b == 0xF0:
                low = 0x90
            elif b == 0xF4:
                high = 0x8F
        if c < low or c > high:
            return -1, k
        point = (point << 6) | (c & 0x3F)
    return point, follow + 1


@inline
def _flags(blocks, flags, point):
    return np.int64(flags[np.int64(blocks[point >> 8]) * 256 + (point & 255)])


@kernel
def _fix_sigmas(out, start, end, blocks, flags):
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
                f = _flags(blocks, flags, following)
                if f & ch.CASED:
                    after = True
                if not f & ch.CASE_IGNORABLE:
                    break
                q += width
            _encode(0x3C2 if before and not after else 0x3C3, out, p)
        f = _flags(blocks, flags, point)
        if not f & ch.CASE_IGNORABLE:
            before = (f & ch.CASED) != 0
        p += length


@kernel
def scan(text, starts, blocks, flags, lower, by_line, out, offsets, breaks, state):
    """Write the next words of the documents to the buffers, as many as fit; the number written.

    Parameters
    ----------
    text : (bytes,) uint8
        UTF-8 of all documents.
    starts : (documents + 1,) int64
        Document ``d`` is ``text[starts[d]:starts[d + 1]]``.
    blocks, flags, lower
        The `CharacterTable`.
    by_line : bool
        Whether only line ends end sentences.
    out : (bytes,) uint8, offsets : (words + 1,) int32, breaks : (words,) uint8
        The buffers; overwritten from their start.
    state : (7,) int64
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
                    stop, newlines = _NO_STOP, 0
                    p += length
                    continue
                f = _flags(blocks, flags, point)
            if not f & ch.WORD:
                # Between words: find out whether the sentence has ended.
                if f & ch.NEWLINE:
                    newlines += 1
                    if by_line or newlines > 1 or f & ch.PARAGRAPH:
                        pending = max(pending, NEW_SENTENCE)
                if f & ch.SPACE:
                    if stop == _SEEN_TERMINATOR:
                        pending = max(pending, NEW_SENTENCE)
                    elif stop == _SEEN_FULL_STOP:
                        stop = _SEEN_FULL_STOP | 4
                else:
                    newlines = 0
                    if not by_line and f & ch.TERMINATOR:
                        stop = _SEEN_TERMINATOR
                        if f & ch.UNSPACED:
                            pending = max(pending, NEW_SENTENCE)
                    elif not by_line and f & ch.FULL_STOP:
                        stop = max(stop & 3, _SEEN_FULL_STOP)
                    elif not f & ch.CLOSER and stop & 4 == 0:
                        stop = _NO_STOP
                p += length
                continue
            if stop & 4 and not f & ch.LOWER:
                pending = max(pending, NEW_SENTENCE)
            stop, newlines = _NO_STOP, 0
            # Nearly every word is short and ASCII, and is copied in one go; the others take the long way.
            size = copy_ascii_word(source + p, target + o, small) if p <= last else STEP
            if size < STEP and p + size < end and text[p + size] < 0x80 and not flags[text[p + size]] & ch.APOSTROPHE:
                p += size
                o += size
            else:
                p, o, fits = _copy_word(text, p, end, blocks, flags, lower, out, o)
                if not fits:
                    state[OVERLONG] += 1
                    continue
            breaks[n] = pending
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
def _copy_word(text, p, end, blocks, flags, lower, out, o):
    """Copy the word that starts at ``p``, lower-cased: (position behind it, output position, whether it fits)."""
    start = o
    sigma = False
    while p < end:
        b = text[p]
        if b < 0x80 and flags[b] & ch.WORD:
            if o - start <= MAX_WORD_BYTES:
                out[o] = b + np.uint8(lower[b])
                o += 1
            p += 1
            continue
        point, length = decode(text, p, end)
        if point < 0:
            break
        f = _flags(blocks, flags, point)
        if f & ch.APOSTROPHE:
            following, _ = decode(text, p + length, end) if p + length < end else (-1, 1)
            if following < 0 or not _flags(blocks, flags, following) & ch.WORD:
                break
        elif not f & ch.WORD:
            break
        if o - start <= MAX_WORD_BYTES:
            change = np.int64(lower[np.int64(blocks[point >> 8]) * 256 + (point & 255)])
            if point == 0x3A3 and change != 0:
                sigma = True  # which of the two small sigmas it is depends on the word's end
                change = 0
            o = _encode(point + change, out, o)
            if point == 0x130 and change != 0:
                o = _encode(0x307, out, o)  # the one letter whose lower case is two characters
        p += length
    if o - start > MAX_WORD_BYTES:
        return p, start, False
    if sigma:
        _fix_sigmas(out, start, o, blocks, flags)
    return p, o, True

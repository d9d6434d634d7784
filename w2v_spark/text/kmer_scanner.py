"""The compiled cutter: sequences to k-mers.

A run is a stretch of letters that nothing splits, blanks and line ends aside. It is read in pieces, so that memory does
not grow with it. A piece has a number of places where k-mers start, its core, and behind these the letters that the
last of them need, with which the next piece begins. So each place of a run is in the core of one piece.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import device, inline, kernel
from w2v_spark.kernels.rng import below, mix
from w2v_spark.text.scanner import NEW_DOCUMENT, NEW_SENTENCE, SAME

# What a byte is, or-ed in the table of bytes.
BLANK: Final = 1  # stands between letters without a meaning
LETTER: Final = 2  # what is counted
FOREIGN: Final = 4  # of these the ones that do not belong into a sequence of this alphabet
NUCLEOTIDE: Final = 8  # and those of DNA and RNA

# How the other strand is read.
FORWARD, BOTH, CANONICAL, RANDOM = range(4)

# Slots of the rules.
K_MIN, K_MAX, STRIDE, FRAMES, STRANDS = range(5)
RULES: Final = 5

# Slots of the state, which lives from one call to the next within a column.
# RUN is the place of the run in its document, FROM that of the piece in its run, both in letters; PASS and AT say where
# in the piece to go on, AT being negative where the next piece is due.
POSITION, DOCUMENT, BREAK, STARTED, SEEN, RUN, FROM, SIZE, CORE, PASS, AT = range(11)
# What has been seen of the column.
LETTERS, FOREIGNERS, NUCLEOTIDES, WITH_WORDS = range(11, 15)
STATE_SIZE: Final = 15

_GOLDEN: Final = 0x9E3779B97F4A7C15
_STRAND: Final = 0xD1B54A32D192ED03


@device
def _content(text, begin, end, kinds):
    """A hash of the letters of a document, whatever their case and the blanks among them."""
    h = np.uint64(0xCBF29CE484222325)
    for p in range(begin, end):
        b = text[p]
        if kinds[b] & BLANK:
            continue
        if 97 <= b <= 122:
            b -= 32
        h = (h ^ np.uint64(b)) * np.uint64(0x100000001B3)
    return mix(h)


@device
def _next_piece(text, begin, end, codes, kinds, rules, piece, state, hashes):
    """Read the next piece of a document; False if there is none.

    The run goes on into the next piece where this one is full.
    """
    places = len(piece) - rules[K_MAX] + 1
    p, size = state[POSITION], 0
    if not state[STARTED]:
        state[STARTED], state[SEEN] = 1, 0
        if rules[K_MIN] != rules[K_MAX] or rules[STRANDS] == RANDOM:
            hashes[0] = _content(text, begin, end, kinds)
        state[RUN], state[FROM] = 0, 0
    elif state[SIZE] == len(piece):
        size = state[SIZE] - state[CORE]
        for i in range(size):
            piece[i] = piece[state[CORE] + i]
        state[FROM] += state[CORE]
    else:
        state[RUN], state[FROM] = state[SEEN], 0
        state[BREAK] = max(state[BREAK], NEW_SENTENCE)
    while p < end and size < len(piece):
        kind = kinds[text[p]]
        code = codes[text[p]]
        p += 1
        if kind & BLANK:
            continue
        state[SEEN] += 1
        if kind & LETTER:
            state[LETTERS] += 1
            state[FOREIGNERS] += np.int64((kind & FOREIGN) != 0)
            state[NUCLEOTIDES] += np.int64((kind & NUCLEOTIDE) != 0)
        if code != 0:
            piece[size] = code
            size += 1
        elif size:
            break
        else:
            state[RUN], state[FROM] = state[SEEN], 0
            state[BREAK] = max(state[BREAK], NEW_SENTENCE)
    is_over = size == 0
    state[POSITION], state[SIZE], state[CORE] = p, size, places if size == len(piece) else size
    state[PASS], state[AT] = 0, 0
    return not is_over


@inline
def _copy(piece, start, k, complement, reverse, out, o):
    """Write a k-mer, or the reverse complement of it."""
    for i in range(k):
        out[o + i] = complement[piece[start + k - 1 - i]] if reverse else piece[start + i]


@device
def _is_reverse_smaller(piece, start, k, complement):
    """Whether the reverse complement of a k-mer comes before it by alphabet."""
    for i in range(k):
        a, b = piece[start + i], complement[piece[start + k - 1 - i]]
        if a != b:
            return b < a
    return False


@device
def _cut_piece(piece, complement, rules, out, offsets, breaks, documents, state, content, n):
    """Write the k-mers of a piece that are still to be written, as many as fit: how many there are now."""
    k_min, span = rules[K_MIN], rules[K_MAX] - rules[K_MIN] + 1
    frames = k_min if rules[FRAMES] else 1
    step = k_min if rules[FRAMES] else rules[STRIDE]
    strands, core, size = rules[STRANDS], state[CORE], state[SIZE]
    is_apart = frames > 1 or strands in (BOTH, RANDOM)
    flip = np.int64(0)
    if strands == RANDOM:
        flip = np.int64(mix(content ^ mix(np.uint64(state[RUN] + state[FROM]) + np.uint64(_STRAND))) >> np.uint64(63))
    o = np.int64(offsets[n])
    while state[PASS] < frames * (2 if strands == BOTH else 1):
        frame = state[PASS] % frames
        reverse = flip == 1 or state[PASS] >= frames
        if is_apart and state[AT] == 0:
            state[BREAK] = max(state[BREAK], NEW_SENTENCE)
        first = (frame - state[FROM]) % step
        places = (core - first + step - 1) // step
        while state[AT] < places:
            if n == len(breaks) or o + rules[K_MAX] > len(out):
                return n
            start = first + step * (places - 1 - state[AT] if reverse else state[AT])
            state[AT] += 1
            k = k_min
            if span > 1:
                key = np.uint64(state[RUN] + state[FROM] + start)
                k += below(mix(content + (key + np.uint64(1)) * np.uint64(_GOLDEN)), span)
            if start + k > size:
                continue
            other = reverse or (strands == CANONICAL and _is_reverse_smaller(piece, start, k, complement))
            _copy(piece, start, k, complement, other, out, o)
            o += k
            state[WITH_WORDS] += np.int64(state[BREAK] == NEW_DOCUMENT)
            breaks[n], documents[n] = state[BREAK], state[DOCUMENT]
            state[BREAK] = SAME
            n += 1
            offsets[n] = o
        state[PASS] += 1
        state[AT] = 0
    state[AT] = -1
    return n


@kernel
def cut(text, starts, codes, kinds, complement, rules, piece, out, offsets, breaks, documents, state, hashes):
    """Write the next k-mers of the documents to the buffers, as many as fit; the number written.

    Parameters
    ----------
    text : (bytes,) uint8
        All documents.
    starts : (documents + 1,) int64
        Document ``d`` is ``text[starts[d]:starts[d + 1]]``.
    codes : (256,) uint8
        The letter that a byte is in k-mers; 0 where it splits a sequence.
    kinds : (256,) uint8
        What a byte is, see the constants of this module.
    complement : (256,) uint8
        The letter that faces each on the other strand.
    rules : (5,) int64
        How it is cut.
    piece : (places + k_max - 1,) uint8
        Room for the letters of a piece, with so many places where k-mers start.
    out : (bytes,) uint8, offsets : (words + 1,) int32, breaks : (words,) uint8, documents : (words,) int32
        The buffers; overwritten from their start.
    state : (15,) int64, hashes : (1,) uint64
        Where to go on, updated; done when the document slot reaches the number of documents.
    """
    n = 0
    offsets[0] = 0
    while state[DOCUMENT] < len(starts) - 1:
        begin, end = starts[state[DOCUMENT]], starts[state[DOCUMENT] + 1]
        if state[AT] < 0 and not _next_piece(text, begin, end, codes, kinds, rules, piece, state, hashes):
            state[DOCUMENT] += 1
            state[POSITION], state[BREAK], state[STARTED], state[SIZE], state[AT] = end, NEW_DOCUMENT, 0, 0, -1
            continue
        n = _cut_piece(piece, complement, rules, out, offsets, breaks, documents, state, hashes[0], n)
        if state[AT] >= 0:
            return n
    return n

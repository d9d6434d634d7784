"""UTF-8 in kernels: code points from bytes and back."""

from __future__ import annotations

import numpy as np

from w2v_spark.kernels.jit import inline, kernel


@inline
def encode(point, out, o):
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

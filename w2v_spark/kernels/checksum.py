"""XXH64, the checksum of what training reads again and again: as fast as memory, and the same on every machine.

The algorithm is Yann Collet's (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md, version 0.1.1); other programs
can check our files with it. It finds damage and mistakes, not forgery.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.simd import address_of, load_eight

_P1: Final = np.uint64(0x9E3779B185EBCA87)
_P2: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_P3: Final = np.uint64(0x165667B19E3779F9)
_P4: Final = np.uint64(0x85EBCA77C2B2AE63)
_P5: Final = np.uint64(0x27D4EB2F165667C5)


@inline
def _turn(x, bits):
    return (x << np.uint64(bits)) | (x >> np.uint64(64 - bits))


@inline
def _round(lane, word):
    return _turn(lane + word * _P2, 31) * _P1


@inline
def _join(h, lane):
    return (h ^ _round(np.uint64(0), lane)) * _P1 + _P4


@kernel
def xxh64(data, seed):
    """XXH64 of (n,) uint8 under a uint64 seed, as uint64; 10 GB a second."""
    size = len(data)
    place, i = address_of(data, 0), 0
    if size >= 32:
        a, b, c, d = seed + _P1 + _P2, seed + _P2, seed, seed - _P1
        while i + 32 <= size:
            a = _round(a, load_eight(place + i))
            b = _round(b, load_eight(place + i + 8))
            c = _round(c, load_eight(place + i + 16))
            d = _round(d, load_eight(place + i + 24))
            i += 32
        h = _turn(a, 1) + _turn(b, 7) + _turn(c, 12) + _turn(d, 18)
        h = _join(_join(_join(_join(h, a), b), c), d)
    else:
        h = seed + _P5
    h += np.uint64(size)
    while i + 8 <= size:
        h = _turn(h ^ _round(np.uint64(0), load_eight(place + i)), 27) * _P1 + _P4
        i += 8
    if i + 4 <= size:
        word = np.uint64(0)
        for k in range(4):
            word |= np.uint64(data[i + k]) << np.uint64(8 * k)
        h = _turn(h ^ (word * _P1), 23) * _P2 + _P3
        i += 4
    while i < size:
        h = _turn(h ^ (np.uint64(data[i]) * _P5), 11) * _P1
        i += 1
    h = (h ^ (h >> np.uint64(33))) * _P2
    h = (h ^ (h >> np.uint64(29))) * _P3
    return h ^ (h >> np.uint64(32))


def checksum(data: Any) -> int:
    """XXH64 with seed 0 of contiguous bytes: an array, ``bytes``, a memory map or a buffer of pyarrow."""
    view = memoryview(data)
    array = np.frombuffer(view, np.uint8) if view.nbytes else np.empty(0, np.uint8)
    array.flags.writeable = False  # one signature to compile, whatever comes
    return int(xxh64(array, np.uint64(0)))


def hexadecimal(value: int) -> str:
    """A checksum as lists of files have it: sixteen hexadecimal digits."""
    return f"{value:016x}"

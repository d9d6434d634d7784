"""The checksum of what training reads again and again: faster than memory, and the same on every machine.

XXH3 of 64 bits where there are more than 240 bytes, and XXH64 where there are fewer. Both are Yann Collet's
(https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md), with seed 0 and, for XXH3, the secret that it comes with; so
other programs can check our files. They find damage and mistakes, not forgery.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.pointers import address_of, load_eight
from w2v_spark.kernels.simd import I32, I64, VECTOR, float32x16, vload, vstore

_P1: Final = np.uint64(0x9E3779B185EBCA87)
_P2: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_P3: Final = np.uint64(0x165667B19E3779F9)
_P4: Final = np.uint64(0x85EBCA77C2B2AE63)
_P5: Final = np.uint64(0x27D4EB2F165667C5)
_LOW: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)

_SHORT: Final = 240  # bytes, for which XXH3 is four other algorithms
_STRIPE: Final = 64  # bytes taken in at a time
_STRIPES: Final = 16  # between two scramblings
_SECRET: Final = np.frombuffer(
    bytes.fromhex(
        "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
        "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
        "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
        "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
    ),
    np.uint8,
)
_START: Final = np.array([0xC2B2AE3D, _P1, _P2, _P3, _P4, 0x85EBCA77, _P5, 0x9E3779B1], np.uint64)
_WORDS: Final = ir.VectorType(I64, 8)


# XXH3's eight accumulators of 64 bits are kept in a register of sixteen floats, whose bits they are.


def _all(value: int) -> ir.Constant:
    return ir.Constant(_WORDS, [value] * 8)


def _load(builder: Any, address: Any) -> Any:
    return builder.load(builder.inttoptr(address, _WORDS.as_pointer()), align=1)


@intrinsic
def _take_in(context: Any, sums: Any, data: Any, secret: Any) -> Any:
    """The accumulators after a stripe at an address, with the part of the secret at another."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words = _load(builder, args[1])
        mixed = builder.xor(words, _load(builder, args[2]))
        product = builder.mul(builder.and_(mixed, _all(0xFFFFFFFF)), builder.lshr(mixed, _all(32)))
        neighbours = ir.Constant(ir.VectorType(I32, 8), [1, 0, 3, 2, 5, 4, 7, 6])
        words = builder.shuffle_vector(words, words, neighbours)
        sums = builder.add(builder.add(builder.bitcast(args[0], _WORDS), words), product)
        return builder.bitcast(sums, VECTOR)

    return float32x16(float32x16, types.int64, types.int64), generate


@intrinsic
def _scramble(context: Any, sums: Any, secret: Any) -> Any:
    """The accumulators after a block of stripes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums = builder.bitcast(args[0], _WORDS)
        sums = builder.xor(builder.xor(sums, builder.lshr(sums, _all(47))), _load(builder, args[1]))
        return builder.bitcast(builder.mul(sums, _all(0x9E3779B1)), VECTOR)

    return float32x16(float32x16, types.int64), generate


@inline
def _fold(a, b):
    """The two halves of the product of 128 bits, one upon the other."""
    low, high = (a & _LOW) * (b & _LOW), (a >> _HALF) * (b >> _HALF)
    one, two = (a >> _HALF) * (b & _LOW), (a & _LOW) * (b >> _HALF)
    middle = (low >> _HALF) + (one & _LOW) + two
    return ((one >> _HALF) + (middle >> _HALF) + high) ^ ((middle << _HALF) | (low & _LOW))


@kernel
def xxh3(data):
    """XXH3 of (n,) uint8, n above 240, as uint64."""
    size, place, secret = len(data), address_of(data, 0), address_of(_SECRET, 0)
    sums = vload(address_of(_START, 0))
    i, stripe = 0, 0
    while i < size - _STRIPE:
        sums = _take_in(sums, place + i, secret + 8 * stripe)
        i, stripe = i + _STRIPE, stripe + 1
        if stripe == _STRIPES and i < size:
            sums, stripe = _scramble(sums, secret + 128), 0
    sums = _take_in(sums, place + size - _STRIPE, secret + 121)
    words = np.empty(8, np.uint64)
    vstore(address_of(words, 0), sums)
    h = np.uint64(size) * _P1
    for k in range(4):
        h += _fold(words[2 * k] ^ load_eight(secret + 11 + 16 * k), words[2 * k + 1] ^ load_eight(secret + 19 + 16 * k))
    h = (h ^ (h >> np.uint64(37))) * np.uint64(0x165667919E3779F9)
    return h ^ (h >> _HALF)


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
    """XXH64 of (n,) uint8 under a uint64 seed, as uint64."""
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


@kernel
def find_damage(data, size, checksums, verified, blocks):
    """The first of some blocks that is not what its checksum says, or -1; those that are will not be looked at again.

    Parameters
    ----------
    data : (n,) uint8
        Block ``b`` is ``data[b * size : (b + 1) * size]``, or less where the data end.
    size : int
    checksums : (all blocks,) uint64
    verified : (all blocks,) bool
        Updated.
    blocks : (m,) int64
    """
    for block in blocks:
        if not verified[block]:
            part = data[block * size : min((block + 1) * size, len(data))]
            found = xxh3(part) if len(part) > _SHORT else xxh64(part, np.uint64(0))
            if found != checksums[block]:
                return block
            verified[block] = True
    return -1


def checksum(data: Any) -> int:
    """The checksum of contiguous bytes: an array, ``bytes``, a memory map or a buffer of pyarrow."""
    view = memoryview(data)
    array = np.frombuffer(view, np.uint8) if view.nbytes else np.empty(0, np.uint8)
    array.flags.writeable = False  # one signature to compile, whatever comes
    return int(xxh3(array) if len(array) > _SHORT else xxh64(array, np.uint64(0)))


def hexadecimal(value: int) -> str:
    """A checksum as lists of files have it: sixteen hexadecimal digits."""
    return f"{value:016x}"

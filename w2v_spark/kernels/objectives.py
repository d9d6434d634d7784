"""Objectives: which output rows a target is scored against, with which labels.

Both write the addresses of the rows and their labels to where the dense step reads them: to addresses and not to
arrays, for whose sake numba would count references in each window.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from w2v_spark.kernels import pointers, rng, simd
from w2v_spark.kernels.jit import inline
from w2v_spark.kernels.scores import UNUSED
from w2v_spark.kernels.tiles import REGISTER_BYTES, ROWS

EIGHT: Final = 8  # addresses that are compared at once


class Noise(NamedTuple):
    """The noise distribution of `models.tables.SamplingTables`: the addresses of two tables, and their words."""

    accept: int
    alias: int
    words: int


@inline
def noise_of(tables):
    """The `Noise` of some tables, which have to be in use for as long."""
    return Noise(pointers.address_of(tables.accept, 0), pointers.address_of(tables.alias, 0), len(tables.accept))


@inline
def noise_word(bits, noise):
    """A word of the noise distribution from 64 random bits (the alias method of Walker 1977)."""
    i = rng.below(bits, noise.words)
    taken = np.uint32(bits & np.uint64(0xFFFFFFFF)) < pointers.load_uint32(noise.accept + 4 * i)
    return simd.either(taken, i, pointers.load_int32(noise.alias + 4 * i))


@inline
def fetch_noise(bits, noise):
    """Ask for what `noise_word` will read."""
    i = rng.below(bits, noise.words)
    pointers.prefetch(noise.accept + 4 * i)
    pointers.prefetch(noise.alias + 4 * i)


@inline
def room_for_rows(negatives):
    """Room for the rows of a target and of noise words, and behind them numbers that are the address of none."""
    return -np.arange(1, -(-(negatives + 1) // EIGHT) * EIGHT + 1)


@inline
def choose_from_pool(target, drawn, negatives, pool, words, chosen):
    """The addresses of the rows of a target and of noise words, of which some may be equal.

    Parameters
    ----------
    target : int
        The address of its row.
    drawn : int
        Where there are 64 random bits for each noise word.
    pool, words : int
        Where the addresses of the rows of the pool are, and how many.
    chosen : int
        Where `room_for_rows` is. Written to, the target first.
    """
    pointers.store_address(chosen, target)
    for k in range(negatives):
        bits = np.uint64(pointers.load_address(drawn + 8 * k))
        pointers.store_address(chosen + 8 * (k + 1), pointers.load_address(pool + 8 * rng.below(bits, words)))


@inline
def choose_from_all(target, drawn, negatives, noise, w_out, row_bytes, chosen):
    """`choose_from_pool` where noise comes from all words, whose rows are at ``w_out``."""
    pointers.store_address(chosen, target)
    for k in range(negatives):
        bits = np.uint64(pointers.load_address(drawn + 8 * k))
        pointers.store_address(chosen + 8 * (k + 1), w_out + row_bytes * noise_word(bits, noise))


@inline
def leave_out_equal(chosen, negatives):
    """Let only the first of equal rows remain of those that were chosen; how many do.

    A register that is loaded soon after it was stored piece by piece is waited for: best not done at once.
    """
    if negatives < EIGHT and not simd.has_equal(chosen):  # nearly always
        return negatives + 1
    n = 1
    for k in range(negatives):
        row, new = pointers.load_address(chosen + 8 * (k + 1)), True
        for i in range(n):
            new &= pointers.load_address(chosen + 8 * i) != row
        pointers.store_address(chosen + 8 * n, row)
        n += np.int64(new)
    return n


@inline
def score_words(chosen, n, rows, labels):
    """Negative sampling: n rows, of which the first is right, to where addresses of rows and labels are expected."""
    pointers.copy_numbers(rows, chosen, n)
    for i in range(0, 4 * n, REGISTER_BYTES):
        simd.vstore(labels + i, simd.vsplat(np.float32(0.0)))
    pointers.store_float(labels, np.float32(1.0))


@inline
def fetch_path(steps, starts, words, place, length):
    """Ask for the path of a word, which `score_path` will read, and for where that of a later word begins.

    All of the first three are addresses: of the steps and of the starts of all paths, and of the words of a sentence.
    """
    if place + 2 < length:
        pointers.prefetch(starts + 8 * pointers.load_address(words + 8 * (place + 2)))
    first = starts + 8 * pointers.load_address(words + 8 * place)
    pointers.prefetch(steps + 4 * pointers.load_address(first))
    pointers.prefetch(steps + 4 * pointers.load_address(first + 8))


@inline
def score_path(steps, n, w_out, row_bytes, rows, labels):
    """Hierarchical softmax: the n inner nodes of the path at an address, see `huffman.build_paths`."""
    for i in range(n):
        step = pointers.load_int32(steps + 4 * i)
        pointers.store_address(rows + 8 * i, w_out + row_bytes * (step >> 1))
        pointers.store_float(labels + 4 * i, np.float32(step & 1))


@inline
def in_tiles(n):
    """So many rows rounded up to whole tiles; with no sign, for that takes ten times as long to divide."""
    return np.int64((np.uint64(n) + np.uint64(ROWS - 1)) // np.uint64(ROWS)) * ROWS


@inline
def fill_tile(zeros, n, rows, labels):
    """Rows of zeros behind the n-th, until a tile is full."""
    for i in range(n, in_tiles(n)):
        pointers.store_address(rows + 8 * i, zeros)
        pointers.store_float(labels + 4 * i, np.float32(UNUSED))

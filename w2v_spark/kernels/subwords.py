"""Words as the mean of their own row and the rows of their n-grams.

A word's vector is gathered once, when it comes into reach of the windows, changed by them as if it were its row, and
what has been added to it goes to all of its rows when it is out of reach: the mean of rows that all move by g moves by
g. So a token costs one gathering and one scattering, however many windows it is in.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels import pointers, simd
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.memory import REGISTER_BYTES

_FOUR: Final = 4 * REGISTER_BYTES


class Subwords(NamedTuple):
    """The n-grams of a vocabulary, and the vectors of the words that are in reach.

    Attributes
    ----------
    starts : (V + 1,) int64
    ngrams : (n,) int32
        Word ``w`` has the rows ``ngrams[starts[w]:starts[w + 1]]`` of ``w_in`` beside its own.
    hidden, begun : (slots, D padded) float32
        Word ``c`` of a sentence has slot ``c % slots`` of both: its vector, and what that was when it was gathered. Two
        slots more than twice the window.
    """

    starts: npt.NDArray[np.int64]
    ngrams: npt.NDArray[np.int32]
    hidden: npt.NDArray[np.float32]
    begun: npt.NDArray[np.float32]


NO_SUBWORDS: Final = Subwords(
    np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros((0, simd.LANES), np.float32),
    np.zeros((0, simd.LANES), np.float32),
)  # fmt: skip
"""For models whose words are their rows."""


@inline
def list_rows(subwords, word, w_in, addresses):
    """The addresses of a word's row and of its n-grams' rows to ``addresses``, int64; how many they are."""
    addresses[0] = pointers.address_of(w_in, word)
    n = 1
    for k in range(subwords.starts[word], subwords.starts[word + 1]):
        addresses[n] = pointers.address_of(w_in, np.int64(subwords.ngrams[k]))
        n += 1
    return n


@inline
def fetch_word(subwords, word, w_in, row_bytes):
    """Ask for all rows of a word."""
    pointers.fetch_row(pointers.address_of(w_in, word), row_bytes)
    for k in range(subwords.starts[word], subwords.starts[word + 1]):
        pointers.fetch_row(pointers.address_of(w_in, np.int64(subwords.ngrams[k])), row_bytes)


@inline
def gather(subwords, word, w_in, slot, addresses, row_bytes):
    """Write a word's vector to its slot."""
    n = list_rows(subwords, word, w_in, addresses)
    hidden, begun = pointers.address_of(subwords.hidden, slot), pointers.address_of(subwords.begun, slot)
    scale = simd.vsplat(np.float32(1.0) / np.float32(n))
    offset = 0
    while offset + _FOUR <= row_bytes:  # four sums at a time, that none waits for itself
        at = addresses[0] + offset
        a, b = simd.vload(at), simd.vload(at + REGISTER_BYTES)
        c, d = simd.vload(at + 2 * REGISTER_BYTES), simd.vload(at + 3 * REGISTER_BYTES)
        for j in range(1, n):
            at = addresses[j] + offset
            a, b = simd.vadd(a, simd.vload(at)), simd.vadd(b, simd.vload(at + REGISTER_BYTES))
            c = simd.vadd(c, simd.vload(at + 2 * REGISTER_BYTES))
            d = simd.vadd(d, simd.vload(at + 3 * REGISTER_BYTES))
        a, b, c, d = simd.vmul(a, scale), simd.vmul(b, scale), simd.vmul(c, scale), simd.vmul(d, scale)
        store_four(hidden + offset, a, b, c, d)
        store_four(begun + offset, a, b, c, d)
        offset += _FOUR
    while offset < row_bytes:
        a = simd.vload(addresses[0] + offset)
        for j in range(1, n):
            a = simd.vadd(a, simd.vload(addresses[j] + offset))
        a = simd.vmul(a, scale)
        simd.vstore(hidden + offset, a)
        simd.vstore(begun + offset, a)
        offset += REGISTER_BYTES


@inline
def store_four(at, a, b, c, d):
    """Four registers behind each other."""
    simd.vstore(at, a)
    simd.vstore(at + REGISTER_BYTES, b)
    simd.vstore(at + 2 * REGISTER_BYTES, c)
    simd.vstore(at + 3 * REGISTER_BYTES, d)


@inline
def scatter(subwords, word, w_in, slot, addresses, row_bytes):
    """Add to all rows of a word what has been added to its vector since it was gathered."""
    n = list_rows(subwords, word, w_in, addresses)
    hidden, begun = pointers.address_of(subwords.hidden, slot), pointers.address_of(subwords.begun, slot)
    for offset in range(0, row_bytes, REGISTER_BYTES):
        change = simd.vsub(simd.vload(hidden + offset), simd.vload(begun + offset))
        for j in range(n):
            place = addresses[j] + offset
            simd.vstore(place, simd.vadd(simd.vload(place), change))


@kernel
def compose(words, starts, ngrams, w_in, out):
    """The vectors of some words: the means of their rows.

    Parameters
    ----------
    words : (n,) int64
    starts, ngrams
        See `Subwords`.
    w_in : (rows, D) float32
    out : (n, D) float32
        Overwritten. Rows are added up as `gather` adds them.
    """
    dim = w_in.shape[1]
    for i in range(len(words)):
        word = words[i]
        for k in range(dim):
            out[i, k] = w_in[word, k]
        for at in range(starts[word], starts[word + 1]):
            row = np.int64(ngrams[at])
            for k in range(dim):
                out[i, k] += w_in[row, k]
        scale = np.float32(1.0) / np.float32(1 + starts[word + 1] - starts[word])
        for k in range(dim):
            out[i, k] *= scale

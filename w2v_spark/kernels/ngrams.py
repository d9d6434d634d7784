"""The n-grams of words: runs of code points of ``<word>``, each as a number.

As in fastText (Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information"): the word stands between
``<`` and ``>``, which alone are no n-grams. Here an n-gram counts once a word, however often it occurs in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels.jit import inline, kernel

Text = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.int32]

_WORDS_AT_A_TIME: Final = 1 << 16
_BEFORE: Final = np.uint8(ord("<"))
_BEHIND: Final = np.uint8(ord(">"))
_FIRST_32: Final = np.uint32(2166136261)
_PRIME_32: Final = np.uint32(16777619)
_FIRST_64: Final = np.uint64(14695981039346656037)
_PRIME_64: Final = np.uint64(1099511628211)


@dataclass(frozen=True, slots=True)
class NgramRule:
    """Which runs of letters are the n-grams of a word, and how they are numbered.

    Attributes
    ----------
    min_n, max_n : int
        Code points of an n-gram, the marks at both ends included.
    bucket : int
        How many numbers there are, of which an n-gram has the one that fastText gives it; 0: numbers of 64 bits, of
        which two of ten million n-grams share one by chance once in 300,000 vocabularies.
    """

    min_n: int
    max_n: int
    bucket: int

    def spans(self, text: Text, starts: Places) -> tuple[Places, Keys, Bytes, Bytes]:
        """The n-grams of some words.

        Parameters
        ----------
        text : (bytes,) uint8
            UTF-8.
        starts : (V + 1,) int64
            Word ``w`` is ``text[starts[w]:starts[w + 1]]``.

        Returns
        -------
        begins : (V + 1,) int64
            Where those of each word begin among all.
        keys : (n,) uint64
            Their numbers, distinct and rising within a word.
        places, sizes : (n,) int32
            The first byte in ``<word>`` of an n-gram that has the number, and its bytes.
        """
        found = [self._some(text, starts, first) for first in range(0, max(len(starts) - 1, 1), _WORDS_AT_A_TIME)]
        parts, keys, places, sizes = zip(*found, strict=True)
        begins = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part) for part in parts]))])
        return begins, np.concatenate(keys), np.concatenate(places), np.concatenate(sizes)

    def _some(self, text: Text, starts: Places, first: int) -> tuple[Places, Keys, Bytes, Bytes]:
        stop = min(first + _WORDS_AT_A_TIME, len(starts) - 1)
        room = 0
        while True:
            keys, places, sizes = np.empty(room, np.uint64), np.empty(room, np.int32), np.empty(room, np.int32)
            begins = number_ngrams(
                text, starts, first, stop, self.min_n, self.max_n, self.bucket, keys, places, sizes
            )  # fmt: skip
            if begins[-1] <= room:
                break
            room = int(begins[-1])
        count = drop_repeated(begins, keys, places, sizes)
        return begins, keys[:count].copy(), places[:count].copy(), sizes[:count].copy()


@kernel
def number_strings(text, starts):
    """The numbers, (n,) uint64, that `NgramRule` gives n-grams without buckets; they are given like words there."""
    keys = np.empty(len(starts) - 1, np.uint64)
    for w in range(len(keys)):
        key = _FIRST_64
        for place in range(starts[w], starts[w + 1]):
            key = _add_64(key, text[place])
        keys[w] = _mixed(key)
    return keys


@inline
def _byte(text, start, size, place):
    """A byte of ``<word>``; the word is ``text[start:start + size]``."""
    if place == 0:
        return _BEFORE
    return text[start + place - 1] if place <= size else _BEHIND


@inline
def _add_32(key, byte):
    """FNV-1a with bytes that have a sign, as fastText has it, which counts where a character is not ASCII."""
    return np.uint32((key ^ np.uint32(np.int32(np.int8(byte)))) * _PRIME_32)


@inline
def _add_64(key, byte):
    return (key ^ np.uint64(byte)) * _PRIME_64


@inline
def _mixed(key):
    """FNV leaves its upper bits alike in short words."""
    key = (key ^ (key >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return key ^ (key >> np.uint64(33))


@kernel
def number_ngrams(text, starts, first, stop, min_n, max_n, buckets, keys, places, sizes):
    """Number the n-grams of some words; those of a word follow each other and may repeat.

    Parameters
    ----------
    text, starts, min_n, max_n, buckets
        See `NgramRule`.
    first, stop : int
        Words ``first <= w < stop``.
    keys : (n,) uint64, places, sizes : (n,) int32
        Written to while there is room: numbers, and which bytes of ``<word>`` they are of.

    Returns
    -------
    (words + 1,) int64
        Where the n-grams of each word begin, and how many there are, which may be more than there was room for.
    """
    begins = np.zeros(stop - first + 1, np.int64)
    count = 0
    for w in range(first, stop):
        start, size = starts[w], starts[w + 1] - starts[w]
        end = size + 2
        for i in range(end):
            if _byte(text, start, size, i) & np.uint8(0xC0) == np.uint8(0x80):
                continue
            narrow, wide = _FIRST_32, _FIRST_64
            n, j = 0, i
            while j < end and n < max_n:
                byte = _byte(text, start, size, j)
                narrow, wide = _add_32(narrow, byte), _add_64(wide, byte)
                j += 1
                if j < end and _byte(text, start, size, j) & np.uint8(0xC0) == np.uint8(0x80):
                    continue
                n += 1
                if n < min_n or (n == 1 and (i == 0 or j == end)):
                    continue
                if count < len(keys):
                    keys[count] = np.uint64(narrow) % np.uint64(buckets) if buckets else _mixed(wide)
                    places[count], sizes[count] = i, j - i
                count += 1
        begins[w - first + 1] = count
    return begins


@kernel
def drop_repeated(begins, keys, places, sizes):
    """Sort the keys of each word and drop those that repeat, in place: where each word's begin now, and the end.

    Parameters
    ----------
    begins : (words + 1,) int64
        Overwritten.
    keys, places, sizes
        See `number_ngrams`; of equal keys the first occurrence stays.
    """
    longest = 0
    for w in range(len(begins) - 1):
        longest = max(longest, begins[w + 1] - begins[w])
    own, own_places, own_sizes = np.empty(longest, np.uint64), np.empty(longest, np.int32), np.empty(longest, np.int32)
    count = 0
    for w in range(len(begins) - 1):
        first, n = begins[w], begins[w + 1] - begins[w]
        order = np.argsort(keys[first : first + n], kind="mergesort")
        for k in range(n):
            at = first + order[k]
            own[k], own_places[k], own_sizes[k] = keys[at], places[at], sizes[at]
        begins[w] = count
        for k in range(n):
            if k == 0 or own[k] != own[k - 1]:
                keys[count], places[count], sizes[count] = own[k], own_places[k], own_sizes[k]
                count += 1
    begins[len(begins) - 1] = count
    return count

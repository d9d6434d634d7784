"""A hash table of words in flat arrays: counts words while the corpus is scanned, finds their ids in the second pass.

Open addressing with linear probing. The words lie one behind the other in one byte array, so a million words are four
numpy arrays and not a million Python strings, and kernels look words up without leaving compiled code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.pointers import address_of, load_eight, prefetch
from w2v_spark.text.words import Words

Array = TypeVar("Array", bound=np.generic)

_FIRST_SLOTS: Final = 1 << 20  # enough for half a million words; memory is taken as it is used
_STEP: Final = 1 << 20  # strings that are taken at a time
_ALL: Final = np.uint64(2**64 - 1)

_AHEAD: Final = 64  # words whose slots are fetched before they are looked at
_HASH, _PLACE = range(2)  # columns of an entry
_LENGTH_BITS: Final = 13  # a place is the start of a word in the byte array, shifted by these, and its length


class WordTable:
    """Words numbered in the order in which they were first added.

    Notes
    -----
    Memory is the words' bytes plus 32 to 64 bytes a word. Hashes only speed the search up: words are compared byte
    by byte where the hash is not the word itself, so no two words are ever mixed up.
    """

    def __init__(self) -> None:
        self._slots = np.full(_FIRST_SLOTS, -1, np.int32)
        self._entries = np.empty((_FIRST_SLOTS // 2, 2), np.int64)
        self._counts = np.empty(_FIRST_SLOTS // 2, np.int64)
        self._used = np.zeros(1, np.int64)
        self._bytes = np.zeros(_FIRST_SLOTS * 4, np.uint8)
        self._ids = np.empty(0, np.int32)
        self._size = 0

    @classmethod
    def from_words(cls, words: pa.Array) -> WordTable:
        """A table in which word ``i`` of a string array has the id ``i``; the words must differ."""
        table = cls()
        for begin in range(0, len(words), _STEP):
            table.count(Words.from_strings(words.slice(begin, _STEP)))
        if len(table) != len(words):
            raise ValueError(f"{len(words) - len(table)} of {len(words)} words occur twice")
        return table

    def __len__(self) -> int:
        return self._size

    def count(self, words: Words) -> npt.NDArray[np.int32]:
        """Add each word, or one to its count; their ids, (n,), until the next call. Amortised constant time a word."""
        words = _padded(words)
        if len(self._ids) < len(words):
            self._ids = np.empty(len(words), np.int32)
        ids = self._ids
        self.find(words, ids)
        done = 0
        while True:
            done, self._size = count_words(
                words.text, words.offsets, ids, done, self._size, self._slots, self._entries, self._counts,
                self._bytes, self._used,
            )  # fmt: skip
            if done == len(words):
                return ids[:done]
            self._grow()

    def find(self, words: Words, ids: npt.NDArray[np.int32]) -> None:
        """Write the id of each word, or -1, to the first ``len(words)`` places of ``ids``."""
        words = _padded(words)
        find_words(words.text, words.offsets, self._slots, self._entries, self._bytes, ids)

    def numbers(self, words: pa.Array) -> npt.NDArray[np.int32]:
        """The id of each string of an array, or -1."""
        ids = np.empty(len(words), np.int32)
        for begin in range(0, len(words), _STEP):
            self.find(Words.from_strings(words.slice(begin, _STEP)), ids[begin:])
        return ids

    def words(self) -> pa.Array:
        """The words as a string array in order of their ids; a copy."""
        places = self._entries[: self._size, _PLACE]
        offsets = np.append(places >> _LENGTH_BITS, self._used)
        text = pa.py_buffer(self._bytes[: offsets[-1]].copy())
        return pa.Array.from_buffers(pa.large_string(), self._size, [None, pa.py_buffer(offsets), text]).cast(
            pa.string()
        )

    def counts(self) -> npt.NDArray[np.int64]:
        """How often each word was counted, by id; a copy."""
        return self._counts[: self._size].copy()

    def clear(self) -> None:
        """Forget all words and keep the memory."""
        self._slots.fill(-1)
        self._used[0] = 0
        self._size = 0

    def _grow(self) -> None:
        """Make room for twice as many words and bytes."""
        capacity = 2 * len(self._entries)
        self._entries, self._counts = _twice(self._entries), _twice(self._counts)
        self._bytes = _twice(self._bytes)
        self._slots = np.full(2 * capacity, -1, np.int32)
        fill_slots(self._slots, self._entries, self._size)


def _padded(words: Words) -> Words:
    """The words with at least eight bytes of text, which the kernels load at a time."""
    if len(words.text) >= 8:
        return words
    return replace(words, text=np.concatenate([words.text, np.zeros(8, np.uint8)]))


def _twice(array: npt.NDArray[Array]) -> npt.NDArray[Array]:
    """The array and as much room behind it."""
    larger = np.empty((2 * len(array), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


# The helpers below take addresses instead of arrays: an array that is handed on costs a reference count each time.


@inline
def _head(word, size, limit):
    """The first eight bytes of the word at an address as a number, filled up with zeros.

    Where eight bytes would reach beyond the address ``limit``, the eight before it are loaded.
    """
    place = min(word, limit - 8)
    skipped = np.uint64(8 * (word - place))
    return (load_eight(place) >> skipped) & (_ALL >> np.uint64(64 - 8 * min(size, 8)))


@inline
def _tail(word, size, limit):
    """The last eight bytes of a word of more than eight, else 0; no branch, for lengths cannot be predicted."""
    is_long = size > 8
    return load_eight(word + size - 8 if is_long else limit - 8) * np.uint64(is_long)


@inline
def _hash(word, size, head, tail):
    """64 bits that depend on all bytes of a word and on its length."""
    h = (head ^ (np.uint64(size) * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(32)) ^ tail) * np.uint64(0x94D049BB133111EB)
    middle = 8
    while middle < size - 8:
        h = (h ^ (h >> np.uint64(32)) ^ load_eight(word + middle)) * np.uint64(0xD6E8FEB86659FD93)
        middle += 8
    return h ^ (h >> np.uint64(29))


@inline
def _is_same(word, other, size, tail):
    """Whether two words of the same length above eight are the same; ``tail`` is that of the first."""
    middle = 0
    while middle < size - 8 and load_eight(word + middle) == load_eight(other + middle):
        middle += 8
    return middle >= size - 8 and tail == load_eight(other + size - 8)


@inline
def _probe(word, size, tail, h, slots, mask, entries, arena):
    """(slot, id) of a word, the id -1 and the slot free where the word is not in the table."""
    slot = np.int64(h) & mask
    found = -1
    while True:
        i = np.int64(slots[slot])
        if i < 0:
            break
        place = entries[i, _PLACE]
        is_equal = entries[i, _HASH] == np.int64(h) and place & ((1 << _LENGTH_BITS) - 1) == size
        # Up to eight bytes the hash is a bijection: words as long with the same hash are the same.
        if is_equal and (size <= 8 or _is_same(word, arena + (place >> _LENGTH_BITS), size, tail)):
            found = i
            break
        slot = (slot + 1) & mask
    return slot, found


@kernel
def count_words(text, word_offsets, ids, done, size, slots, entries, counts, arena, used):
    """Count words from number ``done`` on until the table is full: (words done, table size).

    ``ids`` says which words were in the table before; the few others are entered, and their ids written. That the
    search is a loop of its own makes it twice as fast, since its loads need not wait for the stores of the counts.
    """
    mask = len(slots) - 1
    source, target = address_of(text, 0), address_of(arena, 0)
    limit = source + len(text)
    for w in range(done, len(word_offsets) - 1):
        i = np.int64(ids[w])
        if i < 0:
            start = np.int64(word_offsets[w])
            length = np.int64(word_offsets[w + 1]) - start
            head, tail = _head(source + start, length, limit), _tail(source + start, length, limit)
            h = _hash(source + start, length, head, tail)
            slot, i = _probe(source + start, length, tail, h, slots, mask, entries, target)
            if i < 0:
                first = used[0]
                if size == len(entries) or first + length + 8 > len(arena):
                    return w, size
                i = size
                slots[slot] = size
                for k in range(length):
                    arena[first + k] = text[start + k]
                entries[i, _HASH], entries[i, _PLACE] = np.int64(h), (first << _LENGTH_BITS) | length
                counts[i] = 0
                used[0] = first + length
                size += 1
            ids[w] = i
        counts[i] += 1
    return len(word_offsets) - 1, size


@kernel
def find_words(text, word_offsets, slots, entries, arena, ids):
    """The id of each word, or -1.

    Some words at a time are hashed, then their slots are asked for, then their entries, so that memory is there when
    it is needed.
    """
    n, mask = len(word_offsets) - 1, len(slots) - 1
    source, target = address_of(text, 0), address_of(arena, 0)
    limit = source + len(text)
    tails, hashes = np.empty(_AHEAD, np.uint64), np.empty(_AHEAD, np.uint64)
    for group in range(0, n, _AHEAD):
        last = min(group + _AHEAD, n) - group
        for k in range(last):
            start = np.int64(word_offsets[group + k])
            length = np.int64(word_offsets[group + k + 1]) - start
            head, tail = _head(source + start, length, limit), _tail(source + start, length, limit)
            h = _hash(source + start, length, head, tail)
            tails[k], hashes[k] = tail, h
            prefetch(address_of(slots, np.int64(h) & mask))
        for k in range(last):
            prefetch(address_of(entries, max(np.int64(slots[np.int64(hashes[k]) & mask]), 0)))
        for k in range(last):
            start = np.int64(word_offsets[group + k])
            length = np.int64(word_offsets[group + k + 1]) - start
            _, i = _probe(source + start, length, tails[k], hashes[k], slots, mask, entries, target)
            ids[group + k] = i


@kernel
def fill_slots(slots, entries, size):
    """Enter the first ``size`` words into empty slots."""
    mask = len(slots) - 1
    for i in range(size):
        slot = entries[i, _HASH] & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = i

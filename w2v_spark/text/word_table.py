"""A hash table of words in flat arrays: counts words while the corpus is scanned, finds their ids in the second pass.

Open addressing with linear probing. The words lie one behind the other in one byte array, so a million words are four
numpy arrays and not a million Python strings, and kernels look words up without leaving compiled code.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.simd import address_of, prefetch
from w2v_spark.text.bytes import load_eight
from w2v_spark.text.tokenizer import Words, string_buffers

_FIRST_SLOTS: Final = 1 << 16
_ALL: Final = np.uint64(2**64 - 1)


_AHEAD: Final = 32  # words whose slots are fetched before they are looked at
_HASH, _START, _END, _COUNT = range(4)  # columns of an entry, which fill half a cache line


class WordTable:
    """Words numbered in the order in which they were first added.

    Notes
    -----
    Memory is the words' bytes plus 40 to 80 bytes a word. Hashes only speed the search up: words are compared byte
    by byte, so no two words are ever mixed up.
    """

    def __init__(self) -> None:
        self._slots = np.full(_FIRST_SLOTS, -1, np.int32)
        self._entries = np.empty((_FIRST_SLOTS // 2, 4), np.int64)
        self._bytes = np.zeros(_FIRST_SLOTS * 4, np.uint8)
        self._size = 0

    @classmethod
    def from_words(cls, words: pa.Array) -> WordTable:
        """A table in which word ``i`` of a string array has the id ``i``; the words must differ."""
        table = cls()
        text, offsets = string_buffers(words)
        step = 1 << 20
        for begin in range(0, len(words), step):
            end = min(begin + step, len(words))
            base = offsets[begin]
            part = Words(
                text[base : offsets[end]],
                (offsets[begin : end + 1] - base).astype(np.int32),
                np.zeros(end - begin, np.uint8),
            )
            table.count(part)
        if len(table) != len(words):
            raise ValueError(f"{len(words) - len(table)} of {len(words)} words occur twice")
        return table

    def __len__(self) -> int:
        return self._size

    def count(self, words: Words) -> None:
        """Add each word, or one to its count. Amortised constant time a word."""
        done = 0
        while True:
            done, self._size = count_words(
                words.text, words.offsets, done, self._size, self._slots, self._entries, self._bytes
            )  # fmt: skip
            if done == len(words):
                return
            self._grow()

    def find(self, words: Words, ids: npt.NDArray[np.int32]) -> None:
        """Write the id of each word, or -1, to the first ``len(words)`` places of ``ids``."""
        find_words(words.text, words.offsets, self._slots, self._entries, self._bytes, ids)

    def words(self) -> pa.Array:
        """The words as a string array in order of their ids; a copy."""
        ends = self._entries[: self._size, _END]
        offsets = np.concatenate([np.zeros(1, np.int64), ends])
        text = pa.py_buffer(self._bytes[: offsets[-1]].copy())
        return pa.Array.from_buffers(pa.large_string(), self._size, [None, pa.py_buffer(offsets), text]).cast(
            pa.string()
        )

    def counts(self) -> npt.NDArray[np.int64]:
        """How often each word was counted, by id; a copy."""
        return self._entries[: self._size, _COUNT].copy()

    def clear(self) -> None:
        """Forget all words and keep the memory."""
        self._slots.fill(-1)
        self._size = 0

    def _grow(self) -> None:
        """Make room for twice as many words and bytes."""
        capacity = 2 * len(self._entries)
        self._entries = np.resize(self._entries, (capacity, 4))
        self._bytes = np.resize(self._bytes, 2 * len(self._bytes))
        self._slots = np.full(2 * capacity, -1, np.int32)
        fill_slots(self._slots, self._entries, self._size)


@inline
def _hash(text, start, end):
    """64 bits that depend on all bytes: eight of them at a time are multiplied in and folded."""
    h = np.uint64(end - start) * np.uint64(0x9E3779B97F4A7C15)
    while end - start > 8:
        h = (h ^ load_eight(address_of(text, start))) * np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(32)
        start += 8
    h = (h ^ _up_to_eight(text, start, end)) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(29))


@inline
def _up_to_eight(text, start, end):
    """The last one to eight bytes of a word as a number."""
    if start + 8 <= len(text):
        return load_eight(address_of(text, start)) & (_ALL >> np.uint64(8 * (start + 8 - end)))
    value = np.uint64(0)
    for k in range(start, end):
        value |= np.uint64(text[k]) << np.uint64(8 * (k - start))
    return value


@inline
def _is_same(text, start, end, arena, first):
    """Whether a word is the one at ``arena[first]``, which is as long."""
    while end - start > 8:
        if load_eight(address_of(text, start)) != load_eight(address_of(arena, first)):
            return False
        start += 8
        first += 8
    return _up_to_eight(text, start, end) == _up_to_eight(arena, first, first + end - start)


@inline
def _probe(text, start, end, h, slots, entries, arena):
    """(slot, id) of a word, the id -1 and the slot free where the word is not in the table."""
    mask = len(slots) - 1
    slot = np.int64(h) & mask
    while True:
        i = np.int64(slots[slot])
        if i < 0:
            return slot, i
        if entries[i, _HASH] == np.int64(h):
            first = entries[i, _START]
            if entries[i, _END] - first == end - start and _is_same(text, start, end, arena, first):
                return slot, i
        slot = (slot + 1) & mask


@inline
def _look_ahead(text, word_offsets, first, last, slots, hashes):
    """Hash some words and ask for their slots, so that the memory is there when it is needed."""
    mask = len(slots) - 1
    for w in range(first, last):
        h = _hash(text, np.int64(word_offsets[w]), np.int64(word_offsets[w + 1]))
        hashes[w - first] = h
        prefetch(address_of(slots, np.int64(h) & mask))


@kernel
def count_words(text, word_offsets, done, size, slots, entries, arena):
    """Count words from number ``done`` on until the table is full: (words done, table size)."""
    n = len(word_offsets) - 1
    hashes = np.empty(_AHEAD, np.uint64)
    for group in range(done, n, _AHEAD):
        last = min(group + _AHEAD, n)
        _look_ahead(text, word_offsets, group, last, slots, hashes)
        for w in range(group, last):
            start, end = np.int64(word_offsets[w]), np.int64(word_offsets[w + 1])
            h = hashes[w - group]
            slot, i = _probe(text, start, end, h, slots, entries, arena)
            if i < 0:
                first = entries[size - 1, _END] if size > 0 else 0
                if size == len(entries) or first + end - start > len(arena):
                    return w, size
                i = size
                slots[slot] = size
                for k in range(end - start):
                    arena[first + k] = text[start + k]
                entries[i, _HASH], entries[i, _COUNT] = np.int64(h), 0
                entries[i, _START], entries[i, _END] = first, first + end - start
                size += 1
            entries[i, _COUNT] += 1
    return n, size


@kernel
def find_words(text, word_offsets, slots, entries, arena, ids):
    """The id of each word, or -1."""
    n = len(word_offsets) - 1
    hashes = np.empty(_AHEAD, np.uint64)
    for group in range(0, n, _AHEAD):
        last = min(group + _AHEAD, n)
        _look_ahead(text, word_offsets, group, last, slots, hashes)
        for w in range(group, last):
            start, end = np.int64(word_offsets[w]), np.int64(word_offsets[w + 1])
            _, i = _probe(text, start, end, hashes[w - group], slots, entries, arena)
            ids[w] = i


@kernel
def fill_slots(slots, entries, size):
    """Enter the first ``size`` words into empty slots."""
    mask = len(slots) - 1
    for i in range(size):
        slot = entries[i, _HASH] & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = i

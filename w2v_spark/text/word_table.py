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
from w2v_spark.text.tokenizer import Words, string_buffers

_FIRST_SLOTS: Final = 1 << 16


class WordTable:
    """Words numbered in the order in which they were first added.

    Notes
    -----
    Memory is the words' bytes plus about 40 bytes a word. Hashes only speed the search up: words are compared byte
    by byte, so no two words are ever mixed up.
    """

    def __init__(self) -> None:
        self._slots = np.full(_FIRST_SLOTS, -1, np.int32)
        self._hashes = np.empty(_FIRST_SLOTS // 2, np.uint64)
        self._offsets = np.zeros(_FIRST_SLOTS // 2 + 1, np.int64)
        self._counts = np.zeros(_FIRST_SLOTS // 2, np.int64)
        self._bytes = np.empty(_FIRST_SLOTS * 4, np.uint8)
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
                words.text, words.offsets, done, self._size,
                self._slots, self._hashes, self._offsets, self._counts, self._bytes,
            )  # fmt: skip
            if done == len(words):
                return
            self._grow()

    def find(self, words: Words, ids: npt.NDArray[np.int32]) -> None:
        """Write the id of each word, or -1, to the first ``len(words)`` places of ``ids``."""
        find_words(words.text, words.offsets, self._slots, self._hashes, self._offsets, self._bytes, ids)

    def words(self) -> pa.Array:
        """The words as a string array in order of their ids; a copy."""
        used = int(self._offsets[self._size])
        return pa.Array.from_buffers(
            pa.large_string(),
            self._size,
            [None, pa.py_buffer(self._offsets[: self._size + 1].copy()), pa.py_buffer(self._bytes[:used].copy())],
        ).cast(pa.string())

    def counts(self) -> npt.NDArray[np.int64]:
        """How often each word was counted, by id; a copy."""
        return self._counts[: self._size].copy()

    def clear(self) -> None:
        """Forget all words and keep the memory."""
        self._slots.fill(-1)
        self._counts.fill(0)
        self._size = 0

    def _grow(self) -> None:
        """Make room for twice as many words and bytes."""
        capacity = 2 * len(self._hashes)
        self._hashes = np.resize(self._hashes, capacity)
        self._offsets = np.resize(self._offsets, capacity + 1)
        self._counts = np.concatenate([self._counts, np.zeros(capacity - len(self._counts), np.int64)])
        self._bytes = np.resize(self._bytes, 2 * len(self._bytes))
        self._slots = np.full(2 * capacity, -1, np.int32)
        fill_slots(self._slots, self._hashes, self._size)


@inline
def _hash(text, start, end):
    """FNV-1a over the bytes, then a mix, since the table uses the low bits."""
    h = np.uint64(0xCBF29CE484222325)
    for p in range(start, end):
        h = (h ^ np.uint64(text[p])) * np.uint64(0x100000001B3)
    return (h ^ (h >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) ^ (h >> np.uint64(32))


@inline
def _probe(text, start, end, h, slots, hashes, offsets, arena):
    """(slot, id) of a word, the id -1 and the slot free where the word is not in the table."""
    mask = len(slots) - 1
    slot = np.int64(h) & mask
    while True:
        i = slots[slot]
        if i < 0:
            return slot, -1
        if hashes[i] == h:
            first = offsets[i]
            length = end - start
            if offsets[i + 1] - first == length:
                same = True
                for k in range(length):
                    if arena[first + k] != text[start + k]:
                        same = False
                        break
                if same:
                    return slot, np.int64(i)
        slot = (slot + 1) & mask


@kernel
def count_words(text, word_offsets, done, size, slots, hashes, offsets, counts, arena):
    """Count words from number ``done`` on until the table is full: (words done, table size)."""
    for w in range(done, len(word_offsets) - 1):
        start, end = np.int64(word_offsets[w]), np.int64(word_offsets[w + 1])
        h = _hash(text, start, end)
        slot, i = _probe(text, start, end, h, slots, hashes, offsets, arena)
        if i < 0:
            first = offsets[size]
            if size == len(hashes) or first + end - start > len(arena):
                return w, size
            i = size
            slots[slot] = size
            hashes[size] = h
            for k in range(end - start):
                arena[first + k] = text[start + k]
            size += 1
            offsets[size] = first + end - start
            counts[i] = 0
        counts[i] += 1
    return len(word_offsets) - 1, size


@kernel
def find_words(text, word_offsets, slots, hashes, offsets, arena, ids):
    """The id of each word, or -1."""
    for w in range(len(word_offsets) - 1):
        start, end = np.int64(word_offsets[w]), np.int64(word_offsets[w + 1])
        _, i = _probe(text, start, end, _hash(text, start, end), slots, hashes, offsets, arena)
        ids[w] = i


@kernel
def fill_slots(slots, hashes, size):
    """Enter the first ``size`` words into empty slots."""
    mask = len(slots) - 1
    for i in range(size):
        slot = np.int64(hashes[i]) & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = i

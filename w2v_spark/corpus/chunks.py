"""Words to ids: chunks of encoded sentences, each with a key that gives it a place in the corpus.

A chunk is a document, or a piece of a long one. Its key is a hash of its ids and the seed. Shards are ranges of keys
and a shard is read in key order, so every shard is a random part of the corpus, and the place of a chunk depends on
nothing but its content: not on files, splits, executors or retries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.corpus.word_table import WordTable
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.rng import mix
from w2v_spark.text.words import NEW_DOCUMENT, SAME, Words

CHUNK_TOKENS: Final = 4096  # a chunk ends with the first sentence that reaches this
_FLUSH_TOKENS: Final = 1 << 20
MOST_WORDS: Final = _FLUSH_TOKENS // 2  # that are taken at a time

CHUNK_SCHEMA = pa.schema([
    ("bucket", pa.int32()), ("key", pa.int64()), ("tie", pa.int64()), ("ids", pa.binary()),
    ("document", pa.int32()), ("piece", pa.int32()),
])  # fmt: skip

# Slots of the encoder's state.
_TOKENS, _SENTENCE, _CHUNK, _CHUNKS, _BREAK, _DOCUMENT, _PIECE, _UNKNOWN, _GAPS = range(9)
_STATE_SIZE: Final = 9


class ChunkEncoder:
    """Collects words into chunks and hands them out as Arrow record batches.

    Parameters
    ----------
    table
        The vocabulary; words that are not in it are left out.
    max_sentence_length
        Longer sentences are cut into pieces of this many words of the vocabulary.
    buckets
        Chunks are spread over this many ranges of keys.
    seed
        Another seed, another order of the corpus.
    gap : optional
        The id that stands where words within a sentence are left out, however many; by default nothing does. It has no
        part in anything else: keys, cuts and the order of the corpus are those without it.

    Notes
    -----
    The ids of a chunk are one binary value of int32s, in which the last id ``i`` of each sentence is stored as ``~i``.
    ``document`` is the row, in `Words.documents`, that a chunk is from, and ``piece`` its number within that document.
    """

    def __init__(
        self, table: WordTable, max_sentence_length: int, buckets: int, seed: int, gap: int | None = None
    ) -> None:
        self._table = table
        self._max_sentence = max_sentence_length
        self._buckets = buckets
        self._seed = np.uint64(seed)
        self._gap = -1 if gap is None else gap
        capacity = _FLUSH_TOKENS
        self._found = np.empty(capacity, np.int32)
        self._ids = np.empty(2 * capacity, np.int32)
        self._ends = np.empty(capacity, np.int32)
        self._keys = np.empty((capacity, 2), np.uint64)
        self._origins = np.empty((capacity, 2), np.int32)
        self._state = np.zeros(_STATE_SIZE, np.int64)
        self._hash = np.zeros(2, np.uint64)

    def add(self, words: Words) -> Iterator[pa.RecordBatch]:
        """Take some words; yields finished chunks once there are many."""
        for begin in range(0, len(words), MOST_WORDS):
            part = words.part(begin, min(begin + MOST_WORDS, len(words)))
            self._table.find(part, self._found)
            yield from self.add_found(self._found, part.breaks, part.documents)

    def add_found(
        self, found: npt.NDArray[np.int32], breaks: npt.NDArray[np.uint8], documents: npt.NDArray[np.int32]
    ) -> Iterator[pa.RecordBatch]:
        """Take words that were looked up already, `MOST_WORDS` of them at most; see `add`.

        Parameters
        ----------
        found : (n or more,) int32
            The id of each word, or -1.
        breaks : (n,) uint8, documents : (n or more,) int32
            See `Words`.
        """
        room = len(breaks) if self._gap < 0 else 2 * len(breaks)  # gaps are no more than words
        tokens, chunks = int(self._state[_TOKENS]), int(self._state[_CHUNKS])
        if tokens + room > len(self._ids) - 1 or chunks + len(breaks) >= len(self._ends):
            yield self._flush()
        self._reserve(room)
        append_words(
            found, breaks, documents, self._max_sentence, self._gap, self._seed, self._ids, self._ends, self._keys,
            self._origins, self._hash, self._state,
        )  # fmt: skip
        if self._state[_TOKENS] >= _FLUSH_TOKENS:
            yield self._flush()

    def finish(self) -> pa.RecordBatch:
        """The last chunks; the encoder is empty afterwards."""
        close_chunk(self._seed, self._ids, self._ends, self._keys, self._origins, self._hash, self._state)
        return self._flush()

    def _reserve(self, ids: int) -> None:
        """Room for more ids behind a chunk that is not finished."""
        while self._state[_TOKENS] + ids > len(self._ids) - 1:
            self._ids = np.resize(self._ids, 2 * len(self._ids))

    def _flush(self) -> pa.RecordBatch:
        """The finished chunks as a batch of `CHUNK_SCHEMA`; an unfinished one moves to the buffer's start."""
        chunks, done = int(self._state[_CHUNKS]), int(self._state[_CHUNK])
        ends = np.concatenate([np.zeros(1, np.int32), self._ends[:chunks]]) * np.int32(4)
        keys, origins = self._keys[:chunks].copy(), self._origins[:chunks]
        payload = pa.py_buffer(self._ids[:done].copy())
        rest = int(self._state[_TOKENS]) - done
        self._ids[:rest] = self._ids[done : done + rest].copy()
        self._state[_TOKENS], self._state[_CHUNK], self._state[_CHUNKS] = rest, 0, 0
        ids = pa.Array.from_buffers(pa.binary(), chunks, [None, pa.py_buffer(ends), payload])
        return pa.record_batch(
            [
                bucket_of(keys[:, 0], self._buckets),
                keys[:, 0].view(np.int64),
                keys[:, 1].view(np.int64),
                ids,
                origins[:, 0].copy(),
                origins[:, 1].copy(),
            ],
            schema=CHUNK_SCHEMA,
        )


def bucket_of(keys: npt.NDArray[np.uint64], buckets: int) -> npt.NDArray[np.int32]:
    """Which of equal ranges of keys each key falls into, 0 to ``buckets - 1``; ``buckets`` is below 2^32."""
    return (((keys >> np.uint64(32)) * np.uint64(buckets)) >> np.uint64(32)).astype(np.int32)


def order_chunks(keys: npt.NDArray[np.int64], ties: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The reading order of the chunks of one bucket, which does not depend on the order in which they came.

    By key; but equal chunks (documents that occur many times) would then follow each other in one row, so the k-th
    copy of a chunk is placed by a hash of its key and k.

    Parameters
    ----------
    keys, ties : (n,) int64
        The two hashes of each chunk.

    Returns
    -------
    (n,) int64
        Indices of the chunks in reading order.
    """
    by_content = np.lexsort((ties, keys))
    k, t = keys[by_content].view(np.uint64), ties[by_content].view(np.uint64)
    new = np.ones(len(k), bool)
    new[1:] = (k[1:] != k[:-1]) | (t[1:] != t[:-1])
    starts = np.flatnonzero(new)
    copy = np.arange(len(k)) - np.repeat(starts, np.diff(np.append(starts, len(k))))
    place = np.empty(len(k), np.uint64)
    place_copies(k, copy, place)
    return by_content[np.lexsort((copy, t, k, place))]


def decode_ids(signed: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Ids and (sentences + 1,) sentence offsets from ids whose sentence ends are complemented."""
    ends = np.flatnonzero(signed < 0)
    ids = signed ^ (signed >> 31)  # complements the negative ones
    return ids, np.concatenate([[0], ends + 1]).astype(np.int32)


@kernel
def place_copies(keys, copies, places):
    """Hashes of keys, each with the number of the copy; all (n,), the places overwritten."""
    for i in range(len(keys)):
        places[i] = mix(keys[i] + np.uint64(copies[i]) * np.uint64(0x9E3779B97F4A7C15))


@inline
def _close_sentence(ids, hashes, state):
    last = state[_TOKENS] - 1
    ids[last] = ~ids[last]
    hashes[0] = (hashes[0] ^ np.uint64(0xFFFFFFFF)) * np.uint64(0x100000001B3)
    hashes[1] = (hashes[1] + np.uint64(0xFFFFFFFF)) * np.uint64(0xD6E8FEB86659FD93)
    state[_SENTENCE] = 0


@kernel
def close_chunk(seed, ids, ends, keys, origins, hashes, state):
    """End the sentence and the chunk that are open, if any."""
    if state[_SENTENCE] > 0:
        _close_sentence(ids, hashes, state)
    if state[_TOKENS] > state[_CHUNK]:
        b = state[_CHUNKS]
        ends[b] = state[_TOKENS]
        keys[b, 0] = mix(hashes[0] ^ mix(seed + np.uint64(1)))
        keys[b, 1] = mix(hashes[1] ^ mix(seed + np.uint64(2)))
        origins[b, 0], origins[b, 1] = state[_DOCUMENT], state[_PIECE]
        state[_PIECE] += 1
        state[_CHUNKS] = b + 1
        state[_CHUNK] = state[_TOKENS]
        state[_GAPS] = 0
    hashes[0] = np.uint64(0xCBF29CE484222325)
    hashes[1] = np.uint64(0x9E3779B97F4A7C15)


@kernel
def append_words(found, breaks, documents, max_sentence, gap, seed, ids, ends, keys, origins, hashes, state):
    """Append the words that have an id, closing sentences and chunks where they end.

    Parameters
    ----------
    found : (>= n,) int32
        The id of each word, or -1.
    breaks : (n,) uint8, documents : (n,) int32
        See `Words`.
    max_sentence : int
    gap : int
        The id of words that are left out within a sentence, or -1.
    seed : uint64
    ids : (capacity,) int32
        Filled from the token slot of the state on; must have room for n more, or 2 n with gaps.
    ends : (capacity,) int32, keys : (capacity, 2) uint64, origins : (capacity, 2) int32
        End and two hashes of each finished chunk, its document, and which piece of that it is.
    hashes : (2,) uint64, state : (9,) int64
        The open chunk, updated.
    """
    for w in range(len(breaks)):
        if breaks[w] > state[_BREAK]:
            state[_BREAK] = breaks[w]
        i = found[w]
        if i < 0:
            state[_UNKNOWN] = 1
            continue
        if state[_BREAK] == NEW_DOCUMENT:
            close_chunk(seed, ids, ends, keys, origins, hashes, state)
            state[_DOCUMENT], state[_PIECE] = documents[w], 0
        elif state[_BREAK] != SAME or state[_SENTENCE] == max_sentence:
            if state[_SENTENCE] > 0:
                _close_sentence(ids, hashes, state)
            if state[_TOKENS] - state[_CHUNK] - state[_GAPS] >= CHUNK_TOKENS:
                close_chunk(seed, ids, ends, keys, origins, hashes, state)
        elif gap >= 0 and state[_UNKNOWN] != 0:
            ids[state[_TOKENS]] = gap
            state[_TOKENS] += 1
            state[_GAPS] += 1
        state[_BREAK] = SAME
        state[_UNKNOWN] = 0
        ids[state[_TOKENS]] = i
        hashes[0] = (hashes[0] ^ np.uint64(i)) * np.uint64(0x100000001B3)
        hashes[1] = (hashes[1] + np.uint64(i) + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93)
        state[_TOKENS] += 1
        state[_SENTENCE] += 1

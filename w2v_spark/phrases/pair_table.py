"""Counts of pairs of ids, with the connector words between them, in a flat hash table.

Open addressing with linear probing. A pair is two int64: both ids in one, and the run of connector words, see
`Kinds.run`; so no two pairs are ever mixed up, and nothing is dropped while it is counted.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.rng import mix
from w2v_spark.kernels.simd import address_of, prefetch
from w2v_spark.phrases.candidates import GAP, WORD, Kinds
from w2v_spark.phrases.scores import Bounds

Pairs = npt.NDArray[np.int64]
"""(n, 3) int64: both ids (the first in the higher half), run, count."""

PAIR, RUN, COUNT = range(3)
_FIRST_SLOTS: Final = 1 << 16
_SLICE: Final = 1 << 16  # tokens between two looks at how full the table is
_AHEAD: Final = 32  # pairs whose slots are fetched before they are looked at


class PairTable:
    """Counts pairs exactly.

    Parameters
    ----------
    expected : int, optional
        About how many distinct ones there will be.

    Notes
    -----
    Memory is 48 to 96 bytes a distinct pair.
    """

    def __init__(self, expected: int = 0) -> None:
        self._slots = _empty(_FIRST_SLOTS)
        self._used = np.zeros(1, np.int64)
        self._reserve(expected)

    def __len__(self) -> int:
        return int(self._used[0])

    def count(self, signed: npt.NDArray[np.int32], kinds: Kinds, bounds: Bounds) -> None:
        """Count the candidates in some sentences.

        Parameters
        ----------
        signed : (tokens,) int32
            Ids, the last of each sentence complemented; whole sentences.
        kinds : Kinds
        bounds : Bounds
            Which pairs need not be counted.
        """
        state = np.array([0, -1, 0, 0], np.int64)
        while state[0] < len(signed):
            self._reserve(min(_SLICE, len(signed)))
            stop = min(int(state[0]) + _SLICE, len(signed))
            count_pairs(
                signed, stop, kinds.of, bounds.most, bounds.least, bounds.factor, bounds.min_count, kinds.base,
                kinds.most_connectors, self._slots, self._used, state,
            )  # fmt: skip

    def add(self, pairs: Pairs) -> None:
        """Add counts of pairs."""
        for begin in range(0, len(pairs), _SLICE):
            self._reserve(_SLICE)
            add_pairs(pairs[begin : begin + _SLICE], self._slots, self._used)

    def pairs(self, min_count: int = 1) -> Pairs:
        """Those that occur so often, in no order; a copy."""
        return self._slots[self._slots[:, COUNT] >= min_count]

    def clear(self) -> None:
        """Forget all pairs and keep the memory."""
        self._slots[:] = (-1, 0, 0)
        self._used[0] = 0

    def _reserve(self, more: int) -> None:
        """Keep half of the slots free, however many pairs are new."""
        slots = len(self._slots)
        while 2 * (len(self) + more) > slots:
            slots *= 2
        if slots > len(self._slots):
            before, self._slots, self._used[0] = self.pairs(), _empty(slots), 0
            add_pairs(before, self._slots, self._used)

    def parted(self, parts: int, runs: bool) -> list[npt.NDArray[np.int64]]:
        """All pairs by the part that they belong to, wherever they were counted; without their runs if need be.

        Each is (n, 3) int64, or (n, 2) without runs.
        """
        sizes = np.zeros(parts, np.int64)
        size_parts(self._slots, sizes)
        ends = np.cumsum(sizes)
        scattered = np.empty((len(self), 3 if runs else 2), np.int64)
        scatter_parts(self._slots, ends - sizes, parts, runs, scattered)
        return np.split(scattered, ends[:-1])


def _empty(slots: int) -> Pairs:
    table = np.zeros((slots, 3), np.int64)
    table[:, PAIR] = -1
    return table


@inline
def _hash(pair, run):
    return mix(np.uint64(pair) ^ mix(np.uint64(run) + np.uint64(0x9E3779B97F4A7C15)))


@inline
def _add(pair, run, count, slot, slots, used):
    mask = len(slots) - 1
    while slots[slot, PAIR] != -1 and (slots[slot, PAIR] != pair or slots[slot, RUN] != run):
        slot = (slot + 1) & mask
    if slots[slot, PAIR] == -1:
        slots[slot, PAIR], slots[slot, RUN] = pair, run
        used[0] += 1
    slots[slot, COUNT] += count


@kernel
def count_pairs(signed, stop, kinds, most, least, factor, min_count, base, most_connectors, slots, used, state):
    """Count the pairs that end before a token.

    Parameters
    ----------
    signed, kinds, most, least, factor, min_count
        See `PairTable.count` and `Bounds`.
    base, most_connectors : int
        See `Kinds`.
    slots : (slots, 3) int64, used : (1,) int64
        The table; more than half of it is free afterwards if there were as many free slots more as there are tokens.
    state : (4,) int64
        Token, id that a phrase can begin with or -1, run of connectors behind it, their number.
    """
    mask = len(slots) - 1
    pairs, runs, places = np.empty(_AHEAD, np.int64), np.empty(_AHEAD, np.int64), np.empty(_AHEAD, np.int64)
    waiting = 0
    start, run, length = state[1], state[2], state[3]
    for t in range(state[0], stop):
        i = np.int64(signed[t])
        is_last = i < 0
        i = ~i if is_last else i
        kind = kinds[i]
        if kind == WORD:
            if start >= 0 and (
                factor == 0 or (min(most[start], most[i]) - min_count) * factor > float(least[start]) * float(least[i])
            ):
                pair = (start << 32) | i
                place = np.int64(_hash(pair, run)) & mask
                prefetch(address_of(slots, place))
                pairs[waiting], runs[waiting], places[waiting] = pair, run, place
                waiting += 1
                if waiting == _AHEAD:
                    for k in range(waiting):
                        _add(pairs[k], runs[k], 1, places[k], slots, used)
                    waiting = 0
            start = i
            run = length = 0
        elif kind == GAP or length == most_connectors:
            start = -1
        else:
            run, length = run * base + kind, length + 1
        if is_last:
            start = -1
            run = length = 0
        if start < 0:
            run = length = 0
    for k in range(waiting):
        _add(pairs[k], runs[k], 1, places[k], slots, used)
    state[0], state[1], state[2], state[3] = stop, start, run, length


@kernel
def add_pairs(pairs, slots, used):
    """Add counts of pairs, (n, 3) int64, to a table that has room for all of them."""
    mask = len(slots) - 1
    places = np.empty(_AHEAD, np.int64)
    for group in range(0, len(pairs), _AHEAD):
        last = min(_AHEAD, len(pairs) - group)
        for k in range(last):
            places[k] = np.int64(_hash(pairs[group + k, PAIR], pairs[group + k, RUN])) & mask
            prefetch(address_of(slots, places[k]))
        for k in range(last):
            p = group + k
            _add(pairs[p, PAIR], pairs[p, RUN], pairs[p, COUNT], places[k], slots, used)


@inline
def _part(pair, run, parts):
    """By other bits of the hash than those that place a pair in a table."""
    return np.int64(((_hash(pair, run) >> np.uint64(32)) * np.uint64(parts)) >> np.uint64(32))


@kernel
def size_parts(slots, sizes):
    """How many pairs belong to each part, (parts,) int64."""
    for slot in range(len(slots)):
        if slots[slot, PAIR] != -1:
            sizes[_part(slots[slot, PAIR], slots[slot, RUN], len(sizes))] += 1


@kernel
def scatter_parts(slots, places, parts, runs, scattered):
    """Write the pairs of each part from its place on, which moves."""
    for slot in range(len(slots)):
        if slots[slot, PAIR] != -1:
            part = _part(slots[slot, PAIR], slots[slot, RUN], parts)
            place = places[part]
            places[part] += 1
            scattered[place, 0] = slots[slot, PAIR]
            if runs:
                scattered[place, 1] = slots[slot, RUN]
                scattered[place, 2] = slots[slot, COUNT]
            else:
                scattered[place, 1] = slots[slot, COUNT]

"""Counts of pairs of ids, with the connector words between them, in a flat hash table.

Open addressing with linear probing. A pair is two int64: both ids in one, and the run of connector words, see
`Kinds.run`; so no two pairs are ever mixed up, and nothing is dropped while it is counted.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.pointers import address_of, prefetch
from w2v_spark.kernels.rng import mix

Numbers = npt.NDArray[np.int64]

_PAIR, _RUN, _COUNT = range(3)
_FIRST_SLOTS: Final = 1 << 14  # 384 KiB, in the caches of a core
_SLICE: Final = 1 << 12  # pairs between two looks at how full the table is
_AHEAD: Final = 32  # pairs whose slots are fetched before they are looked at
NO_NUMBERS: Final = np.empty(0, np.int64)


class Pairs(NamedTuple):
    """Pairs, one of which may be there more than once.

    Attributes
    ----------
    ids : (n,) int64
        Both ids, the first in the higher half.
    runs : (n,) int64, or none
        The connector words between them, see `Kinds.run`; none: there are no connector words.
    counts : (n,) int64, or none
        None: each is one that stands in the text.
    """

    ids: Numbers
    runs: Numbers
    counts: Numbers

    def between(self, start: int, stop: int) -> Pairs:
        """Some of them, without a copy."""
        return Pairs(*(column[start:stop] for column in self))

    def where(self, kept: npt.NDArray[np.bool_]) -> Pairs:
        """Those of a mask, copied."""
        return Pairs(*(column[kept] if len(column) else column for column in self))


class PairTable:
    """Counts pairs exactly.

    Notes
    -----
    Memory is 32 to 64 bytes a distinct pair. It is fast while it is small: see `w2v_spark.phrases.pair_sums`.
    """

    def __init__(self) -> None:
        self._slots = _empty(_FIRST_SLOTS)
        self._used = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return int(self._used[0])

    def add(self, pairs: Pairs) -> None:
        """Add pairs, as often as they are there."""
        for begin in range(0, len(pairs.ids), _SLICE):
            some = pairs.between(begin, begin + _SLICE)
            self._reserve(len(some.ids))
            add_pairs(*some, self._slots, self._used)

    def take(self, pairs: Pairs) -> int:
        """Write all pairs over the first of some others, in no order, and forget them; how many there are."""
        n = len(self)
        take_pairs(self._slots, *pairs)
        self._used[0] = 0
        if len(self._slots) > _FIRST_SLOTS:
            self._slots = _empty(_FIRST_SLOTS)
        return n

    def _reserve(self, more: int) -> None:
        """Keep a quarter of the slots free, however many pairs are new."""
        slots = len(self._slots)
        while 4 * (len(self) + more) > 3 * slots:
            slots *= 2
        if slots > len(self._slots):
            before = self._slots[self._slots[:, _COUNT] > 0]
            self._slots, self._used[0] = _empty(slots), 0
            add_pairs(before[:, _PAIR], before[:, _RUN], before[:, _COUNT], self._slots, self._used)


def _empty(slots: int) -> Numbers:
    table = np.zeros((slots, 3), np.int64)
    table[:, _PAIR] = -1
    return table


@inline
def hash_of(pair, run):
    """The uint64 hash of a pair: the low bits place it in a table, the high ones in a group of pairs."""
    return mix(np.uint64(pair) ^ (np.uint64(run) * np.uint64(0x9E3779B97F4A7C15)))


@kernel
def add_pairs(ids, runs, counts, slots, used):
    """Add pairs, see `Pairs`, to a table of (slots, 3) int64 that has room for all of them; ``used`` counts slots."""
    mask = len(slots) - 1
    has_runs, has_counts = len(runs) > 0, len(counts) > 0
    places = np.empty(_AHEAD, np.int64)
    for group in range(0, len(ids), _AHEAD):
        last = min(_AHEAD, len(ids) - group)
        for k in range(last):
            run = runs[group + k] if has_runs else np.int64(0)
            places[k] = np.int64(hash_of(ids[group + k], run)) & mask
            prefetch(address_of(slots, places[k]))
        for k in range(last):
            pair, slot = ids[group + k], places[k]
            run = runs[group + k] if has_runs else np.int64(0)
            while slots[slot, _PAIR] != -1 and (slots[slot, _PAIR] != pair or slots[slot, _RUN] != run):
                slot = (slot + 1) & mask
            if slots[slot, _PAIR] == -1:
                slots[slot, _PAIR], slots[slot, _RUN] = pair, run
                used[0] += 1
            slots[slot, _COUNT] += counts[group + k] if has_counts else np.int64(1)


@kernel
def take_pairs(slots, ids, runs, counts):
    """Write the pairs of a table to the first places of `Pairs`, and empty it."""
    place = 0
    for slot in range(len(slots)):
        if slots[slot, _PAIR] != -1:
            ids[place], counts[place] = slots[slot, _PAIR], slots[slot, _COUNT]
            if len(runs) > 0:
                runs[place] = slots[slot, _RUN]
            place += 1
            slots[slot, _PAIR], slots[slot, _COUNT] = -1, 0

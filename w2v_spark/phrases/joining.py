"""Phrases that have been found, joined in sentences of ids."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.phrases.candidates import GAP, WORD, Kinds
from w2v_spark.phrases.pair_table import hash_of

Ids = npt.NDArray[np.int32]

_LEAST_SLOTS: Final = 16  # eight of them have a word of the filter
_PAIR, _RUN, _PHRASE, _ROW = range(4)
_IS_WORD, _BEGINS, _ENDS_BIT, _ENDS = 1, 2, 2, 4  # what is known of an id, in bits
_NO_TIMES: Final = np.empty(0, np.int64)


class PhraseIndex:
    """The phrases of one pass, by what they are joined of.

    Parameters
    ----------
    pairs : (P, 2) int64
        Both ids (the first in the higher half), and the run of connector words, see `Kinds.run`; no two the same.
    phrases : (P,) int64
        Their ids, which two of them may share: those whose parts, one behind the other, are the same words.
    kinds : Kinds
        Of all ids, those of the phrases included.

    Notes
    -----
    Memory is 64 to 128 bytes a phrase and a byte an id.
    """

    def __init__(self, pairs: npt.NDArray[np.int64], phrases: npt.NDArray[np.int64], kinds: Kinds) -> None:
        self._kinds, self._phrases = kinds, len(phrases)
        slots = _LEAST_SLOTS
        while slots < 2 * len(pairs):
            slots *= 2
        self._slots = np.full((slots, 4), -1, np.int64)
        self._traits = (kinds.of == WORD).astype(np.uint8) * np.uint8(_IS_WORD)
        self._traits[pairs[:, 0] >> 32] |= _BEGINS
        self._traits[pairs[:, 0] & 0xFFFFFFFF] |= _ENDS
        self._maybe = np.zeros(slots // 8, np.uint64)  # what is not in here is no phrase: small enough for a cache
        enter_phrases(pairs, phrases, self._slots, self._maybe)

    def __len__(self) -> int:
        return self._phrases

    def join(self, signed: Ids, ends: Ids, times: npt.NDArray[np.int64] = _NO_TIMES) -> tuple[Ids, Ids]:
        """Join from left to right whatever is a phrase; what has been joined begins nothing else.

        Parameters
        ----------
        signed : (tokens,) int32
            Ids, the last of each sentence complemented.
        ends : (n,) int32
            Ends of stretches of whole sentences.
        times : (P,) int64, optional
            How often each phrase is joined is added to it.

        Returns
        -------
        The same with phrases in place of their parts, and the new ends.
        """
        joined, moved = np.empty_like(signed), np.empty_like(ends)
        tokens = join_phrases(
            signed, ends, self._kinds.of, self._traits, self._kinds.base, self._kinds.most_connectors, self._maybe,
            self._slots, joined, moved, times,
        )  # fmt: skip
        return joined[:tokens], moved


def chain(signed: Ids, ends: Ids, passes: list[PhraseIndex]) -> tuple[Ids, Ids]:
    """Join by one pass after the other, see `PhraseIndex.join`."""
    for index in passes:
        signed, ends = index.join(signed, ends)
    return signed, ends


def renumber(signed: Ids, ends: Ids, numbers: Ids) -> tuple[Ids, Ids]:
    """Give ids other numbers, and leave out those whose number is -1.

    Parameters
    ----------
    signed, ends
        See `PhraseIndex.join`.
    numbers : (ids,) int32

    Returns
    -------
    The ids, without sentences that have lost all of theirs, and the new ends.
    """
    kept, moved = np.empty_like(signed), np.empty_like(ends)
    tokens = renumber_ids(signed, ends, numbers, kept, moved)
    return kept[:tokens], moved


@inline
def _bit(h, maybe):
    """The word of the filter that a hash is in, and its bit there."""
    return np.int64(h >> np.uint64(20)) & (len(maybe) - 1), (h >> np.uint64(58)) & np.uint64(63)


@inline
def _slot(pair, run, h, slots):
    mask = len(slots) - 1
    slot = np.int64(h) & mask
    while slots[slot, _PAIR] != -1 and (slots[slot, _PAIR] != pair or slots[slot, _RUN] != run):
        slot = (slot + 1) & mask
    return slot


@kernel
def enter_phrases(pairs, phrases, slots, maybe):
    """Enter phrases, which all differ, into an empty table of (slots, 4) int64 and a filter of bits."""
    for p in range(len(pairs)):
        h = hash_of(pairs[p, 0], pairs[p, 1])
        word, bit = _bit(h, maybe)
        maybe[word] |= np.uint64(1) << bit
        slot = _slot(pairs[p, 0], pairs[p, 1], h, slots)
        slots[slot, _PAIR], slots[slot, _RUN] = pairs[p, 0], pairs[p, 1]
        slots[slot, _PHRASE], slots[slot, _ROW] = phrases[p], p


@kernel
def join_phrases(signed, ends, kinds, traits, base, most_connectors, maybe, slots, joined, moved, times):
    """Write the ids with phrases joined, and where the stretches end then; how many ids there are.

    What a phrase may be joined of is written as it comes, and written over if it is one. Whether there may be one is a
    single branch, and all else is computed, since no processor can foresee which words begin and end phrases.
    """
    out = np.int64(0)
    t = np.int64(0)
    for stretch in range(len(ends)):
        start, place, run, length = np.int64(-1), np.int64(0), np.int64(0), np.int64(0)
        while t < ends[stretch]:
            i = np.int64(signed[t])
            t += 1
            last = i >> np.int64(63)  # -1: the last of a sentence
            i ^= last
            trait = np.int64(traits[i])
            if trait & _IS_WORD:
                h = hash_of((start << np.int64(32)) | i, run)
                word, bit = _bit(h, maybe)
                phrase = np.int64(-1)
                if (np.int64(maybe[word] >> bit) & (trait >> np.int64(_ENDS_BIT)) & ~(start >> np.int64(63))) & 1:
                    slot = _slot((start << np.int64(32)) | i, run, h, slots)
                    if slots[slot, _PAIR] != -1:
                        phrase = slots[slot, _PHRASE]
                        if len(times) > 0:
                            times[slots[slot, _ROW]] += 1
                if phrase >= 0:
                    out, start, i = place, np.int64(-1), phrase
                else:
                    place, start = out, (i if trait & _BEGINS else np.int64(-1))
                run = length = np.int64(0)
            else:
                kind = np.int64(kinds[i])
                if kind == GAP or length == most_connectors:
                    start = np.int64(-1)
                else:
                    run, length = run * base + kind, length + 1
                if start < 0:
                    run = length = np.int64(0)
            joined[out] = i ^ last
            start |= last  # no phrase goes over the end of a sentence
            out += 1
        moved[stretch] = out
    return out


@kernel
def renumber_ids(signed, ends, numbers, kept, moved):
    """Write the new ids, and where the stretches end then; how many ids there are."""
    out = np.int64(0)
    t = np.int64(0)
    sentence = out
    for stretch in range(len(ends)):
        while t < ends[stretch]:
            i = np.int64(signed[t])
            t += 1
            is_last = i < 0
            number = numbers[~i if is_last else i]
            if number >= 0:
                kept[out] = number
                out += 1
            if is_last:
                if out > sentence:
                    kept[out - 1] = ~kept[out - 1]
                sentence = out
        moved[stretch] = out
    return out

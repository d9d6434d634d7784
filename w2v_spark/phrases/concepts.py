"""Concepts put in the place of their forms: the longest form that begins at a word, from left to right."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.corpus.word_table import WordTable
from w2v_spark.kernels.jit import inline, kernel
from w2v_spark.kernels.rng import mix
from w2v_spark.phrases.dictionary import Dictionary
from w2v_spark.text.words import SAME, Words, string_buffers

_EDGE, _NODE = range(2)  # columns of a slot: the node and the word that lead to a node
_LEAST_SLOTS: Final = 16


class ConceptMapper:
    """Puts the concepts of a dictionary in the place of their forms.

    Notes
    -----
    Forms are the ways through a tree whose edges are words. Memory: some 50 bytes a word of a form, and the words.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        forms = dictionary.table["words"].combine_chunks()
        every = forms.flatten()
        words = pc.unique(every)
        ids = np.asarray(pc.index_in(every, words), np.int64)
        concepts = dictionary.table["concept"].cast(pa.large_string()).combine_chunks()
        slots = _LEAST_SLOTS
        while slots < 2 * len(ids):
            slots *= 2
        self._table = WordTable.from_words(words)
        self._slots = np.full((slots, 2), -1, np.int64)
        self._concepts = np.full(len(ids) + 1, -1, np.int32)  # by node; the root is 0
        enter_forms(ids, np.asarray(forms.offsets, np.int64), self._slots, self._concepts)
        self._text, self._starts = string_buffers(concepts)

    def __reduce__(self) -> tuple[type[ConceptMapper], tuple[Dictionary]]:
        return ConceptMapper, (self._dictionary,)

    def change(self, words: Words) -> Words:
        """See `Changer`."""
        if not len(words):
            return words
        ids = np.empty(len(words), np.int32)
        self._table.find(words, ids)
        spans, found = np.empty(len(words), np.int32), np.empty(len(words), np.int32)
        n = match_forms(ids, words.breaks, self._slots, self._concepts, spans, found)
        spans, found = spans[:n], found[:n]
        if (found < 0).all():
            return words
        starts = np.cumsum(spans, dtype=np.int64) - spans
        lengths = np.diff(words.offsets)[starts]
        lengths[found >= 0] = np.diff(self._starts)[found[found >= 0]]
        offsets = np.zeros(n + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        text = np.empty(int(offsets[-1]), np.uint8)
        copy_units(words.text, words.offsets, starts, found, self._text, self._starts, offsets, text)
        return Words(text, offsets, words.breaks[starts], words.documents[starts])


@inline
def _slot(edge, slots):
    mask = len(slots) - 1
    slot = np.int64(mix(np.uint64(edge)) >> np.uint64(1)) & mask
    while slots[slot, _EDGE] != -1 and slots[slot, _EDGE] != edge:
        slot = (slot + 1) & mask
    return slot


@kernel
def enter_forms(ids, starts, slots, concepts):
    """Enter forms ``ids[starts[f]:starts[f + 1]]`` into an empty tree; form ``f`` ends at a node of concept ``f``."""
    nodes = np.int64(1)
    for f in range(len(starts) - 1):
        node = np.int64(0)
        for place in range(starts[f], starts[f + 1]):
            slot = _slot((node << 32) | ids[place], slots)
            if slots[slot, _EDGE] == -1:
                slots[slot, _EDGE], slots[slot, _NODE] = (node << 32) | ids[place], nodes
                nodes += 1
            node = slots[slot, _NODE]
        concepts[node] = f


@kernel
def match_forms(ids, breaks, slots, concepts, spans, found):
    """What becomes of some words: how many each unit takes, and its concept or -1; how many units there are."""
    n, t = np.int64(0), np.int64(0)
    while t < len(ids):
        span, concept = np.int64(1), np.int32(-1)
        node, place = np.int64(0), t
        while place < len(ids) and ids[place] >= 0 and (place == t or breaks[place] == SAME):
            slot = _slot((node << 32) | np.int64(ids[place]), slots)
            if slots[slot, _EDGE] == -1:
                break
            node = slots[slot, _NODE]
            place += 1
            if concepts[node] >= 0:
                span, concept = place - t, concepts[node]
        spans[n], found[n] = span, concept
        n += 1
        t += span
    return n


@kernel
def copy_units(text, word_offsets, starts, found, concept_text, concept_starts, offsets, out):
    """Copy words and concepts to where ``offsets`` says."""
    for u in range(len(found)):
        place = np.int64(offsets[u])
        if found[u] >= 0:
            first, end = concept_starts[found[u]], concept_starts[found[u] + 1]
            for b in range(first, end):
                out[place + b - first] = concept_text[b]
        else:
            begin, stop = np.int64(word_offsets[starts[u]]), np.int64(word_offsets[starts[u] + 1])
            for b in range(begin, stop):
                out[place + b - begin] = text[b]

"""The n-grams of a vocabulary: which there are, and which of them each word has."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.config import ModelConfig
from w2v_spark.kernels.ngrams import NgramRule
from w2v_spark.models.array_tables import table_from_bytes
from w2v_spark.storage import arrays_to_bytes

Counts = npt.NDArray[np.int64]
Text = npt.NDArray[np.uint8]


class SubwordTable(NamedTuple):
    """The n-grams of a vocabulary that have a row, the most frequent first.

    Attributes
    ----------
    starts : (V + 1,) int64
    rows : (n,) int32
        Word ``w`` has the n-grams whose rows of the input matrix are ``rows[starts[w]:starts[w + 1]]``, rising: V for
        the first, since rows of words come first.
    words : (B,) int64
        Words that each n-gram is part of.
    met : (V,) float64
        The share of each word in what is trained on.
    names : (bytes,) uint8, offsets : (B + 1,) int64
        The n-grams, UTF-8, and where each begins; empty where they share rows.
    buckets : (B,) int64
        The number of each row where they do; else empty.
    """

    starts: Counts
    rows: npt.NDArray[np.int32]
    words: Counts
    met: npt.NDArray[np.float64]
    names: Text
    offsets: Counts
    buckets: Counts

    @classmethod
    def build(
        cls, text: Text, starts: Counts, counts: Counts, kept: npt.NDArray[np.float64], model: ModelConfig
    ) -> Self:
        """For a vocabulary.

        Parameters
        ----------
        text : (bytes,) uint8, starts : (V + 1,) int64
            Word ``w`` is ``text[starts[w]:starts[w + 1]]``.
        counts : (V,) int64
            Rows are given out by the occurrences of all words that have an n-gram.
        kept : (V,) float64
            Occurrences of each word that are trained on, of any sum.
        model : ModelConfig

        Notes
        -----
        Memory: some 40 bytes an n-gram of a word, of which words have about 20.
        """
        rule, vocabulary = NgramRule(model.min_n, model.max_n, model.bucket), len(counts)
        begins, keys, places, sizes = rule.spans(text, starts)
        owners = np.repeat(np.arange(vocabulary), np.diff(begins))
        distinct, first, number = np.unique(keys, return_index=True, return_inverse=True)
        in_words = np.bincount(number, minlength=len(distinct))
        often = np.bincount(number, counts[owners].astype(np.float64), minlength=len(distinct))
        there = np.flatnonzero(in_words >= (1 if rule.bucket else model.min_ngram_words))
        order = there[np.argsort(-often[there], kind="stable")]
        rank = np.full(len(distinct), -1, np.int64)
        rank[order] = np.arange(len(order))
        own = rank[number]
        has_row = own >= 0
        found, owners = own[has_row] + vocabulary, owners[has_row]
        rows = found[np.lexsort((found, owners))].astype(np.int32)
        has = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=vocabulary))])
        names, offsets, buckets = np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty(0, np.int64)
        if rule.bucket:
            buckets = distinct[order].astype(np.int64)
        else:
            chosen = first[order]
            word = np.searchsorted(begins, chosen, "right") - 1
            names, offsets = _names(text, starts[word], starts[word + 1], places[chosen], sizes[chosen])
        return cls(has, rows, in_words[order], kept / max(kept.sum(), 1e-300), names, offsets, buckets)

    @property
    def ngrams(self) -> int:
        """B, how many rows they have."""
        return len(self.words)

    def labels(self) -> pa.Array:
        """The n-grams, strings, or the numbers of buckets, (B,)."""
        if len(self.buckets):
            return pa.array(self.buckets, pa.int64())
        large = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.names)]
        return pa.Array.from_buffers(pa.large_string(), len(self.words), large).cast(pa.string())

    def to_bytes(self) -> bytes:
        """As one file, in numpy's format."""
        return arrays_to_bytes(self._asdict())

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Self:
        """What `to_bytes` made, see `table_from_bytes`."""
        return table_from_bytes(cls, data, name)

    def check(self) -> None:
        """Raise `ValueError` if an n-gram has no row or no name."""
        arrays: tuple[npt.NDArray[np.generic], ...] = tuple(self)
        kinds = (np.int64, np.int32, np.int64, np.float64, np.uint8, np.int64, np.int64)
        if any(array.dtype != kind or array.ndim != 1 for array, kind in zip(arrays, kinds, strict=True)):
            raise ValueError("an array is of another type")
        words, end = len(self.met), len(self.met) + self.ngrams
        if len(self.starts) != words + 1 or self.starts[0] != 0 or self.starts[-1] != len(self.rows):
            raise ValueError("the n-grams of words have wrong lengths")
        if (np.diff(self.starts) < 0).any():
            raise ValueError("the n-grams of words overlap")
        if len(self.rows) and not words <= self.rows.min() <= self.rows.max() < end:
            raise ValueError("an n-gram has no row")
        if self.ngrams not in (len(self.buckets), len(self.offsets) - 1):
            raise ValueError("the n-grams have no names")


def _names(
    text: Text, firsts: Counts, stops: Counts, places: npt.NDArray[np.int32], sizes: npt.NDArray[np.int32]
) -> tuple[Text, Counts]:
    """The bytes ``places`` to ``places + sizes`` of ``<text[firsts:stops]>``, and where those of each begin."""
    offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    inside = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - places, sizes)
    at = np.repeat(firsts - 1, sizes) + inside
    letters = np.append(text, np.uint8(0))[np.clip(at, 0, len(text))]
    letters[inside == 0] = ord("<")
    letters[at == np.repeat(stops, sizes)] = ord(">")
    return letters, offsets

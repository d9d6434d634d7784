"""Labelled sequences for the benchmark of k-mers: read, split, and made vectors of."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as csv

Matrix = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[Any]
Sentences = list[list[list[str]]]


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """A zstd-compressed file of tab-separated lines without a header, all of it strings."""
    if not path.is_file():
        sys.exit(f"{path} is no file; name the directory of the sequences with --data")
    with pa.input_stream(str(path), compression="zstd") as stream:
        return csv.read_csv(
            stream,
            csv.ReadOptions(column_names=list(columns)),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        )


def halves(labels: Labels) -> Flags:
    """Which sequences to train on: every other one of each label, in their order."""
    seen: dict[Any, int] = {}
    train = np.zeros(len(labels), bool)
    for row, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        train[row] = seen[label] % 2 == 1
    return train


@dataclass(frozen=True, slots=True, eq=False)
class Bags:
    """How often each sequence has each k-mer.

    Attributes
    ----------
    kmers : dict of str to int
        The column of each k-mer that occurs.
    counts : scipy.sparse.csr_array, (sequences, k-mers)
    """

    kmers: dict[str, int]
    counts: Any

    @classmethod
    def of(cls, sequences: Sentences) -> Bags:
        """Count the k-mers of what `words_of` has cut."""
        from scipy.sparse import csr_array

        kmers: dict[str, int] = {}
        columns, offsets = [], [0]
        for sentences in sequences:
            columns += [kmers.setdefault(kmer, len(kmers)) for sentence in sentences for kmer in sentence]
            offsets.append(len(columns))
        counts = csr_array((np.ones(len(columns)), columns, offsets), shape=(len(sequences), len(kmers)))
        counts.sum_duplicates()
        return cls(kmers, counts)

    def shares(self) -> Matrix:
        """The share of each k-mer in each sequence, (sequences, k-mers); zeros for one without k-mers."""
        counts: Matrix = self.counts.toarray()
        counts /= np.maximum(counts.sum(axis=1, keepdims=True), 1)
        return counts

    def means(self, words: Sequence[str], vectors: Matrix) -> Matrix:
        """The mean of the vectors of the k-mers that have one, (sequences, D); zeros where none has."""
        known = [row for row, word in enumerate(words) if word in self.kmers]
        counts = self.counts[:, [self.kmers[words[row]] for row in known]]
        sums: Matrix = counts @ vectors[known].astype(np.float64)
        sums /= np.maximum(counts.sum(axis=1), 1)[:, None]
        return sums

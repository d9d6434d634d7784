"""The vocabulary in a report: how counts fall, how much of a text frequent words are, and neighbours of some."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.reading import VectorTable

SAMPLES: Final = 30
NEIGHBOURS: Final = 5
_POINTS: Final = 150  # of the curve of counts
_FIRST: Final = 20  # rank below which words say little of their neighbours, in a vocabulary that is large enough
_THRESHOLDS: Final = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 5000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Sample:
    """A word and those nearest to it.

    Attributes
    ----------
    word : str
    rank, count : int
        The rank is from 1.
    nearest : tuple of (str, float)
        With their cosines.
    """

    word: str
    rank: int
    count: int
    nearest: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A vocabulary with another ``min_count``.

    Attributes
    ----------
    min_count, words : int
        How many words are as frequent.
    tokens : int
        How often these occur.
    """

    min_count: int
    words: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Words:
    """What a report says of a vocabulary.

    Attributes
    ----------
    size, dim : int
    tokens : int
        The sum of all counts; 0 where these are not known, and then there are no curve, marks and thresholds.
    curve : tuple of (rank, count)
        The rank is from 1.
    marks : tuple of (rank, count, word)
        Words to show on the curve.
    thresholds : tuple of Threshold
        By rising ``min_count``.
    samples : tuple of Sample
    """

    size: int
    dim: int
    tokens: int
    curve: tuple[tuple[int, int], ...]
    marks: tuple[tuple[int, int, str], ...]
    thresholds: tuple[Threshold, ...]
    samples: tuple[Sample, ...]

    @classmethod
    def of(cls, table: VectorTable) -> Words:
        """Of a vector table. Cost: O(V D) for each of `SAMPLES` words, by one matrix product."""
        vectors = KeyedVectors(table.words, table.stack, table.counts)
        counted = cls.counted(table.words, table.counts, vectors.dim)
        return replace(counted, samples=_sample(vectors, np.asarray(table.counts)))

    @classmethod
    def counted(cls, words: pa.StringArray, counts: npt.NDArray[np.int64], dim: int) -> Words:
        """Of words and counts alone, without neighbours."""
        known = not are_ranks(counts)
        falling = np.sort(counts)[::-1] if known else counts[:0]
        falling = falling[falling > 0]
        order = np.argsort(-counts, kind="stable")
        ranks = spread(len(falling), _POINTS)
        marks = [rank for rank in spread(len(falling), 6, last=0.5) if rank]
        return cls(
            len(words),
            dim,
            int(falling.sum()),
            tuple((rank, int(falling[rank - 1])) for rank in ranks),
            tuple((rank, int(falling[rank - 1]), words[int(order[rank - 1])].as_py()) for rank in marks),
            tuple(cover(falling)),
            (),
        )


def spread(size: int, most: int, first: int = 1, last: float = 1.0) -> list[int]:
    """Up to ``most`` ranks from ``first`` to the share ``last`` of ``size``, each as many times the one before."""
    if size < 1:
        return []
    stop = max(int(size * last), 1)
    ranks = np.rint(np.geomspace(min(first, stop), stop, most)).astype(int)
    return [int(rank) for rank in np.unique(ranks)]


def cover(falling: npt.NDArray[np.int64]) -> list[Threshold]:
    """How many words, and how much of the text, have some counts or more.

    Parameters
    ----------
    falling : (V,) int64
        Counts, the largest first, all above 0.
    """
    if not len(falling):
        return []
    sums = np.concatenate([[0], np.cumsum(falling)])
    least, most = int(falling[-1]), int(falling[0])
    wanted = [least, *(number for number in _THRESHOLDS if least < number <= most)]
    words = [int(np.searchsorted(-falling, -number, side="right")) for number in wanted]
    return [Threshold(number, size, int(sums[size])) for number, size in zip(wanted, words, strict=True)]


def are_ranks(counts: npt.NDArray[np.int64]) -> bool:
    """Whether counts are V, V - 1, ..., 1, which an import gives to words whose counts are not known."""
    return len(counts) > 1 and bool(np.array_equal(counts, np.arange(len(counts), 0, -1)))


def _sample(vectors: KeyedVectors, counts: npt.NDArray[np.int64]) -> tuple[Sample, ...]:
    rows = [rank - 1 for rank in spread(len(vectors), SAMPLES, first=_FIRST if len(vectors) > 10 * _FIRST else 1)]
    answers = vectors.most_similar_batch([[row] for row in rows], topn=NEIGHBOURS)
    return tuple(
        Sample(vectors.word(row), row + 1, int(counts[row]), tuple((word, float(cosine)) for word, cosine in answer))
        for row, answer in zip(rows, answers, strict=True)
    )

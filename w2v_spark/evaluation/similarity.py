"""Correlation of cosines with human judgements of similarity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from w2v_spark.evaluation.pair_files import Pair
from w2v_spark.evaluation.word_lookup import WordLookup
from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import lengths

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SimilarityResult:
    """Correlations, -1..1, over the ``pairs`` whose words are both known; ``skipped`` pairs had an unknown word.

    NaN where undefined: under two pairs, or all judgements or all cosines equal.
    """

    spearman: float
    pearson: float
    pairs: int
    skipped: int


def evaluate_similarity(
    vectors: KeyedVectors,
    pairs: Sequence[Pair],
    restrict: int = 300_000,
    ignore_case: bool = True,
    tagged: bool = False,
    unknown_as_zero: bool = False,
) -> SimilarityResult:
    """Correlate the cosine of every pair with its judgement.

    Parameters
    ----------
    vectors : KeyedVectors
    pairs : sequence of (word, word, score)
    restrict : int
        Both words must be among the ``restrict`` most frequent words, else the pair is skipped; in a model with
        sub-words, a word that is not takes its vector from its n-grams.
    ignore_case : bool
        A word that is not there as it stands may be there in another case, the most frequent then.
    tagged : bool
        A word that is not there may be there without its last two characters, a part of speech: ``sun`` for ``sun-n``.
    unknown_as_zero : bool
        Pairs that would be skipped count as well, with the cosine 0.

    Raises
    ------
    ConfigError
        ``restrict`` is below 1.

    Notes
    -----
    The numbers are those of gensim's ``evaluate_word_pairs``, unless words differ in case only.
    """
    cosines, known = find_cosines(vectors, pairs, restrict, ignore_case, tagged)
    scores = np.array([score for _, _, score in pairs], dtype=np.float64)
    count = int(np.count_nonzero(known))
    counted = np.ones_like(known) if unknown_as_zero else known
    cosines, scores = cosines[counted], scores[counted]
    return SimilarityResult(
        spearman=correlation(ranks(scores), ranks(cosines)),
        pearson=correlation(scores, cosines),
        pairs=count,
        skipped=len(pairs) - count,
    )


def find_cosines(
    vectors: KeyedVectors, pairs: Sequence[Pair], restrict: int, ignore_case: bool, tagged: bool
) -> tuple[Values, npt.NDArray[np.bool_]]:
    """The cosine of every pair, (n,), and whether its words are known; 0 where they are not.

    Parameters and errors are those of `evaluate_similarity`.
    """
    lookup = WordLookup(vectors, restrict, ignore_case)

    def find(word: str) -> int | None:
        row = lookup.find(word)
        return lookup.find(word[:-2]) if row is None and tagged else row

    def vector(word: str) -> Vector | None:
        row = find(word)
        if row is not None:
            return vectors.get_vector(row)
        return None if vectors.subwords is None else vectors.subwords.vector(word)

    found = [(vector(a), vector(b)) for a, b, _ in pairs]
    there = [(a, b) for a, b in found if a is not None and b is not None]
    known = np.array([a is not None and b is not None for a, b in found], dtype=bool)
    first, second = (np.array([each[side] for each in there]).reshape(-1, vectors.dim) for side in (0, 1))
    products = np.einsum("ij,ij->i", first, second)
    cosines = np.zeros(len(pairs), dtype=np.float64)
    cosines[known] = products / (lengths(first) * lengths(second))
    return cosines, known


def ranks(values: Values) -> Values:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    shared: Values = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return shared


def correlation(x: Values, y: Values) -> float:
    """Pearson's correlation, NaN if either side is constant or has fewer than two values."""
    if len(x) < 2:
        return math.nan
    x, y = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale > 0 else math.nan

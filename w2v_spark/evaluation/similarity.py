"""Correlation of cosines with human judgements of similarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.evaluation.correlation import Values, correlation, ranks
from w2v_spark.evaluation.kind import WORD_RESTRICT, Column, Form, Kind, Row, Scored, Settings, among_many
from w2v_spark.evaluation.pair_files import Pair, PairSet, read_pairs
from w2v_spark.evaluation.samples import RankCorrelations, value_of
from w2v_spark.evaluation.word_lookup import VectorLookup
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import lengths


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
    lookup = VectorLookup(vectors, restrict, ignore_case, tagged)
    found = [(lookup.vector(a), lookup.vector(b)) for a, b, _ in pairs]
    there = [(a, b) for a, b in found if a is not None and b is not None]
    known = np.array([a is not None and b is not None for a, b in found], dtype=bool)
    first, second = (np.array([each[side] for each in there]).reshape(-1, vectors.dim) for side in (0, 1))
    products = np.einsum("ij,ij->i", first, second)
    values = products / (lengths(first) * lengths(second))
    values[(first == second).all(axis=1) & (products > 0)] = 1  # give or take a rounding: these are equal, a tie
    cosines = np.zeros(len(pairs), dtype=np.float64)
    cosines[known] = values
    return cosines, known


def _score(vectors: KeyedVectors, pairs: PairSet, settings: Settings) -> Scored:
    cosines, known = find_cosines(vectors, pairs.pairs, WORD_RESTRICT, True, pairs.tagged)
    judged = np.array([score for _, _, score in pairs.pairs], dtype=np.float64)
    sample = RankCorrelations(judged, cosines, known)
    count = int(np.count_nonzero(known))
    values = {
        "spearman": value_of(sample),
        "pearson": correlation(judged[known], cosines[known]),
        "pairs": count,
        "skipped": len(known) - count,
    }
    details = {"read_as": pairs.read_as, "restrict": WORD_RESTRICT}
    asked = f"{len(known)} pairs ({pairs.read_as})"
    return Scored(count, asked, (Row("", values, {"spearman": sample}),), details=details)


SIMILARITY: Final = Kind(
    name="similarity",
    what="word pairs with scores",
    metavar="FILE",
    help="pairs of words with a score each, as SimLex-999, WordSim-353, MEN and others are published",
    read=read_pairs,
    words=among_many,
    score=_score,
    columns=(
        Column("spearman", "Spearman", Form.NUMBER),
        Column("pearson", "Pearson", Form.NUMBER),
        Column("pairs", "pairs", Form.COUNT),
        Column("skipped", "skipped", Form.COUNT),
    ),
    unknown="pairs with an unknown word are skipped",
    has_parts=False,
)

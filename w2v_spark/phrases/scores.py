"""How much more often two words stand beside each other than by chance."""

from __future__ import annotations

from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from w2v_spark.config.choices import PhraseScorer

Counts = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]

DEFAULT_THRESHOLDS: Final = {PhraseScorer.WORD2PHRASE: 100.0, PhraseScorer.GENSIM: 10.0, PhraseScorer.NPMI: 0.5}
"""Of the C program, of gensim, and what gensim's users take with NPMI."""
LATER_PASS: Final = 0.5
"""The threshold of a pass, as a share of that of the pass before: 200 and 100 in the scripts of the C program."""


class Corpus(NamedTuple):
    """What a scorer has to know of all the text.

    Attributes
    ----------
    tokens : int
        Words, those without a vector included, after the joining of earlier passes.
    distinct : int
        Distinct words but connectors, and distinct pairs; gensim's scorer alone asks for it.
    """

    tokens: int
    distinct: int


def score_pairs(
    scorer: PhraseScorer, counts: Counts, first: Counts, second: Counts, corpus: Corpus, min_count: int
) -> Scores:
    """The scores of pairs.

    Parameters
    ----------
    counts : (n,) int64
        How often the words stand beside each other, or with connector words between them.
    first, second : (n,) int64
        How often each of them occurs.
    corpus : Corpus
    min_count : int

    Returns
    -------
    (n,) float64
        -inf where it cannot be a phrase.

    Notes
    -----
    ``word2phrase`` and ``gensim`` (c_ab - min_count) / (c_a c_b), times the words of the corpus in the one and the
    distinct words and pairs in the other (Mikolov et al. 2013, arXiv 1310.4546, equation 6, has neither); ``npmi``
    ln(p_ab / p_a p_b) / -ln p_ab (Bouma 2009), of those that occur ``min_count`` times. Thresholds of one cannot be
    compared with those of another.
    """
    together, one, other = (column.astype(np.float64) for column in (counts, first, second))
    if scorer is PhraseScorer.NPMI:
        return _npmi(together, one, other, float(corpus.tokens), min_count)
    with np.errstate(divide="ignore", invalid="ignore"):
        if scorer is PhraseScorer.GENSIM:
            return (together - min_count) / (one * other) * corpus.distinct
        scores = (together - min_count) / one / other * corpus.tokens
    scores[(first < min_count) | (second < min_count)] = -np.inf
    return scores


def _npmi(together: Scores, one: Scores, other: Scores, tokens: float, min_count: int) -> Scores:
    scores = np.full(len(together), -np.inf)
    often = together >= min_count
    both = together[often] / tokens
    with np.errstate(divide="ignore", invalid="ignore"):
        scores[often] = np.log(both / ((one[often] / tokens) * (other[often] / tokens))) / -np.log(both)
    return scores


class Bounds(NamedTuple):
    """Which pairs cannot be phrases whatever their count is, so that they need not be counted.

    Two words stand together no more often than the rarer of them occurs. With ``word2phrase`` that bounds the score:
    a pair is counted if (min(c_a, c_b) - min_count) tokens > threshold c_a c_b.

    Attributes
    ----------
    limits : (ids, 2) float32
        What each id occurs at most, ``min_count`` subtracted, and at least.
    factor : float
        Of two words the smaller first limit, times this, is above the product of their second ones, or their pair is
        not counted.
    """

    limits: npt.NDArray[np.float32]
    factor: float

    @classmethod
    def none(cls, ids: int) -> Self:
        """None: all pairs are counted."""
        return cls(np.tile(np.array([1, 0], np.float32), (ids, 1)), 1.0)

    @classmethod
    def of(
        cls, scorer: PhraseScorer, most: Counts, least: Counts, tokens: int, threshold: float, min_count: int
    ) -> Bounds:
        """For a pass; ``tokens`` are the words of the corpus, or more."""
        if scorer is not PhraseScorer.WORD2PHRASE or threshold <= 0:
            return cls.none(len(most))
        limits = np.stack([most - min_count, least], axis=1).astype(np.float32)
        return cls(limits, tokens / threshold * (1 + 1e-6))  # rounding must not leave one out


def threshold_of(scorer: PhraseScorer, threshold: float | None, number: int) -> float:
    """The threshold of a pass, which is numbered from 1 on."""
    first = DEFAULT_THRESHOLDS[scorer] if threshold is None else threshold
    return first * LATER_PASS ** (number - 1) if first > 0 else first

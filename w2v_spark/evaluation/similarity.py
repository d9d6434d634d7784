"""Correlation of cosines with human judgements of similarity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.evaluation.analogies import read_lines, row_by_form
from w2v_spark.vectors.keyed_vectors import KeyedVectors

Pair = tuple[str, str, float]
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


def read_pairs(path: str | Path) -> list[Pair]:
    """Read ``word word score`` lines, separated by tabs, commas or spaces.

    Blank lines and lines that start with ``#`` are passed over, and so is a first line whose third field is not a
    number (a header).

    Raises
    ------
    InputError
        The file cannot be read, has no pairs, or a line has other fields; the message names the file and the line.
    """
    pairs: list[Pair] = []
    lines = [(number, line) for number, line in read_lines(path) if not line.startswith("#")]
    for position, (number, line) in enumerate(lines):
        fields = _split(line)
        score = _number(fields[2]) if len(fields) == 3 else None
        if score is not None:
            pairs.append((fields[0], fields[1], score))
        elif position or len(fields) != 3:
            raise InputError(f"{path}, line {number}: expected two words and a number, found {line[:80]!r}")
    if not pairs:
        raise InputError(f"{path} holds no word pairs")
    return pairs


def _split(line: str) -> list[str]:
    """Fields of a line, by the first of tab, comma and space that it has."""
    separator = next((mark for mark in "\t," if mark in line), None)
    return [field.strip() for field in line.split(separator)]


def _number(text: str) -> float | None:
    """The finite number that a field holds, if it holds one."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def evaluate_similarity(
    vectors: KeyedVectors, pairs: Sequence[Pair], restrict: int = 300_000, ignore_case: bool = True
) -> SimilarityResult:
    """Correlate the cosine of every pair with its judgement.

    Both words must be among the ``restrict`` most frequent words, else the pair is skipped. Of words that differ in
    case only, the most frequent stands for all. The numbers are those of gensim's ``evaluate_word_pairs``.

    Raises
    ------
    ConfigError
        ``restrict`` is below 1.
    """
    rows, _ = row_by_form(vectors, restrict, ignore_case)
    judged = [(a.upper(), b.upper(), score) if ignore_case else (a, b, score) for a, b, score in pairs]
    known = [(rows[a], rows[b], score) for a, b, score in judged if a in rows and b in rows]
    first, second = (np.array([pair[side] for pair in known], dtype=np.intp) for side in (0, 1))
    products = np.einsum("ij,ij->i", vectors.take(first), vectors.take(second))
    cosines = (products / (vectors.norms[first] * vectors.norms[second])).astype(np.float64)
    scores = np.array([score for _, _, score in known], dtype=np.float64)
    return SimilarityResult(
        spearman=_correlation(_ranks(scores), _ranks(cosines)),
        pearson=_correlation(scores, cosines),
        pairs=len(known),
        skipped=len(pairs) - len(known),
    )


def _ranks(values: Values) -> Values:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Values = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return ranks


def _correlation(x: Values, y: Values) -> float:
    """Pearson's correlation, NaN if either side is constant or has fewer than two values."""
    if len(x) < 2:
        return math.nan
    x, y = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale > 0 else math.nan

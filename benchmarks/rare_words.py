"""How good vectors of rare words are: whether they see the frequent words as a model of far more text does.

A word that occurs ten times in the text that is trained on, and fifty times in all of it, has a vector in a plain
model of all text that is known well enough to judge by. For each such word its cosines with the same frequent words
are compared in both spaces, by Pearson's correlation. Words that are too rare for the vocabulary are judged likewise
by the vectors that their n-grams give them. That measure is on the side of plain models, since one of them made what is
expected. People's judgements are on nobody's: of pairs of words of the vocabulary, one of which is rare. There are
enough of these where the text is small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.evaluation.pair_files import Pair
from w2v_spark.evaluation.similarity import evaluate_similarity
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import lengths

Matrix = npt.NDArray[np.float32]

RARE: Final = 10  # occurrences in what is trained on, at most
KNOWN: Final = 50  # in all text, at least
RARE_JUDGED: Final = 20  # of a pair that people have judged
ANCHORS: Final = 2_000
MOST: Final = 3_000  # words of each kind


@dataclass(frozen=True, slots=True, eq=False)
class RareWords:
    """Words to be judged, and what a model of more text says of them.

    Attributes
    ----------
    anchors, rare, outside : list of str
        Frequent words; rare ones of the vocabulary, and words outside it.
    expected : dict of str to (words, anchors) float32
        Cosines, by kind.
    """

    anchors: list[str]
    rare: list[str]
    outside: list[str]
    expected: dict[str, Matrix]

    @classmethod
    def choose(
        cls, words: pa.Array, counts: npt.NDArray[np.int64], all_words: pa.Array, all_counts: npt.NDArray[np.int64],
        reference: Matrix,
    ) -> RareWords:  # fmt: skip
        """From the vocabulary that is trained on, and from that of all text with its vectors."""
        inside = dict(zip(words.to_pylist(), counts.tolist(), strict=True))
        rows = {word: row for row, word in enumerate(all_words.to_pylist())}
        anchors = [word for word in words.to_pylist()[100:] if word in rows][:ANCHORS]
        known = [word for word in all_words.to_pylist() if all_counts[rows[word]] >= KNOWN and word.isalpha()]
        rare = [word for word in known if inside.get(word, RARE + 1) <= RARE][:MOST]
        outside = [word for word in known if word not in inside][:MOST]
        unit = reference / lengths(reference)[:, None]
        side = unit[[rows[word] for word in anchors]].T
        expected = {
            name: unit[[rows[w] for w in chosen]] @ side for name, chosen in (("rare", rare), ("outside", outside))
        }
        return cls(anchors, rare, outside, expected)

    def score(self, vector_of: Callable[[str], Matrix | None]) -> dict[str, float]:
        """The mean correlation x 100 of rare words and of those outside, where a word without a vector counts 0."""
        side = _unit([vector_of(word) for word in self.anchors])
        scores = {}
        for name, chosen in (("rare", self.rare), ("outside", self.outside)):
            found = _unit([vector_of(word) for word in chosen], side.shape[1]) @ side.T
            scores[name] = 100 * float(np.mean(_correlations(found, self.expected[name])))
        return scores


def judged_pairs(vectors: KeyedVectors, pairs: Sequence[Pair]) -> tuple[float, int]:
    """Spearman x 100 over pairs of words of the vocabulary one of which is rare, and how many these are."""
    counts, rows = vectors.counts, [(vectors.get_index(a, -1), vectors.get_index(b, -1)) for a, b, _ in pairs]
    assert counts is not None
    some = [
        pair for pair, (a, b) in zip(pairs, rows, strict=True)
        if min(a, b) >= 0 and min(counts[a], counts[b]) <= RARE_JUDGED
    ]  # fmt: skip
    return 100 * float(np.nan_to_num(evaluate_similarity(vectors, some).spearman)), len(some)


def _unit(vectors: list[Matrix | None], dim: int = 0) -> Matrix:
    """Rows of length 1, and zeros for vectors that there are not."""
    dim = dim or next(len(vector) for vector in vectors if vector is not None)
    rows = np.array([np.zeros(dim, np.float32) if vector is None else vector for vector in vectors], np.float32)
    return rows / lengths(rows)[:, None]


def _correlations(found: Matrix, expected: Matrix) -> npt.NDArray[np.float64]:
    """Pearson's correlation of each row with its fellow; 0 where a row is all zeros."""
    x, y = (rows.astype(np.float64) - rows.mean(axis=1, keepdims=True) for rows in (found, expected))
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.asarray((x * y).sum(axis=1) / np.where(scale > 0, scale, 1))

"""Scores of alignments: of pairs of k-mers, which cosines are compared with, and of relatives among proteins.

The score of two k-mers is that of dna2vec (Ng 2017): Needleman and Wunsch's algorithm with 1 for a match and 0 for a
mismatch and a gap, so the longest common subsequence. ``tests/unit/test_sequence_benchmark.py`` has Biopython's beside
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.evaluation.correlation import correlation, ranks

_DRAWN_AT_ONCE: Final = 1 << 17
_DRAWS: Final = 1 << 9
NEAREST: Final = 3  # proteins with most k-mers in common that are aligned

Letters = npt.NDArray[np.uint8]
Scores = npt.NDArray[np.int64]


def scores(first: Letters, second: Letters) -> Scores:
    """Needleman and Wunsch's score of each pair of sequences of one length, (n, k) letters each, 0..k."""
    above: Scores = np.zeros((first.shape[1] + 1, len(first)), np.int64)
    for i in range(first.shape[1]):
        row = np.zeros_like(above)
        for j in range(second.shape[1]):
            match = above[j] + (first[:, i] == second[:, j])
            row[j + 1] = np.maximum(np.maximum(row[j], above[j + 1]), match)
        above = row
    best: Scores = above[-1]
    return best


def even_pairs(kmers: Sequence[str], each: int, seed: int) -> tuple[npt.NDArray[np.intp], Scores]:
    """Pairs of k-mers, equally many of each score from 1 to k, in the order of their scores.

    Only a k-mer and itself score k.

    Returns
    -------
    pairs : (n, 2)
        Rows of ``kmers``, of which no pair of different ones is there twice.
    scores : (n,)

    Raises
    ------
    ValueError
        There are too few pairs of some score, or too few k-mers.
    """
    letters = np.frombuffer("".join(kmers).encode(), np.uint8).reshape(len(kmers), -1)
    longest, random = letters.shape[1], np.random.default_rng(seed)
    found: list[set[tuple[int, int]]] = [set() for _ in range(longest)]
    for _ in range(_DRAWS):
        pairs = np.sort(random.integers(0, len(kmers), (_DRAWN_AT_ONCE, 2)), axis=1)
        drawn = scores(letters[pairs[:, 0]], letters[pairs[:, 1]])
        for score in range(1, longest):
            if len(found[score]) < each:
                new = pairs[(drawn == score) & (pairs[:, 0] != pairs[:, 1])].tolist()
                found[score].update(map(tuple, new[: each - len(found[score])]))
        if all(len(one) == each for one in found[1:]):
            break
    else:
        raise ValueError(f"of scores 1 to {longest - 1} there are {[len(one) for one in found[1:]]} pairs, not {each}")
    same = random.choice(len(kmers), each, replace=False)
    chosen = [*(sorted(one) for one in found[1:]), np.stack([same, same], axis=1)]
    return np.concatenate([np.array(one) for one in chosen]), np.repeat(np.arange(1, longest + 1), each)


def correlations(
    vectors: npt.NDArray[np.floating[Any]], pairs: npt.NDArray[np.intp], given: Scores
) -> dict[str, float]:
    """Spearman's and Pearson's correlation of cosines with scores: of all pairs, and of those of different k-mers."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines = np.einsum("nd,nd->n", unit[pairs[:, 0]], unit[pairs[:, 1]]).astype(np.float64)
    out = {}
    for name, taken in (("", np.ones(len(pairs), bool)), ("_different", pairs[:, 0] != pairs[:, 1])):
        values, wanted = cosines[taken], given[taken].astype(np.float64)
        out[f"spearman{name}"] = correlation(ranks(values), ranks(wanted))
        out[f"pearson{name}"] = correlation(values, wanted)
    return out


def have_relatives(
    sequences: Sequence[str],
    labels: npt.NDArray[Any],
    train: npt.NDArray[np.bool_],
    shared: Any,
    least: float = 0.5,
) -> npt.NDArray[np.bool_]:
    """Which of the sequences to test on have one of their label to train on that is like them.

    Alike are those with the same letter in more than ``least`` of the columns of their global alignment (BLOSUM62, gaps
    11 and 1, as in BLAST), the ends that only one of them has left out. Of the sequences to train on the three with
    most k-mers in common are aligned.

    Parameters
    ----------
    shared : scipy.sparse.csr_array, (sequences, k-mers)
        How often each has each k-mer.

    Returns
    -------
    (sequences to test on,) bool
    """
    from Bio import Align

    aligner = Align.PairwiseAligner(scoring="blastp")
    aligner.mode = "global"
    aligner.end_gap_score = 0.0
    has = (shared > 0).astype(np.int64)
    found = []
    for row in np.flatnonzero(~train).tolist():
        others = np.flatnonzero(train & (labels == labels[row]))
        common = (has[others] @ has[[row]].T).toarray()[:, 0]
        nearest = others[np.argsort(-common, kind="stable")[:NEAREST]]
        found.append(any(_identity(aligner, sequences[row], sequences[other]) > least for other in nearest.tolist()))
    return np.array(found)


def _identity(aligner: Any, first: str, second: str) -> float:
    """The share of columns of the best alignment that have one letter twice, 0..1.

    Of the shorter one's letters if these are more, so that a few letters in common at the ends make no relatives.
    """
    counts = aligner.align(first, second)[0].counts()
    columns = counts.identities + counts.mismatches + counts.internal_gaps
    return float(counts.identities / max(columns, min(len(first), len(second))))

"""Scores of alignments by Biopython, which what is measured of k-mers is compared with."""

from __future__ import annotations

import pytest


def needleman_wunsch(first: str, second: str) -> float:
    """The best score of a global alignment: 1 for a match, 0 for a mismatch and a gap, as in dna2vec."""
    align = pytest.importorskip("Bio.Align", reason="Biopython is not installed; it is in the extra dev")
    aligner = align.PairwiseAligner(mode="global", match_score=1.0, mismatch_score=0.0)
    aligner.gap_score = 0.0  # its own default, before which it was 0, is -1
    return float(aligner.score(first, second))

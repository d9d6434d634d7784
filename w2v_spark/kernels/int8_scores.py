"""Approximate scores of all words at a byte a coordinate, which tell the few that need exact ones."""

from __future__ import annotations

from typing import Final

import numpy as np

from w2v_spark.kernels.jit import kernel

LANES: Final = 256  # words that are scored side by side: their sums stay in the first cache


@kernel
def score_codes(codes, query, scores):
    """The products of all words' codes with a query.

    Parameters
    ----------
    codes : (groups, D, LANES) int8
        Word ``i`` is ``codes[i // LANES, :, i % LANES]``; the last group is filled up with zeros.
    query : (D,) float32
    scores : (groups, LANES) float32
        Overwritten.
    """
    for b in range(codes.shape[0]):
        for lane in range(LANES):
            scores[b, lane] = np.float32(0)
        for k in range(codes.shape[1]):
            factor = query[k]
            for lane in range(LANES):
                scores[b, lane] += factor * np.float32(codes[b, k, lane])

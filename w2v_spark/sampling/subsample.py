"""Subsampling of frequent words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def keep_probabilities(counts: npt.NDArray[np.int64], sample: float) -> npt.NDArray[np.float64]:
    """The chance that an occurrence of each word is trained on.

    ``min(1, sqrt(t / f) + t / f)`` with f the word's share of the corpus and t the threshold, as in the original C
    program; Mikolov et al. 2013 give the formula without its second term.

    Parameters
    ----------
    counts : (V,) int64
    sample
        The threshold, a fraction of the corpus; 0 keeps every word.

    Returns
    -------
    (V,) float64
    """
    if sample == 0:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / counts
    return np.asarray(np.minimum(1.0, np.sqrt(ratio) + ratio))


def keep_thresholds(counts: npt.NDArray[np.int64], sample: float) -> npt.NDArray[np.uint32]:
    """`keep_probabilities` as (V,) uint32: an occurrence is kept when 32 random bits are not above it."""
    return (keep_probabilities(counts, sample) * (2**32 - 1)).astype(np.uint32)

"""Subsampling of frequent words."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

_FEWEST_SENTENCES: Final = 10  # fewer may well be none, whatever is drawn


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


def leaves_nothing(
    counts: npt.NDArray[np.int64],
    sample: float,
    sentences: int,
    epochs: int,
    trained: npt.NDArray[np.int64] | None = None,
) -> bool:
    """Whether a text is so small that subsampling would leave nothing of it to train on, or next to nothing.

    What matters is sentences that keep two words: there is nothing else to train on. Under `_FEWEST_SENTENCES` of them
    are expected in all epochs together, if the words that are kept fall on sentences by chance, whatever their length.

    Parameters
    ----------
    counts : (V,) int64
    sample
        See `keep_probabilities`.
    sentences, epochs : int
    trained : (V,) int64, optional
        Occurrences in the text that is trained on, where that is not all that has been counted.
    """
    if sample == 0:
        return False
    occurrences = counts if trained is None else trained
    kept = float(occurrences @ keep_probabilities(counts, sample)) / max(sentences, 1)  # words a sentence
    return epochs * sentences * -(math.expm1(-kept) + kept * math.exp(-kept)) < _FEWEST_SENTENCES

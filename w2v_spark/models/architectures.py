"""Architectures: which input rows meet a target. Each says what it needs of weights, windows and the merge.

A row is a word's, a tag's or a document's; what an architecture says of rows holds for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Architecture, ModelConfig

Numbers = npt.NDArray[np.float64]

ENDLESS: Final = 50  # words of a window that is taken to end before its sentence does; part of the result


@dataclass(frozen=True, slots=True)
class InputRows:
    """The input rows of a window, for everything above the kernels.

    Attributes
    ----------
    words : bool
        The words around the target are among them.
    documents : bool
        The rows of the target's document and of its tags are.
    averaged : bool
        They meet the target as one, their mean or sum, and not each by itself.
    mean : bool
        That is their mean.
    window : int
        Words on each side, at most; 1 where the window is the whole sentence, 0 without words.
    shrinks : bool
        The reach of each window is drawn.
    whole_sentence : bool
        The window is the whole sentence.
    """

    words: bool
    documents: bool
    averaged: bool
    mean: bool
    window: int
    shrinks: bool
    whole_sentence: bool

    def word_rows(self, vocabulary: int) -> int:
        """Rows of the input matrix that belong to V words."""
        return vocabulary if self.words else 0

    def context_sizes(self, sentence: float, extra: float = 0.0) -> Numbers:
        """The possible numbers of input rows of a window, equally likely.

        As if sentences had no ends; but a window wider than `ENDLESS` has no more words than a sentence of mean length.

        Parameters
        ----------
        sentence : float
            Mean number of words in a sentence.
        extra : float
            Mean number of the rows of a document and its tags.
        """
        others = np.array([max(sentence - 1, 1.0)])
        if self.whole_sentence:
            return others + extra
        if not self.words:
            return np.array([extra])
        sizes = 2.0 * np.arange(1, self.window + 1, dtype=np.float64)
        if not self.shrinks:
            sizes = sizes[-1:]
        return (np.minimum(sizes, others) if self.window > ENDLESS else sizes) + extra

    def met_moment(self, sizes: Numbers) -> tuple[float, float]:
        """What of the input rows an output row meets: the weights of their second moment and of their mean's square.

        See `training.update_statistics.UpdateStatistics`; the rows of a window are taken as independent of each other.
        """
        if not self.averaged:
            return 1.0, 0.0
        if self.mean:
            return float(np.mean(1 / sizes)), float(np.mean(1 - 1 / sizes))
        return float(np.mean(sizes)), float(np.mean(sizes * (sizes - 1)))

    def centered_weight(self, sizes: Numbers) -> float:
        """Of an input row, see `UpdateStatistics`: a row of a mean moves but a part of it."""
        return float(1 / sizes.mean()) if self.averaged else 1.0

    def updates_a_target(self, sizes: Numbers) -> float:
        """How often an output row is updated for each target that it is scored for."""
        return 1.0 if self.averaged else float(sizes.mean())


def input_rows_of(model: ModelConfig) -> InputRows:
    """What ``model.architecture`` names. The one place where the setting becomes something that acts."""
    architecture = model.architecture
    words = architecture is not Architecture.PV_DBOW or model.dbow_words
    whole = words and model.window == "sentence"
    window = (1 if model.window == "sentence" else model.window) if words else 0
    return InputRows(
        words=words,
        documents=architecture in (Architecture.PV_DBOW, Architecture.PV_DM),
        averaged=architecture in (Architecture.CBOW, Architecture.PV_DM),
        mean=model.cbow_mean,
        window=window,
        shrinks=words and not whole and model.shrink_window,
        whole_sentence=whole,
    )

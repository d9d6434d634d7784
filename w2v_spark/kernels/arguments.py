"""What the training loop is given, in the words of this layer, and what it counts."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.kernels import simd

# Slots of the statistics that the kernel adds to.
LOSS: Final = 0  # sum of the losses of all pairs, over all their output rows, nats
PAIRS: Final = 1  # pairs of an input row and a target
KEPT: Final = 2  # words that subsampling kept
SLOPES: Final = 3  # sum of s(1 - s) over the scores of every sixteenth window, s the logistic function of a score
SCORES: Final = 4  # how many scores that sum is over
STATISTICS: Final = 5


class Model(NamedTuple):
    """What is trained, in the words of `config.ModelConfig`, which this layer must not know."""

    dim: int
    words: bool  # the words around a target are input rows
    documents: bool  # the rows of its document and tags are
    averaged: bool  # they meet the target as one
    mean: bool
    hierarchical_softmax: bool
    window: int
    shrink_window: bool
    negatives: int
    most_rows: int  # output rows of a window: target and noise words, or the longest path
    most_inputs: int  # input rows of a window
    freeze_input: bool = False  # whether the rows of a matrix stay as they are; those of documents never do
    freeze_output: bool = False
    subwords: bool = False  # words are the means of their rows and those of their n-grams
    pool: int = 0  # words that noise is drawn from for a while, see `noise_pool`; 0: from all


class Sentences(NamedTuple):
    """Some consecutive sentences of a shard.

    Attributes
    ----------
    ids : (tokens,) int32
        Word ids of the sentences, one behind the other.
    offsets : (sentences + 1,) int32 or int64
        Sentence ``s`` is ``ids[offsets[s]:offsets[s + 1]]``.
    position : int
        Tokens of the shard before ``ids[0]``.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32] | npt.NDArray[np.int64]
    position: int


class Schedule(NamedTuple):
    """What the position of a sentence in its shard decides, in one epoch.

    Attributes
    ----------
    key : numpy.uint64
        `rng.stream_key` of (seed, epoch, shard), which names a sentence's random stream together with its position; as
        a numpy number, since numba takes small Python ones for signed.
    first_rate, rate_per_token, last_rate : float
        Learning rate at position 0, how much it falls with each token, and its lower bound.
    """

    key: np.uint64
    first_rate: float
    rate_per_token: float
    last_rate: float


class Weights(NamedTuple):
    """What is trained, in place; D is padded to whole registers with zeros, which stay zero.

    Attributes
    ----------
    w_in : (V and more, D padded) float32
        Rows of words, and behind them those of tags, or of n-grams.
    w_out : (V, D padded) or, for hierarchical softmax, (V - 1, D padded) float32
    """

    w_in: npt.NDArray[np.float32]
    w_out: npt.NDArray[np.float32]


class Documents(NamedTuple):
    """Whose sentences are trained on, for models of documents.

    Attributes
    ----------
    rows : (documents, D padded) float32
        Updated in place.
    owners : (sentences,) int64
        The document of each sentence.
    tag_starts : (documents + 1,) int64
    tags : (tags of all documents,) int64
        Document ``d`` has the tags whose rows of ``w_in`` are ``tags[tag_starts[d]:tag_starts[d + 1]]``.
    """

    rows: npt.NDArray[np.float32]
    owners: npt.NDArray[np.int64]
    tag_starts: npt.NDArray[np.int64]
    tags: npt.NDArray[np.int64]


NO_DOCUMENTS: Final = Documents(
    np.zeros((0, simd.LANES), np.float32), np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64)
)
"""For models of words alone."""

"""How many words noise is drawn from for a stretch of the text, see `w2v_spark.kernels.noise_pool`."""

from __future__ import annotations

from typing import Final

from w2v_spark.config import Architecture, Config, Objective

_WORDS: Final = 1 << 9  # of a pool, whose rows lie in a core's own cache
_MANY: Final = 1 << 13  # words: with fewer, the rows of all of them lie in the caches
_LONG: Final = 12  # times as many words as the vocabulary has: of such a slice pools are many, and alike in all shards
_FEWEST: Final = 1 << 13  # words of the pool of a short slice
_DRAWS: Final = 16  # that a word of it stands for, at most
_SMALL: Final = 1 / 4  # of a vocabulary: a larger one saves too little


def pool_size(config: Config, vocabulary: int, tokens: int, shards: int) -> int:
    """How many words the pool has; 0 where noise is drawn from all V words.

    Parameters
    ----------
    tokens : int
        Of the slice of a shard.
    shards : int
        With several, a word that is noise many times in one of them and not at all in the others moves too far in that
        one, so the pools of slices that are neither long nor short would cost accuracy.
    """
    if config.model.objective is not Objective.NEGATIVE_SAMPLING:
        return 0
    if config.train.noise_pool != "auto":
        return config.train.noise_pool
    if shards == 1 or tokens >= _LONG * vocabulary:
        takes_one = config.model.architecture is Architecture.SKIPGRAM  # of the others, CBOW's accuracy suffers
        return _WORDS if takes_one and vocabulary >= _MANY else 0
    words = max(_FEWEST, tokens * config.model.negatives // _DRAWS)
    return words if words <= _SMALL * vocabulary else 0

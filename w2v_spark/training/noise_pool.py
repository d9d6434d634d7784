"""How many words noise is drawn from for a stretch of the text, see `w2v_spark.kernels.noise_pool`."""

from __future__ import annotations

from typing import Final

from w2v_spark.config import Architecture, Config, Objective

_WORDS: Final = 1 << 9  # of a pool, whose rows lie in a core's own cache
_MANY: Final = 1 << 13  # words: with fewer, the rows of all of them lie in the caches


def pool_size(config: Config, vocabulary: int) -> int:
    """How many words the pool has; 0 where noise is drawn from all V words."""
    if config.model.objective is not Objective.NEGATIVE_SAMPLING:
        return 0
    if config.train.noise_pool != "auto":
        return config.train.noise_pool
    takes_one = config.model.architecture is Architecture.SKIPGRAM  # of the others, CBOW's accuracy suffers
    return _WORDS if takes_one and vocabulary >= _MANY else 0

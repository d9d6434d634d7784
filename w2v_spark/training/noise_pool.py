"""Noise for a slice of the text from a pool of words drawn for it, so that the slice touches fewer rows.

With negative sampling most rows that a short slice touches are touched as noise. Where a slice draws its noise from a
pool that has itself been drawn from the noise distribution, each draw has that distribution still, over all slices;
only the draws of one slice are no longer independent of each other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Config, Objective
from w2v_spark.kernels.noise_pool import draw_pool
from w2v_spark.models.tables import SamplingTables

_FEWEST: Final = 1 << 13  # words of a pool
_DRAWS: Final = 16  # that a word of a pool stands for, at most
_SMALL: Final = 1 / 4  # of a vocabulary: a larger pool saves too little


def pool_size(config: Config, vocabulary: int, tokens: int) -> int:
    """How many words the pool of a slice of so many tokens has; 0 where noise is drawn from all V words."""
    if config.model.objective is not Objective.NEGATIVE_SAMPLING:
        return 0
    if config.train.noise_pool != "auto":
        return config.train.noise_pool
    words = max(_FEWEST, tokens * config.model.negatives // _DRAWS)
    return words if words <= _SMALL * vocabulary else 0


def with_pool(tables: SamplingTables, key: np.uint64, position: int, words: int) -> SamplingTables:
    """Tables by which noise is drawn from a pool of so many words, each as often as it has been drawn itself.

    Parameters
    ----------
    key : uint64
        That of the shard's streams in an epoch.
    position : int
        Where the slice begins.
    """
    pool: npt.NDArray[np.int32] = np.empty(words, np.int32)
    draw_pool(key, position, tables.accept, tables.alias, pool)
    return tables._replace(accept=np.zeros(words, np.uint32), alias=pool)

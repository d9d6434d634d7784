"""What can be chosen about topics, checked before anything is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import ConfigError, Name

_LEAST_CLUSTER: Final = 15
_NAMING_COUNT: Final = 50  # as top2vec counts its vocabulary
_NAMING_WORDS: Final = 1000
_BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "seed": (0, 2**32 - 1),
    "sample": (1, 2**31 - 1),
    "neighbours": (2, 1000),
    "dimensions": (2, 100),
    "min_cluster_size": (2, 2**31 - 1),
    "cluster_share": (0, 1),
    "largest_share": (0, 1),
    "merge_distance": (0, 2),
    "min_tokens": (1, 2**62),
    "words": (1, 10_000),
    "min_word_count": (1, 2**62),
    "rarity_weight": (0, 10),
    "top_documents": (0, 10_000),
    "match_similarity": (-1, 1),
}


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """How topics are found and described.

    Attributes
    ----------
    seed : int
        Decides which documents are drawn, and how they are laid out.
    sample : int
        Documents, at most, in which topics are looked for.
    neighbours : int
        k: nearest documents of each, itself among them, from which the layout is made.
    dimensions : int
        Of the layout in which dense areas are looked for.
    min_cluster_size : int, optional
        Documents of the sample that make a topic; without it `cluster_share` of the sample and at least 15.
    cluster_share : float
        0..1.
    largest_share : float
        A dense area of a larger share of the sample is split where parts of it are dense, 0..1; 1 splits none.
    merge_distance : float
        Topics are one where ``1 - cosine`` of their vectors is at most this, 0..2.
    min_tokens : int
        Shorter documents do not take part when topics are looked for; they are given to topics like all others.
    words : int
        Nearest words of each topic.
    min_word_count : int, optional
        Rarer words name no topic. Without it words that occur 50 times do, or the 1,000 most frequent ones where fewer
        are as frequent: the nearest of all words are rare ones, which say little.
    rarity_weight : float
        0 ranks words by cosine; w ranks them by cosine times ``(log(N / count) / log N) ** w``, so that words which
        are everywhere fall back.
    top_documents : int
        Most similar documents that are listed with each topic.
    match_similarity : float
        A topic keeps the number of an earlier one where the cosine of their vectors is at least this.

    Raises
    ------
    ConfigError
        A number is out of bounds; the message has them.
    """

    seed: int = 1
    sample: int = 200_000
    neighbours: int = 15
    dimensions: int = 5
    min_cluster_size: int | None = None
    cluster_share: float = 0.0005
    largest_share: float = 0.5
    merge_distance: float = 0.1
    min_tokens: int = 1
    words: int = 50
    min_word_count: int | None = None
    rarity_weight: float = 0.0
    top_documents: int = 10
    match_similarity: float = 0.7

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), _BOUNDS[field.name]
            if value is not None and not low <= value <= high:
                raise ConfigError(Name(field.name), f" = {value} is not allowed: expected {low:,} to {high:,}")

    def cluster_size(self, sampled: int) -> int:
        """Documents that make a topic, of a sample of so many."""
        if self.min_cluster_size is not None:
            return self.min_cluster_size
        return max(_LEAST_CLUSTER, round(self.cluster_share * sampled))

    def largest_area(self, sampled: int) -> int:
        """Documents of a sample of so many that an area may have without being split."""
        return int(self.largest_share * sampled)

    def naming_words(self, counts: npt.NDArray[np.int64]) -> int:
        """How many of the most frequent words may name topics; their counts fall with the rank."""
        if self.min_word_count is not None:
            return int(np.count_nonzero(counts >= self.min_word_count))
        return max(int(np.count_nonzero(counts >= _NAMING_COUNT)), min(_NAMING_WORDS, len(counts)))

    @property
    def smoothing(self) -> int:
        """Neighbours by which density is measured, for clusters of any size."""
        return _LEAST_CLUSTER

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

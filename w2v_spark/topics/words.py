"""The words of topics: those whose vectors are nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from w2v_spark.topics.settings import TopicSettings
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.reading import VectorTable
from w2v_spark.vectors.row_stack import lengths

_SPARE: Final = 8  # candidates beyond those asked for, so that the rounding of a product does not decide
_TITLE_WORDS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class TopicWords:
    """The words of some topics, the first one first.

    Attributes
    ----------
    ids : int64, (T, n)
        Rows of the vector table.
    similarities : float32, (T, n)
        Cosines, whatever else they were ranked by.
    words : list of list of str
    """

    ids: npt.NDArray[np.int64]
    similarities: Matrix
    words: list[list[str]]
    names: list[str] | None = None
    """What topics are called that have no words."""

    def title(self, topic: int) -> str:
        """What to call a topic: its first words."""
        return ", ".join(self.words[topic][:_TITLE_WORDS]) if self.names is None else self.names[topic]

    @classmethod
    def nameless(cls, names: list[str]) -> TopicWords:
        """Topics in a space that has no words, and what to call them."""
        none = np.empty((len(names), 0))
        return cls(none.astype(np.int64), none.astype(np.float32), [[] for _ in names], names)


def find_words(table: VectorTable, topics: Matrix, settings: TopicSettings) -> TopicWords:
    """The nearest words of each topic.

    Parameters
    ----------
    table : VectorTable
        Of the words, mapped or in memory.
    topics : float32, (T, D)
        Vectors of length 1.

    Notes
    -----
    One pass over the words; candidates are ranked by similarities in float64, equal ones by frequency. Cost:
    ``2 T V D`` operations; memory: 16 MiB and ``8 n`` bytes a topic, never T x V.
    """
    from threadpoolctl import threadpool_limits  # who only reads topics needs none

    candidates = settings.naming_words(table.counts)
    weights = rarity(table.counts, settings.rarity_weight)
    kept = min(settings.words + _SPARE, candidates)
    best = np.full((len(topics), kept), -np.inf, dtype=np.float32)
    ids = np.zeros((len(topics), kept), dtype=np.int64)
    with threadpool_limits(limits=1, user_api="blas"):
        for place, rows in table.stack.batches(candidates):
            scores = topics @ (rows / lengths(rows)[:, None]).T * weights[place].astype(np.float32)
            here = np.broadcast_to(np.arange(place.start, place.stop), scores.shape)
            ids, best = _keep(np.concatenate([ids, here], axis=1), np.concatenate([best, scores], axis=1), kept)
    return _rank(table, topics, ids, weights, settings.words)


def rarity(counts: npt.NDArray[np.int64], weight: float) -> npt.NDArray[np.float64]:
    """What the similarity of each word is multiplied by, (V,): ``(log(N / count) / log N) ** weight``, 0..1."""
    total = max(float(counts.sum()), 2.0)
    shares: npt.NDArray[np.float64] = np.log(total / np.maximum(counts, 1)) / np.log(total)
    return shares**weight if weight else np.ones(len(counts))


def _keep(ids: npt.NDArray[np.int64], scores: Matrix, kept: int) -> tuple[npt.NDArray[np.int64], Matrix]:
    """The best candidates of each row, in no order."""
    places = np.argpartition(-scores, kept - 1, axis=1)[:, :kept] if scores.shape[1] > kept else slice(None)
    if isinstance(places, slice):
        return ids, scores
    return np.take_along_axis(ids, places, axis=1), np.take_along_axis(scores, places, axis=1)


def _rank(
    table: VectorTable, topics: Matrix, ids: npt.NDArray[np.int64], weights: npt.NDArray[np.float64], count: int
) -> TopicWords:
    exact = np.empty(ids.shape)
    for topic, row in enumerate(ids):
        vectors = table.stack.take(row).astype(np.float64)
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        norms[norms == 0] = 1
        exact[topic] = np.einsum("ij,j->i", vectors, topics[topic].astype(np.float64)) / norms
    order = np.lexsort((ids, -exact * weights[ids]))[:, :count]
    ids = np.take_along_axis(ids, order, axis=1)
    similarities = np.clip(np.take_along_axis(exact, order, axis=1), -1, 1).astype(np.float32)
    return TopicWords(ids, similarities, [table.words.take(row).to_pylist() for row in ids])

"""What happened in each round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from w2v_spark.training.shard import ShardResult


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One finished round.

    Attributes
    ----------
    round : int
        From 0.
    tokens, kept, pairs : int
        Words read, words kept by subsampling, (word, context word) pairs trained on, all shards together.
    loss : float
        Mean loss of a pair with its noise words, nats.
    learning_rate : float
        In the middle of the round.
    slope : float
        Mean of s(1 - s) over a sample of the scores met, s the logistic function of a score: the curvature of the loss.
    words_per_second : float
        Tokens over the wall time of the round, merging included.
    seconds : dict of str to float
        ``total`` is wall time. ``shards`` is the wall time of the Spark job and ``merge`` that of merging and saving;
        ``read``, ``train`` and ``write`` are means over the shards, ``slowest`` is the longest ``train`` of one.
    """

    round: int
    tokens: int
    kept: int
    pairs: int
    loss: float
    learning_rate: float
    slope: float
    words_per_second: float
    seconds: dict[str, float]

    @classmethod
    def build(cls, number: int, results: Sequence[ShardResult], rate: float, total: float, merge: float) -> RoundRecord:
        """Add up what the shards hand back."""
        tokens, pairs = sum(r.tokens for r in results), sum(r.pairs for r in results)
        stages = {
            stage: sum(getattr(r, f"{stage}_seconds") for r in results) / max(len(results), 1)
            for stage in ("read", "train", "write")
        }
        slowest = max((r.train_seconds for r in results), default=0.0)
        seconds = {"total": total, "shards": total - merge, "merge": merge, **stages, "slowest": slowest}
        return cls(
            number,
            tokens,
            sum(r.kept for r in results),
            pairs,
            sum(r.loss for r in results) / max(pairs, 1),
            rate,
            mean_slope(results),
            tokens / total,
            {key: round(value, 4) for key, value in seconds.items()},
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def mean_slope(results: Sequence[ShardResult]) -> float:
    """The mean logistic slope that the shards have met; a quarter, which is the largest there is, if they met none."""
    scores = sum(r.scores for r in results)
    return sum(r.slopes for r in results) / scores if scores else 0.25

"""What happened in each round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from w2v_spark.config import Config
from w2v_spark.errors import InputError, Name
from w2v_spark.training.plan import Plan
from w2v_spark.training.shard import ShardResult

# Below these shares of words a user may not know what subsampling does.
_FEW_KEPT: Final = 0.01
_FEW_OF_LITTLE: Final = 0.5  # where the text has but so many words:
_LITTLE: Final = 10_000

_RISEN: Final = 1.05  # times the lowest loss so far: more than rounds of little text differ by
_MOST_CAUTION: Final = 4096.0
_RELAXED: Final = 1.05


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
        Mean loss of a pair with its noise words, nats; 0 without pairs.
    learning_rate : float
        In the middle of the round.
    slope : float
        Mean of s(1 - s) over a sample of the scores met, s the logistic function of a score: the curvature of the loss.
    words_per_second : float
        Tokens over the wall time of the round, merging included.
    seconds : dict of str to float
        ``total`` is wall time. ``shards`` is the wall time of the Spark job and ``merge`` that of merging and saving;
        ``read``, ``train`` and ``write`` are means over the shards, ``slowest`` is the longest ``train`` of one.
    bytes_read, bytes_written : int
        Of weights by all shards; merging reads what they have written.
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
    bytes_read: int = 0
    bytes_written: int = 0

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
            mean_loss(results),
            rate,
            mean_slope(results),
            tokens / total,
            {key: round(value, 4) for key, value in seconds.items()},
            sum(r.bytes_read for r in results),
            sum(r.bytes_written for r in results),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def losses_of(history: Sequence[RoundRecord], results: Sequence[ShardResult]) -> list[float]:
    """The mean losses of some rounds and of one more; of a round without pairs, as of little text, nothing is known."""
    losses = [record.loss for record in history if record.pairs]
    return [*losses, mean_loss(results)] if any(result.pairs for result in results) else losses


def mean_loss(results: Sequence[ShardResult]) -> float:
    """Of all pairs of a round, nats; 0 where there are none."""
    return sum(r.loss for r in results) / max(sum(r.pairs for r in results), 1)


def mean_slope(results: Sequence[ShardResult]) -> float:
    """The mean logistic slope that the shards have met; a quarter, which is the largest there is, if they met none."""
    scores = sum(r.scores for r in results)
    return sum(r.slopes for r in results) / scores if scores else 0.25


def caution(losses: Sequence[float]) -> float:
    """What the curvature is multiplied by, given the losses of all rounds so far: 1, until the loss rises.

    The correction takes the mean curvature of all rows. Where rows differ much, as without subsampling, which leaves
    most of the text to a few words, that is too little for some, whose steps then are too long and grow from round to
    round. Each rise doubles what is taken, so that they become short enough, while rows that have barely moved keep the
    sum of what the shards have learned; each fall takes a little of that back. As long as the loss falls, nothing
    changes.
    """
    factor, lowest, before = 1.0, math.inf, math.inf
    for loss in losses:
        risen = loss > _RISEN * lowest and loss > before
        factor = min(2 * factor, _MOST_CAUTION) if risen else max(factor / _RELAXED, 1.0)
        lowest, before = min(lowest, loss), loss
    return factor


def check_trained(
    history: Sequence[RoundRecord], config: Config, plan: Plan, vocabulary: int, section: str = "train"
) -> list[str]:
    """Whether there was anything to train on, V words given; what to warn of if there was little.

    ``section`` is that of the configuration which has epochs and subsampling.

    Raises
    ------
    InputError
        There was nothing: the weights are those that training starts from, drawn at random.
    """
    tokens, kept, pairs = (sum(getattr(record, name) for record in history) for name in ("tokens", "kept", "pairs"))
    if not pairs:
        advice: list[str | Name] = []
        if kept < tokens:
            advice += ["raise ", Name(f"{section}.sample"), f" ({plan.sample:g}; 0 keeps every word), "]
        if config.text.max_sentence_length == 1:
            advice += ["raise ", Name("text.max_sentence_length"), " (1), "]
        raise InputError(
            f"nothing to train on: of {tokens:,} words in all epochs subsampling has kept {kept:,}, and no two of them "
            "in one sentence; ", *advice, "lower ", Name("vocabulary.min_count"), f" ({config.vocabulary.min_count}), "
            "or give sentences of more than one word",
        )  # fmt: skip
    warnings = []
    is_little = tokens < _LITTLE * plan.epochs
    if kept < (_FEW_OF_LITTLE if is_little else _FEW_KEPT) * tokens:
        warnings.append(
            f"subsampling has kept {kept:,} of {tokens:,} words in all epochs, {kept / tokens:.2%}; raise "
            f"{section}.sample ({plan.sample:g}; 0 keeps every word) to train on more of the text"
        )
    if pairs < vocabulary:
        warnings.append(
            f"{pairs:,} pairs were trained for a vocabulary of {vocabulary:,} words: most vectors are little more than "
            f"what training starts from; give more text, raise {section}.epochs or {section}.sample, or raise "
            "vocabulary.min_count"
        )
    return warnings

"""What happened in each round, and how it is shown while it happens."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

from tqdm.auto import tqdm

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


@dataclass(slots=True)
class Progress:
    """Shows a run: a bar on a terminal or in a notebook, plain lines elsewhere.

    Attributes
    ----------
    stream : file
        Where to write; the standard error by default.
    seconds : dict of str to float
        Wall time of each stage so far.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    quiet: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            tqdm.write(text, file=self.stream)

    def warn(self, text: str) -> None:
        """One line about what the user must know, whether or not they have asked for silence."""
        tqdm.write(f"WARNING: {text}", file=self.stream)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, and say that it starts."""
        self.say(f"{name} ...")
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(time.perf_counter() - begin, 3)

    @contextmanager
    def rounds(self, tokens: int, total_rounds: int, done: Sequence[RoundRecord]) -> Iterator[RoundsProgress]:
        """Follow the rounds of a run over ``tokens`` tokens, of which some may be done."""
        bar = None
        if not self.quiet and (self.stream.isatty() or "ipykernel" in sys.modules):
            bar = tqdm(total=tokens, unit="word", unit_scale=True, file=self.stream, desc="train")
            bar.update(sum(record.tokens for record in done))
        try:
            yield RoundsProgress(self, bar, tokens, total_rounds, sum(record.tokens for record in done))
        finally:
            if bar is not None:
                bar.close()


@dataclass(slots=True)
class RoundsProgress:
    """The part of `Progress` that is told of each round."""

    parent: Progress
    bar: Any
    tokens: int
    rounds: int
    done: int
    fresh: int = 0
    begin: float = field(default_factory=time.perf_counter)

    def update(self, record: RoundRecord) -> None:
        """Show a finished round."""
        self.done += record.tokens
        self.fresh += record.tokens
        numbers = f"loss {record.loss:.4f}, rate {record.learning_rate:.5f}"
        if self.bar is not None:
            self.bar.set_description(f"train round {record.round + 1}/{self.rounds}, {numbers}")
            self.bar.update(record.tokens)
            return
        left = (time.perf_counter() - self.begin) / max(self.fresh, 1) * (self.tokens - self.done)
        self.parent.say(
            f"train round {record.round + 1}/{self.rounds}: {record.words_per_second:,.0f} words/s, {numbers}, "
            f"{100 * self.done / self.tokens:.0f} %, {left:.0f} s left"
        )

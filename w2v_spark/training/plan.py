"""What is trained when: shards, rounds, slices of the corpus and the learning rate, in exact integer arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from w2v_spark.config import Config, RetrainConfig, TrainConfig
from w2v_spark.training.duration import Duration

# Rounds chosen by `auto`, from the measurements in benchmarks/notes/shards.md.
_CHECKPOINTS: Final = 20  # of a single shard, whose rounds change nothing else
_ROUNDS: Final = 23  # times the root of the shards
_RETRAINING_ROUNDS: Final = 5  # the same for weights that are trained already, and move less; see bench_retraining
_RETRAINING_SAMPLE: Final = 0.15  # times the threshold of a first training; see benchmarks/README.md
_SHORT_RUN: Final = 3e8  # tokens
_MOST_ROUNDS: Final = 200
_ASKED: Final = 8  # shards whose moments stand for those of all, at least


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of one shard in one epoch: the sentences that start at ``start <= position < stop``."""

    epoch: int
    start: int
    stop: int

    @property
    def tokens(self) -> int:
        """Positions in the slice."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Plan:
    """The schedule of a run.

    Attributes
    ----------
    shards, rounds, epochs : int
    learning_rate, min_learning_rate : float
        The rate falls linearly from the first to the second over all epochs.
    sample : float
        The threshold of subsampling.
    """

    shards: int
    rounds: int
    epochs: int
    learning_rate: float
    min_learning_rate: float
    sample: float

    @classmethod
    def build(cls, config: Config, most_shards: int, tokens: int, vocabulary: int) -> Plan:
        """Resolve ``auto``: shards from the cluster and the work there is, rounds from the number of tokens.

        Parameters
        ----------
        most_shards : int
            How many shards the cluster trains side by side.
        tokens : int
            Words of the vocabulary in the corpus.
        vocabulary : int
            Words that get a vector.
        """
        return cls._build(config, config.train, config.train.sample, most_shards, tokens, vocabulary, choose_rounds)

    @classmethod
    def build_retraining(cls, config: Config, most_shards: int, tokens: int, vocabulary: int) -> Plan:
        """The same for weights that are trained already: epochs, rates and subsampling are those of ``[retrain]``."""
        sample = config.retrain.sample
        sample = _RETRAINING_SAMPLE * config.train.sample if sample == "auto" else sample
        choose = choose_retraining_rounds
        return cls._build(config, config.retrain, sample, most_shards, tokens, vocabulary, choose)

    @classmethod
    def _build(
        cls,
        config: Config,
        passes: TrainConfig | RetrainConfig,
        sample: float,
        most_shards: int,
        tokens: int,
        vocabulary: int,
        choose: Callable[[int, int], int],
    ) -> Plan:
        train = config.train

        def rounds(shards: int) -> int:
            return choose(tokens * passes.epochs, shards) if train.rounds == "auto" else train.rounds

        shards = train.shards
        if shards == "auto":
            shards = choose_shards(most_shards, config, tokens * passes.epochs, vocabulary, rounds)
        return cls(shards, rounds(shards), passes.epochs, passes.learning_rate, passes.min_learning_rate, sample)

    def boundary(self, round_number: int, tokens: int) -> int:
        """Tokens of a shard, counted over all epochs, that are trained before a round: ``(t / T)^2`` of the run.

        Rounds start short and grow, because the weights move most at the start and shards must not drift apart.
        """
        return self.epochs * tokens * round_number * round_number // (self.rounds * self.rounds)

    def slices(self, round_number: int, tokens: int) -> list[Slice]:
        """The parts of a shard of ``tokens`` tokens that belong to a round, in order; a round may cross epochs."""
        start, stop = self.boundary(round_number, tokens), self.boundary(round_number + 1, tokens)
        parts = []
        while start < stop:
            epoch, position = divmod(start, tokens)
            end = min(stop, (epoch + 1) * tokens)
            parts.append(Slice(epoch, position, end - epoch * tokens))
            start = end
        return parts

    def asks(self, round_number: int, shard: int) -> bool:
        """Whether a shard is to tell how its second moments have changed in a round: all of up to 15, or about eight.

        A mean over so many is as good as one over all, and finding out takes long beside the short slices of many.
        """
        return (shard + round_number) % max(self.shards // _ASKED, 1) == 0

    def epoch_share(self, round_number: int) -> float:
        """How many epochs of its tokens a shard trains in a round; mostly a fraction."""
        return self.epochs * ((round_number + 1) ** 2 - round_number**2) / self.rounds**2

    def rate(self, progress: float) -> float:
        """The learning rate after a fraction (0..1) of the run."""
        return self.learning_rate - (self.learning_rate - self.min_learning_rate) * progress

    def mean_rate(self, round_number: int) -> float:
        """The learning rate in the middle of a round."""
        ends = [(t / self.rounds) ** 2 for t in (round_number, round_number + 1)]
        return self.rate(sum(ends) / 2)


def choose_shards(most: int, config: Config, tokens: int, vocabulary: int, rounds: Callable[[int], int]) -> int:
    """By how many shards, of at most so many, a run over ``tokens`` tokens, all epochs counted, is done first.

    More shards train faster and meet more often. Where the run is short, meeting takes longer than training.

    Parameters
    ----------
    most : int
    config : Config
        The model, and the threads of a shard.
    vocabulary : int
        V.
    rounds : function of a number of shards
        How many rounds they would have.
    """
    duration, threads = Duration.of(config.model, vocabulary), config.train.threads
    return min(
        range(1, most + 1), key=lambda shards: duration.rounds(tokens, shards, threads, rounds(shards))
    )  # the fewest of those that tie


def choose_rounds(tokens: int, shards: int) -> int:
    """How many rounds suit a run of P shards over ``tokens`` tokens, all epochs counted.

    What counts for accuracy is how often the shards meet, far more than how many they are, and more shards have the
    time for it. Long runs have it as well: beyond 300 million tokens their length counts like shards.
    """
    return _CHECKPOINTS if shards == 1 else _rounds(_ROUNDS, tokens, shards)


def choose_retraining_rounds(tokens: int, shards: int) -> int:
    """The same where weights go on: they are near each other from the start, and a quarter of the rounds is enough."""
    return _rounds(_RETRAINING_ROUNDS, tokens, shards)


def _rounds(base: int, tokens: int, shards: int) -> int:
    rounds = base * math.sqrt(shards * max(tokens / _SHORT_RUN, 1.0))
    return min(math.ceil(rounds), _MOST_ROUNDS)

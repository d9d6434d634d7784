"""What a training begins with: text alone, or a version of earlier text that it makes the next one of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Protocol

from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import COUNTED, Config
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.phrases.units import NO_UNITS, Units
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.run.progress import Progress
from w2v_spark.spark.count_pass import build_vocabulary
from w2v_spark.spark.counting import CountsLearner
from w2v_spark.spark.learner import Learned, Learner
from w2v_spark.spark.parquet_pieces import Pieces
from w2v_spark.spark.rounds import RoundsLearner
from w2v_spark.storage import Directory, digest
from w2v_spark.training.plan import Plan


class Completed(NamedTuple):
    """What is published, after the learner has done its part.

    Attributes
    ----------
    learned : Learned
    parts : sequence of str
        What was written beside the table and belongs to the result.
    report : mapping
        For ``report.json``.
    """

    learned: Learned
    parts: Sequence[str] = ()
    report: Mapping[str, Any] = {}


class Origin(Protocol):
    """What a training begins with.

    Attributes
    ----------
    finds_phrases : bool
        Whether ``[phrases]`` is asked for phrases of the text.
    units : Units
        What words become as text is read.
    pieces : Pieces or None
        Of the only text, where tasks read its files themselves.
    """

    @property
    def finds_phrases(self) -> bool: ...  # noqa: D102

    @property
    def units(self) -> Units: ...  # noqa: D102

    @property
    def pieces(self) -> Pieces | None: ...  # noqa: D102

    def describe(self, seen: dict[str, Any]) -> dict[str, Any]:
        """The fingerprint of the input, with what else makes the result another one."""

    def documents(self, spark: SparkSession, given: DataFrame, progress: Progress) -> list[DataFrame]:
        """All text that is trained on, that which was given first.

        Raises
        ------
        NothingNew
            There is no reason to train.
        """

    def count(self, given: DataFrame, config: Config, kept: Directory | None) -> tuple[Vocabulary, CorpusStatistics]:
        """The words that get a vector, see `build_vocabulary`: of `documents` the first counts.

        Raises `NothingNew` where that has no word.
        """

    def tokens(self, vocabulary: Vocabulary) -> int:
        """About how many words of the vocabulary are in all `documents`, after `count`."""

    def counted(self, given: CorpusStatistics, others: CorpusStatistics | None) -> dict[str, Any]:
        """What the fingerprint of the input is to keep of the text that was given, and of all others."""

    def plan(self, config: Config, most_shards: int, tokens: int, vocabulary: int) -> Plan:
        """When what is trained, see `Plan.build`."""

    def learner(self, config: Config) -> Learner:
        """What learns."""

    def complete(self, learned: Learned, work: Work) -> Completed:
        """What becomes of the weights before they are published."""


class Work(NamedTuple):
    """A training that has ended, for what comes after it.

    Attributes
    ----------
    spark : SparkSession
    directory : RunDirectory
    run : Run
    frames : sequence of DataFrame
        From `Origin.documents`.
    vocabulary : Vocabulary
    staging : Directory
        Where the parts of the result are gathered.
    progress : Progress
    """

    spark: SparkSession
    directory: RunDirectory
    run: Run
    frames: Sequence[DataFrame]
    vocabulary: Vocabulary
    staging: Directory
    progress: Progress


@dataclass(frozen=True, slots=True)
class Scratch:
    """Nothing: the given text is all there is, and weights are drawn at random.

    Attributes
    ----------
    units : Units
        See `Origin`.
    size : int, optional
        See `build_vocabulary`.
    pieces : Pieces, optional
        See `Origin`.
    """

    units: Units = NO_UNITS
    size: int | None = None
    pieces: Pieces | None = None

    finds_phrases: ClassVar[bool] = True

    def describe(self, seen: dict[str, Any]) -> dict[str, Any]:
        """See `Origin`."""
        dictionary = self.units.dictionary
        return seen if dictionary is None else {**seen, "dictionary": digest(dictionary.to_bytes())}

    def documents(self, spark: SparkSession, given: DataFrame, progress: Progress) -> list[DataFrame]:
        """See `Origin`."""
        return [given]

    def count(self, given: DataFrame, config: Config, kept: Directory | None) -> tuple[Vocabulary, CorpusStatistics]:
        """See `Origin`."""
        return build_vocabulary(given, config, kept, self.units, self.size, self.pieces)

    def tokens(self, vocabulary: Vocabulary) -> int:
        """See `Origin`."""
        return vocabulary.tokens

    def counted(self, given: CorpusStatistics, others: CorpusStatistics | None) -> dict[str, Any]:
        """See `Origin`."""
        return {}

    def plan(self, config: Config, most_shards: int, tokens: int, vocabulary: int) -> Plan:
        """See `Origin`."""
        plan = Plan.build(config, most_shards, tokens, vocabulary)
        if config.model.objective in COUNTED:  # which are counted once; steps stand in the place of rounds
            shards = most_shards if config.train.shards == "auto" else config.train.shards
            return replace(plan, shards=shards, rounds=config.counts.iterations + 1, epochs=1)
        return plan

    def learner(self, config: Config) -> Learner:
        """See `Origin`. What does not train by rounds has its place here."""
        return CountsLearner() if config.model.objective in COUNTED else RoundsLearner()

    def complete(self, learned: Learned, work: Work) -> Completed:
        """See `Origin`."""
        return Completed(learned)

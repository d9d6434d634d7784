"""Training that goes on from a version: its weights, its counts, and a share of its text."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from w2v_spark.config import COUNTED, Config
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import ConfigError, Name, NothingNew, StoreError
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.objectives import output_rows_of
from w2v_spark.phrases.units import NO_UNITS, Units
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.publishing.layout import COUNTS, DRIFT, NOISE, ROTATION_FILE, STATE
from w2v_spark.publishing.manifest import Manifest
from w2v_spark.retraining.comparison import Comparison
from w2v_spark.retraining.drift import Space
from w2v_spark.retraining.interpolation import InterpolatedMatrix, fade, fading, ways
from w2v_spark.retraining.noise import SeedNoise, noise_key
from w2v_spark.retraining.rotated import RotatedMatrix
from w2v_spark.retraining.start import WarmStart
from w2v_spark.run.progress import Progress
from w2v_spark.spark.count_pass import collect_vocabulary, partial_counts
from w2v_spark.spark.learner import Learned, Learner
from w2v_spark.spark.older_text import chain_of, find_changed, find_same, replay
from w2v_spark.spark.origin import Completed, Work
from w2v_spark.spark.rounds import RoundsLearner
from w2v_spark.spark.seed_noise import learn_with_another_seed
from w2v_spark.storage import Directory
from w2v_spark.text.user_tokenizer import other_tokenizer
from w2v_spark.training.computed_rows import PublishedMatrix
from w2v_spark.training.file_rows import ROWS_AT_A_TIME
from w2v_spark.training.matrix_files import MatrixReader
from w2v_spark.training.plan import Plan
from w2v_spark.training.weights import WeightShape
from w2v_spark.vectors.reading import open_vectors

KEPT_SETTINGS: Final = ("text", "phrases", "model")
"""Sections in which a version and the one that is made of it must agree, but for the column."""


@dataclass(frozen=True, slots=True, eq=False)
class Parent:
    """The version that a training goes on from.

    Attributes
    ----------
    id : str
    directory : Directory
    model : ModelDescription
    words : (V,) pyarrow string array
    counts : (V,) int64
    start : WarmStart
    units : Units
        What the words of new text become as well.
    """

    id: str
    directory: Directory
    model: ModelDescription
    words: pa.Array
    counts: Any
    start: WarmStart
    units: Units = NO_UNITS

    @classmethod
    def open(cls, id: str, directory: Directory) -> Parent:
        """A version.

        Raises
        ------
        StoreError
            It is damaged, or keeps nothing to go on from.
        ConfigError
            It is a model of documents, or was trained by hierarchical softmax, or made of counts.
        """
        model = ModelDescription.read(directory)
        if input_rows_of(model.config.model).documents:
            raise ConfigError(
                Name("from"), f" {directory.uri} is a model of documents ({model.config.model.architecture}), which "
                "training cannot go on from: train anew on all documents, or infer the vectors of new ones by "
                "w2v-spark infer",
            )  # fmt: skip
        if model.config.model.objective in COUNTED:
            raise ConfigError(
                Name("from"), f" {directory.uri} was made of counts (", Name("model.objective"),
                f" = '{model.config.model.objective}'), which keep nothing that could be gone on from: make a new "
                "version of all text, old and new",
            )  # fmt: skip
        if not output_rows_of(model.config.model).of_words:
            raise ConfigError(
                Name("from"), f" {directory.uri} was trained by hierarchical softmax, whose output rows belong to the "
                "nodes of a tree that new counts change, so that nothing can go on from them; train a version with ",
                Name("model.objective"), " = 'negative_sampling', or train anew",
            )  # fmt: skip
        if model.config.model.subwords:
            raise ConfigError(
                Name("from"), f" {directory.uri} was trained with ", Name("model.subwords"), " = true, and training "
                "cannot go on from that: new words would change which n-grams have rows; train anew on all text, or "
                "train a version without sub-words",
            )  # fmt: skip
        Manifest.read(directory).verify(directory)
        table = open_vectors(directory.uri)
        shape = WeightShape.build(model.config.model, len(table.words))
        start = WarmStart.open(directory.child(STATE), table.words, shape)
        return cls(id, directory, model, table.words, table.counts, start, Units.read(directory))

    def warnings(self) -> list[str]:
        """What to say before it is gone on from: words are cut by another version of the tokenizer."""
        return list(other_tokenizer(self.model.config.text, self.model.packages))

    def check(self, config: Config) -> None:
        """Refuse a configuration that does not go on with the parent's. Raises `ConfigError`."""
        old, new = self.model.config.to_dict(), config.to_dict()
        for section in KEPT_SETTINGS:
            for key, value in new[section].items():
                if value != old[section][key] and (section, key) != ("text", "column"):
                    raise ConfigError(
                        Name(f"{section}.{key}"), f" = {value!r} is not what version {self.id} was trained with, "
                        f"{old[section][key]!r}; leave it as it is, or train anew",
                    )  # fmt: skip

    @property
    def space(self) -> Space:
        """Its words and published vectors."""
        rows = self.model.config.model.published_rows
        return Space(self.words, self.counts, PublishedMatrix(rows, *self.start.matrices))


@dataclass(slots=True, eq=False)
class Retraining:
    """The origin of a version that goes on from another one, see `w2v_spark.spark.origin.Origin`.

    Attributes
    ----------
    parent : Parent
    config : Config
    noise : Directory, optional
        Where the seed noise of configurations is kept. Without it, drift is not given in its units.
    """

    parent: Parent
    config: Config
    noise: Directory | None = None
    _seen: dict[str, Any] = field(default_factory=dict, init=False)

    finds_phrases = False  # those of the parent are what its vectors are of
    pieces = None  # there may be older text, which is drawn by Spark

    @property
    def units(self) -> Units:
        """See `Origin`."""
        return self.parent.units

    def describe(self, seen: dict[str, Any]) -> dict[str, Any]:
        """With the parent, and the inputs of all versions before."""
        self._seen = {**seen, "parent": self.parent.id, "earlier": chain_of(self.parent.model.input)}
        return self._seen

    def documents(self, spark: SparkSession, given: DataFrame, progress: Progress) -> list[DataFrame]:
        """The new text, then the share of the older text."""
        for warning in self.parent.warnings():
            progress.warn(warning)
        chain = chain_of(self.parent.model.input)
        if find_same(chain, self._seen):
            raise NothingNew(f"the input is one that version {self.parent.id} has been trained on")
        if find_changed(chain, self._seen):
            progress.warn(
                "the input was read for an earlier version and has other content by now: all of it counts as new text; "
                "name what is new alone, for example by --where"
            )
        share, generation = self.config.retrain.replay, len(chain)
        return [given, *replay(spark, chain, share, generation, progress)]

    def count(self, given: DataFrame, config: Config, kept: Directory | None) -> tuple[Vocabulary, CorpusStatistics]:
        """Counts of the parent, which fade by the half-life, and of the new text, which alone is trained on so far."""
        spark, factor = given.sparkSession, fading(config.retrain.half_life)
        earlier = spark.read.parquet(self.parent.directory.child(f"{STATE}/{COUNTS}").uri)
        counts = earlier.select(
            "word", F.lit(None).cast("string").alias("statistic"),
            F.floor(F.col("count") * F.lit(factor) + F.lit(0.5)).alias("count"),
            F.lit(0).cast("bigint").alias("trained"),
        )  # fmt: skip
        counts = counts.unionByName(
            partial_counts(given, config.text, self.units).select("*", F.col("count").alias("trained"))
        )
        sums = [F.sum(name).alias(name) for name in ("count", "trained")]
        counts = counts.groupBy("word", "statistic").agg(*sums)
        counts = counts.where(F.col("word").isNull() | (F.col("count") > 0))
        vocabulary, statistics = collect_vocabulary(counts, config, kept)
        if not statistics.tokens:
            raise NothingNew("the input has no word")
        return vocabulary, statistics

    def tokens(self, vocabulary: Vocabulary) -> int:
        """Those of the new text, and the share of all others that is drawn again."""
        return vocabulary.tokens + round(self.config.retrain.replay * int(vocabulary.counts.sum() - vocabulary.tokens))

    def counted(self, given: CorpusStatistics, others: CorpusStatistics | None) -> dict[str, Any]:
        """How much of the text is new."""
        texts = {"new": given, "replayed": others or CorpusStatistics(0, 0, 0, 0, 0, 0)}
        plain = {name: statistics.to_dict() for name, statistics in texts.items()}
        for statistics in plain.values():
            del statistics["distinct_words"]  # is known of all text together
        return {"text": plain}

    def plan(self, config: Config, most_shards: int, tokens: int, vocabulary: int) -> Plan:
        """By ``[retrain]``."""
        return Plan.build_retraining(config, most_shards, tokens, vocabulary)

    def learner(self, config: Config) -> Learner:
        """Rounds that begin with the parent's weights."""
        return RoundsLearner(self.parent.start)

    def complete(self, learned: Learned, work: Work) -> Completed:
        """Go a part of the way, turn the space onto the parent's, and write the rotation, the drift and the report."""
        run, vocabulary, staging = work.run, work.vocabulary, work.staging
        published, words = run.config.model.published_rows, run.config.retrain.drift_words
        weights = self._interpolated(learned, vocabulary)
        vectors = PublishedMatrix(published, *weights.values())
        before, after = self.parent.space, Space(vocabulary.words, vocabulary.counts, vectors)
        with work.progress.stage("align"):
            comparison = Comparison.build(before, after, words)
        report: dict[str, Any] = {"parent": self.parent.id, "text": run.input.get("text")}
        if comparison is None:
            work.progress.warn("no word of the version before is left: the new vectors cannot be compared with it")
            return Completed(learned, (), report)  # no old row is left to go back to
        noise = self._noise(work, vectors)
        table = comparison.table(before, after)
        drift = staging.child(DRIFT).create()
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        drift.write_bytes("part-00000.parquet", sink.getvalue().to_pybytes())
        staging.write_bytes(ROTATION_FILE, _npy(comparison.rotation))
        report |= comparison.report(table, after, words, noise)
        turned = {name: RotatedMatrix(matrix, comparison.rotation) for name, matrix in weights.items()}
        turned_vectors = RotatedMatrix(vectors, comparison.rotation)
        starts = range(0, len(vocabulary), ROWS_AT_A_TIME)
        batches = (turned_vectors[start : start + ROWS_AT_A_TIME] for start in starts)
        return Completed(Learned(batches, learned.history, turned), (DRIFT, ROTATION_FILE), report)

    def _interpolated(self, learned: Learned, vocabulary: Vocabulary) -> dict[str, MatrixReader]:
        """The weights between the parent's and what was learned from them."""
        places, settings = self.parent.start.places(vocabulary.words), self.config.retrain
        older = fade(self.parent.counts, settings.half_life)
        weights = ways(settings.interpolation, vocabulary.counts, older, places)
        return {
            name: InterpolatedMatrix(new, old, places, weights)
            for (name, new), old in zip(learned.weights.items(), self.parent.start.matrices, strict=True)
        }

    def _noise(self, work: Work, vectors: PublishedMatrix) -> SeedNoise | None:
        """The seed noise of the configuration: kept from an earlier version, or measured by a second training."""
        if self.noise is None:
            return None
        config, name = work.run.config, f"{noise_key(work.run.config)}.json"
        if self.noise.exists(name):
            return SeedNoise.read(self.noise, name)
        with work.progress.stage(NOISE):
            others, seed = learn_with_another_seed(work, self.learner(config))
            rows, counts = config.model.published_rows, work.vocabulary.counts
            weights = self._interpolated(others, work.vocabulary)
            one = Space(work.vocabulary.words, counts, vectors)
            other = Space(work.vocabulary.words, counts, PublishedMatrix(rows, *weights.values()))
            compared = Comparison.build(one, other, config.retrain.drift_words)
            if compared is None:
                raise StoreError("two trainings of the same words have no word in common")
            noise = SeedNoise.measure(counts, compared.cosines, compared.overlap, (config.train.seed, seed))
        noise.write(self.noise.create(), name)
        return noise


def _npy(matrix: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, matrix, allow_pickle=False)
    return buffer.getvalue()

"""The main job: text in files to a Parquet table of word vectors."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import Config
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import ConfigError, Name, StoreError
from w2v_spark.publishing.description import EncodedStatistics, ModelDescription, describe_packages, write_history
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, RUN, RUN_FILE, VECTORS, Kind, is_of_lock
from w2v_spark.publishing.lock import Lock
from w2v_spark.publishing.occupancy import check_free
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import VOCABULARY_FILE, Run, check_same
from w2v_spark.run.progress import Progress
from w2v_spark.spark.fingerprint import unrecognised
from w2v_spark.spark.learner import Learned, Learner
from w2v_spark.spark.resources import check_memory, default_parallelism, task_slots, thread_warnings
from w2v_spark.spark.rounds import RoundsLearner
from w2v_spark.spark.session import check_threads, check_worker_python
from w2v_spark.spark.settings import text_pass_conf, training_conf
from w2v_spark.spark.source import Input, Source
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.spark.text_passes import build_vocabulary, encode_corpus
from w2v_spark.storage import Directory
from w2v_spark.training.memory import MemoryEstimate
from w2v_spark.training.plan import Plan
from w2v_spark.vectors.table import write_vectors


@dataclass(frozen=True, slots=True)
class Output:
    """Where the result goes, and what to do with what is there.

    Attributes
    ----------
    directory : Directory
    overwrite : bool
        Replace an earlier result; it stays readable until the new one is complete.
    resume : bool
        Go on with an interrupted run, or start one if there is none.
    keep_run : bool
        Keep the run directory after success.
    force : bool
        Train although memory is certain to be too small.
    lock : Lock, optional
        Held by this job; looked at again before the result is put in place.
    """

    directory: Directory
    overwrite: bool = False
    resume: bool = False
    keep_run: bool = False
    force: bool = False
    lock: Lock | None = None

    def check(self, source: Input) -> None:
        """Refuse, before Spark starts, an output that cannot be used.

        Raises
        ------
        InUse
            Another job is at work there.
        ConfigError
            See `Publication.check`; or what is there is neither to be replaced nor to be resumed.
        """
        uri = self.directory.uri
        check_free(self.directory)
        if self.overwrite and self.resume:
            raise ConfigError(Name("overwrite"), " starts again and ", Name("resume"), " goes on; give one of them")
        if (path := source.covering(uri)) is not None:
            raise ConfigError(
                Name("output"), f" {uri} lies within ", Name("input"),
                f" {path}; the next run would read it, so move it",
            )  # fmt: skip
        if (path := source.within(uri)) is not None:
            raise ConfigError(
                Name("input"), f" {path} lies within ", Name("output"),
                f" {uri}, which is replaced; choose another directory",
            )  # fmt: skip
        state, publication = RunDirectory(self.run), self.publication
        if not (self.overwrite or self.resume) and state.has_run():
            publication.check_own()
            raise ConfigError(
                Name("output"), f" {uri} exists; choose another directory, or give ", Name("resume"),
                " to go on with its run, or ", Name("overwrite"), " to replace it",
            )  # fmt: skip
        publication.check_place()
        if self.resume and self.is_finished and not state.has_run():
            return  # there is nothing to do, and nothing will be removed
        publication.check()
        parts = [info for info in self.directory.list() if info.base_name != RUN and not is_of_lock(info.base_name)]
        if self.resume and parts and not self.is_finished and not state.has_run():
            raise StoreError(
                Name("output"), f" {uri} holds no run to resume (no {RUN}/{RUN_FILE}); start again with ",
                Name("overwrite"),
            )  # fmt: skip

    @property
    def publication(self) -> Publication:
        """The place as every command sees it."""
        return Publication(self.directory, Kind.VECTORS, self.overwrite or self.resume)

    @property
    def run(self) -> Directory:
        """The run directory."""
        return self.publication.run

    @property
    def is_finished(self) -> bool:
        """Whether a complete result is there."""
        return self.publication.is_finished


def train(spark: SparkSession, source: Source, config: Config, output: Output, progress: Progress) -> ModelDescription:
    """Train word vectors and publish them below the output directory.

    Parameters
    ----------
    source, output
        Checked already.
    config : Config
        ``text.column`` counts for all formats but text.

    Raises
    ------
    InputError, VocabularyError
        The input cannot be used; nothing has been written.
    CheckpointMismatch, StoreError
        The interrupted run belongs to something else, or is damaged.
    DivergedError
        Weights became NaN or infinite.
    """
    try:
        with translated_errors():
            return _train(spark, source, config, output, progress)
    except StoreError as error:
        if Name("overwrite") in error.parts or Name("resume") in error.parts:
            raise
        raise StoreError(*error.parts, "; start again with ", Name("overwrite")) from error


def _train(spark: SparkSession, source: Source, config: Config, output: Output, progress: Progress) -> ModelDescription:
    begin = time.perf_counter()
    check_threads(config.train.threads, spark.conf.get("spark.master", None) or "")
    check_worker_python(spark)
    documents = source.open(spark)
    seen = source.fingerprint(documents)
    state = RunDirectory(output.run)
    if output.resume and (output.is_finished or state.has_run()) and (doubt := unrecognised(seen)):
        progress.warn(doubt)
    if output.resume and output.is_finished and not _is_underway(output, state):
        return _finished(output, config, seen, progress)
    with text_pass_conf(spark, default_parallelism(spark)):
        run, vocabulary = _count(spark, source, documents, seen, config, output, progress)
        _announce(spark, run, vocabulary, progress, output.force)
        state = RunDirectory(output.run, run.identity)
        corpus = _encode(documents, run, vocabulary, state, progress)
    with progress.stage("train"), training_conf(spark):
        learned = _choose_learner(config).learn(spark, state, run, corpus, vocabulary, progress)
    model = _describe(run, vocabulary, corpus)
    with progress.stage("publish"):
        staging = _write_result(output, run, vocabulary, model, learned)
    rounds = sum(record.seconds["total"] for record in learned.history)  # those before an interruption included
    total = time.perf_counter() - begin
    model = replace(model, timings={**progress.seconds, "rounds": round(rounds, 3), "total": round(total, 3)})
    model.write(staging)
    if output.lock is not None:
        output.lock.check()
    output.publication.put_in_place(staging, (VECTORS, MODEL_FILE, HISTORY_FILE))
    if not output.keep_run:
        output.run.delete()
    return model


def _count(
    spark: SparkSession,
    source: Source,
    documents: DataFrame,
    seen: dict[str, Any],
    config: Config,
    output: Output,
    progress: Progress,
) -> tuple[Run, Vocabulary]:
    """The first pass, or what an interrupted run has kept of it."""
    state = RunDirectory(output.run)
    if output.resume and state.has_run():
        run = Run.read(state.directory)
        check_same(run.config, config, run.input, seen, state.directory)
        progress.say(f"resuming the run in {state.directory.uri}")
        return run, state.read_vocabulary(run)
    with progress.stage("count"):
        vocabulary, statistics = build_vocabulary(documents, config)
    for warning in source.examine(statistics):
        progress.warn(warning)
    plan = Plan.build(config, task_slots(spark, config.train.threads), vocabulary.tokens)
    run = Run.start(config, seen, plan, statistics)
    return state.begin(run, vocabulary), vocabulary


def _announce(spark: SparkSession, run: Run, vocabulary: Vocabulary, progress: Progress, force: bool) -> None:
    """Say what is going to be trained, and what memory that takes; refuse what memory is too small for."""
    corpus, plan = run.statistics, run.plan
    progress.say(
        f"{corpus.documents:,} documents, {corpus.sentences:,} sentences, {corpus.tokens:,} words; "
        f"vocabulary {len(vocabulary):,} of {corpus.distinct_words:,} words, "
        f"{vocabulary.tokens / max(corpus.tokens, 1):.1%} of the text"
    )
    if corpus.overlong_words:
        progress.say(f"{corpus.overlong_words:,} overlong words dropped")
    estimate = MemoryEstimate.build(run.config.model, len(vocabulary), plan.shards)
    progress.say(f"{plan.shards} shards, {plan.rounds} rounds; {estimate}")
    progress.events.emit(
        "plan", shards=plan.shards, rounds=plan.rounds, epochs=plan.epochs, vocabulary=len(vocabulary),
        tokens=corpus.tokens,
    )  # fmt: skip
    warnings = thread_warnings(spark, run.config.train.threads)
    warnings += check_memory(spark, estimate, plan.shards, force)
    for warning in warnings:
        progress.warn(warning)


def _encode(
    documents: DataFrame, run: Run, vocabulary: Vocabulary, state: RunDirectory, progress: Progress
) -> EncodedCorpus:
    """The second pass, or what an interrupted run has kept of it."""
    shards = run.plan.shards
    corpus = state.read_corpus(shards)
    if corpus is None:
        with progress.stage("encode"):
            corpus = encode_corpus(
                documents, run.config, state.directory, VOCABULARY_FILE, run.files[VOCABULARY_FILE], vocabulary, shards
            )
            corpus.write(state.directory, CORPUS_FILE, run.identity)
    return corpus


def _choose_learner(config: Config) -> Learner:
    """What a configuration learns by. One that does not train by rounds, such as counting, gets its place here."""
    return RoundsLearner()


def _write_result(
    output: Output, run: Run, vocabulary: Vocabulary, model: ModelDescription, learned: Learned
) -> Directory:
    """Write the vector table and the history to a directory within the run directory."""
    staging, plain = output.publication.open_staging(), model.to_dict()
    described = {key: json.dumps(plain[key], ensure_ascii=False) for key in ("config", "plan", "corpus", "packages")}
    write_vectors(
        staging.filesystem, staging.file(VECTORS), vocabulary.words, vocabulary.counts, learned.batches, described
    )
    write_history(staging, [record.to_dict() for record in learned.history])
    return staging


def _is_underway(output: Output, state: RunDirectory) -> bool:
    """Whether there is a run that is to replace the complete result, rather than the one that made it."""
    return state.has_run() and Run.read(state.directory).identity != output.directory.read_json(MODEL_FILE).get("run")


def _finished(output: Output, config: Config, seen: dict[str, Any], progress: Progress) -> ModelDescription:
    """``--resume`` of a run that is complete: nothing to do, if it is the same run."""
    model = ModelDescription.read(output.directory)
    check_same(model.config, config, model.input, seen, output.directory)
    progress.say(f"{output.directory.uri} is complete already")
    return model


def _describe(run: Run, vocabulary: Vocabulary, corpus: EncodedCorpus) -> ModelDescription:
    """What ``model.json`` says, timings excepted."""
    encoded = EncodedStatistics(len(vocabulary), corpus.tokens, corpus.sentences, corpus.digest)
    packages = describe_packages("pyspark", "numpy", "numba", "pyarrow")
    return ModelDescription(run.identity, run.config, run.plan, run.statistics, encoded, run.input, packages)

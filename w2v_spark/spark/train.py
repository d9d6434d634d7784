"""The main job: text in files to a Parquet table of word vectors."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numba
import numpy as np
import pyspark
from pyspark.sql import DataFrame, SparkSession

import w2v_spark
from w2v_spark.config import Config
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, RUN, SUCCESS_FILE, VECTORS
from w2v_spark.publishing.publication import check_writable
from w2v_spark.run.directory import CORPUS_FILE, VOCABULARY_FILE, RunDirectory
from w2v_spark.run.manifest import Run, check_same
from w2v_spark.spark.resources import default_parallelism, memory_warnings, task_slots, thread_warnings
from w2v_spark.spark.rounds import train_rounds
from w2v_spark.spark.session import check_threads
from w2v_spark.spark.settings import pass_settings, round_settings
from w2v_spark.spark.source import Input, Source, fingerprint
from w2v_spark.spark.spark_errors import own_errors
from w2v_spark.spark.text_passes import build_vocabulary, encode_corpus
from w2v_spark.storage import Directory
from w2v_spark.training.history import Progress, RoundRecord
from w2v_spark.training.memory import MemoryEstimate
from w2v_spark.training.plan import Plan
from w2v_spark.training.weights import WeightShape, rows_to_publish
from w2v_spark.vectors.table import write_vectors

FORMAT_VERSION: Final = 1


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
    """

    directory: Directory
    overwrite: bool = False
    resume: bool = False
    keep_run: bool = False

    def check(self, source: Input) -> None:
        """Refuse, before Spark starts, an output that exists, cannot be made, or lies within the input.

        Raises
        ------
        ConfigError
        """
        uri = self.directory.uri
        if self.overwrite and self.resume:
            raise ConfigError("--overwrite starts again and --resume goes on; give one of them")
        if (path := source.covering(uri)) is not None:
            raise ConfigError(f"--output {uri} lies within --input {path}; the next run would read it, so move it")
        if self.directory.is_local:
            check_writable(Path(self.directory.path))
        if not self.directory.exists():
            return
        if not (self.overwrite or self.resume):
            hint = "--resume to go on with its run, or --overwrite" if self.run.exists() else "--overwrite"
            raise ConfigError(f"--output {uri} exists; choose another directory, or give {hint} to replace it")
        foreign = [info.base_name for info in self.directory.list() if info.base_name != RUN]
        if self.resume and foreign and not self.is_finished and not RunDirectory(self.run).has_run():
            raise StoreError(f"--output {uri} holds no run to resume (no {RUN}/run.json); start again with --overwrite")

    @property
    def run(self) -> Directory:
        """The run directory."""
        return self.directory.child(RUN)

    @property
    def is_finished(self) -> bool:
        """Whether a complete result is there."""
        return self.directory.exists(SUCCESS_FILE)


def train(spark: SparkSession, source: Source, config: Config, output: Output, progress: Progress) -> dict[str, Any]:
    """Train word vectors and publish them below the output directory.

    Parameters
    ----------
    source, output
        Checked already.
    config : Config
        ``text.column`` counts for all formats but text.

    Returns
    -------
    dict
        What ``model.json`` holds.

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
        with own_errors():
            return _train(spark, source, config, output, progress)
    except StoreError as error:
        if "--overwrite" in str(error):
            raise
        raise StoreError(f"{error}; start again with --overwrite") from error


def _train(spark: SparkSession, source: Source, config: Config, output: Output, progress: Progress) -> dict[str, Any]:
    begin = time.perf_counter()
    check_threads(config.train.threads, spark.conf.get("spark.master", None) or "")
    documents = source.open(spark)
    seen = fingerprint(documents)
    state = RunDirectory(output.run)
    if output.resume and output.is_finished and not _is_underway(output, state):
        return _finished(output, config, seen, progress)
    with pass_settings(spark, default_parallelism(spark)):
        run, vocabulary = _count(spark, documents, seen, config, output, progress)
        _announce(spark, run, vocabulary, progress)
        corpus = _encode(documents, config, run.plan, vocabulary, state, progress)
    with progress.stage("train"), round_settings(spark):
        history = train_rounds(spark, state, run, corpus, len(vocabulary), progress)
    model = _describe(run, vocabulary, corpus)
    with progress.stage("publish"):
        staging = _write_result(state, run, vocabulary, model, history)
    rounds = sum(record.seconds["total"] for record in history)  # those before an interruption included
    total = time.perf_counter() - begin
    model["timings"] = {**progress.seconds, "rounds": round(rounds, 3), "total": round(total, 3)}
    staging.write_json(MODEL_FILE, model)
    _move_in_place(staging, output)
    return model


def _count(
    spark: SparkSession,
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
        return run, state.read_vocabulary()
    with progress.stage("count"):
        vocabulary, statistics = build_vocabulary(documents, config)
    plan = Plan.build(config, task_slots(spark, config.train.threads), vocabulary.tokens)
    run = Run.start(config, seen, plan, statistics)
    state.begin(run, vocabulary)
    return run, vocabulary


def _announce(spark: SparkSession, run: Run, vocabulary: Vocabulary, progress: Progress) -> None:
    """Say what is going to be trained, and what memory that takes."""
    corpus, plan = run.statistics, run.plan
    progress.say(
        f"{corpus.documents:,} documents, {corpus.sentences:,} sentences, {corpus.tokens:,} words; "
        f"vocabulary {len(vocabulary):,} of {corpus.distinct_words:,} words, "
        f"{vocabulary.tokens / max(corpus.tokens, 1):.1%} of the text"
    )
    if corpus.invalid_utf8 or corpus.overlong_words:
        progress.say(
            f"{corpus.invalid_utf8:,} invalid UTF-8 sequences replaced, "
            f"{corpus.overlong_words:,} overlong words dropped"
        )
    estimate = MemoryEstimate.build(run.config.model, len(vocabulary), plan.shards)
    progress.say(f"{plan.shards} shards, {plan.rounds} rounds; {estimate}")
    warnings = thread_warnings(spark, run.config.train.threads) + memory_warnings(spark, estimate, plan.shards)
    for warning in warnings:
        progress.say(f"WARNING: {warning}")


def _encode(
    documents: DataFrame, config: Config, plan: Plan, vocabulary: Vocabulary, state: RunDirectory, progress: Progress
) -> EncodedCorpus:
    """The second pass, or what an interrupted run has kept of it."""
    corpus = state.read_corpus(plan.shards)
    if corpus is None:
        with progress.stage("encode"):
            corpus = encode_corpus(
                documents, config, state.directory, VOCABULARY_FILE, vocabulary.tokens, plan.shards
            )  # fmt: skip
            corpus.write(state.directory, CORPUS_FILE)
    return corpus


def _write_result(
    state: RunDirectory, run: Run, vocabulary: Vocabulary, model: dict[str, Any], history: list[RoundRecord]
) -> Directory:
    """Write the vector table and the history to a directory within the run directory."""
    staging = state.directory.child("publish")
    staging.delete()
    staging.create()
    weights = state.read_weights(run.plan.rounds, WeightShape.build(run.config.model, len(vocabulary)))
    blocks = rows_to_publish(run.config.model.published_rows, *weights)
    described = {key: json.dumps(model[key], ensure_ascii=False) for key in ("config", "plan", "corpus", "packages")}
    write_vectors(staging.filesystem, staging.file(VECTORS), vocabulary.words, vocabulary.counts, blocks, described)
    staging.write_json(HISTORY_FILE, {"rounds": [record.to_dict() for record in history]})
    return staging


def _move_in_place(staging: Directory, output: Output) -> None:
    """Replace an earlier result, whose mark of completeness goes first; the new one's comes last."""
    target = output.directory
    for name in (SUCCESS_FILE, VECTORS, MODEL_FILE, HISTORY_FILE):
        target.remove(name)
    for name in (VECTORS, MODEL_FILE, HISTORY_FILE):
        staging.move(name, target, name)
    target.write_bytes(SUCCESS_FILE, b"")
    if not output.keep_run:
        output.run.delete()


def _is_underway(output: Output, state: RunDirectory) -> bool:
    """Whether there is a run that is to replace the complete result, rather than the one that made it."""
    return state.has_run() and Run.read(state.directory).identity != output.directory.read_json(MODEL_FILE).get("run")


def _finished(output: Output, config: Config, seen: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """``--resume`` of a run that is complete: nothing to do, if it is the same run."""
    model = output.directory.read_json(MODEL_FILE)
    if not all(isinstance(model.get(key), dict) for key in ("config", "plan", "corpus", "input", "timings")):
        raise StoreError(f"{output.directory.uri}/{MODEL_FILE} is damaged: parts of it are missing")
    check_same(Config.from_dict(model["config"]), config, model["input"], seen, output.directory)
    progress.say(f"{output.directory.uri} is complete already")
    return model


def _describe(run: Run, vocabulary: Vocabulary, corpus: EncodedCorpus) -> dict[str, Any]:
    """What ``model.json`` says, timings excepted."""
    return {
        "format_version": FORMAT_VERSION,
        "run": run.identity,
        "config": run.config.to_dict(),
        "plan": asdict(run.plan),
        "corpus": {
            **run.statistics.to_dict(),
            "vocabulary_size": len(vocabulary),
            "kept_tokens": corpus.tokens,
            "kept_sentences": corpus.sentences,
            "digest": corpus.digest,
        },
        "input": run.input,
        "packages": {
            "w2v_spark": w2v_spark.__version__,
            "python": platform.python_version(),
            "pyspark": pyspark.__version__,
            "numpy": np.__version__,
            "numba": numba.__version__,
            "pyarrow": metadata.version("pyarrow"),
        },
    }

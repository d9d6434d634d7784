"""The main job: text in files to a Parquet table of word vectors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import Config, Freeze
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import ConfigError, InputError, Name, NotFollowed, NothingNew, RootDamaged, StoreError
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.publishing.description import EncodedStatistics, ModelDescription, describe_packages, write_history
from w2v_spark.publishing.layout import STATE, VECTORS
from w2v_spark.publishing.state import write_state
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import SAMPLING_FILE, TAGS_FILE, VOCABULARY_FILE, Run, check_same
from w2v_spark.run.progress import Progress
from w2v_spark.spark.document_chunks import WITHOUT_LABELS, Labels
from w2v_spark.spark.document_frame import MANY_TAGS, Whole, open_documents
from w2v_spark.spark.document_tables import write_document_tables
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.fingerprint import unrecognised
from w2v_spark.spark.gate_check import GateCheck, check_passed
from w2v_spark.spark.held_out import trained_documents
from w2v_spark.spark.malformed import check_invalid
from w2v_spark.spark.origin import Completed, Origin, Scratch, Work
from w2v_spark.spark.output import Destination, id_of, result_parts
from w2v_spark.spark.resources import check_memory, default_parallelism, task_slots, thread_warnings
from w2v_spark.spark.session import check_threads, check_worker_python, shows_console_progress
from w2v_spark.spark.settings import text_pass_conf, training_conf
from w2v_spark.spark.source import Source
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.storage import Directory
from w2v_spark.text.user_tokenizer import check_tokenizer, tokenizer_versions
from w2v_spark.training.memory import MemoryEstimate
from w2v_spark.vectors.table import write_vectors


def train(
    spark: SparkSession,
    source: Source,
    config: Config,
    output: Destination,
    progress: Progress,
    origin: Origin | None = None,
    gate: GateCheck | None = None,
) -> ModelDescription:
    """Train word vectors and publish them.

    Parameters
    ----------
    source, output
        Checked already.
    config : Config
        ``text.column`` counts for all formats but text.
    origin : Origin, optional
        What the training begins with; `Scratch` without it.
    gate : GateCheck, optional
        What the result has to pass before readers follow it.

    Raises
    ------
    InputError, VocabularyError
        The input cannot be used; nothing has been written.
    CheckpointMismatch, StoreError
        The interrupted run belongs to something else, or is damaged.
    DivergedError
        Weights became NaN or infinite.
    GateFailed
        The result is in place, as rejected.
    NotFollowed
        The result is in place, and readers were led elsewhere while it was made.
    NothingNew
        The origin sees no reason to train; nothing is published.
    """
    if origin is None and config.train.freeze is not Freeze.NONE:
        raise ConfigError(
            Name("train.freeze"), f" = '{config.train.freeze}' needs weights to begin with: of one that stays random, "
            "or zero, nothing is learned; expected 'none'",
        )  # fmt: skip
    check_tokenizer(config.text)
    try:
        with translated_errors():
            return _train(spark, source, config, output, progress, origin or Scratch(), gate)
    except NothingNew:
        if not RunDirectory(output.run).has_run():  # one that was interrupted is no business of this input's
            output.run.delete()
        raise
    except RootDamaged:
        raise
    except StoreError as error:
        if Name("overwrite") in error.parts or Name("resume") in error.parts:
            raise
        raise StoreError(*error.parts, "; start again with ", Name("overwrite")) from error


def _train(
    spark: SparkSession,
    source: Source,
    config: Config,
    output: Destination,
    progress: Progress,
    origin: Origin,
    gate: GateCheck | None,
) -> ModelDescription:
    begin = time.perf_counter()
    check_threads(config.train.threads, spark.conf.get("spark.master", None) or "")
    check_worker_python(spark)
    progress.shares_terminal = shows_console_progress(spark)
    if gate is not None:
        gate.check(spark)
    given, whole = open_documents(spark, source, config)
    seen = origin.describe(source.fingerprint(given))
    state, finished = RunDirectory(output.run), output.find_finished(config, seen)
    if output.resume and (finished or state.has_run()) and (doubt := unrecognised(seen)):
        progress.warn(doubt)
    if finished is not None:
        return _complete_already(finished, output, progress)
    output.prepare()
    before = output.incumbent()
    with text_pass_conf(spark, default_parallelism(spark)):
        share = config.train.held_out
        documents = [trained_documents(frame, share) for frame in origin.documents(spark, given, progress)]
        run, vocabulary = _count(spark, source, documents, seen, config, output, progress, origin, whole)
        _announce(spark, run, vocabulary, progress, output.force)
        if gate is not None:
            gate.prepare(given, run, progress)
        state = RunDirectory(output.run, run.identity)
        corpus = _encode(documents, run, vocabulary, state, progress, whole)
    with progress.stage("train"), training_conf(spark):
        learned = origin.learner().learn(spark, state, run, corpus, vocabulary, progress)
    model, staging = _describe(run, vocabulary, corpus), output.open_staging()
    completed = origin.complete(learned, Work(spark, state, run, documents, vocabulary, staging, progress))
    with progress.stage("publish"):
        parts = _write_result(spark, staging, output, run, vocabulary, corpus, model, completed)
    report = completed.report
    if gate is not None:
        report = gate.judge(spark, staging, model, before, report, progress)
    rounds = sum(record.seconds["total"] for record in learned.history)  # those before an interruption included
    total = time.perf_counter() - begin
    model = replace(model, timings={**progress.seconds, "rounds": round(rounds, 3), "total": round(total, 3)})
    model.write(staging)
    if output.lock is not None:
        output.lock.check()
    try:
        place = output.publish(staging, parts, report, before)
    except NotFollowed:
        output.run.delete()  # the version is complete, and to go on with the run would overrule who has decided
        raise
    if (now := output.incumbent()) is not None and now.uri == place.uri:
        progress.events.emit("switch", version=id_of(now), before=None if before is None else id_of(before))
    if not output.keep_run:
        output.run.delete()
    check_passed(report, place)
    return model


def _complete_already(finished: Directory, output: Destination, progress: Progress) -> ModelDescription:
    """Say that there is nothing to do, but for what a process has left that was killed once it had published."""
    progress.say(f"{finished.uri} is complete already")
    if not output.keep_run:
        output.run.delete()
    return ModelDescription.read(finished)


def _count(
    spark: SparkSession,
    source: Source,
    documents: Sequence[DataFrame],
    seen: dict[str, Any],
    config: Config,
    output: Destination,
    progress: Progress,
    origin: Origin,
    whole: Whole | None,
) -> tuple[Run, Vocabulary]:
    """The first pass, or what an interrupted run has kept of it."""
    state = RunDirectory(output.run)
    if output.resume and state.has_run():
        run = Run.read(state.directory)
        check_same(run.config, config, run.input, seen, state.directory)
        progress.say(f"resuming the run in {state.directory.uri}")
        return run, state.read_vocabulary(run)
    with progress.stage("count"):
        kept = state.begin_counts() if output.keeps_state else None
        vocabulary, given = origin.count(documents[0], config, kept)
    for warning in source.examine(given, config.text):
        progress.warn(warning)
    if not (vocabulary.tokens or documents[1:]):
        raise InputError(
            "there is nothing to train on: no word of the new text is in the vocabulary; lower ",
            Name("vocabulary.min_count"), ", or draw older text again with ", Name("retrain.replay"),
        )  # fmt: skip
    slots = task_slots(spark, config.train.threads)
    plan = origin.plan(config, slots, vocabulary.tokens)
    corpus, others, statistics = None, None, given
    if documents[1:]:  # which are read once: how often words are in them is known when they are encoded
        estimate = MemoryEstimate.build(config.model, len(vocabulary), plan.shards)
        check_memory(spark, estimate, plan.shards, output.force)
        with progress.stage("encode"):
            digest = state.begin_corpus(vocabulary)
            encode = EncodePass(config, state.directory, VOCABULARY_FILE, digest, vocabulary, plan.shards)
            corpus, trained, others = encode.encode_and_count(documents, origin.tokens(vocabulary))
        for warning in check_invalid(others, 1.0):
            progress.warn(f"older text: {warning}")
        vocabulary, statistics = replace(vocabulary, trained=trained), given + others
        plan = origin.plan(config, slots, vocabulary.tokens)
    tags = None
    if whole is not None:
        with progress.stage("count"):
            tags = whole.count_tags(documents[0])
    run = Run.start(config, {**seen, **origin.counted(given, others)}, plan, statistics, len(tags or ()))
    if run.trains_on_every_word(vocabulary):
        progress.warn(
            f"the text is so small that subsampling (sample = {plan.sample:g}) would leave next to nothing of it: "
            "every word is trained on, as with sample = 0"
        )
    return state.begin(run, vocabulary, corpus, tags), vocabulary


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
    documents = corpus.documents if input_rows_of(run.config.model).documents else 0
    estimate = MemoryEstimate.build(run.config.model, len(vocabulary), plan.shards, run.tags, documents)
    if run.tags > MANY_TAGS:
        progress.warn(
            f"tags have {run.tags:,} values, each of which has a row in every shard as words do: {estimate}; leave a "
            "tag of so many values out, or make it the documents' name"
        )
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
    documents: Sequence[DataFrame],
    run: Run,
    vocabulary: Vocabulary,
    state: RunDirectory,
    progress: Progress,
    whole: Whole | None,
) -> EncodedCorpus:
    """The second pass, or what an interrupted run has kept of it."""
    corpus = state.read_corpus(run.plan.shards)
    if corpus is None:
        digest = run.files[VOCABULARY_FILE]
        labels = WITHOUT_LABELS if whole is None else Labels(True, 0, 0, TAGS_FILE, run.files[TAGS_FILE])
        encode = EncodePass(run.config, state.directory, VOCABULARY_FILE, digest, vocabulary, run.plan.shards, labels)
        with progress.stage("encode"):
            corpus = encode.encode(documents) if whole is None else _encode_whole(encode, documents, whole)
            corpus.write(state.directory, CORPUS_FILE, run.identity)
    return corpus


def _encode_whole(encode: EncodePass, documents: Sequence[DataFrame], whole: Whole) -> EncodedCorpus:
    """Documents with rows of their own; those that cannot be told apart leave no run behind."""
    try:
        return encode.encode_whole(documents, whole.named)
    except InputError:
        encode.run.delete()
        raise


def _write_result(
    spark: SparkSession,
    staging: Directory,
    output: Destination,
    run: Run,
    vocabulary: Vocabulary,
    corpus: EncodedCorpus,
    model: ModelDescription,
    completed: Completed,
) -> tuple[str, ...]:
    """Write the tables, the history, and what a later training would go on from; the names of all that was staged."""
    learned, labels, state = completed.learned, model.labels(), RunDirectory(output.run)
    write_vectors(
        staging.filesystem, staging.file(VECTORS), vocabulary.words, vocabulary.counts, learned.batches, labels
    )
    write_history(staging, [record.to_dict() for record in learned.history])
    counts = state.checked_counts(run) if output.keeps_state else None
    if counts is not None or learned.documents:  # which are inferred by the weights
        drawn_from = state.read_tables(run.files[SAMPLING_FILE]) if learned.documents else None
        write_state(staging, learned.weights, run.config.model.dim, counts, drawn_from)
    tables = write_document_tables(spark, state, run, corpus, learned, staging, labels)
    others = () if output.keeps_state or not tables else (STATE,)
    return (*result_parts(output), *tables, *others, *completed.parts)


def _describe(run: Run, vocabulary: Vocabulary, corpus: EncodedCorpus) -> ModelDescription:
    """What ``model.json`` says, timings excepted."""
    encoded = EncodedStatistics(
        len(vocabulary), corpus.tokens, corpus.sentences, corpus.digest, corpus.documents, run.tags
    )
    packages = describe_packages("pyspark", "numpy", "numba", "pyarrow") | tokenizer_versions(run.config.text)
    return ModelDescription(run.identity, run.config, run.plan, run.statistics, encoded, run.input, packages)

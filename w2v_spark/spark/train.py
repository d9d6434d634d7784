"""The main job: text in files to a Parquet table of word vectors."""

from __future__ import annotations

import time
from dataclasses import replace

from pyspark.sql import SparkSession

from w2v_spark.config import Config, Freeze
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import ConfigError, Name, NotFollowed, NothingNew, RootDamaged, StoreError
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.phrases.units import load_units
from w2v_spark.publishing.description import EncodedStatistics, ModelDescription, describe_packages, write_history
from w2v_spark.publishing.layout import NGRAMS, STATE, VECTORS
from w2v_spark.publishing.state import write_state
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import SAMPLING_FILE, Run
from w2v_spark.run.progress import Progress
from w2v_spark.spark.document_frame import open_documents
from w2v_spark.spark.document_tables import write_document_tables
from w2v_spark.spark.fingerprint import unrecognised
from w2v_spark.spark.gate_check import GateCheck, check_passed
from w2v_spark.spark.held_out import trained_documents
from w2v_spark.spark.kept_words import kept_in
from w2v_spark.spark.origin import Completed, Origin, Scratch, Work
from w2v_spark.spark.output import Destination, id_of, result_parts
from w2v_spark.spark.passes import announce, count_text, encode_text
from w2v_spark.spark.published_report import stage_page
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.session import check_worker_python, shows_console_progress
from w2v_spark.spark.session_settings import check_threads
from w2v_spark.spark.settings import text_pass_conf, training_conf
from w2v_spark.spark.source import Source, is_small
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.storage import Directory
from w2v_spark.text.user_tokenizer import check_tokenizer, tokenizer_versions
from w2v_spark.vectors.ngram_table import write_ngrams
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
    if (origin is None or isinstance(origin, Scratch)) and config.train.freeze is not Freeze.NONE:
        raise ConfigError(
            Name("train.freeze"), f" = '{config.train.freeze}' needs weights to begin with: of one that stays random, "
            "or zero, nothing is learned; expected 'none'",
        )  # fmt: skip
    check_tokenizer(config.text)
    origin = origin or Scratch(load_units(config, progress.warn))
    try:
        with translated_errors():
            return _train(spark, source, config, output, progress, origin, gate)
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
    if alone := isinstance(origin, Scratch):  # no other text is drawn again
        pieces = kept_in(state, source.pieces(given)) if whole is None and not config.train.held_out else None
        origin = replace(origin, size=source.size, pieces=pieces)
    with text_pass_conf(spark, default_parallelism(spark), alone and is_small(source)):
        documents = [trained_documents(one, config.train.held_out) for one in origin.documents(spark, given, progress)]
        run, vocabulary = count_text(spark, source, documents, seen, config, output, progress, origin, whole)
        announce(spark, run, vocabulary, progress, output.force)
        if gate is not None:
            gate.prepare(given, run, progress)
        state = RunDirectory(output.run, run.identity)
        corpus = encode_text(documents, run, vocabulary, state, progress, whole, origin.pieces)
    with progress.stage("train"), training_conf(spark):
        learned = origin.learner(config).learn(spark, state, run, corpus, vocabulary, progress)
    model, staging = _describe(run, vocabulary, corpus), output.open_staging()
    completed = origin.complete(learned, Work(spark, state, run, documents, vocabulary, staging, progress))
    with progress.stage("publish"):
        parts = _write_result(spark, staging, output, run, vocabulary, corpus, model, completed)
    report = completed.report
    if gate is not None:
        report = gate.judge(spark, staging, model, before, report, progress)
    seconds = {"rounds": learned.seconds, "total": time.perf_counter() - begin}
    model = replace(model, timings={**progress.seconds, **{name: round(value, 3) for name, value in seconds.items()}})
    stage_page(staging, model, output, report, None if before is None else id_of(before), progress)
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
    progress.say(f"{finished.uri} is complete already; its summary is that of the run that made it")
    if not output.keep_run:
        output.run.delete()
    return ModelDescription.read(finished)


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
    write_history(
        staging, [record.to_dict() for record in learned.history], [record.to_dict() for record in learned.steps]
    )
    units = state.read_units(run).files(labels)
    for name, data in units.items():
        staging.write_bytes(name, data)
    counts = state.checked_counts(run) if output.keeps_state else None
    if counts is not None or learned.documents:  # which are inferred by the weights
        drawn_from = state.read_tables(run.files[SAMPLING_FILE]) if learned.documents else None
        write_state(staging, learned.weights, run.config.model.dim, counts, drawn_from)
    tables = write_document_tables(spark, state, run, corpus, learned, staging, labels)
    if learned.ngrams is not None and learned.ngrams.table.ngrams:
        ngrams, dim = learned.ngrams, run.config.model.dim
        write_ngrams(
            staging.child(NGRAMS).create(), ngrams.table.labels(), ngrams.table.words, ngrams.rows, dim, labels
        )
        tables = (*tables, NGRAMS)
    others = () if output.keeps_state or not learned.documents else (STATE,)
    return (*result_parts(output), *tables, *others, *units, *completed.parts)


def _describe(run: Run, vocabulary: Vocabulary, corpus: EncodedCorpus) -> ModelDescription:
    """What ``model.json`` says, timings excepted."""
    documents = corpus.documents if input_rows_of(run.config.model).documents else 0
    encoded = EncodedStatistics(
        len(vocabulary), corpus.tokens, corpus.sentences, corpus.digest, documents, run.tags, run.ngrams
    )
    packages = describe_packages("pyspark", "numpy", "numba", "pyarrow") | tokenizer_versions(run.config.text)
    return ModelDescription(run.identity, run.config, run.plan, run.statistics, encoded, run.input, packages)

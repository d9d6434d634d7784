"""Both passes over the text as stages of a training: from documents to a run with its encoded corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import COUNTED, Config
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.tags import Tags
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.counting.memory import estimate_counted
from w2v_spark.errors import InputError, Name
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.phrases.dictionary import doubts_about
from w2v_spark.phrases.units import Units
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import TAGS_FILE, VOCABULARY_FILE, Run, check_same
from w2v_spark.run.progress import Progress
from w2v_spark.spark.document_chunks import WITHOUT_LABELS, Labels
from w2v_spark.spark.document_frame import MANY_TAGS, Whole
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.malformed import check_invalid
from w2v_spark.spark.origin import Origin
from w2v_spark.spark.output import Destination
from w2v_spark.spark.parquet_pieces import Pieces
from w2v_spark.spark.phrase_pass import JoinedText, counting_config, join_text
from w2v_spark.spark.resources import check_memory, task_slots, thread_warnings
from w2v_spark.spark.source import Source
from w2v_spark.spark.word_counts import replace_counts
from w2v_spark.storage import Directory
from w2v_spark.training.memory import MemoryEstimate
from w2v_spark.training.plan import Plan


def count_text(
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
        state.words.delete()  # of whatever attempt they are
        return run, state.read_vocabulary(run)
    searches = origin.finds_phrases and config.phrases.passes > 0
    kept = state.begin_counts() if output.keeps_state else None
    counted = counting_config(config) if searches else config
    vocabulary, given = _count(source, documents[0], counted, state, progress, origin, kept)
    if not (vocabulary.tokens or documents[1:]):
        raise InputError(
            "there is nothing to train on: no word of the new text is in the vocabulary; lower ",
            Name("vocabulary.min_count"), ", or draw older text again with ", Name("retrain.replay"),
        )  # fmt: skip
    slots = task_slots(spark, config.train.threads)
    plan = origin.plan(config, slots, origin.tokens(vocabulary), len(vocabulary))
    as_planned = config.replace(train={"shards": plan.shards})  # however much text it turns out to be
    corpus, others, statistics = None, None, given
    if documents[1:]:
        check_memory(spark, MemoryEstimate.build(config.model, len(vocabulary), plan.shards), plan.shards, output.force)
        corpus, vocabulary, others = _encode_with_older(documents, vocabulary, config, state, plan, progress, origin)
        statistics = given + others
        plan = origin.plan(as_planned, slots, vocabulary.tokens, len(vocabulary))
    tags = None if whole is None else Tags.none()
    if whole is not None and whole.tags:
        with progress.stage("tags"):
            tags = whole.count_tags(documents[0])
    units = origin.units
    if searches:
        joined = _join(
            spark, documents, vocabulary, statistics, config, state, plan, progress, whole, tags, units, origin.pieces
        )
        vocabulary, corpus = joined.vocabulary, joined.corpus
        units = units.with_phrases(joined.phrases)
        if kept is not None:
            replace_counts(spark, kept, *joined.counted)
        plan = origin.plan(as_planned, slots, vocabulary.tokens, len(vocabulary))
    run = Run.start(config, {**seen, **origin.counted(given, others)}, plan, statistics, len(tags or ()))
    if run.trains_on_every_word(vocabulary):
        progress.warn(
            f"the text is so small that subsampling (sample = {plan.sample:g}) would leave next to nothing of it: "
            "every word is trained on, as with sample = 0"
        )
    return state.begin(run, vocabulary, corpus, tags, units), vocabulary


def _encode_with_older(
    documents: Sequence[DataFrame],
    vocabulary: Vocabulary,
    config: Config,
    state: RunDirectory,
    plan: Plan,
    progress: Progress,
    origin: Origin,
) -> tuple[EncodedCorpus, Vocabulary, CorpusStatistics]:
    """Encode the new text and older text, which is read once: how often words are in that is known thereafter."""
    with progress.stage("encode"):
        digest = state.begin_corpus(vocabulary)[VOCABULARY_FILE]
        encode = EncodePass(
            config, state.directory, VOCABULARY_FILE, digest, vocabulary, plan.shards, units=origin.units
        )  # fmt: skip
        corpus, trained, others = encode.encode_and_count(documents, origin.tokens(vocabulary))
    for warning in check_invalid(others, 1.0):
        progress.warn(f"older text: {warning}")
    return corpus, replace(vocabulary, trained=trained), others


def _count(
    source: Source,
    document: DataFrame,
    config: Config,
    state: RunDirectory,
    progress: Progress,
    origin: Origin,
    kept: Directory | None,
) -> tuple[Vocabulary, CorpusStatistics]:
    """The words of the text, after a look at what was seen of it: where it is refused, nothing is left."""
    with state.keeping_words(bool(origin.pieces and origin.pieces.kept)):
        with progress.stage("count"):
            vocabulary, given = origin.count(document, config, kept)
        for warning in [*source.examine(given, config.text), *_doubts(origin.units, vocabulary, config)]:
            progress.warn(warning)
    return vocabulary, given


def _doubts(units: Units, vocabulary: Vocabulary, config: Config) -> list[str]:
    return [] if units.dictionary is None else doubts_about(units.dictionary, vocabulary.words, config.text)


def _join(
    spark: SparkSession,
    documents: Sequence[DataFrame],
    vocabulary: Vocabulary,
    seen: CorpusStatistics,
    config: Config,
    state: RunDirectory,
    plan: Plan,
    progress: Progress,
    whole: Whole | None,
    tags: Tags | None,
    units: Units,
    pieces: Pieces | None,
) -> JoinedText:
    """Find the phrases of the text and encode it with them; an interrupted search begins anew."""
    with progress.stage("phrases"), state.using_words():
        digests = state.begin_corpus(vocabulary, tags)
        labels = WITHOUT_LABELS if whole is None else Labels(True, 0, 0, TAGS_FILE, digests[TAGS_FILE])
        encode = EncodePass(
            config, state.directory, VOCABULARY_FILE, digests[VOCABULARY_FILE], vocabulary, plan.shards, labels,
            units, pieces,
        )  # fmt: skip
        try:
            return join_text(spark, encode, documents, seen, progress, whole is not None and whole.named)
        except InputError:
            state.directory.delete()
            raise


def announce(spark: SparkSession, run: Run, vocabulary: Vocabulary, progress: Progress, force: bool) -> None:
    """Say what is going to be trained, and what memory that takes; refuse what memory is too small for."""
    corpus, plan = run.statistics, run.plan
    progress.say(
        f"{corpus.documents:,} {'document' if corpus.documents == 1 else 'documents'}, {corpus.sentences:,} sentences, "
        f"{corpus.tokens:,} words; vocabulary {len(vocabulary):,} of {corpus.distinct_words:,} words, "
        f"{vocabulary.tokens / max(corpus.tokens, 1):.1%} of the text"
    )
    if corpus.overlong_words:
        progress.say(f"{corpus.overlong_words:,} overlong words dropped")
    if run.config.model.subwords and not run.ngrams:
        least = run.config.model.min_ngram_words
        progress.warn(
            f"no {run.config.model.min_n} to {run.config.model.max_n} letters in a row are in {least} words or more "
            "(model.min_ngram_words): words are trained without n-grams, and no others will have vectors"
        )
    is_counted = run.config.model.objective in COUNTED
    documents = corpus.documents if input_rows_of(run.config.model).documents else 0
    estimate = (
        estimate_counted(run.config, vocabulary, corpus.documents)
        if is_counted
        else MemoryEstimate.build(run.config.model, len(vocabulary), plan.shards, run.others, documents)
    )
    if run.tags > MANY_TAGS:
        progress.warn(
            f"tags have {run.tags:,} values, each of which has a row in every shard as words do: {estimate}; leave a "
            "tag of so many values out, or make it the documents' name"
        )
    rounds = f"at most {plan.rounds} steps" if is_counted else f"{plan.rounds} rounds"
    shards = "1 shard" if plan.shards == 1 else f"{plan.shards} shards"
    slots = task_slots(spark, run.config.train.threads)
    if run.config.train.shards == "auto" and plan.shards < slots:
        shards += f" (of {slots} side by side: with more, so short a run would take longer)"
    progress.say(f"{shards}, {rounds}; {estimate}")
    progress.events.emit(
        "plan", shards=plan.shards, rounds=plan.rounds, epochs=plan.epochs, vocabulary=len(vocabulary),
        tokens=corpus.tokens,
    )  # fmt: skip
    warnings = thread_warnings(spark, run.config.train.threads)
    warnings += check_memory(spark, estimate, plan.shards, force)
    for warning in warnings:
        progress.warn(warning)


def encode_text(
    documents: Sequence[DataFrame],
    run: Run,
    vocabulary: Vocabulary,
    state: RunDirectory,
    progress: Progress,
    whole: Whole | None,
    pieces: Pieces | None = None,
) -> EncodedCorpus:
    """The second pass, or what an interrupted run has kept of it."""
    corpus = state.read_corpus(run.plan.shards)
    if corpus is None:
        digest = run.files[VOCABULARY_FILE]
        labels = WITHOUT_LABELS if whole is None else Labels(True, 0, 0, TAGS_FILE, run.files[TAGS_FILE])
        encode = EncodePass(
            run.config, state.directory, VOCABULARY_FILE, digest, vocabulary, run.plan.shards, labels,
            state.read_units(run), pieces,
        )  # fmt: skip
        with progress.stage("encode"), state.using_words():
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

"""Phrases alone: the table, without a training."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from pyspark.sql import SparkSession

from w2v_spark.config import Config
from w2v_spark.phrases.table import PhraseTable
from w2v_spark.phrases.units import Units
from w2v_spark.publishing.description import describe_packages
from w2v_spark.publishing.layout import PHRASES, SUCCESS_FILE, mark
from w2v_spark.publishing.publication import Publication, swap_in
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import VOCABULARY_FILE
from w2v_spark.run.progress import Progress
from w2v_spark.spark.count_pass import build_vocabulary
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.kept_words import kept_in
from w2v_spark.spark.phrase_pass import counting_config
from w2v_spark.spark.phrase_search import PhraseSearch
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.settings import text_pass_conf
from w2v_spark.spark.source import Source
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.text.user_tokenizer import check_tokenizer, tokenizer_versions


class PhrasesFound(NamedTuple):
    """What was found.

    Attributes
    ----------
    table : PhraseTable
    documents, tokens : int
        Of the text.
    joined : int
        Words of the text that are phrases once all are joined.
    seconds : dict of str to float
        Of each stage, and ``total``.
    """

    table: PhraseTable
    documents: int
    tokens: int
    joined: int
    seconds: dict[str, float]


def find_phrases(
    spark: SparkSession, source: Source, config: Config, units: Units, target: Publication, progress: Progress
) -> PhrasesFound:
    """Find the phrases of a text and write ``phrases.parquet``.

    Parameters
    ----------
    source, target
        Checked already.
    config : Config
        ``[text]``, ``[phrases]`` and ``vocabulary.min_count`` count.
    units : Units
        What words become before they are joined.

    Raises
    ------
    InputError, VocabularyError, ConfigError
        The input cannot be used; nothing has been written.
    """
    begin = time.perf_counter()
    check_tokenizer(config.text)
    state = RunDirectory(mark(target.run))
    with translated_errors(), text_pass_conf(spark, default_parallelism(spark)):
        documents = source.open(spark).select("document")
        pieces = kept_in(state, source.pieces(documents))
        with state.keeping_words(bool(pieces and pieces.kept)), progress.stage("count"):
            vocabulary, seen = build_vocabulary(documents, counting_config(config), units=units, pieces=pieces)
        for warning in source.examine(seen, config.text):
            progress.warn(warning)
        with progress.stage("encode"), state.using_words():
            digest = state.begin_corpus(vocabulary)[VOCABULARY_FILE]
            encode = EncodePass(
                config,
                state.directory,
                VOCABULARY_FILE,
                digest,
                vocabulary,
                default_parallelism(spark),
                units=units,
                pieces=pieces,
            )
            kept = encode.keep([documents], vocabulary.tokens)
        with progress.stage("phrases"):
            found = PhraseSearch.on(spark, encode, kept, seen, progress).find()
    labels = {
        "config": json.dumps(config.to_dict()), "packages": json.dumps(
            describe_packages("pyspark", "numpy", "numba", "pyarrow") | tokenizer_versions(config.text)
        ),
    }  # fmt: skip
    target.check_own()
    staging = target.open_staging()
    staging.write_bytes(PHRASES, found.table.to_bytes(labels))
    staging.sync()
    swap_in(staging, PHRASES, target.directory)
    target.directory.write_bytes(SUCCESS_FILE, b"", durable=True)
    seconds = {**progress.seconds, "total": round(time.perf_counter() - begin, 3)}
    joined = int(found.counts[len(vocabulary) + 1 :].sum())
    return PhrasesFound(found.table, seen.documents, seen.tokens, joined, seconds)

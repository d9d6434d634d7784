"""Documents that get vectors of their own: their names, and how much text has each of their tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, TimestampType

from w2v_spark.config import COUNTED, Config, Objective
from w2v_spark.corpus.tags import Tags
from w2v_spark.errors import ConfigError, InputError, Name
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.spark.document_chunks import FoundDocuments
from w2v_spark.spark.source import Source

MANY_TAGS = 1_000_000
"""Rows that every shard holds, beyond which it is said what they cost."""
_SHOWN_LETTERS: Final = 60  # of a name, in messages


@dataclass(frozen=True, slots=True)
class Whole:
    """Documents that get vectors of their own, or that words are counted in.

    Attributes
    ----------
    named : bool
        They come with names; else their content names them.
    tags : tuple of str
        What their tags are called.
    """

    named: bool
    tags: tuple[str, ...]

    @classmethod
    def build(cls, config: Config, source: Source, documents: DataFrame) -> Whole | None:
        """What a configuration asks for of the documents that a source has opened; None for words alone.

        Raises `ConfigError` where tags would be for nothing.
        """
        if input_rows_of(config.model).documents:
            return cls(has_names(documents), source.tags)
        if source.tags and config.model.objective in COUNTED:
            raise ConfigError(
                Name("tag"), f" = {source.tags[0]!r} gives vectors to what documents share, which ",
                Name("model.objective"), f" = '{config.model.objective}' does not: leave it away",
            )  # fmt: skip
        if config.model.objective is Objective.LSA:  # which counts by documents
            return cls(has_names(documents), ())
        if source.tags:
            raise ConfigError(
                Name("tag"), f" = {source.tags[0]!r} gives vectors to what documents share, which ",
                Name("model.architecture"), f" = '{config.model.architecture}' does not: choose 'pv_dbow' or 'pv_dm'",
            )  # fmt: skip
        return None

    def count_tags(self, documents: DataFrame) -> Tags:
        """See `count_tags`."""
        return count_tags(documents, self.tags)


def open_documents(spark: SparkSession, source: Source, config: Config) -> tuple[DataFrame, Whole | None]:
    """The documents of a source, and what is wanted of them, see `Whole.build`."""
    documents = source.open(spark)
    whole = Whole.build(config, source, documents)
    return documents if whole is None else with_names(documents), whole


def has_names(documents: DataFrame) -> bool:
    """Whether documents come with names."""
    return "id" in documents.columns


def with_names(documents: DataFrame) -> DataFrame:
    """Documents with a column ``hash``, int64, of their names; these are hashes of the content where there are none."""
    if not has_names(documents):
        documents = documents.withColumn("id", _content(documents))
    tags = [name for name in documents.columns if name.startswith("tag")]
    name = F.col("id")
    if isinstance(documents.schema["id"].dataType, TimestampType):  # whose text depends on the session's time zone
        name = F.unix_micros(name)
    return documents.select("document", "id", F.xxhash64(name.cast("string")).alias("hash"), *tags)


def _content(documents: DataFrame) -> Column:
    """A hash of each document, 32 hexadecimal digits; null for null."""
    kind = documents.schema["document"].dataType
    document = F.col("document")
    if isinstance(kind, ArrayType):
        document = F.when(document.isNotNull(), F.to_json(F.struct(document)))
    return F.md5(document.cast("binary"))


def count_tags(documents: DataFrame, names: Sequence[str]) -> Tags:
    """All values of the tags, and the share of the text that has each.

    Parameters
    ----------
    documents : DataFrame
        With columns ``tag0``, ``tag1`` and so on.
    names : sequence of str
        What they are called.

    Notes
    -----
    One pass over the input. The share is by length: of characters, or of words where documents are lists. Memory on the
    driver: the values.
    """
    if not names:
        return Tags.none()
    is_list = isinstance(documents.schema["document"].dataType, ArrayType)
    size = (F.size if is_list else F.length)(F.col("document")).cast("long").alias("size")
    told = documents.where(F.col("document").isNotNull())
    frames = [
        told.select(F.lit(number).alias("number"), F.explode(f"tag{number}").alias("value"), size)
        for number in range(len(names))
    ]
    frames.append(told.select(F.lit(-1).alias("number"), F.lit("").alias("value"), size))
    counted = reduce(DataFrame.union, frames).groupBy("number", "value")
    table = counted.agg(F.count("*").alias("documents"), F.sum("size").alias("size")).toArrow()
    if not table.filter(table["number"].to_numpy() < 0).num_rows:
        raise InputError("there is no document in the input, so no tag either")
    return Tags.build(names, table)


def check_found(found: FoundDocuments, named: bool) -> None:
    """Refuse documents that cannot be told apart by their names.

    Raises
    ------
    InputError
        Some have none, or share one; names and counts are given.
    """
    if not named:
        return
    if found.nulls:
        raise InputError(
            Name("id"), f": {found.nulls:,} documents have no name (null); give each its own, leave them out with ",
            Name("where"), ", or leave ", Name("id"), " away: the content then names a document",
        )  # fmt: skip
    if found.repeated:
        shown = ", ".join(f"{_shortened(name)} ({copies:,} documents)" for name, copies in found.examples)
        more = ", ..." if found.repeated > len(found.examples) else ""
        raise InputError(
            Name("id"), f": {found.repeated:,} names are those of more than one document: {shown}{more}; a name has "
            "one vector. Join the parts of a document into one; what documents share is a tag of theirs in a training",
        )  # fmt: skip


def _shortened(name: object) -> str:
    """A name in quotes; of a text that was taken for one, the beginning."""
    text = repr(name)
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}..."

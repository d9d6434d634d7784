"""Documents and tags are trained beside words: who has a vector, what is said of it, and the same bits every time."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.spark.document_corpus import (
    LONG,
    NAMED,
    TAGGED,
    Tables,
    build_rows,
    content,
    numbers,
    run,
    tags_of,
    tokens_of,
    write_rows,
)
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.whole_documents import ShardDocuments
from w2v_spark.run.directory import CORPUS_FILE
from w2v_spark.storage import Directory

ROWS = build_rows()
DBOW, DM, PLAIN, TREE = (
    "model.architecture=pv_dbow", "model.architecture=pv_dm", "model.dbow_words=false",
    "model.objective=hierarchical_softmax",
)  # fmt: skip


def assert_tables_are_right(output: Path) -> Tables:
    tables = Tables(output)
    assert tables.tokens == tokens_of(ROWS)
    assert tables.documents.schema.field("id").type == pa.int64()
    assert all(np.isfinite(vector).all() and vector.any() for vector in tables.vectors.values())
    assert len(np.unique(np.stack(list(tables.vectors.values())), axis=0)) == len(tables.vectors)
    return tables


def test_documents_with_a_known_word_and_their_tags_have_vectors(document_model: Path) -> None:
    tables = assert_tables_are_right(document_model)
    assert tables.tags == tags_of(ROWS)
    assert ("party", "nobody") not in tables.tags, "of a document without a known word"


@pytest.mark.parametrize(
    "settings",
    [[DBOW, TREE], [DBOW, PLAIN], [DBOW, PLAIN, TREE], [DM], [DM, TREE, "train.merge=mean"]],
    ids=" ".join,
)
def test_every_model_trains(spark: SparkSession, document_source: Path, tmp_path: Path, settings: list[str]) -> None:
    tables = assert_tables_are_right(run(document_source, tmp_path / "out", *TAGGED, settings=settings))
    assert tables.tags == tags_of(ROWS)
    assert tables.words.any(axis=1).all()
    if PLAIN in settings:  # rows of words begin at random elsewhere; here they are what words are scored by
        topics = np.array([word[1] for word in _words(tmp_path / "out")])
        unit = tables.words / np.linalg.norm(tables.words, axis=1, keepdims=True)
        nearest = (unit @ unit.T - 2 * np.eye(len(unit))).argmax(axis=1)
        assert (topics[nearest] == topics).mean() > 0.7


def _words(output: Path) -> list[str]:
    words: list[str] = pa.parquet.read_table(output / "vectors")["word"].to_pylist()
    return words


def test_a_long_document_is_whole_in_one_shard(documents_root: Path) -> None:
    """Its 30,000 words are several chunks."""
    folder = Directory.open(documents_root / "_run")
    corpus = EncodedCorpus.read(folder, CORPUS_FILE)
    shards = [ShardDocuments.read(folder.child("corpus"), shard) for shard in corpus.shards]
    lengths = [np.diff(documents.token_starts) for documents in shards]
    assert sorted(np.concatenate(lengths).tolist())[-1] == LONG
    assert sum(map(len, lengths)) == len(tokens_of(ROWS))
    assert [shard.tokens for shard in corpus.shards] == [sum(some) for some in lengths]


def test_files_order_and_partitions_of_the_input_do_not_matter(
    spark: SparkSession, document_model: Path, tmp_path: Path
) -> None:
    """Names may be of another integer type, tags in another order, and be given twice."""
    rows = [{**row, "themes": row["themes"] and row["themes"][::-1] * 2} for row in ROWS[::-1]]
    other = write_rows(tmp_path / "in", rows, files=5)
    partitions = spark.conf.get("spark.sql.files.maxPartitionBytes")
    try:
        spark.conf.set("spark.sql.files.maxPartitionBytes", "4096")
        output = run(other, tmp_path / "out", *TAGGED, settings=[DBOW])
    finally:
        spark.conf.set("spark.sql.files.maxPartitionBytes", partitions or "128MB")
    assert content(output) == content(document_model)


@pytest.mark.parametrize("settings", [[DBOW], [DM, TREE]], ids=" ".join)
def test_one_shard_does_not_depend_on_the_number_of_rounds(
    spark: SparkSession, document_source: Path, tmp_path: Path, settings: list[str]
) -> None:
    one, nine = (
        numbers(run(document_source, tmp_path / rounds, *TAGGED, settings=[*settings, "train.shards=1", rounds]))
        for rounds in ("train.rounds=1", "train.rounds=9")
    )
    assert one == nine


def test_the_content_names_documents_without_names(spark: SparkSession, tmp_path: Path) -> None:
    """Equal documents are one, with the words of all."""
    texts = ["a b c a", "b c", "a b c a", "unseen", None]
    source = write_rows(tmp_path / "in", [{"text": text} for text in texts])
    tables = Tables(run(source, tmp_path / "out", settings=[DBOW]))
    assert tables.tokens == {
        hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(): tokens
        for text, tokens in (("a b c a", 8), ("b c", 2))
    }


def test_names_that_are_points_in_time(spark: SparkSession, tmp_path: Path) -> None:
    """Whatever time zone the session is in; these three are an hour apart, and two of them one local time."""
    begin, kind = datetime.datetime(2024, 10, 26, 23, 30, tzinfo=datetime.UTC), pa.timestamp("us", "UTC")
    rows = [
        {"name": begin + datetime.timedelta(hours=hours), "text": f"a b c {'a ' * hours}"} for hours in range(3)
    ]  # fmt: skip
    source = write_rows(tmp_path / "in", rows, name=kind)
    zone, found = spark.conf.get("spark.sql.session.timeZone"), []
    try:
        for name in ("UTC", "Europe/Berlin"):
            spark.conf.set("spark.sql.session.timeZone", name)
            found.append(run(source, tmp_path / name, *NAMED, settings=[DBOW]))
    finally:
        spark.conf.set("spark.sql.session.timeZone", zone or "UTC")
    tables = Tables(found[0])
    assert tables.tokens == tokens_of(rows)
    assert tables.documents.schema.field("id").type == kind
    assert content(found[0]) == content(found[1])

"""Older text in retraining: what is drawn again, and how it is counted."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.spark.test_retrain import make_documents
from w2v_spark.config import Config
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import InputError
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import VOCABULARY_FILE
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.older_text import draw
from w2v_spark.storage import Directory


def test_older_text_is_counted_when_it_is_encoded(spark: SparkSession, tmp_path: Path) -> None:
    """Into as many files as it takes, with and without names of documents; the naive counts are the truth."""
    texts = [make_documents(40, seed) for seed in (1, 2, 3)]
    words = Counter(word for line in texts[0] for word in line.split())
    table = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    vocabulary = Vocabulary(pa.array([word for word, _ in table]), np.array([count for _, count in table]))
    run, config = RunDirectory(Directory.open(tmp_path)), Config()
    digest = run.begin_corpus(vocabulary)[VOCABULARY_FILE]
    for shards, named in ((1, False), (7, False), (7, True)):
        rows = [[(line, f"{number}-{row}") for row, line in enumerate(lines)] for number, lines in enumerate(texts)]
        frames = [spark.createDataFrame(some, "document string, id string") for some in rows]
        frames = frames if named else [frame.drop("id") for frame in frames]
        encode = EncodePass(config, run.directory, VOCABULARY_FILE, digest, vocabulary, shards)
        corpus, trained, others = encode.encode_and_count(frames, vocabulary.tokens)
        counted = Counter(word for lines in texts for line in lines for word in line.split())
        assert trained.tolist() == [counted[word] for word, _ in table]
        assert corpus.tokens == trained.sum()
        assert (others.documents, others.tokens) == (80, 2400)
        read = [np.concatenate([ids for ids, *_ in shard.read(run.corpus, 0, shard.tokens)]) for shard in corpus.shards]
        np.testing.assert_array_equal(np.bincount(np.concatenate(read), minlength=len(table)), trained)
        with pytest.raises(InputError, match="has changed while it was read: it had 1,200 words"):
            encode.encode_and_count([frames[0].limit(39), *frames[1:]], vocabulary.tokens)


@pytest.mark.parametrize("share", [0.25, 0.3, 1.0])
def test_every_document_comes_again_as_often_as_any_other(spark: SparkSession, share: float) -> None:
    """With a quarter, every fourth time; with three tenths, three times in ten."""
    documents = spark.createDataFrame([(f"document {number}",) for number in range(400)], "document string")
    times: Counter[str] = Counter()
    for generation in range(20):
        drawn = [row.document for row in draw(documents, share, generation).collect()]
        assert len(drawn) == pytest.approx(400 * share, abs=60)
        times.update(drawn)
    assert len(times) == 400
    assert set(times.values()) <= {20 * share, 20 * share - 1, 20 * share + 1}

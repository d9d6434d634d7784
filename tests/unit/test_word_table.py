from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_spark.config import VocabularyConfig
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import StoreError, VocabularyError
from w2v_spark.storage import Directory, digest
from w2v_spark.text.words import Words


def as_words(words):
    return Words.from_strings(pa.array(words, pa.string()))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text(min_size=1, max_size=12), max_size=50), max_size=5))
def test_counts_equal_a_counter(parts):
    table, expected = WordTable(), Counter()
    for part in parts:
        table.count(as_words(part))
        expected.update(part)
    words = table.words().to_pylist()
    assert dict(zip(words, table.counts().tolist(), strict=True)) == dict(expected)
    assert words == list(expected), "words are numbered in the order of their first occurrence"


def test_grows_and_finds_a_million_words():
    words = [f"word{i}" for i in range(1_000_000)]
    table = WordTable.from_words(pa.array(words))
    ids = np.empty(4, np.int32)
    table.find(as_words(["word0", "word999999", "word", "word500000"]), ids)
    assert ids.tolist() == [0, 999_999, -1, 500_000]
    assert len(table) == 1_000_000


def test_clear_forgets():
    table = WordTable()
    table.count(as_words(["a", "b", "a"]))
    table.clear()
    table.count(as_words(["b"]))
    assert table.words().to_pylist() == ["b"]
    assert table.counts().tolist() == [1]


def test_repeated_words_are_refused():
    with pytest.raises(ValueError, match="twice"):
        WordTable.from_words(pa.array(["a", "b", "a"]))


def test_vocabulary_order_and_limits():
    words, counts = pa.array(["b", "ä", "a", "z", "rare"]), np.array([5, 5, 5, 9, 1])
    vocabulary = Vocabulary.build(words, counts, VocabularyConfig(min_count=2))
    assert vocabulary.words.to_pylist() == ["z", "a", "b", "ä"]
    assert vocabulary.counts.tolist() == [9, 5, 5, 5]
    assert vocabulary.tokens == 24
    assert Vocabulary.build(words, counts, VocabularyConfig(max_size=3)).words.to_pylist() == ["z", "a", "b"]


@pytest.mark.parametrize(
    ("words", "config", "message"),
    [
        ([], VocabularyConfig(), "no word reaches vocabulary.min_count = 5.*there are no words"),
        (["a"], VocabularyConfig(), "no word reaches.*occurs 4 times"),
        (["a"], VocabularyConfig(min_count=1), "only one word"),
    ],
)
def test_vocabularies_too_small_to_train(words, config, message):
    with pytest.raises(VocabularyError, match=message):
        Vocabulary.build(pa.array(words, pa.string()), np.full(len(words), 4), config)


def test_vocabulary_round_trip(tmp_path):
    directory = Directory.open(tmp_path)
    vocabulary = Vocabulary.build(pa.array(["x", "y"]), np.array([2**40, 7]), VocabularyConfig())
    data = vocabulary.to_bytes()
    directory.write_bytes("v.parquet", data)
    again = Vocabulary.read(directory, "v.parquet", digest(data))
    assert again.words.equals(vocabulary.words)
    assert again.counts.tolist() == [2**40, 7]
    (tmp_path / "v.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(StoreError, match="damaged"):
        Vocabulary.read(directory, "v.parquet", digest(data))
    with pytest.raises(StoreError, match=r"v\.parquet cannot be read"):
        Vocabulary.read(directory, "v.parquet", digest(b"PAR1 but not really"))

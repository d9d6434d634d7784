"""Counting pairs, joining them and scoring them, each against its twin on lists of words."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive import phrases as naive
from w2v_spark.config import Config, Sentences, TextConfig
from w2v_spark.config.choices import PhraseScorer
from w2v_spark.corpus.chunk_files import ids_of, read_chunks, with_ids, write_chunks
from w2v_spark.corpus.chunks import ChunkEncoder, decode_ids
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import ConfigError, InputError, StoreError
from w2v_spark.phrases.candidates import Kinds
from w2v_spark.phrases.connectors import read_connectors
from w2v_spark.phrases.joiner import PhraseJoiner
from w2v_spark.phrases.joining import PhraseIndex, renumber
from w2v_spark.phrases.pair_table import COUNT, PAIR, RUN, PairTable
from w2v_spark.phrases.scores import Bounds, Corpus, score_pairs, threshold_of
from w2v_spark.phrases.table import PhraseTable, check_delimiter
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.text.whole_sentences import ChangingAnalyzer
from w2v_spark.text.words import Words

WORDS = ["a", "b", "c", "d", "of", "the"]
GAP = "?"
BETWEEN = ("of", "the")
SENTENCES = st.lists(st.lists(st.sampled_from([*WORDS, GAP]), min_size=1, max_size=14), min_size=1, max_size=12)


def signed_of(sentences):
    ids = [[WORDS.index(word) if word in WORDS else len(WORDS) for word in sentence] for sentence in sentences]
    flat = [~i if place == len(row) - 1 else i for row in ids for place, i in enumerate(row)]
    return np.array(flat, np.int32), np.array([len(flat)], np.int32)


def words_of(signed, names):
    ids, offsets = decode_ids(signed)
    return [[names[i] for i in ids[a:b]] for a, b in itertools.pairwise(offsets)]


def all_pairs(ids):
    return Bounds(np.full(ids, 1 << 40), np.zeros(ids, np.int64), 0.0, 1)


@pytest.mark.parametrize("connectors", [(), BETWEEN], ids=["none", "of, the"])
@given(sentences=SENTENCES)
def test_pairs_are_counted_exactly(connectors, sentences):
    kinds = Kinds.of_words(pa.array(WORDS), connectors)
    table = PairTable()
    table.count(signed_of(sentences)[0], kinds, all_pairs(len(WORDS) + 1))
    _, expected = naive.count(sentences, connectors, set(WORDS))
    found = {}
    for pair in table.pairs():
        inner = [WORDS[i] for i in kinds.run(int(pair[RUN]))]
        found[WORDS[pair[PAIR] >> 32], *inner, WORDS[pair[PAIR] & 0xFFFFFFFF]] = int(pair[COUNT])
    assert found == expected


def test_many_pairs_make_the_table_grow_and_parts_hold_all_of_them():
    random = np.random.default_rng(1)
    ids = random.integers(0, 5000, 400_000).astype(np.int32)
    ids[::9] ^= -1
    ids[-1] = ~abs(ids[-1])
    kinds = Kinds.of_words(pa.array([f"w{n}" for n in range(5000)]), ())
    table = PairTable()
    table.count(ids, kinds, all_pairs(5001))
    plain = ids ^ (ids >> 31)
    inside = ids[:-1] >= 0
    expected = Counter(((plain[:-1][inside].astype(np.int64) << 32) | plain[1:][inside]).tolist())
    assert dict(zip(table.pairs()[:, PAIR].tolist(), table.pairs()[:, COUNT].tolist(), strict=True)) == expected
    parts = table.parted(7, runs=False)
    assert sum(map(len, parts)) == len(expected)
    again = PairTable(10)
    for part in parts:
        pairs = np.zeros((len(part), 3), np.int64)
        pairs[:, [PAIR, COUNT]] = part
        again.add(pairs)
        again.add(pairs)
    assert {pair: 2 * count for pair, count in expected.items()} == dict(again.pairs()[:, [PAIR, COUNT]].tolist())
    assert sorted(table.parted(7, runs=True)[3][:, PAIR]) == sorted(parts[3][:, 0])


@given(sentences=SENTENCES, threshold=st.floats(0.1, 4))
def test_what_is_left_out_can_be_no_phrase(sentences, threshold):
    """By bounds of the score, words that are too frequent for a phrase are not counted."""
    words, _ = naive.count(sentences, (), set(WORDS))
    counts = np.array([*(words[word] for word in WORDS), 0], np.int64)
    tokens = sum(words.values())
    table = PairTable()
    bounds = Bounds.of(PhraseScorer.WORD2PHRASE, counts, counts, tokens, threshold, 1)
    table.count(signed_of(sentences)[0], Kinds.of_words(pa.array(WORDS), ()), bounds)
    pairs = table.pairs()
    first, second = counts[pairs[:, PAIR] >> 32], counts[pairs[:, PAIR] & 0xFFFFFFFF]
    scores = score_pairs(PhraseScorer.WORD2PHRASE, pairs[:, COUNT], first, second, Corpus(tokens, 0), 1)
    found = {(WORDS[p >> 32], WORDS[p & 0xFFFFFFFF]) for p in pairs[scores > threshold, PAIR].tolist()}
    known = [[word for word in part.split() if word] for s in sentences for part in " ".join(s).split(GAP)]
    expected = {
        parts for parts, count in naive.count(known, (), set(WORDS))[1].items()
        if naive.score("word2phrase", count, words[parts[0]], words[parts[1]], tokens, 0, 1) > threshold
    }  # fmt: skip
    assert found == expected


PHRASES = {("a", "b"), ("b", "of", "c"), ("c", "of", "the", "d"), ("d", "d")}
NAMES = [*WORDS, GAP, *("_".join(parts) for parts in sorted(PHRASES))]


@given(sentences=SENTENCES)
def test_phrases_are_joined_from_left_to_right(sentences):
    kinds = Kinds.of_words(pa.array(WORDS), BETWEEN, len(PHRASES))
    pairs = []
    for parts in sorted(PHRASES):
        run = 0
        for word in parts[1:-1]:
            run = run * kinds.base + int(kinds.of[WORDS.index(word)])
        pairs.append((WORDS.index(parts[0]) << 32 | WORDS.index(parts[-1]), run))
    index = PhraseIndex(np.array(pairs, np.int64), np.arange(len(WORDS) + 1, len(NAMES)), len(NAMES))
    joined, ends = index.join(*signed_of(sentences), kinds)
    assert ends.tolist() == [len(joined)]
    assert words_of(joined, NAMES) == [naive.join(sentence, PHRASES, BETWEEN) for sentence in sentences]


@given(sentences=SENTENCES)
def test_ids_get_other_numbers_and_empty_sentences_go(sentences):
    numbers = np.array([3, -1, 0, 1, -1, 2, -1], np.int32)
    signed, ends = renumber(*signed_of(sentences), numbers)
    names = {numbers[i]: WORDS[i] for i in (0, 2, 3, 5)}
    expected = [[word for word in sentence if word in names.values()] for sentence in sentences]
    assert words_of(signed, names) == [sentence for sentence in expected if sentence]
    assert ends.tolist() == [len(signed)]


def table_of(*passes):
    table = PhraseTable.none()
    for number, phrases in enumerate(passes, 1):
        ones = [1] * len(phrases)
        columns = {"phrase": ["_".join(p) for p in phrases], "parts": phrases, "count": ones, "count_a": ones}
        table = table.with_pass(pa.table({**columns, "count_b": ones, "score": [1.0] * len(phrases)}), number)
    return table


@given(documents=st.lists(SENTENCES.map(lambda s: [" ".join(row) for row in s]), min_size=1, max_size=4))
def test_later_text_is_joined_like_the_ids(documents):
    """Documents of sentences; sentences may lie across the buffers of the analyzer."""
    first, second = sorted(PHRASES), [("a_b", "of", "c"), ("d_d", "a_b")]
    joiner = PhraseJoiner(table_of(first, second))
    analyzer = ChangingAnalyzer(build_analyzer(TextConfig(sentences=Sentences.LINE)), joiner)
    found = []
    for words in analyzer.words(pa.array(["\n".join(rows) for rows in documents])):
        text = bytes(words.text)
        spans = zip(words.offsets[:-1].tolist(), words.offsets[1:].tolist(), words.breaks.tolist(), strict=True)
        for start, end, is_new in spans:
            if is_new or not found:
                found.append([])
            found[-1].append(text[start:end].decode())
    expected = []
    for row in (row for rows in documents for row in rows):
        words = [word for word in row.replace(GAP, " ").split() if word]  # a mark is no word, and ends no line
        expected.append(naive.join(naive.join(words, PHRASES, BETWEEN), set(second), BETWEEN))
    assert found == [row for row in expected if row]


def test_gaps_change_neither_keys_nor_cuts():
    documents = pa.array(["a x b. c y y d a", "x a x x b x", "a " * 9010 + "x b"])
    tables = []
    for gap in (None, 4):
        encoder = ChunkEncoder(WordTable.from_words(pa.array(["a", "b", "c", "d"])), 50, 3, 1, gap)
        batches = [batch for words in build_analyzer(TextConfig()).words(documents) for batch in encoder.add(words)]
        tables.append(pa.Table.from_batches([*batches, encoder.finish()]))
    without, having = tables
    assert without.drop("ids") == having.drop("ids")
    signed, ends = ids_of(having)
    assert np.count_nonzero(signed == 4) == 4
    kept = renumber(signed, ends, np.array([0, 1, 2, 3, -1], np.int32))
    assert [part.tolist() for part in kept] == [part.tolist() for part in ids_of(without)]


def test_chunks_are_kept_in_files(tmp_path):
    directory = Directory.open(str(tmp_path))
    ids = [np.array(row, np.int32).tobytes() for row in ([1, ~2], [~3], [4, 5, ~6])]
    chunks = pa.table({"key": [7, 8, 9], "ids": pa.array(ids, pa.binary()), "id": ["x", "y", "z"]})
    file = write_chunks(directory, chunks)
    found = read_chunks(directory, file)
    signed, ends = ids_of(found)
    assert (signed.tolist(), ends.tolist()) == ([1, ~2, ~3, 4, 5, ~6], [2, 3, 6])
    left = with_ids(found, np.array([1, ~5], np.int32), np.array([1, 1, 2], np.int32))
    assert left["id"].to_pylist() == ["x", "z"], "a chunk that has lost its ids is gone"
    (tmp_path / file.name).write_bytes((tmp_path / file.name).read_bytes()[:-1] + b"!")
    with pytest.raises(StoreError):
        read_chunks(directory, file)


def test_the_table_is_written_and_read(tmp_path):
    table, directory = table_of([("a", "b")], [("a_b", "of", "c")]), Directory.open(str(tmp_path))
    directory.write_bytes("phrases.parquet", table.to_bytes({"config": "{}"}))
    again = PhraseTable.read(directory, "phrases.parquet")
    assert again.table.replace_schema_metadata() == table.table.replace_schema_metadata()
    assert (again.passes, again.table["id"].to_pylist()) == (2, [0, 1])
    (tmp_path / "phrases.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(StoreError, match=r"phrases\.parquet"):
        PhraseTable.read(directory, "phrases.parquet")


def test_thresholds_fall_and_scorers_have_their_own():
    assert [threshold_of(PhraseScorer.WORD2PHRASE, None, n) for n in (1, 2)] == [100, 50]
    assert [threshold_of(PhraseScorer.GENSIM, 8, n) for n in (1, 2, 3)] == [8, 4, 2]
    assert threshold_of(PhraseScorer.NPMI, -0.5, 2) == -0.5


def test_connector_words_are_of_languages_or_a_file(tmp_path):
    assert {"of", "und"} <= set(read_connectors("en, de"))
    (tmp_path / "own.txt").write_text("van\nder\n")
    assert read_connectors(str(tmp_path / "own.txt")) == ("der", "van")
    assert read_connectors("") == ()
    with pytest.raises(ConfigError, match=r"phrases\.connector_words = 'xx' names neither languages nor a file"):
        read_connectors("xx")


def test_bounds_of_settings():
    for wrong in ("phrases.passes=5", "phrases.threshold=-2", "phrases.scorer=pmi", "phrases.min_count=0"):
        with pytest.raises(ConfigError, match=r"^phrases\."):
            Config.load(None, [wrong])


def test_ready_words_with_the_delimiter_are_refused():
    check_delimiter(Words.from_strings(pa.array(["new", "york"])))
    with pytest.raises(InputError, match="the word 'new_york' holds '_'"):
        check_delimiter(Words.from_strings(pa.array(["in", "new_york"])))

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
from w2v_spark.corpus.chunk_files import ids_of, read_chunks, read_ids, with_ids, write_chunks, write_ids
from w2v_spark.corpus.chunks import ChunkEncoder, decode_ids
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import ConfigError, InputError, StoreError
from w2v_spark.phrases.candidates import Kinds
from w2v_spark.phrases.connectors import read_connectors
from w2v_spark.phrases.joiner import PhraseJoiner
from w2v_spark.phrases.joining import PhraseIndex, renumber
from w2v_spark.phrases.pair_files import read_part, write_sums
from w2v_spark.phrases.pair_sums import add_up, list_pairs
from w2v_spark.phrases.pair_table import Pairs
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


def counts_of(pairs):
    return dict(zip(pairs.ids.tolist(), pairs.counts.tolist(), strict=True))


@pytest.mark.parametrize("connectors", [(), BETWEEN], ids=["none", "of, the"])
@given(sentences=SENTENCES)
def test_pairs_are_counted_exactly(connectors, sentences):
    kinds = Kinds.of_words(pa.array(WORDS), connectors)
    pairs = add_up(list_pairs(signed_of(sentences)[0], kinds, Bounds.none(len(WORDS) + 1)), 1).pairs
    runs = pairs.runs if connectors else np.zeros_like(pairs.ids)
    _, expected = naive.count(sentences, connectors, set(WORDS))
    found = {}
    for pair, run, count in zip(pairs.ids.tolist(), runs.tolist(), pairs.counts.tolist(), strict=True):
        inner = [WORDS[i] for i in kinds.run(run)]
        found[WORDS[pair >> 32], *inner, WORDS[pair & 0xFFFFFFFF]] = count
    assert found == expected


@pytest.mark.parametrize("connectors", [(), ("w7", "w8")], ids=["none", "two"])
def test_pairs_of_many_files_are_added_up_part_by_part(tmp_path, connectors):
    """More pairs than a table holds at first, one of them most of the time, in three files of seven parts."""
    random, parts, directory = np.random.default_rng(1), 7, Directory.open(str(tmp_path))
    kinds = Kinds.of_words(pa.array([f"w{n}" for n in range(5000)]), connectors)
    expected, files = Counter(), []
    for _ in range(3):
        ids = random.integers(0, 5000, 200_000).astype(np.int32)
        ids[random.random(len(ids)) < 0.4] = 9
        ids[random.random(len(ids)) < 0.1] = 7
        ids[::9] ^= -1
        ids[-1] = ~abs(ids[-1])
        listed = list_pairs(ids, kinds, Bounds.none(5001))
        runs = listed.runs if connectors else np.zeros_like(listed.ids)
        expected.update(zip(listed.ids.tolist(), runs.tolist(), strict=True))
        files.append(write_sums(directory, add_up(listed, parts)))
    assert len(expected) > 100_000
    found, sizes = {}, []
    for part in range(parts):
        sums = add_up(read_part(directory, tuple(files), part, parts, bool(connectors)), parts, part)
        runs = sums.pairs.runs if connectors else np.zeros_like(sums.pairs.ids)
        keys = zip(sums.pairs.ids.tolist(), runs.tolist(), strict=True)
        found |= dict(zip(keys, sums.pairs.counts.tolist(), strict=True))
        sizes.append(len(runs))
        assert sums.ends.tolist() == [sizes[-1]]
    assert found == expected
    assert sum(sizes) == len(expected), "a pair is in one part alone"
    assert max(sizes) < 1.1 * min(sizes)


def test_nothing_is_a_sum_too(tmp_path):
    directory, nothing = Directory.open(str(tmp_path)), np.empty(0, np.int64)
    file = write_sums(directory, add_up(Pairs(nothing, nothing, nothing), 3))
    assert [len(column) for column in read_part(directory, (file,), 1, 3, runs=False)] == [0, 0, 0]
    assert [len(column) for column in read_part(directory, (), 0, 3, runs=True)] == [0, 0, 0]


def test_a_damaged_part_is_refused_and_others_are_read(tmp_path):
    pairs = Pairs(np.arange(1000), np.empty(0, np.int64), np.ones(1000, np.int64))
    directory = Directory.open(str(tmp_path))
    file = write_sums(directory, add_up(pairs, 4))
    data = (tmp_path / file.name).read_bytes()
    (tmp_path / file.name).write_bytes(data[:-1] + b"!")
    read = [counts_of(read_part(directory, (file,), part, 4, runs=False)) for part in range(3)]
    assert sum(map(len, read)) < 1000
    with pytest.raises(StoreError, match="its content is not what was written"):
        read_part(directory, (file,), 3, 4, runs=False)
    (tmp_path / file.name).write_bytes(b"!" + data[1:])
    with pytest.raises(StoreError, match="its index is not what was written"):
        read_part(directory, (file,), 0, 4, runs=False)


@given(sentences=SENTENCES, threshold=st.floats(0.1, 4))
def test_what_is_left_out_can_be_no_phrase(sentences, threshold):
    """By bounds of the score, words that are too frequent for a phrase are not counted."""
    words, _ = naive.count(sentences, (), set(WORDS))
    counts = np.array([*(words[word] for word in WORDS), 0], np.int64)
    tokens = sum(words.values())
    bounds = Bounds.of(PhraseScorer.WORD2PHRASE, counts, counts, tokens, threshold, 1)
    pairs = add_up(list_pairs(signed_of(sentences)[0], Kinds.of_words(pa.array(WORDS), ()), bounds), 1).pairs
    first, second = counts[pairs.ids >> 32], counts[pairs.ids & 0xFFFFFFFF]
    scores = score_pairs(PhraseScorer.WORD2PHRASE, pairs.counts, first, second, Corpus(tokens, 0), 1)
    found = {(WORDS[p >> 32], WORDS[p & 0xFFFFFFFF]) for p in pairs.ids[scores > threshold].tolist()}
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
    index = PhraseIndex(np.array(pairs, np.int64), np.arange(len(WORDS) + 1, len(NAMES)), kinds)
    times = np.zeros(len(pairs), np.int64)
    joined, ends = index.join(*signed_of(sentences), times)
    found = Counter(name for words in words_of(joined, NAMES) for name in words if "_" in name)
    assert found == Counter(dict(zip(NAMES[len(WORDS) + 1 :], times.tolist(), strict=True)))
    assert ends.tolist() == [len(joined)]
    assert words_of(joined, NAMES) == [naive.join(sentence, PHRASES, BETWEEN) for sentence in sentences]


def test_what_a_phrase_takes_its_parts_lose():
    table = table_of([("a", "b"), ("b", "of", "c"), ("a", "b_c")], [("a_b", "b_of_c")])
    first, second = table.in_ids(pa.array([*WORDS, "b_c"]))
    names = table.names().to_pylist()
    assert names == ["a_b", "b_of_c", "a_b_c", "a_b_b_of_c"]
    counts = np.array([10, 10, 10, 10, 10, 10, 10, 0, *[0] * len(names)], np.int64)
    for each, times in ((first, [2, 3, 1]), (second, [2])):
        each.take(counts, np.array(times))
        each.give(counts, np.array(times))
    assert counts.tolist() == [7, 5, 7, 10, 7, 10, 9, 0, 0, 1, 1, 2]
    kinds = Kinds.of_words(pa.array([*WORDS, "b_c"]), BETWEEN, len(names))
    assert first.pairs(kinds).tolist() == [[1, 0], [1 << 32 | 2, int(kinds.of[4])], [6, 0]]
    assert second.pairs(kinds).tolist() == [[8 << 32 | 9, 0]]
    assert PhraseTable.none().in_ids(pa.array(WORDS)) == []


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


def test_chunks_and_their_ids_are_kept_in_files(tmp_path):
    directory = Directory.open(str(tmp_path))
    ids = [np.array(row, np.int32).tobytes() for row in ([1, ~2], [~3], [4, 5, ~6])]
    chunks = pa.table({"key": [7, 8, 9], "ids": pa.array(ids, pa.binary()), "id": ["x", "y", "z"]})
    file, others = write_ids(directory, *ids_of(chunks)), write_chunks(directory, chunks)
    signed, ends = read_ids(directory, file)
    found = read_chunks(directory, others)
    assert found.column_names == ["key", "id"]
    assert (signed.tolist(), ends.tolist()) == ([1, ~2, ~3, 4, 5, ~6], [2, 3, 6])
    left = with_ids(found, np.array([1, ~5], np.int32), np.array([1, 1, 2], np.int32))
    assert left["id"].to_pylist() == ["x", "z"], "a chunk that has lost its ids is gone"
    for kept, read in ((file, read_ids), (others, read_chunks)):
        (tmp_path / kept.name).write_bytes((tmp_path / kept.name).read_bytes()[:-1] + b"!")
        with pytest.raises(StoreError, match="damaged"):
            read(directory, kept)


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

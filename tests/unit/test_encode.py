import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_spark.config import TextConfig
from w2v_spark.corpus import shards
from w2v_spark.corpus.chunks import CHUNK_TOKENS, ChunkEncoder, bucket_of, decode_ids, order_chunks
from w2v_spark.corpus.documents import find_document, read_documents, write_documents
from w2v_spark.corpus.shards import EncodedCorpus, Shard, write_part
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import build_analyzer

VOCABULARY = [f"w{i}" for i in range(10)]


def encode(documents, max_sentence_length=1000, buckets=1, seed=1, parts=1):
    """All chunks of some documents (lists of words, or text) as one table."""
    encoder = ChunkEncoder(WordTable.from_words(pa.array(VOCABULARY)), max_sentence_length, buckets, seed)
    analyzer = build_analyzer(TextConfig())
    batches = []
    for part in np.array_split(np.arange(len(documents)), parts):
        column = pa.array([documents[i] for i in part], type=None if len(part) else pa.string())
        for words in analyzer.words(column):
            batches += list(encoder.add(words))
    return pa.Table.from_batches([*batches, encoder.finish()])


def chunks_of(table):
    """Each chunk as sentences of words."""
    result = []
    for ids in table["ids"].to_pylist():
        flat, offsets = decode_ids(np.frombuffer(ids, np.int32))
        result.append([[VOCABULARY[i] for i in flat[a:b]] for a, b in itertools.pairwise(offsets)])
    return result


def test_decoding_gives_the_known_words_back():
    table = encode(["w1 w2 unknown w3. W4 w5", "nothing known", "w6\n\nw7", "", "w8"])
    assert chunks_of(table) == [[["w1", "w2", "w3"], ["w4", "w5"]], [["w6"], ["w7"]], [["w8"]]]


def test_long_sentences_are_cut():
    table = encode(["w1 w2 w3 w4 w5 w6 w7. W8"], max_sentence_length=3)
    assert chunks_of(table) == [[["w1", "w2", "w3"], ["w4", "w5", "w6"], ["w7"], ["w8"]]]


def test_long_documents_are_several_chunks():
    sentence = ["w1 w2 w3 w4 w5."]
    table = encode([" ".join(sentence * 5000).replace(". w", ". W")], parts=1)
    chunks = chunks_of(table)
    assert len(chunks) == -(-25_000 // CHUNK_TOKENS)
    assert all(sum(map(len, chunk)) < CHUNK_TOKENS + 5 for chunk in chunks)
    assert sum(len(s) for chunk in chunks for s in chunk) == 25_000


def test_chunks_know_their_document_and_which_piece_of_it_they_are():
    long = " ".join(["w1 w2 w3 w4 w5."] * 2000).replace(". w", ". W")
    table = encode(["w1", "nothing known", "", long, "w2 w3", long])
    pieces = -(-10_000 // CHUNK_TOKENS)
    assert table["document"].to_pylist() == [0, *[3] * pieces, 4, *[5] * pieces]
    assert table["piece"].to_pylist() == [0, *range(pieces), 0, *range(pieces)]


def test_a_document_of_millions_of_words_and_no_sentence_end():
    table = encode(["w1 w2 w3 w4 " * 1_000_000], max_sentence_length=1000)
    assert sum(len(ids) // 4 for ids in table["ids"].to_pylist()) == 4_000_000


WORDS = st.sampled_from([*VOCABULARY, "unknown"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(WORDS, min_size=1, max_size=20), min_size=1, max_size=30), st.randoms(), st.integers(1, 4))
def test_order_does_not_depend_on_how_documents_arrive(documents, random, parts):
    """The corpus is the same for any order of the documents and any cut into batches, copies included."""

    def in_order(table):
        order = order_chunks(table["key"].to_numpy(), table["tie"].to_numpy())
        return table.take(pa.array(order))["ids"].to_pylist()

    shuffled = list(documents)
    random.shuffle(shuffled)
    assert in_order(encode(documents)) == in_order(encode(shuffled, parts=parts))


def test_copies_of_a_document_are_scattered():
    documents = ["w1 w2"] * 500 + [f"w{i % 10} w{i // 10 % 10} w{i // 100 % 10}" for i in range(500)]
    table = encode(documents)
    order = order_chunks(table["key"].to_numpy(), table["tie"].to_numpy())
    copies = np.flatnonzero(order < 500)
    longest_run = max(map(len, np.split(copies, np.flatnonzero(np.diff(copies) > 1) + 1)))
    assert longest_run < 20
    assert 200 < np.median(copies) < 800


def test_another_seed_is_another_order_and_buckets_are_even():
    documents = [f"w{i % 10} w{i // 10 % 10} w{i // 100 % 10} w{i // 1000}" for i in range(10_000)]
    one, two = encode(documents, buckets=8), encode(documents, buckets=8, seed=2)
    assert one["key"].to_pylist() != two["key"].to_pylist()
    sizes = np.bincount(one["bucket"].to_numpy(), minlength=8)
    assert sizes.min() > 1100
    assert sizes.max() < 1400
    assert bucket_of(np.array([0, 2**64 - 1], np.uint64), 8).tolist() == [0, 7]


@pytest.fixture
def shard(tmp_path):
    """A shard of two files with sentences of 1 to 50 tokens, and its sentences."""
    random = np.random.default_rng(0)
    directory, parts, sentences = Directory.open(tmp_path), [], []
    for _ in range(2):
        lengths = random.integers(1, 50, 30_000)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        ids = random.integers(0, 1000, offsets[-1]).astype(np.int32)
        parts.append(write_part(directory, ids, offsets))
        sentences += np.split(ids, offsets[1:-1])
    return directory, Shard(tuple(parts)), sentences


def read(shard, directory, start, stop):
    found = []
    for ids, offsets, position in shard.read(directory, start, stop):
        found += [(position + a, ids[a:b]) for a, b in itertools.pairwise(offsets)]
    return found


def test_slices_partition_a_shard(shard):
    directory, shard, sentences = shard
    starts = np.concatenate([[0], np.cumsum([len(s) for s in sentences])])
    assert shard.tokens == starts[-1]
    cuts = [0, 1, 1000, 1001, shard.parts[0].tokens, shard.tokens - 1, shard.tokens]
    found = [item for a, b in itertools.pairwise(cuts) for item in read(shard, directory, a, b)]
    assert [position for position, _ in found] == starts[:-1].tolist()
    assert all(np.array_equal(a, b) for (_, a), b in zip(found, sentences, strict=True))
    assert [p for p, _ in read(shard, directory, 5000, 6000)] == starts[(starts >= 5000) & (starts < 6000)].tolist()


def test_slices_read_only_their_part(shard, monkeypatch):
    directory, shard, _ = shard
    read_batches = []
    original = shards.read_batches

    def spy(directory, part, numbers):
        read_batches.extend(numbers)
        return original(directory, part, numbers)

    monkeypatch.setattr(shards, "read_batches", spy)
    list(shard.read(directory, 300_000, 300_100))
    assert read_batches == [1]


def test_damaged_and_missing_files_are_named(shard, tmp_path):
    directory, shard, _ = shard
    file = tmp_path / shard.parts[0].file
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(StoreError, match=shard.parts[0].file):
        list(shard.read(directory, 0, 10))
    file.unlink()
    with pytest.raises(StoreError, match="missing"):
        list(shard.read(directory, 0, 10))


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.int64(), pa.date32(), pa.decimal128(20, 0), pa.timestamp("us", "UTC")]
)
def test_documents_are_found_by_their_names(tmp_path, kind):
    """In a corpus of two shards: one document is in both, one name is that of two documents, one document has none."""
    directory, both = Directory.open(tmp_path), []
    names = pa.array([7, 8, 9], pa.int64()).cast(pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)
    one, two, three = names.to_pylist()
    layout = (
        [(one, 1, [[1, 2], [3]]), (two, 0, [[4]]), (None, 0, [[5, 6]])],
        [(one, 0, [[7]]), (three, 0, [[8], [9, 9]]), (three, 0, [[8], [9, 9]])],
    )
    for chunks in layout:
        sentences = [sentence for _, _, part in chunks for sentence in part]
        ids, ends = np.concatenate(sentences).astype(np.int32), np.cumsum([0, *map(len, sentences)]).astype(np.int32)
        file, digest = write_documents(
            directory, pa.array([name for name, _, _ in chunks], kind), pa.array([piece for _, piece, _ in chunks]),
            np.array([len(part) for _, _, part in chunks]),
        )  # fmt: skip
        both.append(Shard((replace(write_part(directory, ids, ends), documents=file, documents_digest=digest),)))
    corpus = EncodedCorpus(tuple(both), "00")
    corpus.write(directory, "corpus.json")
    corpus = EncodedCorpus.read(directory, "corpus.json")
    for shard, chunks in enumerate(layout):
        pieces = list(read_documents(directory, corpus, shard))
        assert [(piece.id, piece.number, as_lists(piece)) for piece in pieces] == chunks
    assert [as_lists(piece) for piece in find_document(directory, corpus, one)] == [[[7]], [[1, 2], [3]]]
    assert [as_lists(piece) for piece in find_document(directory, corpus, two)] == [[[4]]]
    assert [as_lists(piece) for piece in find_document(directory, corpus, three)] == [[[8], [9, 9]]] * 2
    (tmp_path / corpus.shards[1].parts[0].documents).unlink()
    with pytest.raises(StoreError, match=r"documents\.arrow is missing"):
        find_document(directory, corpus, three)


def as_lists(piece):
    return [piece.ids[a:b].tolist() for a, b in itertools.pairwise(piece.offsets)]


def test_documents_without_names_are_not_looked_for(shard):
    directory, shard, _ = shard
    with pytest.raises(StoreError, match="had no names"):
        list(read_documents(directory, EncodedCorpus((shard,), "00"), 0))


def test_manifest_round_trip(shard, tmp_path):
    directory, shard, sentences = shard
    corpus = EncodedCorpus((shard, Shard(())), "00ff")
    corpus.write(directory, "corpus.json")
    again = EncodedCorpus.read(directory, "corpus.json")
    assert again == corpus
    assert "documents" not in (tmp_path / "corpus.json").read_text(), "as it was before documents had names"
    assert (again.sentences, again.tokens) == (len(sentences), shard.tokens)
    directory.write_json("corpus.json", {"digest": "x"})
    with pytest.raises(StoreError, match=r"corpus\.json is damaged"):
        EncodedCorpus.read(directory, "corpus.json")

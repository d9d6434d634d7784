"""Rows of documents on their way through slices and files: nothing is lost, exchanged or trained twice."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_spark.corpus.whole_documents import ShardDocuments
from w2v_spark.errors import StoreError
from w2v_spark.kernels.rows import draw_rows
from w2v_spark.storage import Directory
from w2v_spark.training.correction import second_moment
from w2v_spark.training.documents import DocumentRows, SliceRows, Stretch, put, stretches_of, whole_rows
from w2v_spark.training.matrix_files import write_matrix

N, D, SEED = 30, 3, 5


def stretch(file, first, documents):
    return Stretch(file, documents, "", 0, first, documents)


@given(st.lists(st.tuples(st.integers(0, N - 1), st.integers(1, N)), max_size=20))
def test_any_sequence_of_puts_equals_a_naive_array(writes):
    """Which file and which row of it each document has, None where it has none."""
    found, naive = (), [None] * N
    for number, (first, length) in enumerate(writes):
        count = min(length, N - first)
        found = put(found, stretch(f"{number}.npy", first, count))
        naive[first : first + count] = [(f"{number}.npy", row) for row in range(count)]
    rows = [None] * N
    for each in found:
        assert each.documents > 0
        assert 0 <= each.skip <= each.file_rows - each.documents
        for d in range(each.documents):
            assert rows[each.first + d] is None
            rows[each.first + d] = (each.file, each.skip + d)
    assert rows == naive
    assert [each.first for each in found] == sorted(each.first for each in found)
    assert stretches_of([list(each) for each in found]) == found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([["../a.npy", 2, "", 0, 0, 2]], "not the name of a file"),
        ([["a.npy", 2, "", 0, 0, 2], ["b.npy", 2, "", 0, 1, 2]], "overlap"),
        ([["a.npy", 2, "", 0, 0]], "not enough values"),
    ],
)
def test_stretches_that_cannot_be(value, message):
    with pytest.raises(ValueError, match=message):
        stretches_of(value)


def keys_of(number):
    return np.random.default_rng(1).integers(0, 2**63, number, dtype=np.int64).view(np.uint64)


def test_rows_are_drawn_uniformly_by_key_and_seed_alone():
    keys = keys_of(4000)
    rows = draw_rows(keys, np.uint64(SEED), 25)
    assert rows.shape == (4000, 25)
    assert rows.dtype == np.float32
    assert np.abs(rows).max() <= 1 / 25
    counts, _ = np.histogram(rows * 25, bins=20, range=(-1, 1))
    assert np.abs(counts / counts.mean() - 1).max() < 0.06
    assert np.abs(np.corrcoef(rows.T) - np.eye(25)).max() < 0.07
    np.testing.assert_array_equal(draw_rows(keys[::-1][:7], np.uint64(SEED), 25), rows[::-1][:7])
    assert not np.isclose(draw_rows(keys, np.uint64(SEED + 1), 25), rows).any(axis=1).all()
    assert draw_rows(keys[:0], np.uint64(SEED), 25).shape == (0, 25)


def shard_documents(lengths, tags=()):
    """Documents of so many tokens each, and the tags of each."""
    tags = list(tags) or [[]] * len(lengths)
    starts = [np.concatenate([[0], np.cumsum(each)]).astype(np.int64) for each in (lengths, list(map(len, tags)))]
    numbers = np.array([tag for some in tags for tag in some], np.int64)
    return ShardDocuments(starts[0], keys_of(len(lengths)), starts[1], numbers, np.array([0, len(lengths)]))


def test_documents_are_found_by_the_positions_of_their_tokens():
    documents = shard_documents([3, 1, 5])
    assert documents.at(range(9)).tolist() == [0, 0, 0, 1, 2, 2, 2, 2, 2]
    assert len(documents) == 3
    assert documents.most_tags == 0
    assert shard_documents([3, 1], [[0], [4, 5]]).most_tags == 2
    assert shard_documents([]).most_tags == 0


@st.composite
def trainings(draw):
    """Lengths of documents; where sentences begin; cuts into slices and, within each of these, into batches."""
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=10))
    total, ends = sum(lengths), np.cumsum(lengths).tolist()
    sentences = sorted({0, *ends[:-1], *draw(st.lists(st.integers(0, total - 1), max_size=12))})
    cuts = sorted({0, total, *draw(st.lists(st.integers(1, total), max_size=5))})
    batches = sorted(draw(st.lists(st.sampled_from(sentences), max_size=6)))
    return lengths, sentences, cuts, batches


@given(trainings())
def test_slices_equal_a_naive_array(tmp_path_factory, training):
    """A sentence adds 1 to the row of its document, whatever slices and batches there are; documents may be longer."""
    lengths, sentences, cuts, batches = training
    directory = Directory.open(tmp_path_factory.mktemp("rows")).create()
    documents, found = shard_documents(lengths), ()
    expected = draw_rows(documents.keys, np.uint64(SEED), D)
    for number, (start, stop) in enumerate(pairwise(cuts)):
        first, end = documents.at([start, stop - 1]).tolist()
        source = DocumentRows(directory, found, documents.keys, SEED, D)
        rows, file = SliceRows(documents, source, first, end + 1, 0), f"{number}.npy"
        own = [s for s in sentences if start <= s < stop]
        places = np.searchsorted(own, [place for place in batches if start <= place < stop])
        handed = []
        for some in np.split(np.array(own, np.int64), places):
            if len(some):
                given_rows, done = rows.take(some)
                handed += done
                np.add.at(given_rows.rows[:, :D], given_rows.owners, np.float32(1))
                assert not given_rows.rows[:, D:].any()
        handed += rows.finish()
        np.add.at(expected, documents.at(own).astype(int), np.float32(1))
        written = np.concatenate(handed)
        np.testing.assert_array_equal(written, expected[first : end + 1])
        tokens = np.array(lengths[first : end + 1], float)
        parts = np.split(tokens, np.cumsum([len(some) for some in handed])[:-1])
        moments = sum(second_moment(*each) for each in zip(handed, parts, strict=True))
        np.testing.assert_array_equal(rows.moments, moments)
        assert rows.tokens == tokens.sum()
        checksum = write_matrix(directory, file, len(written), D, iter(handed))
        found = put(found, Stretch(file, len(written), checksum, 0, first, len(written)))
    np.testing.assert_array_equal(np.concatenate(list(whole_rows(directory, documents, found, SEED, D, 4))), expected)
    DocumentRows(directory, found, documents.keys, SEED, D).verify()


def test_tags_of_a_batch_follow_the_rows_of_words():
    documents = shard_documents([2, 2, 2, 2], [[0], [], [1, 3], [2]])
    source = DocumentRows(Directory.open("/nowhere"), (), documents.keys, SEED, D)
    rows = SliceRows(documents, source, 0, 4, 100)
    taken, _ = rows.take(np.array([2, 4, 5]))
    assert taken.owners.tolist() == [0, 1, 1]
    assert taken.tag_starts.tolist() == [0, 0, 2]
    assert taken.tags.tolist() == [101, 103]


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_rows_that_are_not_what_was_written(tmp_path, damage):
    directory, matrix = Directory.open(tmp_path), np.ones((8, D), np.float32)
    found = put((), Stretch("a.npy", 8, write_matrix(directory, "a.npy", 8, D, iter([matrix])), 0, 0, 8))
    path = tmp_path / "a.npy"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(data if damage == "flip" else data[:-4])
    source = DocumentRows(directory, found, keys_of(8), SEED, D)
    with pytest.raises(StoreError, match=r"a\.npy"):
        source.verify()
    with pytest.raises(StoreError, match=r"a\.npy"):
        DocumentRows(directory, found, keys_of(8), SEED, D).read(2, 5, np.empty((3, D), np.float32))

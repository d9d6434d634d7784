"""Documents with rows of their own as they lie beside the sentences of a shard."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from w2v_spark.corpus.shards import EncodedCorpus, Part, Shard, write_part
from w2v_spark.corpus.whole_documents import ShardDocuments, document_keys, fold_keys, parts_in_order, read_whole
from w2v_spark.errors import StoreError
from w2v_spark.kernels.rng import mix
from w2v_spark.spark.document_chunks import FoundDocuments, write_named, write_whole
from w2v_spark.storage import Directory


def chunks_of(ids, keys, pieces, tags=None):
    tags = tags or [[]] * len(keys)
    columns = {"id": ids, "key": pa.array(keys, pa.int64()), "piece": pa.array(pieces, pa.int32())}
    return pa.table({**columns, "tags": pa.array(tags, pa.list_(pa.int32()))})


def write(directory, ids, keys, pieces, sentences, tokens, tags=None, writer=write_whole):
    """A part whose sentences have so many tokens each, and what was found of its documents."""
    lengths = np.repeat(np.array(tokens) // np.array(sentences), sentences)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    part = write_part(directory, np.zeros(offsets[-1], np.int32), offsets)
    chunks = chunks_of(ids, keys, pieces, tags)
    found = writer(directory, chunks, np.array(sentences, np.int64), np.array(tokens, np.int64))
    tally = found.pop("tally", None)
    return Part(**{**part.to_dict(), **found}), None if tally is None else json.loads(tally)


VALUES = {
    "int": pa.array([3, 5, 9]),
    "string": pa.array(["a", "b", "ü"]),
    "date": pa.array([datetime.date(2024, 1, day) for day in (1, 2, 3)]),
    "decimal": pa.array([Decimal("1.50"), Decimal("2.25"), Decimal("-3.00")]),
    "bool": pa.array([False, True, True]),
    "float": pa.array([0.5, -0.0, 1e300]),
    "binary": pa.array([b"\xff\x00", b"", b"a"]),
    "timestamp": pa.array([datetime.datetime(2024, 1, day) for day in (1, 2, 3)], pa.timestamp("us", "UTC")),
}


@pytest.mark.parametrize("kind", VALUES)
def test_pieces_of_long_documents_become_one_row(tmp_path, kind):
    directory, values = Directory.open(tmp_path), VALUES[kind]
    ids = values.take(pa.array([0, 0, 0, 1, 2]))
    part, seen = write(
        directory, ids, [-5, -5, -5, 7, 8], [0, 1, 2, 0, 0], [2, 1, 1, 3, 1], [8, 4, 2, 9, 5],
        [[1, 4], [1, 4], [1, 4], [], [0]],
    )  # fmt: skip
    assert seen == {"documents": 3, "nulls": 0, "repeated": 0, "examples": []}
    table = read_whole(directory, part)
    assert table.schema.field("id").type == values.type
    assert table["id"].combine_chunks().equals(values)
    assert table["tokens"].to_pylist() == [14, 9, 5]
    assert table["key"].to_pylist() == [-5, 7, 8]
    assert table["first"].to_pylist() == [0, 4, 7]
    assert table["sentences"].to_pylist() == [4, 3, 1]
    assert table["tags"].to_pylist() == [[1, 4], [], [0]]
    documents = ShardDocuments.read(directory, Shard((part,)))
    assert documents.token_starts.tolist() == [0, 14, 23, 28]
    assert documents.tag_starts.tolist() == [0, 2, 2, 3]
    assert documents.tags.tolist() == [1, 4, 0]
    assert documents.keys.view(np.int64).tolist() == [-5, 7, 8]
    assert documents.part_starts.tolist() == [0, 3]


def test_names_given_twice_are_found_whatever_order_their_pieces_have(tmp_path):
    """In the order of pieces, those of two documents alternate."""
    ids = pa.array(["a", "a", "a", "a", "b", "c", "c", "c"])
    keys, pieces = [1, 1, 1, 1, 2, 3, 3, 3], [0, 0, 1, 1, 0, 0, 0, 0]
    _, seen = write(Directory.open(tmp_path), ids, keys, pieces, [1] * 8, [2] * 8)
    assert seen == {"documents": 3, "nulls": 0, "repeated": 2, "examples": [["a", 2], ["c", 3]]}
    found = FoundDocuments.add_up([json.dumps(seen), json.dumps({**seen, "examples": [["z", 9]]})])
    assert found == FoundDocuments(6, 0, 4, [("z", 9), ("c", 3), ("a", 2)])


def test_documents_without_names_are_counted(tmp_path):
    ids, directory = pa.array([None, None, None, "b"], pa.string()), Directory.open(tmp_path)
    _, seen = write(directory, ids, [42, 42, 42, 50], [0, 0, 1, 0], [1] * 4, [2] * 4)
    assert (seen["documents"], seen["nulls"]) == (2, 2)


def test_names_with_the_same_key_are_told_apart(tmp_path):
    part, seen = write(Directory.open(tmp_path), pa.array([1, 1, 2]), [7, 7, 7], [0, 1, 0], [1] * 3, [2, 3, 4])
    assert (seen["documents"], seen["repeated"]) == (2, 0)
    assert read_whole(Directory.open(tmp_path), part)["tokens"].to_pylist() == [5, 4]


def test_numbers_that_are_none_are_names_like_others(tmp_path):
    """NaN is not equal to itself, but it is one name."""
    ids = pa.array([float("nan")] * 3)
    _, seen = write(Directory.open(tmp_path), ids, [7, 7, 7], [0, 1, 0], [1] * 3, [2, 3, 4])
    assert (seen["documents"], seen["repeated"]) == (1, 1)


def test_a_shard_of_several_files_and_one_of_none(tmp_path):
    directory = Directory.open(tmp_path)
    one, _ = write(directory, pa.array([1, 2]), [1, 2], [0, 0], [1, 1], [3, 4], [[0], [1]])
    two, _ = write(directory, pa.array([3]), [3], [0], [2], [10], [[1, 2]])
    shards = (Shard((one, two)), Shard(()))
    documents = ShardDocuments.read(directory, shards[0])
    assert documents.token_starts.tolist() == [0, 3, 7, 17]
    assert documents.tags.tolist() == [0, 1, 1, 2]
    assert documents.part_starts.tolist() == [0, 2, 3]
    none = ShardDocuments.read(directory, shards[1])
    assert (len(none), none.most_tags, none.part_starts.tolist()) == (0, 0, [0])
    order = [(shard, place) for shard, place, _ in parts_in_order(EncodedCorpus(shards, ""))]
    assert order == [(0, 0), (0, 1)]


def test_files_that_are_no_documents(tmp_path):
    directory = Directory.open(tmp_path)
    part, _ = write(directory, pa.array([1]), [1], [0], [1], [3], writer=write_named)
    with pytest.raises(StoreError, match="holds pieces of documents, not whole ones"):
        ShardDocuments.read(directory, Shard((part,)))
    part, _ = write(directory, pa.array([1]), [1], [0], [1], [3])
    path = tmp_path / part.documents
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(StoreError, match=part.documents):
        ShardDocuments.read(directory, Shard((part,)))
    path.unlink()
    with pytest.raises(StoreError, match=part.documents):
        ShardDocuments.read(directory, Shard((part,)))


def test_keys_depend_on_hash_and_seed():
    hashes = np.array([1, -1, 2**62])
    keys = document_keys(hashes, 3)
    assert keys.dtype == np.uint64
    assert len(np.unique(np.concatenate([keys, document_keys(hashes, 4)]))) == 6
    np.testing.assert_array_equal(document_keys(hashes[::-1], 3), keys[::-1])


def test_keys_of_documents_depend_on_all_their_chunks_in_order():
    keys = np.zeros(3, np.uint64)
    fold_keys(np.array([0, 0, 2]), np.array([5, 6, 5], np.uint64), keys)
    assert keys.tolist() == [mix(np.uint64(mix(np.uint64(5)) ^ np.uint64(6))), 0, mix(np.uint64(5))]

"""Tags: which values there are, in what order, and the row that each has."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_spark.corpus.tags import Tags
from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory, digest

ROWS = [(0, "b", 2, 20), (1, "x", 1, 40), (-1, "", 5, 100), (0, "a", 2, 30), (0, "c", 3, 10), (1, "", 4, 60)]


def counted(rows):
    names = ("number", "value", "documents", "size")
    return pa.table({name: [row[column] for row in rows] for column, name in enumerate(names)})


def labels(tags):
    return list(zip(tags.table["tag"].to_pylist(), tags.table["value"].to_pylist(), strict=True))


@given(st.permutations(ROWS))
def test_the_order_is_that_of_tags_then_of_frequency_then_of_values(rows):
    tags = Tags.build(["party", "month"], counted(rows))
    assert labels(tags) == [("party", "c"), ("party", "a"), ("party", "b"), ("month", ""), ("month", "x")]
    assert tags.table["documents"].to_pylist() == [3, 2, 2, 4, 1]
    np.testing.assert_allclose(tags.shares, [0.1, 0.3, 0.2, 0.6, 0.4])


def test_values_are_found_null_and_unknown_ones_are_not():
    tags = Tags.build(["party", "month"], counted(ROWS))
    assert tags.rows(0, pa.array(["b", None, "x", "c", "a", "b"])).tolist() == [2, -1, -1, 0, 1, 2]
    assert tags.rows(1, pa.array(["x", "", "a"], pa.large_string())).tolist() == [4, 3, -1]
    assert tags.rows(0, pa.array([], pa.string())).tolist() == []


def test_tags_of_which_no_document_has_a_value():
    tags = Tags.build(["party", "month"], counted([(-1, "", 3, None), (1, "x", 2, 0)]))
    assert labels(tags) == [("month", "x")]
    assert tags.shares.tolist() == [0.0]
    assert tags.rows(0, pa.array(["x"])).tolist() == [-1]
    assert tags.rows(1, pa.array(["x"])).tolist() == [0]
    assert len(Tags.build(["party"], counted([(-1, "", 3, 9)]))) == 0


def test_many_values():
    number = 20_000
    rows = [(n % 3, f"v{n:05d}", 1, 2) for n in range(number)] + [(-1, "", number, 2 * number)]
    tags = Tags.build(["a", "b", "c"], counted(rows))
    values = [f"v{n:05d}" for n in range(number)]
    found = np.stack([tags.rows(tag, pa.array(values)) for tag in range(3)])
    assert (np.sum(found >= 0, axis=0) == 1).all()
    assert np.sort(found[found >= 0]).tolist() == list(range(number))


@pytest.mark.parametrize("names", [("party", "month"), ("a b",), ()])
def test_they_come_back_from_a_file(tmp_path, names):
    rows = [row for row in ROWS if row[0] < len(names)]
    tags = Tags.build(names, counted(rows)) if names else Tags.none()
    directory, data = Directory.open(tmp_path), tags.to_bytes()
    directory.write_bytes("tags.parquet", data)
    again = Tags.read(directory, "tags.parquet", digest(data))
    assert again.names == names
    assert again.table.equals(tags.table)
    (tmp_path / "tags.parquet").write_bytes(data[:-9])
    with pytest.raises(StoreError, match=r"tags\.parquet"):
        Tags.read(directory, "tags.parquet", digest(data))
    (tmp_path / "tags.parquet").unlink()
    with pytest.raises(StoreError, match=r"tags\.parquet"):
        Tags.read(directory, "tags.parquet", digest(data))

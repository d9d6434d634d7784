"""Exact nearest neighbours of many words, against a naive twin in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyarrow import fs

from tests.naive import neighbours as naive
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.kernels.nearest import NONE, keep_nearest
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.neighbour_table import NEIGHBOUR_SCHEMA, to_batch, write_neighbours
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search import tiled as ours

Found = list[list[tuple[int, float]]]


def find(matrix: Any, queries: Any = None, topn: int = 10, restrict: int | None = None) -> Found:
    """Neighbours of each query as (id, similarity)."""
    unit = ours.normalise(RowStack([np.array(matrix, dtype=np.float32)]))
    ids = np.arange(len(unit), dtype=np.int32) if queries is None else np.array(queries, dtype=np.int32)
    blocks = list(ours.find_neighbours(unit, ids, topn, restrict))
    assert np.concatenate([block.queries for block in blocks]).tolist() == ids.tolist()
    return [
        list(zip(row[:length].tolist(), values[:length].tolist(), strict=True))
        for block in blocks
        for row, values, length in zip(block.ids, block.similarities, block.lengths, strict=True)
    ]


def assert_exact(
    comp: Found, matrix: npt.NDArray[Any], queries: Any, topn: int, restrict: int | None, atol: float = 1e-6
) -> None:
    """Each list is what the twin finds, but for the order of what a float32 cannot tell apart."""
    similarities = naive.cosines(matrix)
    for word, found in zip(queries, comp, strict=True):
        ids = [neighbour for neighbour, _ in found]
        ref = naive.nearest(similarities, word, topn, restrict)
        assert len(ids) == len(set(ids)) == len(ref)
        assert word not in ids
        assert all(neighbour < (restrict or len(matrix)) for neighbour in ids)
        np.testing.assert_allclose([value for _, value in found], similarities[word][ids], rtol=0, atol=atol)
        np.testing.assert_allclose(similarities[word][ids], similarities[word][ref], rtol=0, atol=atol)
        assert found == sorted(found, key=lambda pair: (-pair[1], pair[0])), "falling, equal ones in rank order"


def random_matrix(rows: int, dim: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)


# Against the twin


@pytest.mark.parametrize("dim", [1, 7, 100])
@pytest.mark.parametrize(
    "rows", [2, 63, 64, 65, ours.QUERY_ROWS, ours.QUERY_ROWS + 1, ours.CANDIDATE_ROWS - 1, ours.CANDIDATE_ROWS + 65]
)
def test_all_words_equal_the_twin(rows: int, dim: int) -> None:
    matrix = random_matrix(rows, dim)
    assert_exact(find(matrix, topn=5), matrix, range(rows), 5, None)


@pytest.mark.parametrize("topn", [1, 10, 499, 500, 5000])
@pytest.mark.parametrize("restrict", [None, 1, 2, 40, 500, 501])
def test_every_topn_and_restriction(topn: int, restrict: int | None) -> None:
    matrix, queries = random_matrix(500, 12), [0, 1, 39, 40, 499]
    assert_exact(find(matrix, queries, topn, restrict), matrix, queries, topn, restrict)


def test_the_ids_are_those_of_the_twin_where_no_two_are_close() -> None:
    matrix = random_matrix(300, 20).astype(np.float64)
    similarities = naive.cosines(matrix)
    ref = [naive.nearest(similarities, word, 10) for word in range(300)]
    assert [[neighbour for neighbour, _ in found] for found in find(matrix)] == ref


def test_lists_agree_with_look_ups_of_one_word() -> None:
    matrix = random_matrix(400, 16)
    vectors = KeyedVectors([str(row) for row in range(400)], matrix)
    for word in (0, 7, 399):
        ref = vectors.most_similar(str(word), topn=8)
        (comp,) = find(matrix, [word], 8)
        assert [str(neighbour) for neighbour, _ in comp] == [name for name, _ in ref]
        np.testing.assert_allclose([v for _, v in comp], [v for _, v in ref], rtol=0, atol=1e-6)


@given(
    matrix=hnp.arrays(
        np.float32,
        st.tuples(st.integers(2, 90), st.integers(1, 5)),
        elements=st.one_of(st.sampled_from([0.0, 1.0, -1.0, 2.0]), st.floats(-(2.0**99), 2.0**99, width=32)),
        fill=st.just(0.0),
    ),
    topn=st.integers(1, 100),
    restrict=st.none() | st.integers(1, 100),
)
def test_any_vectors_equal_the_twin(matrix: npt.NDArray[np.float32], topn: int, restrict: int | None) -> None:
    assert_exact(find(matrix, topn=topn, restrict=restrict), matrix, range(len(matrix)), topn, restrict)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=200), st.integers(1, 20), st.integers(1, 70))
def test_the_heap_keeps_the_largest_and_of_equal_ones_the_first(values: list[int], size: int, rows: int) -> None:
    """However the candidates are cut into blocks."""
    column, own = np.array(values, dtype=np.float32)[:, None], np.array([len(values) // 2], dtype=np.int32)
    ids, similarities = np.full((1, size), NONE, np.int32), np.full((1, size), -np.inf, np.float32)
    for first in range(0, len(values), rows):
        keep_nearest(column[first : first + rows], first, own, ids, similarities)
    ref = sorted((-value, number) for number, value in enumerate(values) if number != own[0])[:size]
    taken = [(-value, number) for value, number in zip(similarities[0], ids[0], strict=True) if number != NONE]
    assert sorted(taken) == ref


# Among the rows of another matrix


@pytest.mark.parametrize("rows", [1, 65, ours.QUERY_ROWS + 1])
@pytest.mark.parametrize("others", [1, 40, ours.CANDIDATE_ROWS + 65])
@pytest.mark.parametrize("restrict", [None, 30])
def test_rows_of_another_matrix_equal_the_twin(rows: int, others: int, restrict: int | None) -> None:
    queries, candidates = random_matrix(rows, 12), random_matrix(others, 12, seed=1)
    candidates[0] = queries[-1]
    units = [ours.normalise(RowStack([matrix])) for matrix in (queries, candidates)]
    blocks = list(ours.find_neighbours(units[0], np.arange(rows, dtype=np.int32), 5, restrict, units[1]))
    similarities = naive.cosines_between(queries, candidates[:restrict])
    found = [row.tolist() for block in blocks for row in block.ids]
    assert found == [naive.nearest_of(similarities, row, 5) for row in range(rows)]
    values = np.concatenate([block.similarities for block in blocks])
    np.testing.assert_allclose(values, np.take_along_axis(similarities, np.array(found), axis=1), rtol=0, atol=1e-6)
    assert found[-1][0] == 0, "a row may have the number of its neighbour"
    assert {length for block in blocks for length in block.lengths} == {min(5, len(candidates[:restrict]))}


def test_matrices_of_two_widths_have_no_neighbours() -> None:
    with pytest.raises(InputError, match="vectors of length 3 have no neighbours among vectors of 4"):
        next(ours.find_neighbours(random_matrix(2, 3), np.arange(2), 1, among=random_matrix(2, 4)))


# Ties and zeros


def test_equal_vectors_come_in_rank_order_wherever_they_are() -> None:
    """More copies than there are places, in several blocks and at their uneven end."""
    matrix = random_matrix(2 * ours.CANDIDATE_ROWS + 77, 30)
    block = ours.CANDIDATE_ROWS
    copies = [3, 500, block - 1, block, 2 * block + 3, 2 * block + 76]
    matrix[copies] = matrix[3] * np.float32(4)
    found = find(matrix, [3, ours.CANDIDATE_ROWS, 2 * ours.CANDIDATE_ROWS + 76], topn=4)
    assert [[neighbour for neighbour, _ in row] for row in found] == [copies[1:5], [*copies[:3], copies[4]], copies[:4]]
    assert all(value == found[0][0][1] for row in found for _, value in row), "equal vectors, equal similarities"
    assert found[0][0][1] == pytest.approx(1, abs=1e-6)
    assert found[0][0][1] <= 1


def test_axes_tie_in_rank_order() -> None:
    axes = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)  # rows 0..4 equal, 5..9 equal, ...
    assert find(axes, [7], 6) == [[(5, 1.0), (6, 1.0), (8, 1.0), (9, 1.0), (0, 0.0), (1, 0.0)]]


def test_zero_vectors_are_similar_to_nothing() -> None:
    assert find([[0, 0], [1, 0], [-1, -1]]) == [
        [(1, 0.0), (2, 0.0)],
        [(0, 0.0), (2, pytest.approx(-(0.5**0.5)))],
        [(0, 0.0), (1, pytest.approx(-(0.5**0.5)))],
    ]
    assert find(np.zeros((70, 3)), [69, 2], 3) == [
        [(0, 0.0), (1, 0.0), (2, 0.0)],
        [(0, 0.0), (1, 0.0), (3, 0.0)],
    ]


def test_a_vocabulary_of_one_word_has_no_neighbours() -> None:
    assert find([[1.0, 2.0]]) == [[]]


def test_lengths_do_not_overflow_or_vanish() -> None:
    found = find([[1e38, 1e38], [1e-40, 0], [0, 1]], topn=2)
    assert found[1][0] == (0, pytest.approx(0.5**0.5, abs=1e-6))


# What is refused, and what stays


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused(bad: float) -> None:
    matrix = random_matrix(ours.CANDIDATE_ROWS + 50, 3)
    matrix[ours.CANDIDATE_ROWS + 7, 1] = bad
    with pytest.raises(InputError, match=f"id {ours.CANDIDATE_ROWS + 7} is not finite"):
        find(matrix)


@pytest.mark.parametrize(("topn", "restrict", "name"), [(0, None, "topn = 0"), (-1, None, "topn"), (1, 0, "restrict")])
def test_numbers_that_make_no_sense_are_refused(topn: int, restrict: int | None, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        find([[1.0], [2.0]], topn=topn, restrict=restrict)


def test_the_same_bits_from_any_whole_number_of_blocks() -> None:
    matrix = random_matrix(3 * ours.QUERY_ROWS + 10, 25)
    whole = find(matrix)
    step = 2 * ours.QUERY_ROWS
    parts = [find(matrix, range(start, min(start + step, len(matrix)))) for start in range(0, len(matrix), step)]
    assert whole == [row for part in parts for row in part]


# The table


def test_a_batch_becomes_a_file_with_the_published_schema(tmp_path: Any) -> None:
    unit, words = ours.normalise(RowStack([random_matrix(5, 3)])), pa.array(["a", "b", "c", "d", "é"])
    labels, names = pa.table({"id": pa.array(range(5), pa.int32()), "word": words}), pa.table({"word": words})
    blocks = list(ours.find_neighbours(unit, np.array([4, 0], np.int32), 2, restrict=2))
    write_neighbours(
        fs.LocalFileSystem(), str(tmp_path / "t"), (to_batch(b, labels, names) for b in blocks), {"topn": "2"}
    )
    table = pq.read_table(tmp_path / "t")
    assert table.schema.remove_metadata() == NEIGHBOUR_SCHEMA
    assert table.schema.metadata[b"w2v.topn"] == b"2"
    assert table["id"].to_pylist() == [4, 0]
    assert table["word"].to_pylist() == ["é", "a"]
    lists = [[entry["word"] for entry in row] for row in table["neighbours"].to_pylist()]
    assert [sorted(names) for names in lists] == [["a", "b"], ["b"]], "one is its own only other candidate"

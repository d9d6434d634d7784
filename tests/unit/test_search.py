"""The strategies of the search for nearest rows: each against a naive twin in float64, and against each other."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from w2v_spark.errors import ConfigError, MissingExtra
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.row_stack import RowStack, lengths
from w2v_spark.vectors.search import choice
from w2v_spark.vectors.search.full import FullSearch
from w2v_spark.vectors.search.query import Query, check_limits
from w2v_spark.vectors.search.ranking import at_least, rank_exactly
from w2v_spark.vectors.search.reranked import RerankedSearch
from w2v_spark.vectors.search.tiled import find_neighbours, normalise

V, D = 3000, 20
Best = list[tuple[int, float]]


def make_matrix(rows: int = V, dim: int = D) -> npt.NDArray[np.float32]:
    matrix = np.random.default_rng(1).standard_normal((rows, dim)).astype(np.float32)
    matrix[7] = 0
    return matrix


MATRIX = make_matrix()
PIECES = RowStack([MATRIX[:700], MATRIX[700:701], MATRIX[701:]])
NORMS = lengths(MATRIX)


def ask(vector: Any, *asked: int) -> Query:
    """A query for the rows nearest to a vector."""
    row = np.asarray(vector, dtype=np.float32)[None]
    return Query(row / lengths(row)[:, None], 1, frozenset(asked))


def nearest(matrix: npt.NDArray[Any], query: Query, topn: int, restrict: int | None = None) -> Best:
    """The twin: all cosines in float64, one after the other, and a sort."""
    norms = lengths(matrix)
    cosines = [
        float(row.astype(np.float64) @ query.terms[0].astype(np.float64)) / float(norm)
        for row, norm in zip(matrix[:restrict], norms[:restrict], strict=True)
    ]
    rows = [row for row in range(len(cosines)) if row not in query.asked]
    return [(row, cosines[row]) for row in sorted(rows, key=lambda row: (-cosines[row], row))][:topn]


def assert_same(comp: Best, ref: Best) -> None:
    assert [row for row, _ in comp] == [row for row, _ in ref]
    np.testing.assert_allclose([value for _, value in comp], [value for _, value in ref], rtol=0, atol=1e-14)


@pytest.mark.parametrize("topn", [1, 5, 12, 200, V - 1, V + 5])
@pytest.mark.parametrize("restrict", [None, 1, 256, 300, V, V + 1])
def test_both_strategies_find_what_the_twin_finds(topn: int, restrict: int | None) -> None:
    full, reranked = FullSearch(PIECES, NORMS), RerankedSearch(PIECES, NORMS)
    for query in (ask(MATRIX[3], 3), ask(MATRIX[40] * 3), ask(MATRIX[9] - MATRIX[2900], 9, 2900)):
        ref = nearest(MATRIX, query, topn, restrict)
        (comp,) = full.nearest([query], topn, restrict)
        assert_same(comp, ref)
        assert reranked.nearest(query, topn, restrict) == comp


def test_many_queries_at_once_find_what_each_finds() -> None:
    full = FullSearch(PIECES, NORMS)
    queries = [ask(MATRIX[row], row) for row in range(50)]
    assert list(full.nearest(queries, 8)) == [best for query in queries for best in full.nearest([query], 8)]


def test_what_float32_cannot_tell_apart_is_ranked_by_float64() -> None:
    """Rows that differ by less than a float32 product can show, in an order that it could not give."""
    rng = np.random.default_rng(5)
    base = rng.standard_normal(300).astype(np.float32)
    close = base + rng.standard_normal((2000, 300)).astype(np.float32) * np.float32(2e-4)
    matrix = np.concatenate([close, rng.standard_normal((1500, 300)).astype(np.float32)])
    norms, stack = lengths(matrix), RowStack([matrix])
    query = ask(base)
    ref = nearest(matrix, query, 50)
    coarse = np.argsort(-(query.terms @ matrix.T / norms)[0], kind="stable")[:50]
    assert coarse.tolist() != [row for row, _ in ref], "or nothing is shown"
    (comp,) = FullSearch(stack, norms).nearest([query], 50)
    assert_same(comp, ref)
    assert RerankedSearch(stack, norms).nearest(query, 50) == comp


def test_equal_rows_have_equal_cosines_wherever_they_are() -> None:
    matrix = make_matrix(2000, 37)
    copies = [3, 255, 256, 777, 1999]
    matrix[copies] = matrix[3]
    matrix[777] *= 4
    query, stack = ask(matrix[3], 3), RowStack([matrix[:801], matrix[801:]])
    (comp,) = FullSearch(stack, lengths(matrix)).nearest([query], 4)
    assert [row for row, _ in comp] == copies[1:]
    assert len({value for _, value in comp}) == 1
    assert RerankedSearch(stack, lengths(matrix)).nearest(query, 4) == comp
    assert [row for row, _ in RerankedSearch(stack, lengths(matrix)).nearest(query, 2)] == copies[1:3]


def test_all_rows_equal_come_in_rank_order() -> None:
    ones = np.ones((2000, 3), np.float32)
    for search in (FullSearch, RerankedSearch):
        found = search(RowStack([ones]), lengths(ones)).nearest
        best = found(ask(ones[1], 1), 3) if search is RerankedSearch else next(iter(found([ask(ones[1], 1)], 3)))
        assert [row for row, _ in best] == [0, 2, 3]


def test_a_zero_vector_is_similar_to_nothing() -> None:
    for best in (
        RerankedSearch(PIECES, NORMS).nearest(ask(np.zeros(D)), 2),
        *FullSearch(PIECES, NORMS).nearest([ask(np.zeros(D))], 2),
    ):
        assert best == [(0, 0.0), (1, 0.0)]
    assert dict(RerankedSearch(PIECES, NORMS).nearest(ask(MATRIX[3]), V))[7] == 0


@settings(max_examples=60, deadline=None)
@given(
    matrix=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 700), st.integers(1, 4)),
        elements=st.one_of(st.sampled_from([0.0, 1.0, -1.0, 2.0]), st.floats(-1000, 1000, width=16)),
        fill=st.just(0.5),
    ),
    topn=st.integers(1, 30),
    restrict=st.none() | st.integers(1, 700),
)
def test_any_rows_are_found_alike(matrix: npt.NDArray[np.float32], topn: int, restrict: int | None) -> None:
    stack, norms, query = RowStack([matrix]), lengths(matrix), ask(matrix[0], 0)
    (comp,) = FullSearch(stack, norms).nearest([query], topn, restrict)
    assert RerankedSearch(stack, norms).nearest(query, topn, restrict) == comp
    assert_same(comp, rank_exactly(stack, norms, query.terms[0], np.arange(len(matrix))[:restrict][1:], topn))
    values = [value for _, value in comp]
    ref = [value for _, value in nearest(matrix, query, topn, restrict)]
    np.testing.assert_allclose(values, ref, rtol=0, atol=1e-14)


def test_the_third_strategy_agrees() -> None:
    unit = normalise(PIECES)
    (batch,) = find_neighbours(unit, np.array([3, 2900], dtype=np.int32), 10)
    for number, row in enumerate((3, 2900)):
        best = RerankedSearch(PIECES, NORMS).nearest(ask(MATRIX[row], row), 10)
        assert batch.ids[number].tolist() == [found for found, _ in best]
        np.testing.assert_allclose(batch.similarities[number], [value for _, value in best], rtol=0, atol=1e-6)


@given(st.lists(st.integers(-3, 3), max_size=40), st.integers(-1, 45), st.integers(0, 2))
def test_at_least_takes_all_that_are_near_enough(values: list[int], count: int, slack: int) -> None:
    array = np.array(values, dtype=np.float32)
    limit = sorted(values, reverse=True)[:count][-1] - slack if values and count > 0 else None
    assert at_least(array, count, slack).tolist() == [
        row for row, value in enumerate(values) if limit is not None and value >= limit
    ]


# The choice


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "MIN_ROWS", 1000)


def make_vectors() -> KeyedVectors:
    return KeyedVectors([f"w{row}" for row in range(V)], MATRIX)


@pytest.mark.usefixtures("small_limits")
def test_many_single_queries_change_the_strategy_and_no_answer() -> None:
    vectors = make_vectors()
    first = vectors.most_similar("w3")
    assert vectors.search_strategy == "full"
    assert [vectors.most_similar("w3") for _ in range(20)] == [first] * 20
    assert vectors.search_strategy == "reranked"
    assert vectors.most_similar(["w3", "w5"], "w9", restrict_vocab=2000) == make_vectors().most_similar(
        ["w3", "w5"], "w9", restrict_vocab=2000
    )


@pytest.mark.usefixtures("small_limits")
def test_it_can_be_prepared() -> None:
    vectors = make_vectors()
    vectors.prepare_search()
    assert vectors.search_strategy == "reranked"
    assert vectors.most_similar("w8", topn=20) == make_vectors().most_similar("w8", topn=20)


def test_few_words_are_searched_in_full() -> None:
    vectors = make_vectors()
    vectors.prepare_search()
    assert vectors.search_strategy == "full"


@pytest.mark.usefixtures("small_limits")
def test_batches_and_small_parts_are_searched_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = make_vectors()
    vectors.prepare_search()
    monkeypatch.setattr(RerankedSearch, "nearest", lambda *_: pytest.fail("not this one"))
    assert len(vectors.most_similar_batch(["w1", "w2"])) == 2
    assert len(vectors.most_similar("w1", restrict_vocab=999)) == 10


@pytest.mark.usefixtures("small_limits")
def test_without_a_compiler_all_is_searched_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    ref = make_vectors().most_similar("w3")
    monkeypatch.setitem(sys.modules, "numba", None)
    vectors = make_vectors()
    vectors.prepare_search()
    assert [vectors.most_similar("w3") for _ in range(20)] == [ref] * 20
    assert vectors.search_strategy == "full"


@pytest.mark.parametrize("name", ["int8_scores", "nearest"])
def test_what_needs_a_compiler_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for module in [module for module in sys.modules if module.startswith("w2v_spark.kernels")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(
        MissingExtra, match=r"^a search .*: numba is not installed; run: pip install 'w2v-spark\[train\]'$"
    ):
        RerankedSearch(PIECES, NORMS) if name == "int8_scores" else next(find_neighbours(MATRIX, np.arange(2), 1))


@pytest.mark.parametrize(
    ("topn", "restrict", "message"),
    [
        (None, None, "topn = None"),
        (True, None, "topn = True"),
        (2.0, None, "topn = 2.0"),
        (0, None, "topn = 0 .* at least 1"),
        (1, 0, "restrict = 0"),
    ],
)
def test_numbers_that_make_no_sense(topn: Any, restrict: int | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_limits(topn, restrict, least=1)

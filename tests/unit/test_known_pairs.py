"""The best by CSLS of known pairs against a search through all pairs, and that a search is left out at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search import known_pairs
from w2v_spark.vectors.search.both_sides import bring_together, cosines_of, find_both, ids_of, to_keys
from w2v_spark.vectors.search.csls import mean_of_largest, offsets_of
from w2v_spark.vectors.search.known_pairs import Reverse, find_by_known
from w2v_spark.vectors.search.tiled import find_neighbours, normalise

Matrix = npt.NDArray[np.float32]


def unit(matrix: Any) -> Matrix:
    return normalise(RowStack([np.ascontiguousarray(matrix, np.float32)]))


def make_tables(kind: str, rows: int, others: int, seed: int) -> tuple[Matrix, Matrix]:
    """Random vectors, around few centres (hubs), or with many equal ones and zeros."""
    random = np.random.default_rng(seed)
    first, second = random.standard_normal((rows, 12)), random.standard_normal((others, 12))
    if kind == "hubs":
        first, second = first + 2, second * random.uniform(0.2, 3, (others, 1)) + 2
    if kind == "ties":
        first, second = (random.integers(-1, 2, table.shape).astype(float) for table in (first, second))
        first[::3], second[::4] = first[0], second[0]
        second[-1] = 0
    return unit(first), unit(second)


def found(answers: Any) -> list[npt.NDArray[Any]]:
    parts = list(answers)
    return [np.concatenate([getattr(part, name) for part in parts]) for name in ("ids", "similarities", "lengths")]


@settings(deadline=None)
@given(
    st.sampled_from(["plain", "hubs", "ties"]), st.integers(1, 320), st.integers(1, 560), st.integers(1, 12),
    st.integers(10, 40), st.integers(0, 9),
)  # fmt: skip
def test_answers_are_those_of_the_search(kind: str, rows: int, others: int, topn: int, kept: int, seed: int) -> None:
    first, second = make_tables(kind, rows, others, seed)
    both = find_both(first, second, kept, 10)
    reverse = Reverse.build(both.of_candidates)
    offsets = offsets_of(mean_of_largest(both.of_candidates))
    np.testing.assert_array_equal(reverse.offsets, offsets)
    some = np.arange(seed % rows, rows, 1 + seed % 3, dtype=np.int32)
    comp = found(find_by_known(first[some], some, second, topn, both.of_rows[some], reverse))
    ref = found(find_neighbours(first[some], np.arange(len(some), dtype=np.int32), topn, None, second, offsets))
    for mine, theirs in zip(comp, ref, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@given(st.sampled_from(["plain", "hubs", "ties"]), st.integers(1, 99), st.integers(1, 99), st.integers(1, 20))
def test_no_pair_that_is_unknown_to_both_sides_is_above_the_limit(kind: str, rows: int, others: int, kept: int) -> None:
    first, second = make_tables(kind, rows, others, 1)
    both = find_both(first, second, kept, 10)
    reverse = Reverse.build(both.of_candidates)
    values = first.astype(float) @ second.T.astype(float) + reverse.offsets
    np.put_along_axis(values, ids_of(both.of_rows), -np.inf, axis=1)
    for candidate, keys in enumerate(both.of_candidates):
        values[ids_of(keys)[np.isfinite(cosines_of(keys))], candidate] = -np.inf
    limit = reverse.limit(cosines_of(both.of_rows[:, 0]))
    assert (values.max(axis=1) <= limit + 1e-5).all()


def test_most_rows_need_no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the first one would not have been worth more than its means."""
    searched: list[int] = []

    def count(unit: Any, queries: Any, *rest: Any) -> Any:
        searched.append(len(queries))
        return find_neighbours(unit, queries, *rest)

    monkeypatch.setattr(known_pairs, "find_neighbours", count)
    random = np.random.default_rng(0)
    first, second = (unit(random.standard_normal((2_000, 40))) for _ in range(2))
    both = find_both(first, second, 26, 10)
    rows = np.arange(len(first), dtype=np.int32)
    list(find_by_known(first, rows, second, 5, both.of_rows, Reverse.build(both.of_candidates)))
    assert sum(searched) < 100


def test_keys_keep_ids_and_cosines_in_order() -> None:
    cosines = np.array([-np.inf, -1, -0.5, -1e-30, 0, 1e-30, 0.5, 0.5, 1], np.float32)
    ids = np.array([2**31 - 1, 5, 0, 3, 2**31 - 2, 1, 9, 8, 4], np.int32)
    keys = to_keys(ids, cosines)
    np.testing.assert_array_equal(np.sort(keys), keys)
    np.testing.assert_array_equal(ids_of(keys), ids)
    np.testing.assert_array_equal(cosines_of(keys), cosines)
    np.testing.assert_array_equal(bring_together([keys[None, ::2], keys[None, 1::2]]), keys[None, 4:])

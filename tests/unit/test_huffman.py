import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.naive.huffman import huffman_paths, least_cost
from w2v_spark.models.huffman import build_paths

FALLING = st.one_of(
    st.lists(st.integers(1, 5), min_size=1, max_size=80),  # many ties
    st.lists(st.integers(1, 10**6), min_size=1, max_size=80),
    st.lists(st.integers(0, 50).map(lambda k: 2**k), min_size=1, max_size=60),  # long paths
).map(lambda counts: sorted(counts, reverse=True))


def paths_of(counts):
    """The paths as [(node, label), ...] for each word."""
    starts, steps = build_paths(np.array(counts, np.int64))
    assert (starts.dtype, steps.dtype) == (np.int64, np.int32)
    assert len(starts) == len(counts) + 1
    assert (starts[0], starts[-1]) == (0, len(steps))
    return [[(step >> 1, step & 1) for step in steps[a:b].tolist()] for a, b in itertools.pairwise(starts)]


def codes_of(counts):
    return ["".join(str(1 - label) for _, label in path) for path in paths_of(counts)]


@given(FALLING)
@example([1])
@example([1, 1])
@example([7, 3])
@example([1, 1, 1])
@example([2, 1, 1])
@example([3, 2, 1])
@example([2**60, 2**60])
def test_equals_the_c_program(counts):
    assert paths_of(counts) == huffman_paths(counts)


def test_known_trees():
    """Worked out by hand; of a word and a node with equal counts the node goes first."""
    assert paths_of([9]) == [[]]
    assert codes_of([5, 3]) == ["1", "0"]
    assert codes_of([5, 2, 1]) == ["1", "01", "00"]
    assert codes_of([2, 1, 1]) == ["1", "01", "00"]
    assert codes_of([1, 1, 1, 1]) == ["11", "10", "01", "00"]
    assert paths_of([5, 2, 1]) == [[(0, 0)], [(0, 1), (1, 0)], [(0, 1), (1, 1)]]


@given(FALLING)
def test_no_code_begins_another_and_none_is_missing(counts):
    codes = sorted(codes_of(counts))
    assert not any(b.startswith(a) for a, b in itertools.pairwise(codes))
    assert sum(2 ** (60 - len(code)) for code in codes) == 2**60  # Kraft's sum is 1


@given(FALLING)
def test_codes_are_as_short_as_can_be(counts):
    codes = codes_of(counts)
    assert sum(count * len(code) for count, code in zip(counts, codes, strict=True)) == least_cost(counts)
    words = itertools.pairwise(zip(counts, map(len, codes), strict=True))
    assert all(length <= longer for (count, length), (rarer, longer) in words if count > rarer)


@given(FALLING)
def test_nodes_are_numbered_from_the_root(counts):
    paths = paths_of(counts)
    nodes = [[node for node, _ in path] for path in paths]
    assert all(path == sorted(set(path)) for path in nodes)
    assert all(path[0] == 0 for path in nodes if len(counts) > 1)
    assert {node for path in nodes for node in path} == set(range(len(counts) - 1))


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint32])
def test_large_vocabulary_twice(kind):
    """The same paths again, from counts that stay as they are."""
    counts = np.maximum(2_000_000_000 // np.arange(1, 20_001), 1).astype(kind)
    before = counts.copy()
    (starts, steps), (starts_again, steps_again) = build_paths(counts), build_paths(counts)
    np.testing.assert_array_equal(counts, before)
    np.testing.assert_array_equal(starts, starts_again)
    np.testing.assert_array_equal(steps, steps_again)
    assert int((np.diff(starts) * counts).sum()) == least_cost(counts)

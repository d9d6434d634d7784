"""Look-ups and nearest neighbours, against gensim on the same vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

from w2v_spark.errors import ConfigError, InputError, W2VError, WordNotFound
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.search.ranking import largest
from w2v_spark.vectors.table import write_vectors

V, D = 500, 16
WORDS = [f"w{i}" for i in range(V)]
MATRIX = np.random.default_rng(3).standard_normal((V, D)).astype(np.float32)


@pytest.fixture(scope="module")
def ours() -> KeyedVectors:
    return KeyedVectors(WORDS, MATRIX, range(V, 0, -1))


@pytest.fixture(scope="module")
def gensims() -> Any:
    vectors = gensim.models.KeyedVectors(D)
    vectors.add_vectors(WORDS, MATRIX)
    return vectors


def assert_same(comp: list[tuple[str, float]], ref: list[tuple[str, float]]) -> None:
    assert [word for word, _ in comp] == [word for word, _ in ref]
    np.testing.assert_allclose([value for _, value in comp], [value for _, value in ref], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "query",
    [
        {"positive": "w3"},
        {"positive": ["w3"]},
        {"positive": ["w3", "w7"], "negative": ["w11"]},
        {"positive": ["w3", "w3"]},
        {"negative": "w3"},
        {"positive": MATRIX[5]},
        {"positive": MATRIX[5:7], "negative": "w9"},
        {"positive": [MATRIX[5] * 3, "w2"], "negative": [MATRIX[8]]},
        {"positive": [("w3", 0.5), ("w4", -2.0), "w5"], "negative": [("w6", -0.3)]},
        {"positive": [(MATRIX[5], 2.0)]},
        {"positive": "w3", "topn": 1},
        {"positive": "w3", "topn": V - 1},
        {"positive": "w3", "topn": V + 5},
    ],
)
@pytest.mark.parametrize("restrict", [None, 50, V, V + 1])
def test_most_similar_equals_gensim(
    ours: KeyedVectors, gensims: Any, query: dict[str, Any], restrict: int | None
) -> None:
    ref = gensims.most_similar(**query, restrict_vocab=restrict)
    assert_same(ours.most_similar(**query, restrict=restrict), ref)


def test_most_similar_with_nothing_to_return(ours: KeyedVectors) -> None:
    assert ours.most_similar("w0", topn=0) == []
    assert ours.most_similar("w0", restrict=1) == []


def test_asked_words_beyond_the_restriction(ours: KeyedVectors, gensims: Any) -> None:
    assert_same(ours.most_similar("w400", restrict=20), gensims.most_similar("w400", restrict_vocab=20))


def test_ties_come_in_rank_order() -> None:
    axes = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)  # rows 0..4 equal, 5..9 equal, ...
    vectors = KeyedVectors(WORDS[:20], axes)
    assert [word for word, _ in vectors.most_similar("w7", topn=6)] == ["w5", "w6", "w8", "w9", "w0", "w1"]


def test_zero_vectors_are_similar_to_nothing() -> None:
    vectors = KeyedVectors(["zero", "a", "b"], [[0, 0], [1, 0], [1, 1]])
    assert vectors.most_similar("zero") == [("a", 0.0), ("b", 0.0)]
    assert vectors.most_similar("a")[1] == ("zero", 0.0)
    assert vectors.most_similar(positive="a", negative="a") == [("zero", 0.0), ("b", 0.0)]
    assert vectors.similarity("zero", "a") == 0.0


def test_similarity_equals_gensim(ours: KeyedVectors, gensims: Any) -> None:
    for first, second in [("w0", "w1"), ("w17", "w400"), ("w5", "w5")]:
        assert ours.similarity(first, second) == pytest.approx(gensims.similarity(first, second), abs=1e-6)


def test_look_ups(ours: KeyedVectors) -> None:
    assert (len(ours), ours.dim, ours.words, ours.index("w8")) == (V, D, WORDS, 8)
    assert "w8" in ours
    assert "W8" not in ours
    np.testing.assert_array_equal(ours["w8"], MATRIX[8])
    np.testing.assert_array_equal(ours[["w8", "w2", "w8"]], MATRIX[[8, 2, 8]])
    assert ours[[]].shape == (0, D)
    assert ours.counts is not None
    assert ours.counts[0] == V
    assert repr(ours) == "KeyedVectors(500 words x 16)"


def test_nothing_is_copied_and_nothing_can_change() -> None:
    matrix = MATRIX.copy()
    vectors = KeyedVectors(WORDS, matrix)
    assert np.shares_memory(vectors.matrix, matrix)
    assert matrix.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        vectors["w0"][0] = 1


def test_unknown_words(ours: KeyedVectors) -> None:
    for ask in (
        ours.index,
        ours.most_similar,
        lambda word: ours.similarity("w1", word),
        lambda word: ours[["w1", word]],
    ):
        with pytest.raises(WordNotFound, match="'nope' is not among the 500 words"):
            ask("nope")
    with pytest.raises(KeyError):
        ours["nope"]


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        ({}, InputError, "at least one word"),
        ({"positive": []}, InputError, "at least one word"),
        ({"positive": np.ones(3)}, InputError, r"\(3,\).*\(16,\)"),
        ({"positive": "w1", "restrict": 0}, ConfigError, "restrict = 0"),
    ],
)
def test_unusable_queries(ours: KeyedVectors, query: dict[str, Any], error: type[W2VError], message: str) -> None:
    with pytest.raises(error, match=message):
        ours.most_similar(**query)


def test_unusable_content() -> None:
    with pytest.raises(InputError, match="2 words and a matrix of shape"):
        KeyedVectors(["a", "b"], np.ones((3, 2)))
    with pytest.raises(InputError, match="shape"):
        KeyedVectors(["a", "b"], np.ones(2))
    with pytest.raises(InputError, match="counts of shape"):
        KeyedVectors(["a", "b"], np.ones((2, 2)), [1])
    with pytest.raises(InputError, match="not distinct: 1 of 2"):
        KeyedVectors(["a", "a"], np.ones((2, 2))).index("a")


def test_load(tmp_path: Path) -> None:
    write_vectors(fs.LocalFileSystem(), str(tmp_path), pa.array(WORDS), np.arange(V, 0, -1), [MATRIX], {})
    vectors = KeyedVectors.load(tmp_path)
    np.testing.assert_array_equal(vectors["w77"], MATRIX[77])
    assert vectors.words == WORDS
    top = KeyedVectors.load(str(tmp_path), limit=10)
    assert (len(top), top.words) == (10, WORDS[:10])
    assert "w10" not in top


@given(st.lists(st.integers(-3, 3), max_size=40), st.integers(-1, 45))
def test_largest_is_a_stable_sort(values: list[int], count: int) -> None:
    array = np.array(values, dtype=np.float32)
    assert largest(array, count).tolist() == np.argsort(-array, kind="stable")[: max(count, 0)].tolist()

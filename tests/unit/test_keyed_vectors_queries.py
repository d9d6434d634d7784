"""Similarities, distances, means and batches of queries, against gensim on the same vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import fs

from w2v_spark.errors import ConfigError, InputError, W2VError, WordNotFound
from w2v_spark.vectors import table
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.search import full as queries
from w2v_spark.vectors.table import write_vectors

V, D = 400, 16
WORDS = [f"w{i}" for i in range(V)]
MATRIX = np.random.default_rng(4).standard_normal((V, D)).astype(np.float32)
UNIT = MATRIX[9] / np.linalg.norm(MATRIX[9])
SETS = [(["w1"], ["w2"]), (["w1", "w2", "w3"], ["w4", "w5"]), (["w7", "w7"], ["w7"]), (["w1", "nope"], ["w2", "no"])]

Answer = list[tuple[str, float]]


@pytest.fixture(scope="module", params=["memory", "mapped"])
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KeyedVectors:
    """The vectors as one matrix in memory, and in pieces of several files."""
    if request.param == "memory":
        return KeyedVectors(WORDS, MATRIX)
    directory = tmp_path_factory.mktemp("vectors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "ROWS_PER_GROUP", 48)
        counts = np.arange(V, 0, -1)
        write_vectors(fs.LocalFileSystem(), str(directory), pa.array(WORDS), counts, [MATRIX], {}, 150)
    return KeyedVectors.load(directory)


@pytest.fixture(scope="module")
def gensims() -> Any:
    return make_gensims(WORDS, MATRIX)


def make_gensims(words: list[str], matrix: Any) -> Any:
    vectors = gensim.models.KeyedVectors(np.shape(matrix)[1])
    vectors.add_vectors(words, np.asarray(matrix, dtype=np.float32))
    return vectors


def assert_same(comp: Answer, ref: Answer, rtol: float = 0, atol: float = 1e-6) -> None:
    assert [word for word, _ in comp] == [word for word, _ in ref]
    np.testing.assert_allclose([value for _, value in comp], [value for _, value in ref], rtol=rtol, atol=atol)


@pytest.mark.parametrize(
    "query",
    [
        {"positive": "w3"},
        {"positive": ["w3", "w7"], "negative": ["w11"]},
        {"positive": ["w3", "w7"], "negative": "w11"},
        {"positive": ["w3", "w3", "w5"], "negative": ["w11", "w12"]},
        {"positive": UNIT},
        {"positive": [UNIT, "w2"], "negative": [UNIT]},
        {"positive": "w3", "topn": 1},
        {"positive": "w3", "topn": V + 5},
    ],
)
def test_cosmul_equals_gensim(ours: KeyedVectors, gensims: Any, query: dict[str, Any]) -> None:
    assert_same(ours.most_similar_cosmul(**query), gensims.most_similar_cosmul(**query), rtol=1e-5)


@pytest.mark.parametrize("restrict", [1, 7, 50, V, V + 1])
def test_cosmul_looks_among_the_most_frequent_words(ours: KeyedVectors, gensims: Any, restrict: int) -> None:
    query = {"positive": ["w3", "w70"], "negative": ["w11"]}
    ref = gensims.most_similar_cosmul(**query, topn=V)
    assert gensims.most_similar_cosmul(**query, topn=V, restrict_vocab=restrict) == ref  # it does not
    expected = [(word, value) for word, value in ref if int(word[1:]) < restrict]
    assert_same(ours.most_similar_cosmul(**query, topn=V, restrict=restrict), expected, rtol=1e-5)


def test_cosmul_scales_vectors(ours: KeyedVectors, gensims: Any) -> None:
    """In gensim a long vector gives factors below 0, and two of them make an unlike word a like one."""
    query = {"positive": [5 * UNIT, "w2"], "negative": [0.1 * UNIT]}
    scaled = {"positive": [UNIT, "w2"], "negative": [UNIT]}
    assert_same(ours.most_similar_cosmul(**query), gensims.most_similar_cosmul(**scaled), rtol=1e-5)
    assert ours.most_similar_cosmul(**query)[0] != pytest.approx(gensims.most_similar_cosmul(**query)[0][1])


def test_cosmul_with_one_word_is_the_order_of_the_cosines(ours: KeyedVectors) -> None:
    by_product, by_sum = ours.most_similar_cosmul("w5", topn=V), ours.most_similar("w5", topn=V)
    assert [word for word, _ in by_product] == [word for word, _ in by_sum]


@pytest.mark.parametrize("topn", [0, -1])
def test_no_answers_asked_for(ours: KeyedVectors, gensims: Any, topn: int) -> None:
    assert ours.most_similar("w1", topn=topn) == gensims.most_similar("w1", topn=topn) == []
    assert ours.most_similar_cosmul("w1", topn=topn) == []


def test_none_is_no_items(ours: KeyedVectors, gensims: Any) -> None:
    assert_same(ours.most_similar(None, "w1"), gensims.most_similar(None, "w1"))
    assert_same(ours.most_similar_cosmul("w1", None), gensims.most_similar_cosmul("w1", None), rtol=1e-5)


def test_similar_by_equals_gensim(ours: KeyedVectors, gensims: Any) -> None:
    assert_same(ours.similar_by_word("w8", 5), gensims.similar_by_word("w8", 5))
    assert_same(ours.similar_by_word("w8", 5, 100), gensims.similar_by_word("w8", 5, 100))
    assert_same(ours.similar_by_vector(MATRIX[8] * 3, 5), gensims.similar_by_vector(MATRIX[8] * 3, 5))
    assert_same(ours.similar_by_vector(MATRIX[8], 5, 100), gensims.similar_by_vector(MATRIX[8], 5, 100))


@pytest.mark.parametrize("pair", [("w0", "w1"), ("w17", "w300"), ("w5", "w5")])
def test_similarity_and_distance_equal_gensim(ours: KeyedVectors, gensims: Any, pair: tuple[str, str]) -> None:
    assert ours.similarity(*pair) == pytest.approx(gensims.similarity(*pair), abs=1e-6)
    assert ours.distance(*pair) == pytest.approx(gensims.distance(*pair), abs=1e-6)


def test_similarities_are_those_of_all_pairs(ours: KeyedVectors, gensims: Any) -> None:
    first, second = ["w1", MATRIX[2] * 7, "w3"], ["w200", "w3"]
    comp = ours.similarities(first, second)
    ref = [[gensims.similarity(a, b) for b in second] for a in ("w1", "w2", "w3")]
    assert comp.dtype == np.float32
    np.testing.assert_allclose(comp, ref, rtol=0, atol=1e-6)
    assert ours.similarities([], second).shape == (0, 2)


@pytest.mark.parametrize(("first", "second"), SETS)
def test_n_similarity_equals_gensim(ours: KeyedVectors, gensims: Any, first: list[str], second: list[str]) -> None:
    assert ours.n_similarity(first, second) == pytest.approx(gensims.n_similarity(first, second), abs=1e-6)


@pytest.mark.parametrize("source", ["w3", MATRIX[8] * 2])
@pytest.mark.parametrize("others", [(), ["w1"], ["w9", "w3", "w9"]])
def test_distances_equal_gensim(ours: KeyedVectors, gensims: Any, source: Any, others: list[str]) -> None:
    comp = ours.distances(source, others)
    assert comp.dtype == np.float32
    np.testing.assert_allclose(comp, gensims.distances(source, others), rtol=0, atol=1e-6)


@pytest.mark.parametrize("pair", [("w0", "w1"), ("w1", "w0"), ("w17", "w300"), ("w5", "w5")])
def test_closer_than_and_rank_equal_gensim(ours: KeyedVectors, gensims: Any, pair: tuple[str, str]) -> None:
    assert ours.closer_than(*pair) == gensims.closer_than(*pair)
    assert ours.rank(*pair) == gensims.rank(*pair)


def test_rank_is_the_place_in_the_neighbours(ours: KeyedVectors) -> None:
    for place, (word, _) in enumerate(ours.most_similar("w4", topn=V), start=1):
        assert ours.rank("w4", word) == place


@pytest.mark.parametrize(
    "words",
    [["w1", "w2", "w3"], ["w9", "w8", "w7", "w300", "w5"], ["w1"], ["w1", "w1"], ["w6", "nope", "w7", "w8"]],
)
def test_doesnt_match_equals_gensim(ours: KeyedVectors, gensims: Any, words: list[str]) -> None:
    assert ours.doesnt_match(words) == gensims.doesnt_match(words)


@pytest.mark.parametrize("words", [["w1"], ["w1", "w2", "w1"], ["w1", MATRIX[5], "nope"], MATRIX[3:6], ["nope", "no"]])
@pytest.mark.parametrize("weights", [None, [0.5, -2.0, 1.0], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("pre", [True, False])
@pytest.mark.parametrize("post", [True, False])
def test_mean_vector_equals_gensim(
    ours: KeyedVectors, gensims: Any, words: Any, weights: list[float] | None, pre: bool, post: bool
) -> None:
    options = {
        "weights": None if weights is None else weights[: len(words)],
        "pre_normalize": pre,
        "post_normalize": post,
    }
    comp, ref = ours.mean_vector(words, **options), gensims.get_mean_vector(words, **options)
    assert comp.dtype == np.float32
    np.testing.assert_allclose(comp, ref, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(ours.get_mean_vector(words, **options), comp)


def test_mean_of_one(ours: KeyedVectors) -> None:
    np.testing.assert_array_equal(ours.mean_vector("w3", pre_normalize=False), MATRIX[3])
    np.testing.assert_array_equal(ours.mean_vector(MATRIX[3]), MATRIX[3])


BATCHES: list[tuple[Any, Any]] = [
    ([], ()),
    (["w1", "w2", "w300"], ()),
    (MATRIX[:20], ()),
    ([["w1", "w2"], "w3", [MATRIX[4], ("w5", 0.5)]], [["w7"], (), MATRIX[9]]),
    (["w1", "w1"], ["w2", "w3"]),
    (["w1", ["w2", "w4"], UNIT], MATRIX[7:10]),
]


@pytest.mark.parametrize(("positive", "negative"), BATCHES)
@pytest.mark.parametrize("restrict", [None, 50])
@pytest.mark.parametrize("score_bytes", [1, 4 * V * 2, queries.SCORE_BYTES])
def test_batches_equal_single_queries(
    ours: KeyedVectors, monkeypatch: pytest.MonkeyPatch, positive: Any, negative: Any, restrict: int | None,
    score_bytes: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(queries, "SCORE_BYTES", score_bytes)
    entries = [*zip(positive, negative if len(negative) else [()] * len(positive), strict=True)]
    for batch, single in [
        (ours.most_similar_batch, ours.most_similar),
        (ours.most_similar_cosmul_batch, ours.most_similar_cosmul),
    ]:
        if single == ours.most_similar_cosmul and any(isinstance(item, tuple) for items in positive for item in items):
            continue
        comp = batch(positive, negative, topn=7, restrict=restrict)
        assert len(comp) == len(positive)
        for answer, (one, other) in zip(comp, entries, strict=True):
            ref = single(one, other, topn=7, restrict=restrict)
            assert_same(answer, ref, rtol=1e-5)
            assert answer == ref or single == ours.most_similar_cosmul, "sums are ranked in float64"


def test_batches_equal_gensim(ours: KeyedVectors, gensims: Any) -> None:
    positive, negative = [["w1", "w2"], ["w3", "w4"]], [["w5"], ["w6"]]
    for number, answer in enumerate(ours.most_similar_batch(positive, negative)):
        assert_same(answer, gensims.most_similar(positive[number], negative[number]))
    for number, answer in enumerate(ours.most_similar_cosmul_batch(positive, negative)):
        assert_same(answer, gensims.most_similar_cosmul(positive[number], negative[number]), rtol=1e-5)


def test_ties_come_in_rank_order() -> None:
    axes = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)  # rows 0..4 equal, 5..9 equal, ...
    vectors = KeyedVectors(WORDS[:20], axes)
    expected = ["w5", "w6", "w8", "w9", "w0", "w1"]
    assert [word for word, _ in vectors.most_similar_cosmul("w7", topn=6)] == expected
    assert [[w for w, _ in answer] for answer in vectors.most_similar_batch(["w7", "w7"], topn=6)] == [expected] * 2
    assert vectors.closer_than("w7", "w8") == []
    assert vectors.closer_than("w7", "w0") == ["w5", "w6", "w8", "w9"]
    assert (vectors.rank("w7", "w9"), vectors.rank("w7", "w19")) == (1, 5)


def test_equally_far_words_equal_gensim() -> None:
    words = ["d", "b", "c", "a"]
    vectors, reference = KeyedVectors(words, np.eye(4)), make_gensims(words, np.eye(4))
    assert vectors.doesnt_match(words) == reference.doesnt_match(words) == "a"


def test_zero_vectors_are_similar_to_nothing() -> None:
    """gensim gives NaN in most places."""
    vectors = KeyedVectors(["zero", "a", "b"], [[0, 0], [1, 0], [1, 1]])
    zero, half = np.zeros(2), pytest.approx(0.5**0.5)
    assert vectors.similarities(["zero", zero, "a"], ["a", "zero"]).tolist() == [[0, 0], [0, 0], [1, 0]]
    assert vectors.distance("zero", "a") == 1
    assert vectors.distances("zero").tolist() == vectors.distances(zero).tolist() == [1, 1, 1]
    assert vectors.distances("a").tolist() == [1, 0, pytest.approx(1 - 0.5**0.5)]
    assert vectors.n_similarity(["zero"], ["a", "b"]) == 0
    assert vectors.n_similarity(["zero", "b"], ["a"]) == half
    assert vectors.doesnt_match(["a", "b", "zero"]) == "zero"
    assert [word for word, _ in vectors.most_similar_cosmul("zero")] == ["a", "b"]
    assert [word for word, _ in vectors.most_similar_cosmul("a")] == ["b", "zero"]
    assert vectors.mean_vector("zero", post_normalize=True).tolist() == [0, 0]
    assert vectors.most_similar_batch(["zero"]) == [[("a", 0.0), ("b", 0.0)]]


def test_unknown_words(ours: KeyedVectors) -> None:
    for ask in (
        ours.most_similar_cosmul,
        ours.similar_by_word,
        ours.distances,
        lambda word: ours.distances("w1", [word]),
        lambda word: ours.distance("w1", word),
        lambda word: ours.closer_than("w1", word),
        lambda word: ours.rank(word, "w1"),
        lambda word: ours.similarities(["w1"], [word]),
        lambda word: ours.mean_vector(["w1", word], ignore_missing=False),
        lambda word: ours.most_similar_batch(["w1", word]),
        lambda word: ours.most_similar_cosmul_batch(["w1"], [word]),
    ):
        with pytest.raises(WordNotFound, match="'nope' is not among the 400 words"):
            ask("nope")


@pytest.mark.parametrize(
    ("method", "arguments", "error", "message"),
    [
        ("n_similarity", (["nope"], ["w1"]), InputError, r"none of the words \['nope'\]"),
        ("n_similarity", (["w1"], []), InputError, r"none of the words \[\]"),
        ("doesnt_match", (["nope", "no"],), InputError, "none of the words"),
        ("doesnt_match", ("nope",), InputError, "none of the words 'nope'"),
        ("mean_vector", ([],), InputError, "at least one word"),
        ("mean_vector", (["w1", "w2"], [1.0]), InputError, r"2 words and weights of shape \(1,\)"),
        ("mean_vector", ([5.0],), InputError, r"shape \(\)"),
        ("mean_vector", ([("w1", 2.0)],), InputError, "neither a word nor a vector of length 16"),
        ("most_similar_cosmul", (), InputError, "at least one positive"),
        ("most_similar_cosmul", ((), "w1"), InputError, "at least one positive"),
        ("most_similar_cosmul", ([("w1", 2.0)],), InputError, "weights"),
        ("most_similar_cosmul", (np.ones(3),), InputError, r"\(3,\).*\(16,\)"),
        ("most_similar_cosmul", ("w1", (), 10, 0), ConfigError, "restrict = 0"),
        ("most_similar", ("w1", (), None), ConfigError, "topn = None"),
        ("similar_by_vector", (np.ones(3),), InputError, r"\(3,\).*\(16,\)"),
        ("distances", (np.ones(3),), InputError, r"\(3,\).*\(16,\)"),
        ("most_similar_batch", ("w1",), InputError, "positive = 'w1' is one item"),
        ("most_similar_batch", (MATRIX[0],), InputError, "is one item"),
        ("most_similar_batch", (["w1"], "w2"), InputError, "negative = 'w2' is one item"),
        ("most_similar_batch", (["w1"], ["w2", "w3"]), InputError, "1 positive and 2 negative"),
        ("most_similar_batch", (["w1", []],), InputError, "at least one word"),
    ],
)
def test_unusable_queries(
    ours: KeyedVectors, method: str, arguments: tuple[Any, ...], error: type[W2VError], message: str
) -> None:
    with pytest.raises(error, match=message):
        getattr(ours, method)(*arguments)


def test_look_ups_in_a_mapped_table(ours: KeyedVectors) -> None:
    np.testing.assert_array_equal(ours["w377"], MATRIX[377])
    np.testing.assert_array_equal(ours[["w377", "w2", "w377"]], MATRIX[[377, 2, 377]])
    np.testing.assert_array_equal(ours.matrix, MATRIX)
    np.testing.assert_allclose(ours.norms, np.linalg.norm(MATRIX, axis=1), rtol=1e-6)
    assert (len(ours), ours.dim, ours.words, ours.index("w8"), ours.word(8)) == (V, D, WORDS, 8, "w8")
    assert not ours["w8"].flags.writeable
    assert not ours.matrix.flags.writeable
    assert repr(ours) == "KeyedVectors(400 words x 16)"


def test_a_look_up_makes_neither_norms_nor_a_matrix(tmp_path: Path) -> None:
    write_vectors(fs.LocalFileSystem(), str(tmp_path), pa.array(WORDS), np.arange(V, 0, -1), [MATRIX], {})
    vectors = KeyedVectors.load(tmp_path)
    content = vectors._content
    made = lambda: {*vars(vectors), *vars(content), *vars(content.index)}  # noqa: E731
    assert not {"words", "rows", "norms", "matrix"} & made()
    vectors.similarity(1, 2)
    assert not {"words", "rows", "norms", "matrix"} & made()
    vectors.similarity("w1", "w2")
    vectors.mean_vector(["w1", "w2"])
    assert {"words", "rows"} <= made()
    assert not {"norms", "matrix"} & made()
    vectors.most_similar("w1")
    assert "norms" in made()
    assert "matrix" not in made()


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_small_whole_numbers_equal_gensim(data: st.DataObject) -> None:
    """Many ties, no zero vectors: order may differ among equal scores only."""
    row = st.lists(st.integers(-2, 2), min_size=3, max_size=3).filter(any)
    rows = data.draw(st.lists(row, min_size=4, max_size=9))
    words = WORDS[: len(rows)]
    vectors, reference = KeyedVectors(words, rows), make_gensims(words, rows)
    picked = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=3))
    topn = data.draw(st.integers(1, 10))
    for method in ("most_similar", "most_similar_cosmul"):
        comp, ref = (dict(getattr(one, method)(picked[:2], picked[2:], topn=topn)) for one in (vectors, reference))
        np.testing.assert_allclose(list(comp.values()), list(ref.values()), rtol=1e-5, atol=1e-6)
        assert comp.keys().isdisjoint(picked)
    np.testing.assert_allclose(vectors.distances(picked[0]), reference.distances(picked[0]), rtol=0, atol=1e-6)

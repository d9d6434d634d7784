"""Maps between spaces, CSLS and precision, against plain twins of MUSE's formulas and against gensim."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from gensim.models import KeyedVectors as GensimVectors
from gensim.models.translation_matrix import TranslationMatrix
from hypothesis import given
from hypothesis import strategies as st

from tests.naive import translation as naive
from tests.unit.translated_spaces import D, Spaces, make_spaces
from w2v_spark.alignment.dictionary import Dictionary
from w2v_spark.alignment.fitting import center_of, centred, fit, mapped_rows, mutual_pairs, refine
from w2v_spark.alignment.precision import Share, evaluate_translations
from w2v_spark.errors import ConfigError, InputError, WordNotFound
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.nearest import NONE, keep_both
from w2v_spark.retraining.rotation import WordPairs
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.reading import VectorTable
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search import csls, tiled
from w2v_spark.vectors.search.both_sides import bring_together, cosines_of, find_both, ids_of, to_keys

LEARNED = 60


def rows(count: int) -> npt.NDArray[np.int64]:
    return np.arange(count)


def pairs_of(spaces: Spaces, count: int = LEARNED) -> WordPairs:
    return WordPairs(RowStack([spaces.target]), RowStack([spaces.source]), rows(count), rows(count))


def unit(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return tiled.normalise(RowStack([matrix]))


def table(words: list[str], matrix: Any) -> VectorTable:
    return VectorTable(pa.array(words, pa.string()), np.ones(len(words), np.int64), RowStack([matrix]), {})


# The largest of both sides, and CSLS


@given(
    st.integers(1, 9), st.integers(1, 140), st.integers(1, 12), st.integers(1, 12), st.integers(0, 99)
)  # fmt: skip
def test_the_nearest_of_queries_and_candidates(height: int, columns: int, m: int, k: int, seed: int) -> None:
    tile = aligned_zeros(height, padded(columns))
    tile[:] = np.random.default_rng(seed).integers(-20, 20, tile.shape)  # ties, and columns that do not count
    of_queries, of_candidates = heaps(columns, m), heaps(height, k)
    keep_both(tile, 3, 7, *of_queries, *of_candidates)
    for comp, ref, first in ((of_queries, tile[:, :columns].T, 3), (of_candidates, tile[:, :columns], 7)):
        size = min(comp[0].shape[1], ref.shape[1])
        found = to_keys(*comp)
        order = np.argsort(-ref, axis=1, kind="stable")[:, :size]
        ranked = np.sort(found, axis=1)[:, ::-1][:, :size]
        np.testing.assert_array_equal(ids_of(ranked), order + first)
        np.testing.assert_array_equal(cosines_of(ranked), np.take_along_axis(ref, order, axis=1))
        assert np.isneginf(comp[1]).sum() == comp[1].size - ranked.size


def heaps(count: int, size: int) -> tuple[Any, Any]:
    return np.full((count, size), NONE, np.int32), np.full((count, size), -np.inf, np.float32)


@pytest.mark.parametrize("height", [1, 9, tiled.QUERY_ROWS, 2 * tiled.QUERY_ROWS + 70])
@pytest.mark.parametrize("others", [1, 9, tiled.CANDIDATE_ROWS + 65])
def test_means_equal_the_twin_and_do_not_depend_on_the_cut(height: int, others: int) -> None:
    random = np.random.default_rng(height)
    first, second = (unit(random.standard_normal((n, 12)).astype(np.float32)) for n in (height, others))
    means = csls.Means.find(first, second)
    cosines = naive.unit(first) @ naive.unit(second).T
    np.testing.assert_allclose(means.of_rows, np.sort(cosines, axis=1)[:, -10:].mean(axis=1), rtol=0, atol=1e-6)
    np.testing.assert_allclose(means.of_candidates, np.sort(cosines, axis=0)[-10:].mean(axis=0), rtol=0, atol=1e-6)
    cut = [find_both(first[start : start + 7], second, 10, 10, start) for start in range(0, height, 7)]
    of_candidates = csls.mean_of_largest(bring_together(part.of_candidates for part in cut))
    np.testing.assert_array_equal(of_candidates, means.of_candidates)
    of_rows = csls.mean_of_largest(np.concatenate([part.of_rows for part in cut]))
    np.testing.assert_array_equal(of_rows, means.of_rows)


@pytest.mark.parametrize("topn", [1, 5, 1000])
def test_translations_by_csls_equal_the_twin(topn: int) -> None:
    spaces = make_spaces(rows=600, more=100)
    first, second = map(unit, spaces)
    ref = naive.csls(*spaces)
    ids, scores = csls.find_translations(first, second, topn, csls.Means.find(first, second).of_candidates)
    np.testing.assert_allclose(scores, np.take_along_axis(ref, ids, axis=1), rtol=0, atol=2e-6)
    np.testing.assert_allclose(scores, -np.sort(-ref, axis=1)[:, :topn], rtol=0, atol=2e-6)
    cosine_ids, _ = csls.find_translations(first, second, topn)
    assert (ids[:, 0] != cosine_ids[:, 0]).any(), "or the test shows nothing"


def test_translations_of_zero_vectors_and_ties_come_in_rank_order() -> None:
    second = unit(np.repeat(np.eye(3, dtype=np.float32), 20, axis=0))
    first = unit(np.array([[1, 0, 0], [0, 0, 0], [0, 1, 1]], np.float32))
    ids, scores = csls.find_translations(first, second, 4, csls.Means.find(first, second).of_candidates)
    ref = naive.csls(first, second)
    np.testing.assert_allclose(scores, np.take_along_axis(ref, ids, axis=1), rtol=0, atol=1e-6)
    assert ids[0].tolist() == [0, 1, 2, 3]


# The map


def test_the_map_is_that_of_muse() -> None:
    spaces = make_spaces()
    rotation, fitted = fit(pairs_of(spaces))
    w = naive.procrustes(spaces.source[:LEARNED], spaces.target[:LEARNED])
    np.testing.assert_allclose(rotation, w.T, rtol=0, atol=1e-10)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(D), rtol=0, atol=1e-10)
    mapped = naive.unit(spaces.source[:LEARNED] @ w.T)
    assert fitted.pairs == LEARNED
    assert fitted.cosine == pytest.approx((mapped * naive.unit(spaces.target[:LEARNED])).sum(axis=1).mean(), abs=1e-6)


def test_a_turned_space_is_turned_back() -> None:
    spaces = make_spaces(shaken=0.0)
    rotation, _ = fit(pairs_of(spaces, D))
    np.testing.assert_allclose(mapped_rows(spaces.source, rotation), spaces.target[:300], rtol=0, atol=1e-4)


def test_refinement_is_that_of_muse() -> None:
    spaces = make_spaces(shaken=0.6)
    start, _ = fit(pairs_of(spaces, 12))
    rotation, history = refine(
        RowStack([spaces.source]), RowStack([spaces.target]), (len(spaces.source), len(spaces.target)), start, 5
    )
    w, counts = naive.refine(spaces.source, spaces.target, start.T, 5)
    assert [fitted.pairs for fitted in history] == counts
    np.testing.assert_allclose(rotation, w.T, rtol=0, atol=1e-6)
    scores = [naive.csls(spaces.source @ turned, spaces.target) for turned in (start, rotation)]
    asked = [(row, row) for row in range(12, 300)]
    before, after = (naive.precision(score, asked, 1)[0] for score in scores)
    assert after > before + 0.03


def test_refinement_stops_where_there_are_fewer_pairs_than_dimensions() -> None:
    spaces = make_spaces(rows=5, more=0)
    start = np.eye(D)
    rotation, history = refine(RowStack([spaces.source]), RowStack([spaces.target]), (5, 5), start, 3)
    assert history == []
    np.testing.assert_array_equal(rotation, start)


def test_mutual_pairs_are_each_other_s_best() -> None:
    first, second = map(unit, make_spaces(rows=200, more=30, shaken=0.5))
    scores = naive.csls(first, second)
    forward, backward = scores.argmax(axis=1), scores.argmax(axis=0)
    found = mutual_pairs(first, second)
    ref = [(row, forward[row]) for row in range(len(first)) if backward[forward[row]] == row]
    assert list(zip(*map(np.ndarray.tolist, found), strict=True)) == ref
    assert 20 < len(ref) < 200


def test_a_center_is_the_mean_of_rows_of_length_one() -> None:
    matrix = make_spaces().source
    center = center_of(RowStack([matrix[:100], matrix[100:]]))
    np.testing.assert_allclose(center, naive.unit(matrix).mean(axis=0), rtol=0, atol=1e-7)
    np.testing.assert_allclose(centred(matrix, center).mean(axis=0), 0, atol=1e-6)


# Precision


def test_precision_equals_the_twin_and_counts_what_is_unknown() -> None:
    spaces = make_spaces(shaken=0.8)
    source = mapped_rows(spaces.source, fit(pairs_of(spaces))[0])
    known = [(row, row) for row in range(LEARNED, 300)] + [(70, 3), (71, 4)]
    given = [(f"e{s}", f"f{t}") for s, t in known]
    dictionary = Dictionary("test", (*given, ("nobody", "f1"), ("e1", "nowhere"), ("e70", "nowhere")))
    report = evaluate_translations(table(spaces.words[0], source), table(spaces.words[1], spaces.target), dictionary)
    assert report["pairs"] == {"given": len(known) + 3, "known": len(known)}
    assert report["words"] == {"given": 242, "asked": 240, "coverage": 240 / 242}
    similarities = {
        "csls": naive.csls(source, spaces.target),
        "cosine": naive.unit(source) @ naive.unit(spaces.target).T,
    }
    for measure, scores in similarities.items():
        for at in (1, 5):
            share, asked = naive.precision(scores, known, at)
            assert asked == 240
            assert report[measure][f"p@{at}"]["share"] == share
    assert report["csls"]["p@1"]["share"] > report["cosine"]["p@1"]["share"], "the mean of these spaces makes hubs"
    assert 0.3 < report["csls"]["p@1"]["share"] < report["csls"]["p@5"]["share"] < 1


@pytest.mark.parametrize(
    ("right", "asked", "low", "high"),
    [(81, 263, 0.255289, 0.366211), (0, 20, 0.0, 0.161125), (20, 20, 0.838875, 1.0), (1, 2, 0.094531, 0.905469)],
)
def test_the_interval_of_wilson(right: int, asked: int, low: float, high: float) -> None:
    """Newcombe 1998, table I, has the first; the second is 3.8415 / 23.8415."""
    assert Share(right, asked).interval == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


# gensim


def test_cosines_after_the_map_of_gensim_give_its_translations() -> None:
    """Its map is the least-squares one of vectors of length 1; the vectors that it gives are taken here."""
    spaces = make_spaces(shaken=0.5)
    theirs = []
    for words, matrix in zip(spaces.words, spaces, strict=True):
        theirs.append(GensimVectors(D))
        theirs[-1].add_vectors(words, matrix)
        theirs[-1].fill_norms()
    learned = [(f"e{row}", f"f{row}") for row in range(LEARNED)]
    model = TranslationMatrix(theirs[0], theirs[1], word_pairs=learned)
    matrix = naive.least_squares(spaces.source[:LEARNED], spaces.target[:LEARNED])
    np.testing.assert_allclose(model.translation_matrix, matrix, rtol=0, atol=1e-4)
    asked = [f"e{row}" for row in range(LEARNED, 300)]
    ref = model.translate(asked, topn=5)
    mapped = KeyedVectors(spaces.words[0], (naive.unit(spaces.source) @ model.translation_matrix).astype(np.float32))
    target = KeyedVectors(spaces.words[1], spaces.target)
    for word in asked:
        assert [name for name, _ in mapped.translate(word, target, measure="cosine")] == ref[word]


# KeyedVectors


@pytest.fixture(scope="module")
def two() -> tuple[Spaces, KeyedVectors, KeyedVectors]:
    spaces = make_spaces()
    source = mapped_rows(spaces.source, fit(pairs_of(spaces))[0])
    return (
        Spaces(source, spaces.target),
        KeyedVectors(spaces.words[0], source),
        KeyedVectors(spaces.words[1], spaces.target),
    )


@pytest.mark.parametrize("measure", ["csls", "cosine"])
def test_translate_gives_what_the_twin_does(two: tuple[Spaces, KeyedVectors, KeyedVectors], measure: str) -> None:
    spaces, source, target = two
    cosines = naive.unit(spaces.source) @ naive.unit(spaces.target).T
    scores = naive.csls(*spaces) if measure == "csls" else cosines
    for row in (0, 77, 299):
        found = source.translate(f"e{row}", target, topn=3, measure=measure)
        ref = np.argsort(-scores[row], kind="stable")[:3]
        assert [word for word, _ in found] == [f"f{place}" for place in ref]
        assert [score for _, score in found] == pytest.approx(scores[row][ref].tolist(), abs=2e-6)
        assert source.translate(spaces.source[row], target, 3, measure) == found
        assert source.translate(row, target, 3, measure) == found


def test_all_pairs_are_gone_through_once(
    two: tuple[Spaces, KeyedVectors, KeyedVectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source, target = two
    source, other = copy.deepcopy(source), copy.deepcopy(target)
    calls, find = [], csls.Means.find
    monkeypatch.setattr(csls.Means, "find", lambda *tables: calls.append(tables) or find(*tables))
    first = source.translate("e1", target)
    assert source.translate("e1", target) == first
    assert len(calls) == 1
    assert source.translate("e1", other) == first
    assert len(calls) == 2
    again = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own bytes
    assert again.translate("e1", target) == first


def test_what_cannot_be_translated(two: tuple[Spaces, KeyedVectors, KeyedVectors]) -> None:
    _, source, target = two
    with pytest.raises(WordNotFound, match="nobody"):
        source.translate("nobody", target)
    with pytest.raises(ConfigError, match="measure = 'best' is not allowed: expected one of csls, cosine"):
        source.translate("e1", target, measure="best")
    with pytest.raises(ConfigError, match="topn = 0"):
        source.translate("e1", target, topn=0)
    for other in ("french", None, target.matrix):
        with pytest.raises(InputError, match=r"other is a \w+, expected the vectors of the other space"):
            source.translate("e1", other)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the source has vectors of length 8, the target of 3"):
        source.translate("e1", KeyedVectors(["a"], np.ones((1, 3), np.float32)))

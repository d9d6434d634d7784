"""Correlation with human judgements of similarity, against gensim and scipy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.unit.gensim_vectors import SHARED, make_gensim, needs_shared
from w2v_spark.evaluation.correlation import ranks
from w2v_spark.evaluation.pair_files import read_pairs
from w2v_spark.evaluation.similarity import evaluate_similarity
from w2v_spark.vectors.keyed_vectors import KeyedVectors


@pytest.mark.parametrize("ignore_case", [True, False])
@pytest.mark.parametrize("restrict", [40, 1000])
def test_similarity_equals_gensim(tmp_path: Path, restrict: int, ignore_case: bool) -> None:
    rng = np.random.default_rng(2)
    words = [f"Word{i}" if i % 3 else f"word{i}" for i in range(80)] + ["WORD3", "word4"]
    matrix = rng.standard_normal((len(words), 6)).astype(np.float32)
    # Unknown words and equal judgements, but no word with itself: that is 1 give or take a rounding, a tie by luck.
    lines = [f"word{i}\tWord{j}\t{s}" for i, j, s in rng.integers(0, [90, 90, 10], (210, 3)) if i != j][:200]
    path = tmp_path / "pairs.tsv"
    path.write_text("# comment\n" + "\n".join(lines) + "\n")
    pearson, spearman, unknown = make_gensim(words, matrix).evaluate_word_pairs(
        str(path), restrict_vocab=restrict, case_insensitive=ignore_case
    )
    result = evaluate_similarity(KeyedVectors(words, matrix), read_pairs(path).pairs, restrict, ignore_case)
    assert result.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert result.pearson == pytest.approx(pearson[0], abs=1e-6)
    assert result.pairs + result.skipped == 200
    assert 100 * result.skipped / 200 == pytest.approx(unknown)


@needs_shared
@pytest.mark.parametrize("name", ["wordsim353.txt", "simlex999.txt"])
def test_the_similarity_sets_equal_gensim(name: str) -> None:
    path = SHARED / "similarity" / name
    pairs = read_pairs(path).pairs
    words = sorted({word.lower() for pair in pairs for word in pair[:2]})[::2]
    matrix = np.random.default_rng(4).standard_normal((len(words), 20)).astype(np.float32)
    pearson, spearman, _ = make_gensim(words, matrix).evaluate_word_pairs(str(path))
    result = evaluate_similarity(KeyedVectors(words, matrix), pairs)
    assert (result.spearman, result.pearson) == pytest.approx((spearman[0], pearson[0]), abs=1e-6)
    assert 20 < result.pairs < len(pairs) == result.pairs + result.skipped


def test_similarity_that_is_undefined() -> None:
    vectors = KeyedVectors(["a", "b"], [[1.0, 0.0], [1.0, 1.0]])
    for pairs in ([], [("a", "b", 1.0)], [("a", "b", 1.0), ("b", "a", 1.0)], [("x", "y", 1.0), ("a", "b", 2.0)]):
        result = evaluate_similarity(vectors, pairs)
        assert np.isnan(result.spearman)
        assert np.isnan(result.pearson)


def test_a_word_with_itself_is_a_tie_and_no_rounding() -> None:
    """Cosines of words with themselves are 1 give or take a rounding: Spearman's correlation must not order these."""
    rng = np.random.default_rng(0)
    vectors = KeyedVectors([f"w{i}" for i in range(40)], rng.standard_normal((40, 30)).astype(np.float32))
    pairs = [(f"w{i}", f"w{i}", float(i)) for i in range(39)] + [("w0", "w39", -1.0)]
    expected = stats.spearmanr([score for *_, score in pairs], [1.0] * 39 + [0.0]).statistic
    assert evaluate_similarity(vectors, pairs).spearman == pytest.approx(expected, abs=1e-12)
    zero = KeyedVectors(["a", "b"], [[0.0, 0.0], [1.0, 0.0]])
    assert evaluate_similarity(zero, [("a", "a", 1.0), ("b", "b", 2.0)]).spearman == pytest.approx(1)


def test_ranks_share_the_mean_of_ties() -> None:
    values = np.random.default_rng(0).integers(0, 9, 50).astype(np.float64)
    np.testing.assert_array_equal(ranks(values), stats.rankdata(values))

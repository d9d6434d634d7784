"""From one version to the next, on small spaces whose right answers are known."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

from w2v_spark.config import Config
from w2v_spark.errors import StoreError
from w2v_spark.retraining.comparison import Comparison
from w2v_spark.retraining.drift import Common, Space, overlaps
from w2v_spark.retraining.interpolation import InterpolatedMatrix, fade, ways
from w2v_spark.retraining.noise import SeedNoise, noise_key, octaves_of
from w2v_spark.retraining.rotated import RotatedMatrix
from w2v_spark.retraining.rotation import WordPairs, cosines_of, fit_rotation
from w2v_spark.retraining.start import WarmStart
from w2v_spark.storage import Directory
from w2v_spark.training.computed_rows import take
from w2v_spark.training.weights import initial_rows


def rows(n, dim, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


class InMemory(np.ndarray):
    """A matrix as `Vectors`."""

    def take(self, rows):
        return np.asarray(self)[rows]


def pairs_of(old, new):
    everything = np.arange(len(old))
    return WordPairs(old.view(InMemory), new.view(InMemory), everything, everything)


def unit(matrix):
    return matrix / np.linalg.norm(matrix.astype(float), axis=1, keepdims=True)


@given(st.integers(1, 40), st.integers(0, 5))
def test_a_rotation_is_found_again(dim, seed):
    old, turn = rows(200, dim, seed), np.atleast_2d(ortho_group.rvs(dim, random_state=seed) if dim > 1 else -1.0)
    new = (old @ turn.T).astype(np.float32)
    found = fit_rotation(pairs_of(old, new), np.ones(200))
    np.testing.assert_allclose(found, turn, atol=1e-5)
    np.testing.assert_allclose(cosines_of(pairs_of(old, new), found), 1, atol=1e-6)


@pytest.mark.parametrize("least", [0.25, 1.0])
def test_words_go_a_part_of_the_way(tmp_path, least):
    """By float64, from rows in files and in memory; a word that is mostly new goes further, a new one all the way."""
    old, new = rows(3, 4, 1), rows(4, 4, 2)
    places, counts, older = np.array([2, -1, 0, 1]), np.array([100, 60, 50, 9]), np.array([40, 12, 90])
    weights = ways(least, counts, older, places)
    expected = np.maximum([0.1, 1.0, 0.2, 0.0], least)  # old counts 90, none, 40 and 12, more than are left
    expected[1] = 1.0
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    wanted = np.array([
        row + (old[place].astype(float) - row) * (1 - weight) if place >= 0 else row
        for row, place, weight in zip(new.astype(float), places, expected, strict=True)
    ])  # fmt: skip
    mixed = InterpolatedMatrix(new, old, places, weights)
    np.testing.assert_allclose(mixed[0:4], wanted, rtol=1e-5)
    np.testing.assert_array_equal(mixed[1:3], mixed[0:4][1:3])
    np.testing.assert_array_equal(take(mixed, np.array([3, 0, 1])), mixed[0:4][[3, 0, 1]])
    np.testing.assert_array_equal(mixed[0:4][places < 0], new[places < 0])
    assert len(mixed) == 4


def test_older_counts_fade_by_the_half_life():
    counts = np.array([0, 1, 3, 1000])
    assert fade(counts, 0).tolist() == counts.tolist()
    assert fade(counts, 1).tolist() == [0, 1, 2, 500]
    assert fade(counts, 10)[3] == round(1000 * 2**-0.1)


def test_without_trimming_it_is_scipys():
    """Five words: a tenth of them is none."""
    old, new, weights = rows(5, 3, 1), rows(5, 3, 2), np.array([3.0, 1, 2, 1, 5])
    scale = np.sqrt(weights)[:, None]
    expected, _ = orthogonal_procrustes(unit(new) * scale, unit(old) * scale)
    np.testing.assert_allclose(fit_rotation(pairs_of(old, new), weights), expected, atol=1e-6)


def test_words_that_have_moved_do_not_turn_the_rest():
    old = rows(1000, 20)
    turn = ortho_group.rvs(20, random_state=3)
    new = (old @ turn.T).astype(np.float32)
    new[:150] = rows(150, 20, 9)  # less than the two tenths that are left out
    cosines = cosines_of(pairs_of(old, new), fit_rotation(pairs_of(old, new), np.ones(1000)))
    assert cosines[150:].min() > 1 - 1e-6
    assert np.abs(cosines[:150]).mean() < 0.3


def test_no_score_changes():
    """An orthogonal map of both matrices leaves the product of any two rows as it was."""
    w_in, w_out, turn = rows(300, 50, 1), rows(300, 50, 2), ortho_group.rvs(50, random_state=4)
    turned_in, turned_out = (RotatedMatrix(w, turn)[0:300] for w in (w_in, w_out))
    np.testing.assert_allclose(turned_in @ turned_out.T, w_in @ w_out.T, atol=2e-5)


def test_zero_rows_and_words_that_count_nothing():
    old, new = rows(30, 4), rows(30, 4, 1)
    old[3] = 0
    weights = np.ones(30)
    weights[:10] = 0
    found = fit_rotation(pairs_of(old, new), weights)
    np.testing.assert_allclose(found @ found.T, np.eye(4), atol=1e-12)
    assert cosines_of(pairs_of(old, new), found)[3] == 0


def test_old_words_keep_their_rows_and_new_ones_start_as_always():
    old_words = pa.array(["a", "b", "c", "d"])
    w_in, w_out = rows(4, 3, 1), rows(4, 3, 2)
    first, second = WarmStart(old_words, (w_in, w_out)).rows(pa.array(["c", "new", "a", "ß", "d"]), 3, seed=7)
    first, second = np.concatenate(list(first)), np.concatenate(list(second))
    fresh = np.concatenate(list(initial_rows(5, 3, 7)))
    np.testing.assert_array_equal(first, [w_in[2], fresh[1], w_in[0], fresh[3], w_in[3]])
    np.testing.assert_array_equal(second, [w_out[2], [0, 0, 0], w_out[0], [0, 0, 0], w_out[3]])


def test_many_words_in_many_batches():
    words = [f"w{i}" for i in range(5000)]
    w_in, w_out = rows(5000, 2, 1), rows(5000, 2, 2)
    order = np.random.default_rng(0).permutation(5000)
    start = WarmStart(pa.array(words), (w_in, w_out)).rows(pa.array([words[i] for i in order]), 2, seed=1)
    for found, expected in zip(start, (w_in, w_out), strict=True):
        np.testing.assert_array_equal(np.concatenate(list(found)), expected[order])


def spaces():
    before = Space(pa.array(["the", "cat", "gone", "dog"]), np.array([50, 20, 15, 10]), rows(4, 5, 1).view(InMemory))
    vectors = np.stack([before.vectors[0], before.vectors[3], rows(1, 5, 8)[0], before.vectors[1]])
    return before, Space(pa.array(["the", "dog", "new", "cat"]), np.array([90, 60, 30, 25]), vectors.view(InMemory))


def test_the_drift_table_has_every_word_of_both():
    before, after = spaces()
    comparison = Comparison.build(before, after, words=2)
    table = comparison.table(before, after).to_pylist()
    assert [row["word"] for row in table] == ["the", "dog", "new", "cat", "gone"]
    assert [row["count_before"] for row in table] == [50, 10, None, 20, 15]
    assert [row["count_after"] for row in table] == [90, 60, 30, 25, None]
    assert [row["rank_before"] for row in table] == [0, 3, None, 1, 2]
    assert [row["rank_after"] for row in table] == [0, 1, 2, 3, None]
    assert [row["rank_change"] for row in table] == [0, 2, None, -2, None]
    assert [row["cosine"] and round(row["cosine"], 5) for row in table] == [1, 1, None, 1, None]
    assert [row["overlap"] for row in table] == [1, 1, None, None, None]
    words = comparison.report(comparison.table(before, after), after, 2, None)["words"]
    assert words["kept"] == 3
    assert words["came"] == {"words": 1, "share_of_tokens": 30 / 205, "most_frequent": ["new"]}
    assert words["went"] == {"words": 1, "share_of_tokens": 15 / 95, "most_frequent": ["gone"]}


def test_no_common_word_is_no_comparison():
    before, after = spaces()
    other = Space(pa.array(["x", "y"]), np.array([2, 1]), rows(2, 5).view(InMemory))
    assert Comparison.build(other, after, 2) is None
    assert len(Common.find(before.words, other.words)) == 0


def test_overlap_against_a_plain_search():
    old, new = rows(400, 8, 1), rows(400, 8, 1) + 0.4 * rows(400, 8, 2)

    def nearest(vectors):
        cosines = unit(vectors[:90]) @ unit(vectors[:90]).T
        np.fill_diagonal(cosines, -2)
        return [set(np.argsort(-row)[:10]) for row in cosines[:30]]

    expected = [len(a & b) / 10 for a, b in zip(nearest(old), nearest(new), strict=True)]
    np.testing.assert_allclose(overlaps(pairs_of(old, new), 30), expected)
    assert 0 < np.mean(expected) < 1


def test_octaves_go_by_the_share_of_the_text():
    counts = np.array([512, 256, 255, 1, 0])
    assert octaves_of(counts).tolist() == [1, 2, 2, 10, 10]


def test_drift_in_units_of_noise(tmp_path):
    """Words that have moved twice as far as two seeds differ have drifted by two."""
    noise = SeedNoise((1, 5), (0.1, 0.2), 0.8, (1, 2))
    noise.write(Directory.open(tmp_path), "noise.json")
    assert SeedNoise.read(Directory.open(tmp_path), "noise.json") == noise
    np.testing.assert_allclose(noise.at(np.array([40, 30, 10, 5, 2])), np.interp([1, 1, 3, 4, 5], [1, 5], [0.1, 0.2]))
    counts = np.full(2000, 10)
    base = rows(2000, 30, 1)
    angle = np.arccos(1 - 0.4)  # of every word, in directions that no rotation makes up for
    aside = rows(2000, 30, 2)
    aside -= (aside * unit(base)).sum(1, keepdims=True) * unit(base)
    moved = (np.cos(angle) * unit(base) + np.sin(angle) * unit(aside)).astype(np.float32)
    words = pa.array([f"w{i}" for i in range(2000)])
    before, after = Space(words, counts, base.view(InMemory)), Space(words, counts, moved.view(InMemory))
    comparison = Comparison.build(before, after, 1000)
    drift = comparison.report(
        comparison.table(before, after), after, 1000, SeedNoise((3, 20), (0.2, 0.2), 0.8, (1, 2))
    )["drift"]
    assert drift["noise"] == pytest.approx(2.0, rel=0.05)
    assert drift["cosine"]["q50"] == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("text", ["{}", '{"octaves": [1, 1], "distances": [1, 1], "overlap": 1, "seeds": [1, 2]}',
                                  '{"octaves": [], "distances": [], "overlap": 1, "seeds": [1, 2]}',
                                  '{"octaves": [1], "distances": ["x"], "overlap": 1, "seeds": [1, 2]}'])  # fmt: skip
def test_damaged_noise_is_refused(tmp_path: Path, text):
    (tmp_path / "noise.json").write_text(text)
    with pytest.raises(StoreError, match="damaged"):
        SeedNoise.read(Directory.open(tmp_path), "noise.json")


def test_noise_is_measured_by_frequency():
    counts, cosines = np.array([64, 32, 16, 16]), np.array([0.9, 0.8, 0.7, 0.5])
    noise = SeedNoise.measure(counts, cosines, np.array([0.5, 0.7]), (1, 2))
    assert noise.octaves == (1, 2, 3)
    np.testing.assert_allclose(noise.distances, [0.1, 0.2, 0.4])
    assert noise.overlap == pytest.approx(0.6)


def test_the_noise_of_a_configuration_does_not_depend_on_its_seed():
    config = Config()
    assert noise_key(config) == noise_key(config.replace(train={"seed": 5}))
    assert noise_key(config) != noise_key(config.replace(train={"sample": 0.5}))

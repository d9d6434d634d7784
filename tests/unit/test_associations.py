"""WEAT and RND: against all permutations, against numbers worked out by hand, and their files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tests.naive import evaluation as naive
from w2v_spark.errors import InputError
from w2v_spark.evaluation.kind import Settings
from w2v_spark.evaluation.permutations import SAMPLED, p_values, splits
from w2v_spark.evaluation.rnd import RND, read_rnd, rnd
from w2v_spark.evaluation.weat import WEAT, read_weat, weat
from w2v_spark.vectors.keyed_vectors import KeyedVectors

RANDOM = np.random.default_rng(5)
SETS: dict[str, Any] = {
    "X": {"flowers": ["rose", "lily", "iris", "tulip", "daisy"]},
    "Y": {"insects": ["ant", "bee", "fly", "moth", "wasp"]},
    "A": {"pleasant": ["love", "joy", "peace", "fun", "gift"]},
    "B": {"unpleasant": ["war", "pain", "death", "hate", "ill"]},
}


def unit(*shape: int) -> np.ndarray:
    rows = RANDOM.standard_normal(shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def test_worked_out_by_hand() -> None:
    """In the plane, with A = {east} and B = {north}, s is cos - sin.

    X at 0 degrees and at the angle of 3-4-5: s = 1 and 1/5; Y at 90 degrees and at the angle of 4-3-5: -1 and -1/5. Of
    the six ways to divide four, only that of X and Y is as far up: p = 1/6; with its mirror image 2/6. The mean
    of X is .6, of Y -.6, the deviation of all sqrt((1 + 1 + .04 + .04) / 4).
    """
    x, y = np.array([[1.0, 0], [0.8, 0.6]]), np.array([[0.0, 1], [0.6, 0.8]])
    found = weat(x, y, np.array([[1.0, 0]]), np.array([[0.0, 1]]), seed=1)
    assert found["effect_size"] == pytest.approx(1.2 / math.sqrt(0.52))
    assert found["effect_size_ddof1"] == pytest.approx(1.2 / math.sqrt(2.08 / 3))
    assert (found["p"], found["p_two_sided"]) == pytest.approx((1 / 6, 2 / 6))
    assert (found["permutations"], found["exact"]) == (6, True)


@pytest.mark.parametrize("shift", [0.0, 0.3, -0.5])
@pytest.mark.parametrize("n", [2, 5])
def test_weat_equals_the_naive_twin(n: int, shift: float) -> None:
    x, y, a, b = (unit(size, 6) for size in (n, n, 4, 3))
    x += shift * a.mean(axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    found = weat(x, y, a, b, seed=1)
    size, p, two_sided = naive.weat(list(x), list(y), list(a), list(b))
    assert (found["effect_size"], found["p"], found["p_two_sided"]) == pytest.approx((size, p, two_sided))


@pytest.mark.parametrize("sizes", [(2, 2), (4, 3)])
def test_rnd_equals_the_naive_twin(sizes: tuple[int, int]) -> None:
    targets, a, b = unit(5, 6), unit(sizes[0], 6), unit(sizes[1], 6)
    numbers, each = rnd(targets, a, b, seed=1)
    distance, two_sided = naive.rnd(list(targets), list(a), list(b))
    assert (numbers["rnd"], numbers["p_two_sided"]) == pytest.approx((distance, two_sided))
    assert numbers["mean"] == pytest.approx(distance / 5)
    assert each.sum() == pytest.approx(distance)
    assert numbers["effect_size"] == pytest.approx(each.mean() / each.std())


def test_rnd_is_above_0_for_words_near_the_second_group() -> None:
    numbers, each = rnd(np.array([[0.0, 1], [0.6, 0.8]]), np.array([[1.0, 0]] * 4), np.array([[0.0, 1]] * 4), seed=1)
    assert each == pytest.approx([math.sqrt(2), math.sqrt(0.8) - math.sqrt(0.4)])
    assert numbers["p_two_sided"] == pytest.approx(2 / math.comb(8, 4))


def test_many_words_are_sampled() -> None:
    """Two groups of ten: the sampled p is near that of all 184,756 ways, as scipy counts them."""
    x, y, a, b = (unit(10, 6) for _ in range(4))
    x += 0.25 * a.mean(axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    found = weat(x, y, a, b, seed=1)
    assert (found["permutations"], found["exact"]) == (SAMPLED, False)
    s = [np.array([naive.association(word, list(a), list(b)) for word in words]) for words in (x, y)]
    exact = stats.permutation_test(
        s, lambda one, other, axis: one.sum(axis) - other.sum(axis), n_resamples=np.inf, alternative="greater",
        vectorized=True, batch=10_000,
    )  # fmt: skip
    assert found["p"] == pytest.approx(exact.pvalue, abs=4 * math.sqrt(exact.pvalue / SAMPLED))
    assert weat(x, y, a, b, seed=1) == found
    assert weat(x, y, a, b, seed=2) != found
    far = weat(np.eye(2)[[0] * 10], np.eye(2)[[1] * 10], np.eye(2)[:1], np.eye(2)[1:], seed=1)
    assert far["p"] == 1 / (SAMPLED + 1), "never 0"


def test_splits_are_all_there_are_or_random_halves() -> None:
    every = splits(8, 8, seed=1)
    assert every.exact
    assert len({tuple(one) for one in every.first.tolist()}) == math.comb(16, 8)
    some = splits(9, 9, seed=1)
    assert (some.exact, some.first.shape) == (False, (SAMPLED, 9))
    counts = np.bincount(some.first.ravel(), minlength=18)
    assert abs(counts - SAMPLED / 2).max() < 5 * math.sqrt(SAMPLED / 4)


def test_a_rounding_is_a_tie() -> None:
    found = p_values(0.3, np.array([0.1 + 0.2, 0.3, -0.3, 0.29]), exact=True)
    assert (found["p"], found["p_two_sided"]) == (0.5, 0.75)


def make_vectors(*missing: str) -> KeyedVectors:
    words = [word for sets in SETS.values() for each in sets.values() for word in each]
    sides = np.repeat([[1.0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]], 5, axis=0)
    matrix = sides + 0.3 * np.random.default_rng(1).standard_normal((20, 3))
    kept = [place for place, word in enumerate(words) if word not in missing]
    return KeyedVectors([words[place].upper() for place in kept], matrix[kept])


def test_a_set_with_unknown_words(tmp_path: Path) -> None:
    """One flower is unknown: the last insect is left out as well, and so is the unknown attribute."""
    (tmp_path / "set.json").write_text(json.dumps(SETS))
    whole = WEAT.score(make_vectors(), read_weat(tmp_path / "set.json"), Settings()).sections[0]
    assert whole.name == "flowers/insects, pleasant/unpleasant"
    assert (whole.values["n"], whole.values["unknown"], whole.values["left_out"]) == (5, 0, [])
    assert whole.values["effect_size"] > 1.5
    assert whole.values["p"] == pytest.approx(1 / 252)
    (row,) = WEAT.score(make_vectors("lily", "joy"), read_weat(tmp_path / "set.json"), Settings()).sections
    assert (row.values["n"], row.values["attributes"]) == (4, [4, 5])
    assert (row.values["unknown_words"], row.values["left_out"]) == (["lily", "joy"], ["wasp"])
    smaller = {
        key: {"set": [w for w in next(iter(sets.values())) if w not in ("lily", "joy", "wasp")]}
        for key, sets in SETS.items()
    }
    (tmp_path / "less.json").write_text(json.dumps(smaller))
    less = WEAT.score(make_vectors(), read_weat(tmp_path / "less.json"), Settings()).sections[0]
    assert less.values["effect_size"] == pytest.approx(row.values["effect_size"])


def test_too_few_known_words_are_refused(tmp_path: Path) -> None:
    (tmp_path / "set.json").write_text(json.dumps(SETS, indent=1))
    with pytest.raises(
        InputError, match=r"set\.json, line 2: .* know 3 of 5 words of X \(flowers\), .* 80% .*rose, iris"
    ):
        WEAT.score(make_vectors("rose", "iris"), read_weat(tmp_path / "set.json"), Settings())
    targets = {key: SETS[key] for key in "XAB"}
    (tmp_path / "rnd.json").write_text(json.dumps(targets))
    with pytest.raises(InputError, match=r"3 of 5 words of B \(unpleasant\)"):
        RND.score(make_vectors("war", "ill"), read_rnd(tmp_path / "rnd.json"), Settings())


def test_an_rnd_set(tmp_path: Path) -> None:
    (tmp_path / "bugs.json").write_text(json.dumps({"name": "bugs", "X": SETS["Y"], "A": SETS["A"], "B": SETS["B"]}))
    (row,) = RND.score(make_vectors("bee"), read_rnd(tmp_path / "bugs.json"), Settings()).sections
    assert row.name == "bugs"
    assert row.values["rnd"] > 1
    assert row.samples["mean"].known.tolist() == [True, False, True, True, True]
    (value,) = row.samples["mean"].measure(np.array([[0, 2, 3, 4]]))
    assert value == pytest.approx(row.values["mean"])


def test_names_and_forms_of_files(tmp_path: Path) -> None:
    plain = {key: next(iter(sets.values())) for key, sets in SETS.items()}
    published = {
        old: {"category": new.title(), "examples": words}
        for old, new, words in zip(("targ1", "targ2", "attr1", "attr2"), "wxyz", plain.values(), strict=True)
    }
    (tmp_path / "some.json").write_text(json.dumps([plain, plain, published, {**published, "name": "mine"}]))
    tests = read_weat(tmp_path / "some.json")
    assert [test.name for test in tests] == ["some", "some 2", "W/X, Y/Z", "mine"]
    assert all({key: list(words) for key, words in test.words.items()} == plain for test in tests)


def changed(**sets: Any) -> str:
    """A set a line, from the second line on."""
    return json.dumps({key: value for key, value in {**SETS, **sets}.items() if value}, indent=1).replace("\n   ", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed(X=["a", "b", "c"]), r"line 2: X \(X\) has 3 words, expected 4 or more"),
        (changed(Y={"bugs": ["a", "b", "c"]}), r": Y \(bugs\) has 3 words, expected 4 or more"),
        (changed(A=["a"]), r": A \(A\) has 1 words, expected 2 or more"),
        (changed(B=["a", "a"]), r": B \(B\) has 1 words"),
        (
            changed(X=["a", "b", "c", "d"]),
            r"line 2: X \(X\) has 4 words and Y \(insects\) has 5, expected equal numbers",
        ),
        (changed(Y=["rose", "b", "c", "d", "e"]), r": 'rose' is in both X and Y"),
        (changed(B=["love", "b"]), r": 'love' is in both A and B"),
        (changed(Y=None), r'line 2: expected {"name": .*"Y": .*found \'X\', \'A\', \'B\''),
        (changed(C=["a"]), r"line 2: expected .*found 'X', 'Y', 'A', 'B', 'C'"),
        (changed(X="rose"), r"line 2: X: expected a list of words"),
        (changed(X=["a", 1, "c", "d"]), r"line 2: X: expected a list of words"),
        (changed(X={"a": ["b"], "c": ["d"]}), r"line 2: X: expected a list of words"),
        (changed(name=3), r": expected a text as its name, found 3"),
        ("word1 word2 3\n", r"line 1: no JSON"),
        ('{\n"X": [],\n"Y" []}', r"line 3: no JSON"),
        ('{"X": ["\\ud800"]}', r": no JSON"),
        ("[" * 100_000, r": no JSON"),
        ("[]", r"holds no test"),
        ("[3]", r"line 1: expected .*found 3"),
        ("{}", r"line 1: expected .*found nothing"),
    ],
)
def test_malformed_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(InputError, match=rf"s\.json.*{message}"):
        read_weat(tmp_path / "s.json")

"""Outlier detection, against the pairs of words that the paper compares, and its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.naive import evaluation as naive
from w2v_spark.errors import InputError
from w2v_spark.evaluation.kind import Settings
from w2v_spark.evaluation.outliers import OUTLIERS, Topic, positions, read_outliers
from w2v_spark.vectors.keyed_vectors import KeyedVectors

RANDOM = np.random.default_rng(8)


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.parametrize("size", [2, 3, 8])
def test_equals_the_naive_twin(size: int) -> None:
    seen = set()
    for _ in range(20):
        group = unit(RANDOM.standard_normal((size, 5)) + RANDOM.random() * 2)
        outliers = unit(RANDOM.standard_normal((6, 5)))
        found = positions(group, outliers)
        assert found.tolist() == [naive.position(list(group), outlier) for outlier in outliers]
        seen |= set(found.tolist())
    assert seen == set(range(size + 1))


def test_a_word_as_far_off_as_the_outlier_counts_against_it() -> None:
    group = np.array([[1.0, 0], [1, 0], [0, 1]])
    assert positions(group, np.array([[0.0, 1], [-1, 0]])).tolist() == [0, 3]


def test_a_set() -> None:
    """8 known cats in a plane; one outlier off it, one among them, one unknown; and a topic that is hardly known."""
    cats = [f"cat{number}" for number in range(8)]
    angles = np.linspace(0, 0.7, 8)
    rows = np.stack([np.cos(angles), np.sin(angles), np.zeros(8)], axis=1)
    vectors = KeyedVectors([*cats, "Car", "cub"], np.concatenate([rows, [[0, 0, 1], [np.cos(0.35), np.sin(0.35), 0]]]))
    topics = (
        Topic("cats", (*cats, "lynx"), ("car", "cub", "zzz")),
        Topic("rare", ("cat1", "cat2", "x", "y", "z"), ("car",)),
    )
    scored = OUTLIERS.score(vectors, topics, Settings())
    (total,), (first, second) = scored.totals, scored.sections
    assert scored.details["unknown_words_of_groups"] == 4
    assert scored.answered == 2
    expected = {"accuracy": 0.5, "opp": 0.5, "detected": 1, "answered": 2, "skipped": 1}
    assert first.values == pytest.approx(expected)
    assert total.values == pytest.approx(expected | {"skipped": 2})
    assert (second.values["answered"], second.values["skipped"]) == (0, 1)
    assert np.isnan(second.values["accuracy"])


def test_files_as_the_8_8_8_set_has_them(tmp_path: Path) -> None:
    (tmp_path / "capitals.txt").write_text("# topic\nBoston\nAustin\n\r\nFresno\nshrub\n\n")
    (tmp_path / "brands.txt").write_text("Audi\nMercedes_Benz\n\nbridge")
    brands, capitals = read_outliers(tmp_path)
    assert brands == Topic("brands", ("Audi", "Mercedes_Benz"), ("bridge",))
    assert capitals == Topic("capitals", ("Boston", "Austin"), ("Fresno", "shrub"))
    assert read_outliers(tmp_path / "brands.txt") == (brands,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb\nc\n", r"t\.txt, line 3: expected a group of words, one blank line and outliers, found 1 groups"),
        ("a\nb\n\nc\n\nd\n", r"t\.txt, line 6: expected a group of words, one blank line and outliers, found 3 groups"),
        ("", r"t\.txt, line 1: expected a group .* found 0 groups"),
        ("a\n\nc\n", r"t\.txt, line 1: expected two words or more"),
        ("a\nb\n\nc d\n", r"t\.txt, line 4: expected one word, found 'c d'"),
        ("a\tb\t1\n", r"t\.txt, line 1: expected one word"),
        ("a\nb\n\nc\na\n", r"t\.txt: 'a' is both a word of the group and an outlier"),
    ],
)
def test_malformed_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_outliers(tmp_path / "t.txt")

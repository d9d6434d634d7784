"""Categorisation: its clusters, its measures against scikit-learn, and its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import v_measure_score

from tests.naive import evaluation as naive
from w2v_spark.errors import InputError
from w2v_spark.evaluation.categories import CATEGORIES, read_categories
from w2v_spark.evaluation.clusters import VMeasures, in_majority, spherical_k_means
from w2v_spark.evaluation.kind import Settings
from w2v_spark.vectors.keyed_vectors import KeyedVectors

RANDOM = np.random.default_rng(3)


def make_groups(k: int, size: int, noise: float, dim: int = 12) -> np.ndarray:
    """Vectors of length 1 about k orthogonal directions, group after group."""
    rows = np.repeat(np.eye(k, dim), size, axis=0) + noise * RANDOM.standard_normal((k * size, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_groups_are_found_as_they_are() -> None:
    labels = spherical_k_means(make_groups(6, 20, 0.08), 6, seed=1)
    assert len(set(labels[::20])) == 6
    np.testing.assert_array_equal(labels, np.repeat(labels[::20], 20))


def test_no_vector_is_nearer_to_another_centre_and_no_start_is_better() -> None:
    unit = make_groups(5, 30, 0.5)
    labels = spherical_k_means(unit, 5, seed=4)
    assert set(labels) == set(range(5))

    def total(of: np.ndarray) -> float:
        return float(sum(np.linalg.norm(unit[of == cluster].sum(axis=0)) for cluster in range(5)))

    sums = np.array([unit[labels == cluster].sum(axis=0) for cluster in range(5)])
    centres = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    np.testing.assert_array_equal((unit @ centres.T).argmax(axis=1), labels)
    assert total(labels) >= max(total(spherical_k_means(unit, 5, seed=4, starts=n)) for n in range(1, 10)) - 1e-9


def test_seeds() -> None:
    unit = make_groups(8, 10, 0.9)
    np.testing.assert_array_equal(spherical_k_means(unit, 8, seed=1), spherical_k_means(unit, 8, seed=1))
    assert any(
        (spherical_k_means(unit, 8, seed=1, starts=1) != spherical_k_means(unit, 8, seed, 1)).any() for seed in (2, 3)
    )


def test_equal_zero_and_few_vectors() -> None:
    assert set(spherical_k_means(np.eye(3), 3, seed=1)) == {0, 1, 2}
    for unit in (np.ones((4, 1)), np.zeros((4, 2))):
        assert len(spherical_k_means(unit, 2, seed=1)) == 4


@pytest.mark.parametrize("kinds", [(3, 5), (7, 2), (1, 4), (4, 1), (1, 1)])
def test_measures_are_those_of_scikit_learn(kinds: tuple[int, int]) -> None:
    for _ in range(20):
        classes, clusters = (RANDOM.integers(kind, size=40) for kind in kinds)
        sample = VMeasures(classes, clusters, np.ones(40, dtype=bool))
        items = RANDOM.integers(40, size=(3, 25))
        expected = [v_measure_score(classes[some], clusters[some]) for some in items]
        np.testing.assert_allclose(sample.measure(items), expected, atol=1e-12)
        assert in_majority(classes, clusters).mean() == pytest.approx(naive.purity(classes.tolist(), clusters.tolist()))


def test_a_set(tmp_path: Path) -> None:
    """Two clear categories, one word on the wrong side, one of both categories, unknown ones, another case."""
    words = ["cat", "dog", "Horse", "car", "bus", "jaguar", "train"]
    vectors = KeyedVectors(words, [[1, 0.1], [1, 0], [1, -0.1], [0, 1], [0.1, 1], [0, 1], [-0.1, 1]])
    lines = [*(f"{word}\tanimal" for word in ("cat", "dog", "horse", "jaguar", "gnu")), "car\tvehicle", "bus vehicle"]
    (tmp_path / "set.txt").write_text("\n".join(["# words", *lines, "train\tvehicle", "train\tlesson", "x\tother"]))
    content = read_categories(tmp_path / "set.txt")
    assert content.ambiguous == 1
    (row,) = CATEGORIES.score(vectors, content, Settings()).totals
    assert row.values["purity"] == pytest.approx(5 / 6)
    assert row.values["v_measure"] == pytest.approx(v_measure_score([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]))
    assert row.values["coverage"] == pytest.approx(6 / 8)
    counts = {key: row.values[key] for key in ("categories", "categories_without_words", "words", "skipped")}
    assert counts == {"categories": 2, "categories_without_words": 1, "words": 6, "skipped": 2}
    again = CATEGORIES.score(vectors, content, Settings()).totals[0]
    assert again.values == row.values


def test_words_of_one_category_alone_are_no_score(tmp_path: Path) -> None:
    (tmp_path / "set.txt").write_text("cat\tanimal\ndog\tanimal\ntram\tvehicle\n")
    vectors = KeyedVectors(["cat", "dog"], [[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(InputError, match=r"set\.txt: the vectors know words of 'animal' only, expected of two"):
        CATEGORIES.score(vectors, read_categories(tmp_path / "set.txt"), Settings())


def test_a_directory_has_a_file_a_category(tmp_path: Path) -> None:
    (tmp_path / "birds.txt").write_text("\n# licence\nrobin\nwren \r\nrobin\n\n")
    (tmp_path / "fish-2.txt").write_text("\ufeffcod\neel", encoding="utf-8")
    (tmp_path / "README.md").write_text("not a category")
    found = read_categories(tmp_path)
    assert found.words == (("robin", "birds"), ("wren", "birds"), ("cod", "fish-2"), ("eel", "fish-2"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tx\nb\ty\nc\n", r"set\.txt, line 3: expected a word, a tab and its category, found 'c'"),
        ("a\tx\n\nb y z\n", r"set\.txt, line 3: expected a word"),
        ("a\t\nb\ty\n", r"set\.txt, line 1: expected a word"),
        ("a\tx\nb\tx\n", r"set\.txt: expected words of two categories"),
        ("a\tx\na\ty\n", r"set\.txt: expected words of two categories"),
        ("", r"set\.txt: expected words of two categories"),
    ],
)
def test_malformed_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "set.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_categories(tmp_path / "set.txt")


def test_malformed_directories(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \.txt files"):
        read_categories(tmp_path)
    (tmp_path / "a.txt").write_text("robin\nnew york\n")
    with pytest.raises(InputError, match=r"a\.txt, line 2: expected one word, found 'new york'"):
        read_categories(tmp_path)
    (tmp_path / "a.txt").write_text("robin\n\nwren\n")
    with pytest.raises(InputError, match=r"a\.txt, line 3: expected no blank line before 'wren'"):
        read_categories(tmp_path)
    with pytest.raises(InputError, match="absent cannot be read"):
        read_categories(tmp_path / "absent")

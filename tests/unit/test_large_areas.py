"""Dense areas of most documents, and the parts that they are split into."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from w2v_spark.topics.discovery import find_areas, split_areas


def corners(far, apart=5.0):
    """Four groups of a hundred points at the corners of a square, and a tight one of sixty, so far away."""
    random = np.random.default_rng(1)
    square = np.repeat([[0.0, 0.0], [0.0, apart], [apart, 0.0], [apart, apart]], 100, axis=0)
    loose = square + random.standard_normal((400, 2))
    tight = far + 0.1 * random.standard_normal((60, 2))
    owners = np.append(np.repeat(np.arange(4), 100), np.full(60, 4))
    return np.concatenate([loose, tight]).astype(np.float32), owners


def test_an_area_of_most_documents_is_split_into_its_dense_parts():
    points, owners = corners(100)
    whole = find_areas(points, 15, 15, len(points))
    assert whole.max() == 1, "four groups are one area beside one that is far from all"
    labels = find_areas(points, 15, 15, len(points) // 2)
    pairs = set(zip(labels[labels >= 0].tolist(), owners[labels >= 0].tolist(), strict=True))
    majorities = [np.bincount(owners[labels == area]).argmax() for area in range(labels.max() + 1)]
    assert sorted(majorities) == [0, 1, 2, 3, 4], pairs
    assert (labels >= 0).mean() > 0.5


def test_an_area_of_most_documents_without_parts_stays_whole():
    """HDBSCAN's own limit would give it up."""
    points, owners = corners(100, apart=0.0)
    labels = find_areas(points, 15, 15, len(points) // 2)
    assert labels.tolist() == find_areas(points, 15, 15, len(points)).tolist()
    assert len(set(labels[owners == 4].tolist())) == 1
    assert np.bincount(labels[labels >= 0]).max() > len(points) // 2


def test_a_single_part_that_is_small_enough_splits_nothing():
    """fast_hdbscan has no answer there."""
    random = np.random.default_rng(2)
    points = np.concatenate([random.normal(size=(130, 5)), random.normal(size=(20, 5)) / 5 + 20]).astype(np.float32)
    labels = find_areas(points, 15, 15, len(points) // 2)
    assert labels.tolist() == find_areas(points, 15, 15, len(points)).tolist()
    assert labels.max() == 1


@given(size=st.integers(1, 60), seed=st.integers(0, 99))
def test_areas_are_put_in_place_by_their_parts(size, seed):
    random = np.random.default_rng(seed)
    parts = random.integers(-1, 6, size).astype(np.int32)
    owners = random.integers(-1, 3, 6)  # the area of each part
    labels = np.where(parts < 0, random.integers(-1, 3, size), owners[parts]).astype(np.int32)
    large = np.unique(random.integers(0, 3, 2))
    split = split_areas(labels, parts, large)
    several = []
    for area in large:
        inside = parts[labels == area].tolist()
        if len(set(inside) - {-1}) > 1 and inside.count(-1) <= len(inside) / 2:
            several.append(area)
    wanted = [
        None if label < 0 or (label in several and part < 0) else (label, part if label in several else None)
        for label, part in zip(labels.tolist(), parts.tolist(), strict=True)
    ]
    assert [label < 0 for label in split] == [name is None for name in wanted]
    named = set(zip(split.tolist(), wanted, strict=True))
    assert len(named) == len(set(split.tolist())) == len(set(wanted)), "one number an area"
    assert sorted(set(split[split >= 0].tolist())) == list(range(split.max(initial=-1) + 1))

"""The decomposition of a sparse matrix: its kernels, and the subspace that they find, against exact ones."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import chain
from pydoc_data.topics import topics

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from tests.naive import counts as naive
from w2v_spark.config import CountsConfig
from w2v_spark.counting.blocks import Block, Product
from w2v_spark.counting.rows import Rows
from w2v_spark.counting.subspace import block_width, change, left_transform, right_transform, spectrum_of
from w2v_spark.kernels.jit import kernel
from w2v_spark.kernels.logarithm import log_of
from w2v_spark.kernels.sparse import add_moments


@kernel
def logarithms(numbers, out):
    for n in range(len(numbers)):
        out[n] = log_of(numbers[n])


def sparse(matrix) -> Rows:
    starts = np.concatenate([[0], np.cumsum((matrix != 0).sum(axis=1))])
    return Rows(starts, np.nonzero(matrix)[1].astype(np.int32), matrix[matrix != 0].astype(np.float32))


def block_of(matrix) -> Block:
    cut = len(matrix) // 3
    parts = [np.ascontiguousarray(part) for part in (matrix[:cut], matrix[cut:])]
    places = [part.ctypes.data + 4 * part.shape[1] * np.arange(len(part)) for part in parts]
    return Block(parts, np.concatenate(places))


def test_logarithms_are_right_to_the_last_place() -> None:
    numbers = np.concatenate([np.arange(1.0, 5000), np.exp(np.random.default_rng(0).uniform(-300, 300, 5000))])
    found = np.empty_like(numbers)
    logarithms(numbers, found)
    expected = np.array([math.log(number) for number in numbers])
    assert (np.abs(found - expected) <= np.spacing(np.abs(expected))).all()
    assert found[0] == 0


@pytest.mark.parametrize("width", [16, 64, 112])
def test_products_are_those_of_the_twin(width: int) -> None:
    """Rows without an entry, and one of more entries than are added up at a time, among them."""
    random = np.random.default_rng(width)
    matrix = random.normal(size=(40, 3000)) * (random.random((40, 3000)) < 0.02)
    matrix[3] = 0
    matrix[7] = random.normal(size=3000)
    rows, dense = sparse(matrix), random.normal(size=(3000, width)).astype(np.float32)
    product = Product(np.eye(width, dtype=np.float32))
    (found,) = product.of_sparse(rows, block_of(dense))
    expected = naive.sparse_product(rows.starts, rows.columns.tolist(), rows.values.astype(float), dense.astype(float))
    np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())
    np.testing.assert_allclose(np.triu(product.moments), np.triu(expected.T @ expected), rtol=1e-3, atol=1e-2)


def test_moments_are_summed_in_float64() -> None:
    rows = np.random.default_rng(0).normal(size=(101, 32)).astype(np.float32)
    out = np.zeros((32, 32))
    for first in (0, 50):
        add_moments(rows[first : first + 50 + first // 50], np.empty((4, 32)), out)
    wide = rows.astype(np.float64)
    np.testing.assert_allclose(np.triu(out), np.triu(wide.T @ wide), rtol=1e-13, atol=1e-12)


def decompose(matrix, dim: int, iterations: int, oversampling: int = 10, weight: float = 0.5):
    """What the jobs do, in one process."""
    width = block_width(dim, oversampling, *matrix.shape)
    left_rows, right_rows = sparse(matrix), sparse(matrix.T)

    def step(rows, block, transform):
        product = Product(np.ascontiguousarray(transform, np.float32))
        return np.concatenate(list(product.of_sparse(rows, block_of(block)))), product.moments

    right = np.random.default_rng(0).random((matrix.shape[1], width), np.float32) - np.float32(0.5)
    orthonormal, seen = np.eye(width), []
    for number in range(iterations + 1):
        left, moments = step(left_rows, right, orthonormal)
        spectrum = spectrum_of(moments)
        seen.append(spectrum.values[:dim])
        if number < iterations:
            right, moments = step(right_rows, left, spectrum.orthonormal)
            orthonormal = spectrum_of(moments).orthonormal
    transforms = left_transform(spectrum, dim, weight), right_transform(spectrum, orthonormal, dim, weight)
    vectors = [
        np.concatenate(list(Product(transform).of_dense(side)))[:, :dim]
        for side, transform in zip((left, right), transforms, strict=True)
    ]
    return *vectors, seen


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_vectors_are_those_of_an_exact_decomposition(weight: float) -> None:
    random = np.random.default_rng(5)
    matrix = np.maximum(random.normal(size=(150, 90)), 0) * (random.random((150, 90)) < 0.4)
    left, right, seen = decompose(matrix, 12, 60, weight=weight)
    for found, expected in zip((left, right), naive.vectors(matrix, 12, weight), strict=True):
        signs = np.sign((found * expected).sum(axis=0))
        np.testing.assert_allclose(found * signs, expected, atol=2e-4 * np.abs(expected).max())
    signs = [np.sign((found * expected).sum(axis=0)) for found, expected in
             zip((left, right), naive.vectors(matrix, 12, weight), strict=True)]  # fmt: skip
    assert np.array_equal(*signs), "both sides have the same signs"
    np.testing.assert_allclose(seen[-1], np.linalg.svd(matrix)[1][:12], rtol=1e-5)
    assert change(seen[-2], seen[-1]) < 1e-5 < change(seen[0], seen[1])


def test_nearest_words_are_those_of_scipys_svds() -> None:
    """On real text, the topics of Python's reference, with the default number of iterations."""
    text = "\n".join(topics.values()).lower()
    sentences = [re.findall(r"[a-z_]+", line) for line in re.split(r"[.:]\s|\n\n", text)]
    often = [word for word, count in Counter(chain.from_iterable(sentences)).most_common() if count >= 5]
    ids = {word: i for i, word in enumerate(often)}
    known = [[ids[word] for word in sentence if word in ids] for sentence in sentences]
    matrix = naive.positive_information(naive.pair_counts(known, len(ids), 5, True), 0.75, 1.0)
    defaults, dim = CountsConfig(), 100
    found, _, _ = decompose(matrix, dim, defaults.iterations, defaults.oversampling)
    left, values, _ = svds(csr_matrix(matrix), dim, random_state=0)
    neighbours = [nearest(vectors) for vectors in (found, left * np.sqrt(values))]
    same = [len(set(one) & set(other)) for one, other in zip(*neighbours, strict=True)]
    assert len(ids) > 1000
    assert np.mean(same) / 10 > 0.96


def nearest(vectors):
    """The ten nearest of each, by cosine."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    return np.argpartition(-cosines, 10, axis=1)[:, :10].tolist()


def test_a_matrix_of_little_rank_gives_zeros_beyond_it() -> None:
    random = np.random.default_rng(6)
    matrix = random.normal(size=(20, 3)) @ random.normal(size=(3, 11))
    left, right, seen = decompose(matrix, 5, 3)
    for found, expected in zip((left, right), naive.vectors(matrix, 5, 0.5), strict=True):
        assert not found[:, 3:].any()
        np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)
    assert np.count_nonzero(seen[-1]) == 3


def test_a_matrix_smaller_than_the_vectors() -> None:
    left, right, _ = decompose(np.array([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]]), 5, 2)
    np.testing.assert_allclose(np.abs(left[:, :2]), [[math.sqrt(2), 0], [0, 1], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(np.abs(right[:, :2]), [[0, 1], [math.sqrt(2), 0]], atol=1e-6)
    assert (left.shape, right.shape) == ((3, 5), (2, 5))
    assert not left[:, 2:].any()

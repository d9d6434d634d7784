"""Counts of pairs and of words in documents, and the weights that they become."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive import counts as naive
from w2v_spark.config import TermWeights
from w2v_spark.counting.documents import WordStatistics, by_words, count_words, word_statistics
from w2v_spark.counting.pairs import count_pairs, mark_ends, row_sums, window_weights
from w2v_spark.counting.ranges import RANGE_WORK, cut_rows, pair_entries
from w2v_spark.counting.rows import Rows, add_parts, pack_part, read_rows, write_rows
from w2v_spark.counting.weights import (
    association_terms,
    associations,
    document_norms,
    term_weights,
    word_weights,
)
from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory

V = 30
RANGES = np.array([0, 1, 4, 20, V])
Sentences = list[list[int]]


def some_sentences(seed: int = 0, number: int = 40) -> Sentences:
    random = np.random.default_rng(seed)
    return [
        np.minimum(random.geometric(0.2, random.integers(1, 14)) - 1, V - 1).tolist() for _ in range(number)
    ]  # fmt: skip


def flat(sentences: Sentences) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    ids = np.concatenate([np.zeros(0, np.int32), *(np.array(each, np.int32) for each in sentences)])
    return ids, np.concatenate([[0], np.cumsum([len(each) for each in sentences])]).astype(np.int32)


def dense(rows: Rows, columns: int = V) -> npt.NDArray[np.float64]:
    matrix = np.zeros((len(rows.starts) - 1, columns))
    for row, (first, stop) in enumerate(pairwise(rows.starts.tolist())):
        matrix[row, rows.columns[first:stop]] = rows.values[first:stop]
    return matrix


def counted(files: list[Sentences], window: int, shrinks: bool) -> list[Rows]:
    """As the tasks do it: files on their own, then added up by ranges of words."""
    weights = window_weights(window, shrinks)
    parts = [list(count_pairs(mark_ends(*flat(file)), V, weights, RANGES)) for file in files]
    return [
        add_parts([part[n] for part in parts], [0] * len(files), int(stop - first), V)
        for n, (first, stop) in enumerate(pairwise(RANGES))
    ]


@pytest.mark.parametrize("window", [1, 3, 100])
@pytest.mark.parametrize("shrinks", [False, True])
def test_pairs_are_those_of_the_twin(window: int, shrinks: bool) -> None:
    sentences = some_sentences()
    found = np.concatenate([dense(rows) for rows in counted([sentences[:17], sentences[17:]], window, shrinks)])
    unit = window if shrinks else 1
    assert np.array_equal(found, np.rint(naive.pair_counts(sentences, V, window, shrinks) * unit))
    assert np.array_equal(found, found.T)


@given(st.integers(0, 2**32 - 1), st.integers(1, 39))
def test_sums_do_not_depend_on_the_files(seed: int, cut: int) -> None:
    sentences = some_sentences(seed)
    files = [sentences[cut:], [], sentences[:cut]]
    for one, other in zip(counted(files, 3, True), counted([sentences], 3, True), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def test_columns_ascend_in_rows_that_are_nearly_full_and_in_others() -> None:
    lengths, columns = np.array([2, V], np.int32), np.concatenate([[9, 3], np.arange(V)[::-1]]).astype(np.int32)
    large = 1 << 40
    part = pack_part(lengths, columns, np.full(V + 2, large, np.int64))
    rows = add_parts([part, part], [0, 50], 2, 1000)
    assert rows.columns[:4].tolist() == [3, 9, 53, 59]
    assert (np.diff(rows.columns[4:]) > 0).all()
    assert (rows.values[4 : 4 + V - 1] >= large).all()
    assert rows.values.sum() == 2 * (V + 2) * large


@pytest.mark.parametrize(("smoothing", "shift"), [(0.75, 1.0), (1.0, 1.0), (0.0, 1.0), (0.75, 3.0)])
def test_associations_are_those_of_the_twin(smoothing: float, shift: float) -> None:
    """Words that never meet another among them, and subsampling in expectation."""
    sentences = [*some_sentences(), [V - 1]]
    kept = np.random.default_rng(1).uniform(0.2, 1, V)
    ranges = counted([sentences], 3, True)
    sums = np.concatenate([row_sums(*rows, kept) for rows in ranges])
    terms = association_terms(sums, kept, smoothing, shift)
    expected = naive.positive_information(
        naive.pair_counts(sentences, V, 3, True) * kept[:, None] * kept, smoothing, shift
    )
    own = list(zip(ranges, pairwise(RANGES), strict=True))
    found = [associations(rows, terms.words[a:b], terms.contexts) for rows, (a, b) in own]
    turned = [associations(rows, terms.contexts[a:b], terms.words) for rows, (a, b) in own]
    np.testing.assert_allclose(np.concatenate([dense(rows) for rows in found]), expected, atol=2e-6)
    np.testing.assert_allclose(np.concatenate([dense(rows) for rows in turned]), expected.T, atol=2e-6)
    assert all((rows.values > 0).all() for rows in found)


@pytest.mark.parametrize("kind", list(TermWeights))
def test_weights_of_words_in_documents_are_those_of_the_twin(kind: TermWeights) -> None:
    documents = some_sentences(3, 25)
    files = [documents[:9], documents[9:]]
    rows = [count_words(flat(file)[0], flat(file)[1][1:].astype(np.int64), V) for file in files]
    seen = WordStatistics(V)
    for each in rows:
        seen.add(len(each.starts) - 1, *word_statistics(each, V))
    counts = np.bincount(flat(documents)[0], minlength=V)
    words, damped = word_weights(kind, counts, seen), kind is TermWeights.LOG_ENTROPY
    norms = [document_norms(each, words, damped) for each in rows]
    weighed = [term_weights(each, norm, words, damped) for each, norm in zip(rows, norms, strict=True)]
    expected = naive.term_matrix(documents, V, kind)
    np.testing.assert_allclose(np.concatenate([dense(each) for each in weighed]), expected, atol=1e-6)
    turned = [list(by_words(each, V, RANGES)) for each in rows]
    for n, (first, stop) in enumerate(pairwise(RANGES)):
        added = add_parts([part[n] for part in turned], [0, 9], int(stop - first), 25)
        found = term_weights(added, words[first:stop], np.concatenate(norms), damped)
        np.testing.assert_allclose(dense(found, 25), expected.T[first:stop], atol=1e-6)


@pytest.mark.parametrize("kind", list(TermWeights))
def test_the_twins_weights_are_gensims(kind: TermWeights) -> None:
    from gensim.models import LogEntropyModel, TfidfModel

    documents = some_sentences(4, 25)
    bags = [sorted(Counter(document).items()) for document in documents]
    model = LogEntropyModel(bags) if kind is TermWeights.LOG_ENTROPY else TfidfModel(bags)
    expected = np.zeros((len(bags), V))
    for row, bag in enumerate(bags):
        for word, weight in model[bag]:
            expected[row, word] = weight
    found = naive.term_matrix(documents, V, kind)
    np.testing.assert_allclose(np.where(np.abs(found) > 1e-9, found, 0), expected, atol=1e-6)


def test_ranges_are_of_equal_work_and_cover_all_rows() -> None:
    counts = (1e7 / np.arange(1, 100_001)).astype(np.int64)
    entries = pair_entries(counts, 5)
    assert entries.max() == 100_000
    ranges = cut_rows(entries)
    assert (ranges[0], ranges[-1]) == (0, 100_000)
    work = np.add.reduceat(entries, ranges[:-1])
    assert work.max() < 1.5 * RANGE_WORK
    for rows in (1, 2, 7):
        assert cut_rows(np.ones(rows)).tolist() == list(range(rows + 1))


def test_damaged_rows_are_refused(tmp_path) -> None:
    directory = Directory.open(tmp_path)
    rows = counted([some_sentences()], 2, False)[3]
    file = write_rows(directory, rows, "counts")
    assert all(np.array_equal(*pair) for pair in zip(read_rows(directory, file, np.int64), rows, strict=True))
    path = tmp_path / file.name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="is damaged: its content is not what was written"):
        read_rows(directory, file, np.int64)
    path.unlink()
    with pytest.raises(StoreError, match=r"cannot be read|is damaged"):
        read_rows(directory, file, np.int64)

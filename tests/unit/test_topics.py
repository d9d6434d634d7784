"""The steps from documents to topics, each alone."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from tests.naive import topics as naive
from tests.planted_documents import plant
from w2v_spark.config import TextConfig
from w2v_spark.errors import ConfigError, InputError, MissingExtra
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.topics.assignment import Tally, assign_rows
from w2v_spark.topics.centroids import connected_groups, find_topics, sum_rows, to_unit
from w2v_spark.topics.coherence import WordCounter, diversity, npmi
from w2v_spark.topics.discovery import find_clusters
from w2v_spark.topics.documents import DocumentBatch
from w2v_spark.topics.hierarchy import build_hierarchy
from w2v_spark.topics.matching import match_topics, rotate_onto, rotated
from w2v_spark.topics.sample import key_documents
from w2v_spark.topics.settings import TopicSettings
from w2v_spark.topics.words import find_words, rarity
from w2v_spark.vectors.reading import VectorTable
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.tiled import find_neighbours

RANDOM = np.random.default_rng(11)


def batch_of(ids, vectors, tokens=None, start=0):
    rows = np.asarray(vectors, dtype=np.float32)
    known = rows.any(axis=1)
    count = np.full(len(rows), 9) if tokens is None else np.asarray(tokens)
    return DocumentBatch(start, pa.array(ids), count.astype(np.int64), known, np.ascontiguousarray(rows[known]))


def unit_rows(rows, dim):
    return to_unit(RANDOM.standard_normal((rows, dim)))


# Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample", 0),
        ("neighbours", 1),
        ("largest_share", 1.5),
        ("merge_distance", -0.1),
        ("min_cluster_size", 1),
        ("match_similarity", 2),
    ],
)
def test_settings_out_of_bounds(name, value):
    with pytest.raises(ConfigError, match=rf"{name} = {value} is not allowed: expected .* to "):
        TopicSettings(**{name: value})


def test_a_topic_is_a_share_of_the_sample_and_at_least_fifteen_documents():
    assert [TopicSettings().cluster_size(n) for n in (10, 30_000, 200_000)] == [15, 15, 100]
    assert TopicSettings(min_cluster_size=3).cluster_size(200_000) == 3


def test_an_area_may_have_half_of_the_sample():
    assert TopicSettings().largest_area(401) == 200
    assert TopicSettings(largest_share=1).largest_area(401) == 401


# The sample


def test_equal_vectors_have_one_content_and_ids_decide_who_is_drawn():
    rows = [[1, 2], [3, 4], [1, 2]]
    keys = key_documents(batch_of(["a", "b", "c"], rows), 0, 1, 1)
    contents = list(zip(keys["content_high"].to_pylist(), keys["content_low"].to_pylist(), strict=True))
    assert contents[0] == contents[2] != contents[1]
    elsewhere = key_documents(batch_of(["c", "a"], [[5, 6], [7, 8]], start=40), 3, 1, 1)
    assert keys["key"].to_pylist()[::2] == elsewhere["key"].to_pylist()[::-1]
    assert (elsewhere["file"].to_pylist(), elsewhere["row"].to_pylist()) == ([3, 3], [40, 41])
    assert key_documents(batch_of(["a"], [[1, 2]]), 0, 2, 1)["key"] != keys["key"][:1], "another seed"


def test_what_has_no_vector_or_is_short_is_not_drawn():
    keys = key_documents(batch_of([1, 2, 3, 4], [[1, 2], [0, 0], [3, 4], [5, 6]], [9, 9, 2, 3]), 0, 1, 3)
    assert keys["row"].to_pylist() == [0, 3]


@pytest.mark.parametrize("ids", [[1, 2], [b"x", b"y"], [1.5, -0.25], [True, False]])
def test_ids_of_any_simple_type(ids):
    assert len(set(key_documents(batch_of(ids, [[1, 2], [3, 4]]), 0, 1, 1)["key"].to_pylist())) == 2


# Dense areas


def clusters_of(vectors, **settings):
    chosen = TopicSettings(**settings)
    unit = to_unit(np.asarray(vectors, dtype=np.float64))
    topn = min(chosen.neighbours, len(unit)) - 1
    found = list(find_neighbours(unit, np.arange(len(unit), dtype=np.int32), topn))
    ids, similarities = (np.concatenate([getattr(part, name) for part in found]) for name in ("ids", "similarities"))
    return unit, find_clusters(unit, ids, similarities, chosen)


def test_planted_areas_are_found_twice():
    planted = plant(400, 4)
    _, labels = clusters_of(planted.vectors)
    _, again = clusters_of(planted.vectors)
    assert labels.tolist() == again.tolist()
    assert len(set(zip(labels.tolist(), planted.topics.tolist(), strict=True))) == 4


def test_few_documents_have_no_areas():
    assert clusters_of(RANDOM.standard_normal((10, 8)))[1].tolist() == [-1] * 10


def test_few_documents_can_have_areas_where_that_is_asked_for():
    centres = np.repeat(np.eye(8)[:2], 6, axis=0)
    labels = clusters_of(centres + 0.05 * RANDOM.standard_normal((12, 8)), min_cluster_size=3, neighbours=4)[1]
    assert len(labels) == 12
    assert labels.max() < 4


@pytest.mark.parametrize("library", ["umap", "fast_hdbscan"])
def test_what_finds_areas_is_an_extra(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=rf"^{library} is not installed; run: pip install 'w2v-spark\[topics\]'$"):
        clusters_of(plant(60, 2).vectors)


# Topic vectors


def test_centroids_are_means_without_what_lies_outside():
    unit = unit_rows(9, 5)
    labels = np.array([1, 0, -1, 1, 0, 1, -1, 0, 0], dtype=np.int32)
    expected = [unit[labels == topic].astype(np.float64).mean(axis=0) for topic in range(2)]
    assert find_topics(unit, labels, 0.0) == pytest.approx(naive.unit(expected), abs=1e-6)
    sizes, sums = sum_rows(unit, labels, 3)
    assert sizes.tolist() == [4, 3, 0]
    assert not sums[2].any()


def test_near_areas_are_one_topic_by_chains():
    angles = np.array([0, 0.3, 0.6, 2.0])  # neighbours of the first three are 0.3 apart: 1 - cos = 0.045
    unit = np.repeat(np.stack([np.cos(angles), np.sin(angles)], axis=1), [1, 2, 1, 1], axis=0).astype(np.float32)
    labels = np.array([0, 1, 1, 2, 3], dtype=np.int32)
    assert len(find_topics(unit, labels, 0.04)) == 4
    merged = find_topics(unit, labels, 0.05)
    assert merged == pytest.approx(naive.unit([unit[:4].mean(axis=0), unit[4]]), abs=1e-6)


def test_no_area_is_no_topic():
    assert find_topics(unit_rows(4, 3), np.full(4, -1, np.int32), 0.1).shape == (0, 3)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_connected_groups(size, seed):
    near = np.random.default_rng(seed).random((size, size)) < 0.15
    near = near | near.T | np.eye(size, dtype=bool)
    _, expected = connected_components(csr_matrix(near), directed=False)
    assert connected_groups(near).tolist() == expected.tolist()


# Documents and their topics


@pytest.mark.parametrize(("rows", "topics", "dim"), [(1, 1, 3), (600, 7, 24), (257, 40, 100)])
def test_nearest_topics_are_those_of_the_twin(rows, topics, dim):
    documents, vectors = unit_rows(rows, dim), unit_rows(topics, dim)
    found, similarities = assign_rows(documents, vectors)
    expected, cosines = naive.nearest(documents, vectors)
    assert found.tolist() == expected.tolist()
    assert similarities == pytest.approx(cosines, abs=1e-6)


def test_an_answer_does_not_depend_on_the_other_documents():
    documents, vectors = unit_rows(700, 33), unit_rows(9, 33)
    whole = assign_rows(documents, vectors)
    parts = [assign_rows(documents[start : start + 13], vectors) for start in range(0, 700, 13)]
    for number in range(2):
        assert np.concatenate([part[number] for part in parts]).tobytes() == whole[number].tobytes()


def test_equal_topics_the_first_counts():
    assert assign_rows(np.eye(2, dtype=np.float32), np.array([[0, 1], [1, 0], [1, 0]], np.float32))[0].tolist() == [
        1,
        0,
    ]


def test_tallies_add_up_to_the_whole():
    ids, unit = pa.array([f"d{n:02d}" for n in range(40)]), unit_rows(40, 6)
    topics = RANDOM.integers(0, 3, 40).astype(np.int32)
    similarities = np.round(RANDOM.random(40), 1).astype(np.float32)  # with equal ones
    whole = Tally.empty(4, 6, pa.string(), 5)
    for start in range(0, 40, 7):
        rows = slice(start, start + 7)
        part = Tally.empty(4, 6, pa.string(), 5)
        part.add(ids[rows], unit[rows], topics[rows], similarities[rows])
        whole.merge(Tally.from_bytes(part.to_bytes(), "part", 5))
    assert whole.sizes.tolist() == np.bincount(topics, minlength=4).tolist()
    assert whole.sums[1] == pytest.approx(unit[topics == 1].sum(axis=0), abs=1e-5)
    assert whole.similarities[2] == pytest.approx(similarities[topics == 2].sum())
    rows = sorted(zip(topics.tolist(), (-similarities).tolist(), ids.to_pylist(), strict=True))
    expected = [(t, i) for topic in range(4) for t, _, i in [row for row in rows if row[0] == topic][:5]]
    assert list(zip(whole.best["topic"].to_pylist(), whole.best["document"].to_pylist(), strict=True)) == expected


# Words


def word_table(rows=3000, dim=12):
    counts = np.arange(rows, 0, -1, dtype=np.int64)
    matrix = RANDOM.standard_normal((rows, dim)).astype(np.float32)
    return matrix, VectorTable(
        pa.array([f"w{n}" for n in range(rows)]), counts, RowStack([matrix[:900], matrix[900:]]), {}
    )


def test_nearest_words_are_those_of_the_twin():
    matrix, table = word_table()
    topics = unit_rows(5, 12)
    found = find_words(table, topics, TopicSettings(words=20, min_word_count=1))
    cosines = naive.unit(topics) @ naive.unit(matrix).T
    for topic in range(5):
        order = np.argsort(-cosines[topic], kind="stable")[:20]
        assert found.words[topic] == [f"w{row}" for row in order]
        assert found.similarities[topic] == pytest.approx(cosines[topic][order], abs=1e-6)
    assert found.title(0) == ", ".join(found.words[0][:3])


def test_rare_words_are_left_out_and_frequent_ones_fall_back():
    matrix, table = word_table()
    topics = unit_rows(3, 12)
    frequent = find_words(table, topics, TopicSettings(words=5, min_word_count=2990))
    assert {word for row in frequent.words for word in row} <= {f"w{n}" for n in range(11)}
    weights = rarity(table.counts, 2.0)
    assert (np.diff(weights) >= 0).all(), "rarer words count more"
    scores = naive.unit(topics) @ naive.unit(matrix).T * weights
    weighted = find_words(table, topics, TopicSettings(words=5, rarity_weight=2.0, min_word_count=1))
    assert [row[0] for row in weighted.words] == [f"w{row}" for row in scores.argmax(axis=1)]


def test_words_that_name_topics_occur_fifty_times_or_are_a_thousand():
    few, many = np.arange(1500, 0, -1), np.arange(9000, 0, -1)
    assert TopicSettings().naming_words(many) == 8951
    assert TopicSettings().naming_words(few // 40) == 1000
    assert TopicSettings().naming_words(few[:7]) == 7
    assert TopicSettings(min_word_count=1).naming_words(few) == 1500


def test_more_words_than_there_are():
    _, table = word_table(4)
    assert [len(row) for row in find_words(table, unit_rows(2, 12), TopicSettings()).words] == [4, 4]
    assert find_words(table, unit_rows(1, 12), TopicSettings(min_word_count=100)).words == [[]]


# The tree


@given(st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_every_level_of_the_tree_holds_all_documents_once(topics, seed):
    random = np.random.default_rng(seed)
    vectors, sizes = to_unit(random.standard_normal((topics, 5))), random.integers(1, 9, topics)
    tree = build_hierarchy(vectors, sizes)
    assert len(tree.nodes) == 2 * topics - 1
    assert sorted(node.first_leaf for node in tree.nodes[:topics]) == list(range(topics))
    for level in range(1, topics + 1):
        there = [node for node in tree.nodes if node.parent_level < level <= node.level]
        assert len(there) == level
        leaves = [leaf for node in there for leaf in tree.leaves(node.row)]
        assert sorted(leaves) == list(range(topics))
        for node in there:
            assert tree.sizes[node.row] == sizes[tree.leaves(node.row)].sum()


def test_the_smallest_topic_is_merged_into_its_most_similar_one():
    vectors = to_unit(np.array([[1.0, 0, 0], [0, 1, 0], [0.1, 1, 0], [0, 0, 1]]))
    tree = build_hierarchy(vectors, np.array([5, 3, 1, 4]))
    assert tree.leaves(4) == [1, 2]
    assert tree.vectors[4] == pytest.approx(naive.unit([(3.0 * vectors[1] + vectors[2])])[0], abs=1e-6)
    assert [node.parent for node in tree.nodes[1:3]] == [4, 4]
    assert (tree.nodes[-1].parent, tree.nodes[-1].parent_level) == (None, 0)


def test_no_topics_are_no_tree():
    assert build_hierarchy(np.empty((0, 4), np.float32), np.empty(0, np.int64)).nodes == []


# Earlier topics


def test_topics_that_are_still_there_keep_their_numbers():
    old = np.eye(6, dtype=np.float32)[:4]
    new = to_unit(np.array([old[2], old[0] + 0.1 * np.eye(6)[5], np.eye(6)[4]]))
    found = match_topics(new, old, np.array([7, 1, 3, 9], np.int32), 20, 0.7)
    assert found.ids.tolist() == [3, 7, 20]
    assert found.next_id == 21
    assert [pair["id"] for pair in found.report["kept"]] == [3, 7]
    assert (found.report["born"], found.report["dead"]) == ([20], [1, 9])
    assert found.report["split"] == found.report["merged"] == []


def test_a_split_and_a_merger_are_named():
    old = to_unit(np.array([[1.0, 0, 0, 0], [0, 1, 0.3, 0], [0, 1, -0.3, 0]]))
    new = to_unit(np.array([[1.0, 0, 0, 0.4], [1.0, 0, 0, -0.5], [0, 1, 0.1, 0]]))
    found = match_topics(new, old, np.array([0, 1, 2], np.int32), 5, 0.7)
    assert found.ids.tolist() == [0, 5, 1]
    assert found.report["split"] == [{"from": 0, "into": [0, 5]}]
    assert found.report["merged"] == [{"from": 2, "into": 1}]


@pytest.mark.parametrize(("new", "old"), [(0, 3), (3, 0), (0, 0)])
def test_no_topics_on_a_side(new, old):
    found = match_topics(np.eye(4, dtype=np.float32)[:new], np.eye(4, dtype=np.float32)[:old], np.arange(old), old, 0.7)
    assert found.ids.tolist() == list(range(old, old + new))
    assert found.report["dead"] == list(range(old))


def test_a_rotated_space_is_rotated_back():
    matrix, old = word_table(400)
    turn = np.linalg.qr(RANDOM.standard_normal((12, 12)))[0]
    new = VectorTable(old.words, old.counts, RowStack([(matrix @ turn).astype(np.float32)]), {})
    topics = unit_rows(3, 12)
    assert rotated(to_unit(topics @ turn), rotate_onto(old, new)) == pytest.approx(topics, abs=1e-4)
    with pytest.raises(InputError, match="12 dimensions and the new one 5"):
        rotate_onto(old, VectorTable(old.words, old.counts, RowStack([np.ones((400, 5), np.float32)]), {}))


# Measures

TEXTS = ["a b b c", "a a d", "c d d e", "b c", "e e e x y"]
OWNERS = np.array([0, 0, 1, 0, 1], np.int32)
FIRST = [["a", "b", "c"], ["d", "e", "nowhere"]]


def measured(splits):
    """Measures by way of several counters whose counts are added up."""
    totals: dict[tuple[int, int, int], int] = {}
    for rows in splits:
        counter = WordCounter(FIRST)
        counter.count([(pa.array([TEXTS[r] for r in rows]), OWNERS[rows])], build_analyzer(TextConfig()))
        for batch in counter.batches():
            for row in batch.to_pylist():
                key = row["what"], row["one"], row["other"]
                totals[key] = totals.get(key, 0) + row["value"]
    columns = zip(*[(*key, value) for key, value in totals.items()], strict=True)
    return WordCounter(FIRST).measure(pa.table(dict(zip(("what", "one", "other", "value"), columns, strict=True))))


def test_measures_are_those_of_the_twin_however_the_text_is_split():
    documents = [text.split() for text in TEXTS]
    one, several = measured([[0, 1, 2, 3, 4]]), measured([[4, 2], [0], [1, 3]])
    assert one == several
    assert (one.documents, one.tokens) == (5, 18)
    gains = naive.information_gain(documents, OWNERS.tolist(), FIRST)
    assert list(one.information_gain.values()) == pytest.approx(gains, abs=1e-5)
    assert list(one.npmi.values()) == pytest.approx([naive.npmi(documents, words) for words in FIRST])
    assert one.diversity == 1


def test_npmi_at_its_ends():
    assert npmi(0, 0.5, 0.5) == -1
    assert npmi(0.25, 0.25, 0.25) == pytest.approx(1)
    assert npmi(0.25, 0.5, 0.5) == pytest.approx(0)
    assert npmi(1, 1, 1) == 1


def test_diversity_is_the_share_of_distinct_first_words():
    assert diversity([["a", "b"], ["b", "c"]]) == 0.75
    assert diversity([]) == 1

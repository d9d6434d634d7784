"""The scores of topics: against counting by hand, and against gensim's."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import topic_scores
from benchmarks.labelled import Tokens
from benchmarks.topic_scores import agreement, count_windows, diversity, judge, made_by, npmi, read_topics, score
from w2v_spark.topics.tables import DOCUMENT_TOPICS, TOPICS, TOPICS_FILE, assignment_schema, topic_schema

WORDS = tuple("abcdefgh")


def tokens_of(documents: list[str]) -> Tokens:
    words = [document.split() for document in documents]
    offsets = np.append(0, np.cumsum([len(document) for document in words])).astype(np.int64)
    return Tokens([str(n) for n in range(len(words))], np.array(list(itertools.chain(*words)), object), offsets)


@pytest.fixture(scope="module")
def made_up() -> Tokens:
    random = np.random.default_rng(1)
    return tokens_of([" ".join(random.choice([*WORDS, *"xyz"], n)) for n in random.integers(3, 60, 50)] + ["", "a b"])


def naive_windows(tokens: Tokens, size: int | None) -> list[set[str]]:
    windows = []
    for document in tokens:
        length = len(document) if size is None else size
        starts = range(max(len(document) - length, 0) + 1) if document else range(0)
        windows += [set(document[start : start + length]) for start in starts]
    return windows


@pytest.mark.parametrize("size", [1, 2, 10, None])
@pytest.mark.parametrize("at_a_time", [1, 100, 1 << 22])
def test_windows_are_counted_as_by_hand(
    made_up: Tokens, size: int | None, at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_scores, "_TOKENS_AT_A_TIME", at_a_time)
    windows = naive_windows(made_up, size)
    together, number = count_windows(WORDS, made_up, size)
    assert number == len(windows)
    assert together.tolist() == [[sum({a, b} <= window for window in windows) for b in WORDS] for a in WORDS]


def test_npmi_is_that_of_gensim() -> None:
    from gensim.corpora import Dictionary
    from gensim.models import CoherenceModel

    # gensim leaves out documents without any of the words, so all are asked for; and it forgets a word that is twice in
    # a window when the first one leaves it, so none is twice in a document
    random, letters = np.random.default_rng(1), list("abcdefghijklmnopqrst")
    tokens = tokens_of([" ".join(random.permutation(letters)[:n]) for n in random.integers(3, 21, 60)])
    documents, topics = list(tokens), [letters[start : start + 5] for start in range(0, 20, 5)]
    oracle = CoherenceModel(
        topics=topics,
        texts=documents,
        dictionary=Dictionary(documents),
        coherence="c_npmi",
        window_size=10,
        processes=1,
    )
    assert npmi(topics, tokens) == pytest.approx(oracle.get_coherence_per_topic(), abs=1e-9)


def test_npmi_has_its_bounds() -> None:
    always = tokens_of(["a b", "a b", "c d", "e f"])
    assert npmi([["a", "b"]], always, None) == [pytest.approx(1.0)]
    assert npmi([["a", "c"]], always, None)[0] < -0.8  # never together
    assert npmi([["a", "b"]], tokens_of(["a b", "b a"]), None) == [1.0]  # in every document
    independent = tokens_of(["a b", "a x", "b x", "x"])
    assert npmi([["a", "b"]], independent, None) == [pytest.approx(0.0, abs=1e-9)]


def test_words_that_the_documents_lack_are_left_out(made_up: Tokens) -> None:
    assert npmi([["a", "b", "nowhere"]], made_up) == npmi([["a", "b"]], made_up)
    assert all(math.isnan(value) for value in npmi([["nowhere"], ["a"], []], made_up))


def test_diversity_is_the_share_of_different_words() -> None:
    assert diversity([["a", "b"], ["c", "d"]]) == 1.0
    assert diversity([["a", "b"], ["a", "b"]]) == 0.5
    assert math.isnan(diversity([]))


def test_agreement_does_not_depend_on_names() -> None:
    assert agreement(["sport", "sport", "tech"], [7, 7, 1]) == pytest.approx(1.0)
    assert agreement(["sport", "tech"] * 2, [0, 0, 1, 1]) == pytest.approx(0.0, abs=1e-9)


def write_result(directory: Path, documents: list[tuple[int, int | None]]) -> None:
    """What ``w2v-spark topics`` writes: topics 7 and 3, which topic 9 is made of."""
    same = {"title": "", "size": 1, "documents": [], "vector": [1.0, 0.0], "centroid": [1.0, 0.0]}
    columns = ("id", "level", "parent", "parent_level", "first_leaf", "last_leaf", "words")
    tree = [(7, 2, 9, 1, 0, 0, "ab"), (3, 2, 9, 1, 1, 1, "cd"), (9, 1, None, 0, 0, 1, "ac")]
    rows: list[dict[str, Any]] = [{**same, **dict(zip(columns, row, strict=True))} for row in tree]
    rows = [{**row, "words": [{"word": word, "similarity": 0.5} for word in row["words"]]} for row in rows]
    for name in (TOPICS, DOCUMENT_TOPICS):
        (directory / name).mkdir()
    table = pa.Table.from_pylist(rows, schema=topic_schema(pa.int64()))
    pq.write_table(table, directory / TOPICS / "part-00000.parquet")
    given = [{"document": document, "topic": topic, "similarity": 0.5} for document, topic in documents]
    table = pa.Table.from_pylist(given, schema=assignment_schema(pa.int64()))
    pq.write_table(table, directory / DOCUMENT_TOPICS / "part-00000.parquet")
    (directory / TOPICS_FILE).write_text(json.dumps({"dim": 2}))
    (directory / "_SUCCESS").touch()


def test_topics_are_read_from_either_program(tmp_path: Path, made_up: Tokens) -> None:
    level = {"words": [["c", "d"], ["a", "b"]], "documents": {name: 3 + 4 * (int(name) % 2) for name in made_up.ids}}
    level["documents"]["0"] = -1  # a document without a vector has no topic
    (tmp_path / "top2vec.json").write_text(json.dumps({"levels": [level]}))
    ids = [int(name) for name in made_up.ids]
    write_result(tmp_path, [(n, 3 + 4 * (n % 2) if n else None) for n in ids])
    assert read_topics(tmp_path / "top2vec.json") == read_topics(tmp_path) == read_topics(tmp_path, [2, 5]) == [level]
    _, whole = read_topics(tmp_path, [1, 5])
    assert whole["words"] == [["a", "c"]]
    assert [whole["documents"][name] for name in made_up.ids] == [-1, *(9 for _ in ids[1:])]
    row = score(level, made_up, [n % 2 if n else -1 for n in ids])
    assert row["topics"] == 2
    assert row["nmi"] == pytest.approx(1.0)
    assert row["npmi"] == pytest.approx(np.mean(npmi(level["words"], made_up)))


def test_results_do_not_say_where_models_lay(tmp_path: Path) -> None:
    described = {"dim": 2, "model": {"location": "/a", "run": "b"}, "documents": {"location": "/a/d", "total": 3}}
    (tmp_path / TOPICS_FILE).write_text(json.dumps(described))
    assert made_by(tmp_path) == {"dim": 2, "model": {"run": "b"}, "documents": {"total": 3}}


def test_documents_without_a_row_are_named(made_up: Tokens) -> None:
    level = {"words": [["a", "b"]], "documents": dict.fromkeys(made_up.ids[1:], 0)}
    with pytest.raises(SystemExit, match="1 of 52 documents have no row in the topics, '0' for one"):
        score(level, made_up, [n % 2 for n in range(len(made_up.ids))])
    assert "nmi" not in score(level, made_up, None), "words need no document's topic"


def test_topics_are_judged_by_a_baseline_with_as_many() -> None:
    baseline = [{"topics": 20, "npmi": 0.2}, {"topics": 5, "npmi": 0.1}, {"topics": 5, "npmi": 0.12}]
    row = {"from": "ours", "topics": 7, "npmi": 0.115}
    (target,) = judge([row], baseline)
    assert target.limit == pytest.approx(0.11)
    assert target.passed
    assert judge([row], []) == []

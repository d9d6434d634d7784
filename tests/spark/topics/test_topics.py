"""The command for topics: what it publishes, that it does so twice, what it refuses, and how its tables are joined."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs
from pyspark.sql import SparkSession
from sklearn.metrics import normalized_mutual_info_score

from tests.naive import topics as naive
from tests.planted_documents import Planted, plant, write_documents, write_model
from tests.spark.topics.kinds import NULLS, Job, Refused
from tests.unit.test_extras import import_without
from w2v_spark.errors import ConfigError, InputError, StoreError, WordNotFound
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import Progress
from w2v_spark.spark.topics import write_topic_tables
from w2v_spark.storage import Directory
from w2v_spark.topics.model import TopicModel
from w2v_spark.topics.request import TopicRequest
from w2v_spark.topics.settings import TopicSettings
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.reading import read_vectors
from w2v_spark.vectors.table import write_vectors


def tables(output: Path) -> dict[str, bytes]:
    return {str(path.relative_to(output)): path.read_bytes() for path in sorted(output.rglob("*.parquet"))}


def described(output: Path) -> dict[str, object]:
    value: dict[str, object] = json.loads((output / "topics.json").read_text())
    return value


# The result


def test_the_planted_topics_are_found(found: Path, planted: Planted) -> None:
    rows = pq.read_table(found / "document_topics").to_pandas()
    assert rows["document"].tolist() == [f"doc{number:05d}" for number in range(2000)], "all, in their order"
    known = rows["topic"].notna().to_numpy()
    assert np.flatnonzero(~known).tolist() == list(NULLS)
    assert rows["similarity"].notna().tolist() == known.tolist()
    assert normalized_mutual_info_score(planted.topics[known], rows["topic"][known]) > 0.99
    leaves = pq.read_table(found / "topics").slice(0, 8)
    sizes = rows["topic"].value_counts()
    assert leaves["size"].to_pylist() == [sizes[id] for id in leaves["id"].to_pylist()] == sorted(sizes)[::-1]
    for row in leaves.to_pylist():
        documents = rows[rows["topic"] == row["id"]]
        owner = planted.topics[documents.index].tolist()
        assert len(set(owner)) == 1
        assert row["words"][0]["word"] in planted.words[owner[0]][:3]
        best = documents.sort_values(["similarity", "document"], ascending=[False, True])[:10]
        assert [entry["document"] for entry in row["documents"]] == best["document"].tolist()
        assert row["similarity"] == pytest.approx(documents["similarity"].mean(), abs=1e-6)
        mean = naive.unit(planted.vectors[documents.index]).mean(axis=0, keepdims=True)
        assert row["centroid"] == pytest.approx(naive.unit(mean)[0], abs=1e-5)
    assert (found / "_SUCCESS").is_file()
    assert sorted(path.name for path in found.parent.iterdir()) == ["topics"], "nothing is left beside it"


def test_what_is_published_beside_the_tables(found: Path, model: Path) -> None:
    value = described(found)
    assert {"umap-learn", "fast_hdbscan", "numba", "numpy"} <= set(value["packages"])
    assert value["settings"] == TopicSettings().to_dict()
    assert set(value["timings"]) == {"sample", "neighbours", "layout", "assign", "words"}
    assert value["sample"]["usable"] == value["sample"]["drawn"] == 2000 - len(NULLS)
    assert value["model"] == {"location": str(model), "run": "planted"}
    part = next((found / "document_topics").iterdir())
    assert pq.read_metadata(part).metadata[b"w2v.topics"] == b"8"


def test_the_same_bytes_from_one_task_and_from_four(spark: SparkSession, model: Path, tmp_path: Path) -> None:
    results = []
    for tasks in (1, 4):
        request = TopicRequest.build(str(model), TopicSettings(sample=900))
        target = Publication(Directory.open(tmp_path / f"{tasks}"), Kind.TOPICS)
        write_topic_tables(spark, request, target, Progress(quiet=True), tasks=tasks)
        results.append(tables(tmp_path / f"{tasks}"))
    assert results[0] == results[1]
    assert len(results[0]) == 1 + 3


def test_topics_again_over_the_old_ones(run: Job, model: Path, found: Path, out: Path) -> None:
    code, shown, _ = run("--model", model)
    assert code == 0
    assert "topics            8" in shown
    assert tables(out) == tables(found), "the same bytes"
    assert run("--model", model)[0] == 2
    assert run("--model", model, "--overwrite", "--seed", 5, "--words", 3)[0] == 0
    assert {len(row) for row in pq.read_table(out / "topics")["words"].to_pylist()} == {3}


def test_copies_of_a_document_are_one(run: Job, planted: Planted, tmp_path: Path, out: Path) -> None:
    vectors = np.concatenate([planted.vectors[:600], np.repeat(planted.vectors[:1], 900, axis=0)])
    source = write_model(tmp_path / "copies", Planted(planted.topics, planted.words, vectors), 2)
    assert run("--model", source)[0] == 0
    sample = described(out)["sample"]
    assert (sample["usable"], sample["distinct"], sample["drawn"]) == (1500, 600, 600)
    assert pq.read_table(out / "topics")["level"][0].as_py() == 8
    assert len(pq.read_table(out / "document_topics")) == 1500


@pytest.mark.parametrize("ids", [pa.array(range(10), pa.int64()), pa.array(range(10), pa.int32()).cast(pa.date32())])
def test_ten_documents_have_no_topics(run: Job, planted: Planted, tmp_path: Path, out: Path, ids: pa.Array) -> None:
    source = write_model(tmp_path / "ten", Planted(planted.topics, planted.words, planted.vectors[:10]), 1, ids)
    code, shown, _ = run("--model", source)
    assert code == 0
    assert "10, of which 0 have a topic" in shown
    assert len(pq.read_table(out / "topics")) == 0
    rows = pq.read_table(out / "document_topics")
    assert (rows["document"].type, rows["topic"].null_count) == (ids.type, 10)
    model = TopicModel.load(out)
    assert (len(model), model.assign(planted.vectors[:2])[0].tolist()) == (0, [-1, -1])


def test_everything_can_be_one_topic(run: Job, model: Path, out: Path) -> None:
    assert run("--model", model, "--merge-distance", 2)[0] == 0
    topics = pq.read_table(out / "topics")
    assert (topics["size"].to_pylist(), topics["parent"].to_pylist()) == ([1997], [None])


def test_documents_that_are_all_too_short_have_no_topics(run: Job, model: Path, out: Path) -> None:
    assert run("--model", model, "--min-tokens", 100)[0] == 0
    assert described(out)["sample"]["drawn"] == 0
    assert pq.read_table(out / "document_topics")["topic"].null_count == 2000


def test_topics_of_a_model_without_words_have_numbers_for_names(
    run: Job, planted: Planted, tmp_path: Path, out: Path
) -> None:
    source = write_documents(tmp_path / "wordless", planted.vectors[:400], 2)
    code, _, err = run("--model", source)
    assert (code, "has no word vectors" in err) == (0, True)
    topics = pq.read_table(out / "topics")
    assert topics["title"].to_pylist()[:2] == ["topic 0", "topic 1"]
    assert set(map(len, topics["words"].to_pylist())) == {0}
    assert described(out)["measures"] == {}


# Levels, in SQL


def test_any_level_of_the_tree_is_a_join(found: Path) -> None:
    for level in range(1, 9):
        rows = duckdb.sql(f"""
            SELECT node.id, any_value(node.size) AS size, count(*) AS documents
            FROM '{found}/document_topics/*.parquet' AS d
            JOIN '{found}/topics/*.parquet' AS leaf ON leaf.id = d.topic
            JOIN '{found}/topics/*.parquet' AS node
              ON leaf.first_leaf BETWEEN node.first_leaf AND node.last_leaf
             AND node.parent_level < {level} AND {level} <= node.level
            GROUP BY node.id
        """).fetchall()
        assert len(rows) == level
        assert all(size == documents for _, size, documents in rows)
        assert sum(row[2] for row in rows) == 1997
        assert {row[0] for row in rows} == set(TopicModel.load(found).level(level).values())


# Text


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory, planted: Planted) -> Path:
    """Twenty words of its topic for each document, and a document that nobody knows."""
    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(planted.words[topic], 20)) for topic in planted.topics]
    names = [f"doc{number:05d}" for number in range(2000)]
    path = tmp_path_factory.mktemp("text") / "text.parquet"
    pq.write_table(pa.table({"name": [*names, "stranger", None], "text": [*texts, "t0w00 t1w00", "t1w01"]}), path)
    return path


def test_topics_are_measured_on_their_text(run: Job, model: Path, text: Path, out: Path, planted: Planted) -> None:
    code, shown, err = run("--model", model, "--input", text, "--id", "name")
    assert code == 0, err
    assert "npmi" in shown
    topics = pq.read_table(out / "topics").to_pylist()
    rows = pq.read_table(out / "document_topics").drop_null().to_pydict()
    texts = dict(zip(*pq.read_table(text).to_pydict().values(), strict=True))
    documents = [texts[name].split() for name in rows["document"]]
    first = [[entry["word"] for entry in row["words"][:10]] for row in topics[:8]]
    gains = naive.information_gain(documents, rows["topic"], first)
    assert [row["information_gain"] for row in topics[:8]] == pytest.approx(gains, abs=1e-6)
    assert topics[0]["npmi"] == pytest.approx(naive.npmi(documents, first[0]))
    measures = described(out)["measures"]
    assert measures["documents"] == 1997
    assert measures["information_gain"] == pytest.approx(sum(gains), abs=1e-5)
    assert measures["npmi"] == pytest.approx(np.mean([row["npmi"] for row in topics[:8]]))


def test_text_of_other_documents(refused: Refused, model: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"name": ["x"], "text": ["t0w00"]}), tmp_path / "other.parquet")
    assert "no document of --input has an id of" in refused(
        "--model", model, "--input", tmp_path / "other.parquet", "--id", "name"
    )


# New documents


def test_new_documents_get_the_topics_that_are_there(
    run: Job, found: Path, planted: Planted, tmp_path: Path, out: Path
) -> None:
    new = plant(300, seed=3)
    source = write_documents(tmp_path / "inferred", new.vectors, 2, pa.array(range(300)), nulls=[7])
    before = tables(found)
    code, shown, err = run("--assign", found, "--documents", source)
    assert code == 0, err
    assert "300, of which 299 have a topic" in shown
    assert tables(found) == before, "the topics are unchanged"
    rows = pq.read_table(out / "document_topics")
    model = TopicModel.load(found)
    topics, similarities = model.assign(np.delete(new.vectors, 7, axis=0))
    known = rows.drop_null()
    assert known["topic"].to_pylist() == topics.tolist()
    assert known["similarity"].to_pylist() == similarities.tolist(), "to the bit"
    sizes = described(out)["sizes"]
    assert sum(sizes.values()) == 299
    with pytest.raises(StoreError, match="name that one"):
        TopicModel.load(out)


# Retraining


def test_topics_keep_their_numbers_in_a_turned_space(
    run: Job, found: Path, model: Path, planted: Planted, tmp_path: Path, out: Path
) -> None:
    turn = np.linalg.qr(np.random.default_rng(8).standard_normal((24, 24)))[0]
    source = tmp_path / "turned"
    keep = planted.topics != planted.topics[0]  # one topic is gone
    new = Planted(planted.topics[keep], planted.words, (planted.vectors[keep] @ turn).astype(np.float32))
    write_model(source, new)
    table = read_vectors(str(model))
    for path in (source / "vectors").iterdir():
        path.unlink()
    matrix = (table.matrix @ turn).astype(np.float32)
    write_vectors(fs.LocalFileSystem(), str(source / "vectors"), table.words, table.counts, [matrix], {})
    code, _, err = run("--model", source, "--previous", found, "--previous-model", model)
    assert code == 0, err
    report = described(out)["previous"]
    assert len(report["kept"]) == 7
    assert (report["born"], len(report["dead"])) == ([], 1)
    earlier, now = TopicModel.load(found), TopicModel.load(out)
    for topic in now.ids:
        assert {word for word, _ in now.words(topic, 5)} == {word for word, _ in earlier.words(topic, 5)}
    ids = now.table["id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert min(ids[7:]) >= described(found)["next_id"], "numbers of merged topics are never used again"


# In Python


def test_the_model_in_python(found: Path, model: Path, planted: Planted) -> None:
    topics = TopicModel.load(found)
    assert len(topics) == 8
    assert topics.ids == list(range(8))
    words = KeyedVectors.load(model)
    for topic in topics.ids:
        word = topics.words(topic, 1)[0][0]
        assert topics.search(word)[0][0] == topics.search([word, word], vectors=words)[0][0] == topic
        assert topics.search(words[word], topn=2)[0][0] == topic
        assert topics.title(topic).startswith(word)
        all_documents = topics.documents(topic, None)
        assert len(all_documents) == topics.size(topic)
        assert all_documents[:10] == topics.documents(topic)
        assert topics.documents(topic, 12) == all_documents[:12]
    root = topics.table["id"][-1].as_py()
    assert len(topics.documents(root, None)) == topics.size(root) == 1997
    assert set(topics.level(1).values()) == {root}
    assert topics.level(8) == {topic: topic for topic in topics.ids}
    vectors = np.array([[0.0] * 24, [np.nan] * 24, planted.vectors[0]], np.float32)
    assigned, similarities = topics.assign(vectors)
    assert assigned.tolist()[:2] == [-1, -1]
    assert np.isnan(similarities).tolist() == [True, True, False]
    assert "8 topics of 2000 documents" in repr(topics)


def test_questions_that_topics_cannot_answer(found: Path) -> None:
    topics = TopicModel.load(found)
    with pytest.raises(InputError, match="there is no topic 99"):
        topics.words(99)
    with pytest.raises(InputError, match="at least one word"):
        topics.search([])
    with pytest.raises(WordNotFound, match="nowhere"):
        topics.search("nowhere")
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        topics.search([1.0, 2.0, 3.0])
    with pytest.raises(InputError, match=r"expected \(n, 24\)"):
        topics.assign([[1.0]])
    with pytest.raises(ConfigError, match="expected 1 to 8"):
        topics.level(9)


def test_topics_are_read_without_a_compiler(found: Path) -> None:
    program = f"""
        from w2v_spark.topics.model import TopicModel
        topics = TopicModel.load({str(found)!r})
        print(topics.search(topics.vectors[2])[0][0], len(topics.documents(2, None)), topics.size(2))
        topics.assign(topics.vectors)
    """
    hidden = ("numba", "llvmlite", "pandas", "threadpoolctl", "pyspark", "scipy", "umap")
    said = import_without(hidden, f"sys\n    exec({textwrap.dedent(program)!r})")
    first, second = said.splitlines()
    assert first == f"2 {first.split()[1]} {first.split()[1]}"
    assert second.startswith("MissingExtra giving documents to topics: numba is not installed; run: pip install")

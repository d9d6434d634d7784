"""Sub-words through the whole job: trained, published, kept apart from words, and used for words outside."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row

from tests import corpora
from tests.commands import evaluate, retrain, train
from tests.naive.subwords import bucket_of, ngrams_of
from w2v_spark import KeyedVectors
from w2v_spark.errors import StoreError
from w2v_spark.estimator import Word2Vec, Word2VecModel
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import SUBWORDS_FILE, Run
from w2v_spark.storage import Directory
from w2v_spark.training.weights import WeightShape

STEMS = [f"{a}{b}{c}" for a in "bdg" for b in "aeiou" for c in ("lm", "rt", "st", "nd")]
ENDINGS = ["", "s", "ed", "ing"]
SETTINGS = (
    "model.subwords=true", "model.dim=16", "train.epochs=2", "train.rounds=3", "train.shards=2", "train.sample=0",
    "vocabulary.min_count=2", "model.min_ngram_words=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def documents() -> list[str]:
    random = np.random.default_rng(3)
    drawn = ((random.choice(STEMS, 12), random.choice(ENDINGS, 12)) for _ in range(400))
    return [" ".join(stem + ending for stem, ending in zip(*words, strict=True)) for words in drawn]


@pytest.fixture(scope="module")
def corpus(documents, tmp_path_factory) -> Path:
    return corpora.write_parquet(tmp_path_factory.mktemp("subwords") / "in", documents, 3)


def arguments(corpus: Path, *settings: str) -> list[str]:
    chosen = [item for setting in (*SETTINGS, *settings) for item in ("--set", setting)]
    return ["--input", str(corpus), "--format", "parquet", "--quiet", *chosen]


@pytest.fixture(scope="module")
def model(spark, corpus, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("model") / "out"
    assert train([*arguments(corpus), "--output", str(output), "--keep-run"]) == 0
    return output


def ngram_table(output: Path) -> dict[str | int, np.ndarray]:
    rows = pq.read_table(output / "ngrams").to_pylist()
    return {row["ngram"]: np.array(row["vector"], np.float32) for row in rows}


def matrices(output: Path) -> bytes:
    files = sorted(output.glob("vectors/*.parquet")) + sorted(output.glob("ngrams/*.parquet"))
    return b"".join(file.read_bytes() for file in files)


def test_a_word_is_the_mean_of_its_rows(model):
    """The published vector, from the weights of the last round and the published n-grams."""
    folder = Directory.open(model / "_run")
    run = Run.read(folder)
    state, vectors = RunDirectory(folder, run.identity), KeyedVectors.load(model)
    shape = WeightShape.build(run.config.model, len(vectors), run.others)
    w_in, _ = state.rounds.read_weights(run.plan.rounds, shape)
    assert len(w_in) == len(vectors) + run.ngrams
    published, own = ngram_table(model), w_in[0 : len(vectors)]
    for row, word in enumerate(vectors.words):
        ngrams = [published[ngram] for ngram in ngrams_of(word, 3, 6) if ngram in published]
        np.testing.assert_allclose(vectors[word], np.mean([own[row], *ngrams], axis=0), atol=1e-6)


def test_ngrams_of_two_words_or_more_are_published_with_their_number(model):
    words = KeyedVectors.load(model).words
    expected: dict[str, int] = {}
    for word in words:
        for ngram in ngrams_of(word, 3, 6):
            expected[ngram] = expected.get(ngram, 0) + 1
    rows = pq.read_table(model / "ngrams").to_pylist()
    assert {row["ngram"]: row["words"] for row in rows} == {k: v for k, v in expected.items() if v >= 2}


def test_words_outside_the_vocabulary_have_vectors(model, tmp_path):
    vectors, ngrams = KeyedVectors.load(model), ngram_table(model)
    word = "balmist"
    assert word not in vectors
    expected = np.mean([ngrams[n] for n in ngrams_of(word, 3, 6) if n in ngrams], axis=0)
    np.testing.assert_allclose(vectors[word], expected, atol=1e-6)
    np.testing.assert_array_equal(vectors[["Balmist"]][0], vectors[word])  # text is read in lower case
    assert vectors.vector_of(word)[1:] == ("subwords", None)
    assert vectors.vector_of("balm")[1:] == vectors.vector_of("BALM")[1:] == ("word", "balm")
    np.testing.assert_array_equal(vectors["BALM"], vectors["balm"])
    np.testing.assert_array_equal(vectors[["BALM", word]][0], vectors["balm"])
    assert "balm" not in dict(vectors.most_similar("BALM", topn=len(vectors))), "and it is no answer to itself"
    np.testing.assert_array_equal(vectors["balmo\u0308st"], vectors["balm\u00f6st"])  # as text is read
    assert vectors.vector_of("balm ist") == (None, None, None)
    with pytest.raises(Exception, match="'balm ist' is not among"):
        vectors["balm ist"]
    assert vectors.vector_of("qqqq") == (None, None, None)
    with pytest.raises(Exception, match="'qqqq' is not among"):
        vectors["qqqq"]
    assert word not in dict(vectors.most_similar(word, topn=len(vectors)))
    assert vectors.similarity(word, "balm") == pytest.approx(vectors.similarity("balm", word))
    all_of_them = vectors.vectors_for_all(["balm", word, 0, "balm", "qqqq"])
    assert all_of_them.words == list(dict.fromkeys(["balm", word, vectors.word(0)]))
    np.testing.assert_array_equal(all_of_them[word], vectors[word])
    assert vectors.vectors_for_all([word, "balm"], allow_inference=False).words == ["balm"]
    nearest = [other for other, _ in vectors.most_similar(word, topn=5)]
    assert vectors.closer_than(word, nearest[3]) == sorted(nearest[:3], key=vectors.index)
    assert vectors.rank(word, nearest[3]) == 4
    cosine, others = vectors.similarity("balm", word), vectors.most_similar("balm", topn=len(vectors))
    closer = [other for other, found in others if found > cosine]
    assert abs(vectors.rank("balm", word) - len(closer) - 1) <= 1  # cosines of float32 and of float64
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("balmist\tbalm\t5\ndertist\tgolmish\t1\nbalms\tbalming\t3\nqqqq\tbalm\t4\n")
    assert vectors.evaluate_word_pairs(pairs)[2] == 25.0
    assert evaluate(["--vectors", str(model), "--similarity", str(pairs)]) == 0


def test_same_bits_from_other_files_and_after_a_kill(spark, corpus, documents, model, tmp_path):
    other = corpora.write_parquet(tmp_path / "in", documents[::-1], 1)
    assert train([*arguments(other), "--output", str(tmp_path / "out")]) == 0
    assert matrices(tmp_path / "out") == matrices(model)
    shutil.copytree(model, tmp_path / "killed")
    for name in ("vectors", "ngrams"):
        shutil.rmtree(tmp_path / "killed" / name)
    for name in ("_SUCCESS", "model.json", "history.json", "_run/rounds/00003/round.json"):
        (tmp_path / "killed" / name).unlink()
    assert train([*arguments(corpus), "--output", str(tmp_path / "killed"), "--resume"]) == 0
    assert matrices(tmp_path / "killed") == matrices(model)


def test_damaged_ngrams_are_noticed(model, tmp_path):
    shutil.copytree(model / "_run", tmp_path / "_run")
    file = tmp_path / "_run" / SUBWORDS_FILE
    file.write_bytes(file.read_bytes()[:-7] + b"damaged")
    folder = Directory.open(tmp_path / "_run")
    run = Run.read(folder)
    with pytest.raises(Exception, match=SUBWORDS_FILE):
        RunDirectory(folder, run.identity).read_subwords(run.files[SUBWORDS_FILE])


def test_buckets_are_those_of_fasttext(spark, corpus, model, tmp_path):
    output = tmp_path / "out"
    assert train([*arguments(corpus, "model.bucket=50"), "--output", str(output)]) == 0
    ngrams, vectors = ngram_table(output), KeyedVectors.load(output)
    assert set(ngrams) <= set(range(50))
    buckets = {bucket_of(ngram, 50) for ngram in ngrams_of("balmist", 3, 6)}
    expected = np.mean([ngrams[b] for b in sorted(buckets) if b in ngrams], axis=0)
    np.testing.assert_allclose(vectors["balmist"], expected, atol=1e-6)
    mixed = shutil.copytree(model, tmp_path / "mixed")
    shutil.rmtree(mixed / "ngrams")
    shutil.copytree(output / "ngrams", mixed / "ngrams")
    with pytest.raises(StoreError, match="holds words and n-grams of two models"):
        KeyedVectors.load(mixed)


def test_a_later_result_without_them_leaves_none(spark, corpus, tmp_path):
    assert train([*arguments(corpus), "--output", str(tmp_path / "out")]) == 0
    assert train([*arguments(corpus, "model.subwords=false"), "--output", str(tmp_path / "out"), "--overwrite"]) == 0
    assert not (tmp_path / "out/ngrams").exists()
    assert KeyedVectors.load(tmp_path / "out").subwords is None


def test_every_ngram_has_a_row_unless_something_else_is_set(spark, corpus, tmp_path):
    assert train([*arguments(corpus, "model.min_ngram_words=1"), "--output", str(tmp_path / "out")]) == 0
    words, published = KeyedVectors.load(tmp_path / "out").words, ngram_table(tmp_path / "out")
    assert set(published) == {ngram for word in words for ngram in ngrams_of(word, 3, 6)}


def test_no_ngram_of_two_words_is_an_answer(spark, corpus, tmp_path, capsys):
    settings = "model.min_n=9", "model.max_n=9"
    given = [option for option in arguments(corpus, *settings) if option != "--quiet"]
    assert train([*given, "--output", str(tmp_path / "out")]) == 0
    assert "WARNING: no 9 to 9 letters in a row are in 2 words or more" in capsys.readouterr().err
    assert not (tmp_path / "out/ngrams").exists()
    assert len(KeyedVectors.load(tmp_path / "out")) > 100


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["model.min_n=7"], "model.min_n = 7 is above model.max_n = 6"),
        (["model.architecture=pv_dbow"], "model.subwords = true is not allowed with model.architecture = 'pv_dbow'"),
        (["model.published_rows=sum"], "model.published_rows = 'sum' is not allowed with model.subwords = true"),
        (["model.max_n=0"], "model.max_n = 0 is not allowed"),
    ],
)
def test_what_is_refused(corpus, tmp_path, capsys, settings, message):
    assert train([*arguments(corpus, *settings), "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")
    assert not (tmp_path / "out").exists()


def test_versions_are_trained_anew(spark, corpus, tmp_path, capsys):
    root = tmp_path / "root"
    assert train([*arguments(corpus), "--publish", str(root)]) == 0
    assert KeyedVectors.load(root).vector_of("balmist").source == "subwords"
    assert retrain(["--from", str(root), "--input", str(corpus), "--format", "parquet", "--quiet"]) == 2
    assert "model.subwords" in capsys.readouterr().err


def test_the_estimator(spark, documents, tmp_path):
    frame = spark.createDataFrame([Row(text=text.split()) for text in documents])
    estimator = Word2Vec(
        inputCol="text", outputCol="v", vectorSize=16, minCount=2, subwords=True, maxN=5, numPartitions=2, seed=1
    )
    fitted = estimator.fit(frame)
    fitted.write().save(str(tmp_path / "model"))
    loaded = Word2VecModel.load(str(tmp_path / "model"))
    again = tmp_path / "again"
    loaded.write().save(str(again))
    vectors = fitted.vectors_table
    asked = spark.createDataFrame([Row(text=["balmist", "balm", "qqqq"]), Row(text=["dertist"]), Row(text=["qqqq"])])
    for one in (fitted, loaded, Word2VecModel.load(str(again))):
        assert one.findSynonymsArray("balmist", 3) == vectors.most_similar("balmist", topn=3)
        found = [row.v.toArray() for row in one.setUnknownWords("skip").transform(asked).collect()]
        expected = [(vectors["balmist"] + vectors["balm"]) / 2, vectors["dertist"], np.zeros(16)]
        np.testing.assert_allclose(found, expected, atol=1e-6)
        as_zero = one.setUnknownWords("zero").transform(asked).first().v.toArray()
        np.testing.assert_allclose(as_zero, (vectors["balmist"] + vectors["balm"]) / 3, atol=1e-6)

"""A dictionary through the whole job: counted as concepts, published, and applied to later text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import evaluate, infer, phrases, retrain, train
from tests.naive import dictionary as naive
from w2v_spark import DocumentInference, KeyedVectors

RANDOM = np.random.default_rng(8)
FORMS = {
    ("heart", "attack"): "MI", ("myocardial", "infarction"): "MI", ("infarct",): "MI",
    ("renal", "failure"): "kidney_failure", ("kidney", "failure"): "kidney_failure",
}  # fmt: skip
LINES = "".join(f"{' '.join(form)}\t{concept.replace('_', ' ')}\n" for form, concept in FORMS.items())


def sentences_of(number: int = 2000) -> list[list[str]]:
    words = [f"w{n}" for n in range(40)] + ["heart", "failure", "attack", "of"]
    made = []
    for _ in range(number):
        sentence = RANDOM.choice(words, RANDOM.integers(2, 9)).tolist()
        form = list(FORMS)[RANDOM.integers(len(FORMS))]
        place = int(RANDOM.integers(0, len(sentence) + 1))
        sentence[place:place] = form
        made.append(sentence)
    return made


SENTENCES = sentences_of()
REPLACED = [naive.replace(sentence, FORMS) for sentence in SENTENCES]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dictionary") / "in"
    folder.mkdir()
    for n in range(3):
        rows = [" ".join(words).title() for words in SENTENCES[n::3]]
        pq.write_table(pa.table({"text": rows, "id": np.arange(n, len(SENTENCES), 3)}), folder / f"{n}.parquet")
    return folder


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    path = tmp_path / "concepts.tsv"
    path.write_text(LINES)
    return path


def arguments(corpus: Path, dictionary: Path | None, *settings: str) -> list[str]:
    options = ["model.dim=8", "train.epochs=1", "train.shards=2", "train.rounds=2", "vocabulary.min_count=1", *settings]
    options += [] if dictionary is None else [f"text.dictionary={dictionary}"]
    source = ["--input", str(corpus), "--format", "parquet", "--quiet"]
    return [*source, *(item for option in options for item in ("--set", option))]


def counts_of(model: Path) -> dict[str, int]:
    vectors = KeyedVectors.load(model)
    return dict(zip(vectors.words, vectors.counts.tolist(), strict=True))


def test_concepts_are_counted_and_published(spark, corpus, dictionary, tmp_path):
    assert train([*arguments(corpus, dictionary), "--output", str(tmp_path / "out")]) == 0
    assert counts_of(tmp_path / "out") == Counter(word for words in REPLACED for word in words)
    published = pq.read_table(tmp_path / "out/dictionary.parquet")
    assert {tuple(row["words"]): row["concept"] for row in published.to_pylist()} == FORMS
    dictionary.unlink()  # the model has its own
    vectors = KeyedVectors.load(tmp_path / "out")
    assert vectors.vector_of("Renal failure")[1:] == ("dictionary", "kidney_failure")
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("renal failure\theart attack\t1\ninfarct\tw1\t5\nw2\tw3\t3\n")
    assert vectors.evaluate_word_pairs(pairs)[2] == 0.0
    assert evaluate(["--vectors", str(tmp_path / "out"), "--similarity", str(pairs)]) == 0
    assert train([*arguments(corpus, None), "--output", str(tmp_path / "out"), "--overwrite"]) == 0
    assert not (tmp_path / "out/dictionary.parquet").exists()


def test_it_is_refused_before_anything_is_read(spark, corpus, dictionary, tmp_path, capsys):
    dictionary.write_text("a\tb\nb\ta\n")
    assert train([*arguments(corpus, dictionary), "--output", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: text.dictionary is cyclic: 'a' -> 'b' -> 'a'")
    assert err.count("\n") == 1
    assert train([*arguments(corpus, tmp_path / "none.tsv"), "--output", str(tmp_path / "out")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_documents_are_inferred_with_it(spark, corpus, dictionary, tmp_path):
    model = ["model.architecture=pv_dbow", "train.sample=0", "phrases.passes=1", "phrases.threshold=1e6"]
    assert train([*arguments(corpus, dictionary, *model), "--id", "id", "--output", str(tmp_path / "out")]) == 0
    dictionary.unlink()
    inference = DocumentInference.load(tmp_path / "out")
    first, second, other = inference.infer(["The heart attack w1", "the Infarct w1", "the attack w1"])
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    new = tmp_path / "new.parquet"
    pq.write_table(pa.table({"text": ["The heart attack w1", "kidney"], "id": ["a", "b"]}), new)
    source = ["--input", str(new), "--format", "parquet", "--id", "id", "--quiet"]
    assert infer(["--model", str(tmp_path / "out"), *source, "--output", str(tmp_path / "inferred")]) == 0
    rows = {row["id"]: row for row in pq.read_table(tmp_path / "inferred/documents").to_pylist()}
    np.testing.assert_array_equal(np.array(rows["a"]["vector"], np.float32), first)
    assert rows["b"]["vector"] is None


def test_the_next_version_reads_new_text_by_the_dictionary_of_the_first(spark, corpus, dictionary, tmp_path):
    root, new = tmp_path / "root", tmp_path / "new"
    assert train([*arguments(corpus, dictionary), "--publish", str(root)]) == 0
    dictionary.unlink()
    before = counts_of(root)
    new.mkdir()
    pq.write_table(pa.table({"text": ["myocardial infarction w1", "w1 kidney failure"] * 50}), new / "a.parquet")
    source = ["--input", str(new), "--format", "parquet", "--quiet", "--skip-noise"]
    assert retrain(["--from", str(root), *source]) == 0
    after = counts_of(root)
    assert {word: after[word] - before[word] for word in after if after[word] != before[word]} == {
        "MI": 50, "kidney_failure": 50, "w1": 100,
    }  # fmt: skip
    assert KeyedVectors.load(root).vector_of("heart attack").source == "dictionary"


def test_phrases_are_made_of_concepts(spark, corpus, dictionary, tmp_path):
    """Also in ready words, where only a concept may hold the delimiter."""
    lists = tmp_path / "lists.parquet"
    pq.write_table(pa.table({"text": [[*words, "kidney", "failure"] for words in SENTENCES]}), lists)
    for source in (corpus, lists):
        options = arguments(source, dictionary, "phrases.passes=1", "phrases.threshold=0")
        options.remove("--quiet")
        kept = [item for item in options if not item.startswith(("model", "train"))]
        kept = [item for place, item in enumerate(kept) if item != "--set" or kept[place + 1 : place + 2] != ["--set"]]
        assert phrases([*kept, "--output", str(tmp_path / "found"), "--overwrite"]) == 0
        parts = {part for row in pq.read_table(tmp_path / "found/phrases.parquet")["parts"].to_pylist() for part in row}
        assert "MI" in parts
        assert not {"infarct", "renal", "myocardial"} & parts


def test_an_interrupted_run_knows_its_dictionary(spark, corpus, dictionary, tmp_path, capsys):
    command = [*arguments(corpus, dictionary, "train.rounds=4"), "--output", str(tmp_path / "out"), "--keep-run"]
    assert train(command) == 0
    kept = pq.read_table(tmp_path / "out/_run/dictionary.parquet")
    assert len(kept) == len(FORMS)
    dictionary.write_text("heart\tH\n")
    assert train([*command, "--resume"]) == 2
    assert "dictionary" in capsys.readouterr().err


def test_the_estimator_reads_what_it_transforms_by_it(spark, corpus, dictionary, tmp_path):
    from w2v_spark.estimator import Word2Vec, Word2VecModel

    fitted = Word2Vec(
        inputCol="text", outputCol="mean", vectorSize=4, minCount=1, maxIter=1, dictionary=str(dictionary)
    ).fit(spark.read.parquet(str(corpus)))
    dictionary.unlink()
    fitted.write().overwrite().save(str(tmp_path / "model"))
    vectors = {row.word: row.vector.toArray() for row in fitted.getVectors().collect()}
    asked = spark.createDataFrame([("Myocardial infarction",)], ["text"])
    for model in (fitted, Word2VecModel.load(str(tmp_path / "model"))):
        (row,) = model.transform(asked).collect()
        np.testing.assert_allclose(row["mean"].toArray(), vectors["MI"], rtol=1e-6)

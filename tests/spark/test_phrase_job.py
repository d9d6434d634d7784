"""Phrases through the whole job: found as gensim finds them, joined, published, and applied to later text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, Phrases

from tests.commands import phrases, retrain, train
from tests.naive import phrases as naive
from w2v_spark import KeyedVectors
from w2v_spark.phrases.connectors import CONNECTORS
from w2v_spark.phrases.table import PhraseTable

RANDOM = np.random.default_rng(5)
NAMES = [
    ["new", "york"],
    ["new", "york", "times"],
    ["bank", "of", "america"],
    ["out", "of", "the", "blue"],
    ["san", "jose"],
]


def sentences_of(number: int = 3000) -> list[list[str]]:
    words = [f"w{i}" for i in range(60)] + ["of", "the", "in", "new", "bank", "times"]
    weights = 1 / (1 + np.arange(len(words)))
    weights /= weights.sum()
    made = []
    for _ in range(number):
        sentence = RANDOM.choice(words, RANDOM.integers(2, 12), p=weights).tolist()
        for _ in range(RANDOM.integers(0, 3)):
            place = int(RANDOM.integers(0, len(sentence) + 1))
            sentence[place:place] = NAMES[RANDOM.integers(len(NAMES))]
        made.append(sentence)
    return made


SENTENCES = sentences_of()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phrases") / "in"
    folder.mkdir()
    for n in range(3):
        rows = SENTENCES[n::3]
        pq.write_table(pa.table({"text": rows, "id": np.arange(n, len(SENTENCES), 3)}), folder / f"{n}.parquet")
    return folder


def run(corpus: Path, output: Path, *settings: str, flags: tuple[str, ...] = ()) -> int:
    options = ["model.dim=8", "train.epochs=1", "train.rounds=2", "train.shards=3", "vocabulary.min_count=1", *settings]
    arguments = ["--input", str(corpus), "--format", "parquet", "--output", str(output), "--quiet", *flags]
    return train([*arguments, *(item for option in options for item in ("--set", option))])


def found_in(output: Path, number: int = 1) -> dict[tuple[str, ...], tuple[int, int, int, float]]:
    rows = pq.read_table(output / "phrases.parquet").to_pylist()
    return {
        tuple(row["parts"]): (row["count"], row["count_a"], row["count_b"], row["score"])
        for row in rows if row["pass"] == number
    }  # fmt: skip


SCORERS = [("word2phrase", 3.0), ("gensim", 0.2), ("npmi", 0.2)]


@pytest.mark.parametrize("connectors", ["", "en"], ids=["none", "en"])
@pytest.mark.parametrize(("scorer", "threshold"), SCORERS, ids=[name for name, _ in SCORERS])
def test_one_pass_is_that_of_gensim(spark, corpus, tmp_path, scorer, threshold, connectors):
    """Phrase by phrase and score by score; the C program's formula by the twin alone."""
    settings = [f"phrases.scorer={scorer}", f"phrases.threshold={threshold}", "phrases.passes=1"]
    assert run(corpus, tmp_path / "out", *settings, f"phrases.connector_words={connectors}") == 0
    found = found_in(tmp_path / "out")
    between = frozenset(CONNECTORS["en"].split()) if connectors else frozenset()
    assert not connectors or between == ENGLISH_CONNECTOR_WORDS
    expected = naive.find(SENTENCES, scorer, threshold, 5, between)
    assert {parts: row[:3] for parts, row in found.items()} == {parts: row[:3] for parts, row in expected.items()}
    assert [found[parts][3] for parts in expected] == pytest.approx([row[3] for row in expected.values()], rel=1e-12)
    assert len(found) > 3
    assert not connectors or ("bank", "of", "america") in found
    if scorer != "word2phrase":
        how = {"gensim": "default", "npmi": "npmi"}[scorer]
        theirs = Phrases(SENTENCES, min_count=5, threshold=threshold, scoring=how, connector_words=between)
        assert {"_".join(parts): row[3] for parts, row in found.items()} == theirs.export_phrases()
    joined = Counter(word for sentence in SENTENCES for word in naive.join(sentence, expected, between))
    vectors = KeyedVectors.load(tmp_path / "out")
    assert dict(zip(vectors.words, vectors.counts.tolist(), strict=True)) == joined


def test_later_passes_join_what_was_joined(spark, corpus, tmp_path):
    settings = ["phrases.passes=3", "phrases.threshold=6", "phrases.connector_words=en"]
    assert run(corpus, tmp_path / "out", *settings) == 0
    sentences, between = SENTENCES, frozenset(CONNECTORS["en"].split())
    for number in (1, 2, 3):
        expected = naive.find(sentences, "word2phrase", 6 / 2 ** (number - 1), 5, between)
        found = found_in(tmp_path / "out", number)
        assert {parts: row[:3] for parts, row in found.items()} == {parts: row[:3] for parts, row in expected.items()}
        sentences = [naive.join(sentence, expected, between) for sentence in sentences]
    counts = Counter(word for sentence in sentences for word in sentence)
    assert "new_york_times" in counts
    vectors = KeyedVectors.load(tmp_path / "out")
    assert dict(zip(vectors.words, vectors.counts.tolist(), strict=True)) == counts


def test_unknown_words_are_gaps(spark, corpus, tmp_path):
    """Rare words are left out, and what stood on both sides of them never met."""
    source = tmp_path / "in"
    source.mkdir()
    rare = [["left", f"rare{n}", "right", "other"] for n in range(40)] + [["some", "left"], ["right", "some"]] * 9
    pq.write_table(pa.table({"text": rare}), source / "a.parquet")
    assert run(source, tmp_path / "out", "phrases.passes=1", "phrases.threshold=0", "vocabulary.min_count=5") == 0
    assert set(found_in(tmp_path / "out")) == {("right", "other"), ("some", "left"), ("right", "some")}


def test_nothing_depends_on_the_files_and_the_order_is_that_of_the_words(spark, corpus, tmp_path):
    """The chunks of the corpus keep their places: the first shards hold the same documents with phrases as without."""
    settings = ("phrases.passes=2", "phrases.threshold=6")
    outputs = []
    for n, source in enumerate((corpus, tmp_path / "one")):
        if n:
            source.mkdir()
            pq.write_table(
                pa.concat_tables([pq.read_table(file) for file in corpus.glob("*")][::-1]), source / "a.parquet"
            )
        assert run(source, tmp_path / f"out{n}", *settings) == 0
        files = sorted((tmp_path / f"out{n}/vectors").glob("*.parquet"))
        outputs.append([pq.read_table(file)["vector"].to_pylist() for file in files])
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("architecture", ["pv_dbow", "pv_dm"])
def test_documents_are_joined_in_training_and_when_they_are_inferred(spark, corpus, tmp_path, architecture):
    from w2v_spark import DocumentInference

    settings = ["phrases.passes=2", "phrases.threshold=6", "phrases.connector_words=en"]
    settings.append(f"model.architecture={architecture}")
    assert run(corpus, tmp_path / "out", *settings, flags=("--id", "id")) == 0
    table = pq.read_table(tmp_path / "out/documents").sort_by("id")
    lengths = table["tokens"].to_pylist()
    batches = DocumentInference.load(tmp_path / "out").batches(pa.array(SENTENCES[:200]))
    assert [tokens for batch in batches for tokens in batch.tokens.tolist()] == lengths[:200]
    assert sum(lengths) < sum(map(len, SENTENCES))


def test_the_delimiter_in_a_word_is_refused(spark, tmp_path, capsys):
    source = tmp_path / "in"
    source.mkdir()
    pq.write_table(pa.table({"text": [["new_york", "is", "big"]] * 20}), source / "a.parquet")
    assert run(source, tmp_path / "out", "phrases.passes=1") == 2
    err = capsys.readouterr().err
    assert "the word 'new_york' holds '_', which joins the words of a phrase" in err
    assert not (tmp_path / "out/vectors").exists()


@pytest.mark.parametrize(
    ("threshold", "said"),
    [("1e9", "scores above 1e+09, which is phrases.threshold (word2phrase); none can, by the counts of its words"),
     ("0", "words of the text are phrases now: phrases.threshold is so low that it joins almost everything; raise it")],
    ids=["nothing", "everything"],
)  # fmt: skip
def test_thresholds_that_join_nothing_or_everything_are_told(spark, corpus, tmp_path, capsys, threshold, said):
    settings = ["phrases.passes=2", f"phrases.threshold={threshold}", "phrases.min_count=1"]
    arguments = [item for option in [*settings, "model.dim=4", "train.epochs=1"] for item in ("--set", option)]
    source = ["--input", str(corpus), "--format", "parquet", "--output", str(tmp_path / "out")]
    assert train([*source, *arguments]) == 0
    assert said in capsys.readouterr().err


def test_the_published_table_is_read_back(spark, corpus, tmp_path):
    from w2v_spark.phrases.units import Units
    from w2v_spark.storage import Directory

    assert run(corpus, tmp_path / "out", "phrases.passes=1", "phrases.threshold=6") == 0
    table = Units.read(Directory.open(str(tmp_path / "out"))).phrases
    assert isinstance(table, PhraseTable)
    assert table.table["id"].to_pylist() == list(range(len(table)))
    assert run(corpus, tmp_path / "out", flags=("--overwrite",)) == 0
    assert not (tmp_path / "out/phrases.parquet").exists()


def test_phrases_alone(spark, corpus, tmp_path, capsys):
    """The same table as that of a training, and nothing else is left."""
    options = ["phrases.passes=2", "phrases.threshold=6", "vocabulary.min_count=1"]
    arguments = ["--input", str(corpus), "--format", "parquet", "--output", str(tmp_path / "alone")]
    assert phrases([*arguments, *(item for option in options for item in ("--set", option))]) == 0
    assert "Most frequent" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "alone").iterdir()) == ["_SUCCESS", "phrases.parquet"]
    assert run(corpus, tmp_path / "out", *options) == 0
    assert found_in(tmp_path / "alone") == found_in(tmp_path / "out")
    assert phrases([*arguments, "--set", "phrases.passes=1"]) == 2, "it is there already"
    assert phrases([*arguments, "--overwrite"]) == 2
    assert "phrases.passes = 0 finds no phrases" in capsys.readouterr().err


def test_the_next_version_joins_new_text_by_the_phrases_of_the_first(spark, corpus, tmp_path):
    root, new = tmp_path / "root", tmp_path / "new"
    options = ["phrases.passes=2", "phrases.threshold=6", "model.dim=8", "train.epochs=1", "vocabulary.min_count=1"]
    settings = [item for option in options for item in ("--set", option)]
    where = ["--format", "parquet", "--publish", str(root), "--quiet"]
    assert train(["--input", str(corpus), *where, *settings]) == 0
    first = KeyedVectors.load(root)
    before = dict(zip(first.words, first.counts.tolist(), strict=True))
    kept = pq.read_table(root / "versions" / version_of(root) / "state/counts")
    assert dict(zip(kept["word"].to_pylist(), kept["count"].to_pylist(), strict=True)) == before
    new.mkdir()
    pq.write_table(
        pa.table({"text": [["in", "new", "york", "times"], ["san", "jose", "york"]] * 50}), new / "a.parquet"
    )
    assert retrain(["--from", str(root), "--input", str(new), "--format", "parquet", "--quiet", "--skip-noise"]) == 0
    second = KeyedVectors.load(root)
    after = dict(zip(second.words, second.counts.tolist(), strict=True))
    grown = {word: after[word] - before.get(word, 0) for word in after if after[word] != before.get(word, 0)}
    assert grown == {"in": 50, "new_york_times": 50, "san_jose": 50, "york": 50}
    assert pq.read_table(root / "versions" / version_of(root) / "phrases.parquet").num_rows


def version_of(root: Path) -> str:
    return (root / "CURRENT").read_text().split()[0].strip('"')


def test_the_estimator_joins_what_it_transforms(spark, corpus, tmp_path):
    from w2v_spark.estimator import Word2Vec, Word2VecModel

    frame = spark.read.parquet(str(corpus))
    fitted = Word2Vec(
        inputCol="text", outputCol="mean", vectorSize=4, minCount=1, maxIter=1, phrasePasses=2, phraseThreshold=6.0
    ).fit(frame)
    assert "new_york_times" in {row.word for row in fitted.getVectors().collect()}
    fitted.write().overwrite().save(str(tmp_path / "model"))
    loaded = Word2VecModel.load(str(tmp_path / "model"))
    asked = spark.createDataFrame([(["new", "york", "times"],)], ["text"])
    vectors = {row.word: row.vector.toArray() for row in fitted.getVectors().collect()}
    for model in (fitted, loaded):
        (row,) = model.transform(asked).collect()
        np.testing.assert_allclose(row["mean"].toArray(), vectors["new_york_times"], rtol=1e-6)


def test_a_file_of_connector_words_is_looked_for_before_anything_is_read(spark, corpus, tmp_path, capsys):
    assert run(corpus, tmp_path / "out", "phrases.passes=1", f"phrases.connector_words={tmp_path}/none.txt") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: phrases.connector_words = ")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()

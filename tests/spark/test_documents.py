"""Documents of all kinds: the main job counts and trains what it should."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tests.spark.documents import COUNTS, DOCUMENTS, REPEATED, write_parquet, write_text
from w2v_spark.config import Config
from w2v_spark.corpus.documents import find_document, read_documents
from w2v_spark.errors import InputError, VocabularyError
from w2v_spark.spark.count_pass import build_vocabulary
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.storage import Directory, digest

VOCABULARY = "vocabulary.parquet"


def test_null_and_empty_documents(job, tmp_path, out, reference):
    documents = [None, "", DOCUMENTS[0], " \t", DOCUMENTS[1], None, DOCUMENTS[2], "", "... !? --"]
    model = job.train(write_parquet(tmp_path / "a.parquet", text=documents), out, "--format", "parquet")
    assert model.counts == COUNTS
    assert model.corpus["documents"] == 7, "those that are not null"
    assert model.corpus["digest"] == reference.corpus["digest"]


@pytest.mark.slow
def test_a_line_of_100_megabytes_and_one_of_20_without_a_space(job, tmp_path, out):
    words = [f"{'wordsofsomelength' * 2}{number:02d}" for number in range(50)]
    block, blocks = " ".join(words) + " ", 58_000
    with (tmp_path / "a.txt").open("w") as file:
        for _ in range(20):
            file.write(block * (blocks // 20))
        file.write(f"\n{'x' * 20_000_000}\nbehind it\n")
    assert (tmp_path / "a.txt").stat().st_size > 120_000_000
    settings = ("vocabulary.min_count=2", "train.sample=1e-7", "model.dim=4", "train.rounds=1")
    model = job.train(tmp_path / "a.txt", out, settings=settings)
    assert model.counts == dict.fromkeys(words, blocks)
    assert model.corpus["documents"] == 3
    assert model.corpus["overlong_words"] == 1
    assert model.corpus["kept_sentences"] == 50 * blocks // 1000
    assert np.isfinite(model.matrix).all()


def test_binary_junk_among_text(job, tmp_path, out):
    junk = random.Random(1).randbytes(300_000)
    text = b"elephants and crocodiles\n" * 100
    (tmp_path / "a.txt").write_bytes(text + junk + b"\n" + text + b"\xff\xfe\x00" * 1000 + b"\n" + text)
    model = job.train(tmp_path / "a.txt", out, "--max-invalid", "0.5")
    assert model.counts["elephants"] == model.counts["crocodiles"] == 300
    assert model.corpus["invalid_utf8"] > 100_000
    assert sum(model.counts.values()) == model.corpus["tokens"] == model.corpus["kept_tokens"]
    assert all(word.isprintable() for word in model.counts)


def test_empty_partitions_and_more_files_than_rows(job, tmp_path, out, reference):
    (tmp_path / "in").mkdir()
    for number in range(12):
        documents = DOCUMENTS[number // 4 : number // 4 + 1] if number % 4 == 1 else []
        write_parquet(tmp_path / f"in/{number:02d}.parquet", text=pa.array(documents, pa.string()))
    model = job.train(tmp_path / "in", out, "--format", "parquet")
    assert model.files == reference.files
    assert model.description["input"]["files"] == 12


def test_empty_files_among_others(job, tmp_path, out, reference):
    write_text(tmp_path / "in/a.txt", DOCUMENTS)
    for name in "bcd":
        write_text(tmp_path / f"in/{name}.txt", [])
    assert job.train(tmp_path / "in", out).files == reference.files


def test_more_shards_than_sentences(job, tmp_path, out):
    model = job.train(write_text(tmp_path / "a.txt", DOCUMENTS), out, settings=["train.shards=12"])
    assert model.counts == COUNTS
    assert sum(record["tokens"] for record in model.rounds) == model.corpus["kept_tokens"] == 18
    assert np.isfinite(model.matrix).all()


def test_one_document_without_a_line_end(job, tmp_path, out):
    (tmp_path / "a.txt").write_text("one two three two")
    model = job.train(tmp_path / "a.txt", out, "--max-invalid", "0.5")
    assert model.counts == {"two": 2, "one": 1, "three": 1}
    assert model.corpus["documents"] == 1


def test_words_of_all_kinds_of_scripts(job, tmp_path, out):
    text = "Straße ΟΔΥΣΣΕΥΣ Ёлка İstanbul नमस्ते ภาษา 漢字 한국어 עברית العربية ᏣᎳᎩ 𐐀𐐨 𐌰𐌱 e\u0301te\u0301 ４２ x²"
    expected = "straße οδυσσευς ёлка i\u0307stanbul नमस्ते ภาษา 漢字 한국어 עברית العربية ꮳꮃꭹ 𐐨𐐨 𐌰𐌱 été ４２ x"
    model = job.train(write_text(tmp_path / "a.txt", [text]), out)
    assert model.counts == Counter(expected.split())
    assert list(model.counts) == sorted(expected.split(), key=str.encode)


@pytest.mark.parametrize("settings", [{"min_count": 2}, {"min_count": 1, "max_size": 5}])
def test_a_moderate_text_is_counted_as_any_other(spark, settings):
    frame = spark.createDataFrame([(text,) for text in [*DOCUMENTS, *DOCUMENTS[:2], None]], "document string")
    config = Config.from_dict({"vocabulary": settings})
    (vocabulary, seen), (other, also_seen) = (
        build_vocabulary(frame.repartition(3), config, size=size) for size in (1, None)
    )
    assert vocabulary.words.to_pylist() == other.words.to_pylist()
    assert vocabulary.counts.tolist() == other.counts.tolist()
    assert seen == also_seen


def test_more_words_than_the_driver_should_add_up(spark):
    begins = range(0, 1 << 21, 1 << 12)
    texts = [(" ".join(f"w{number}" for number in range(begin, begin + (1 << 12))),) for begin in begins]
    frame = spark.createDataFrame([*texts, *texts[:1]], "document string").coalesce(1)
    config = Config.from_dict({"vocabulary": {"min_count": 2}})
    vocabulary, seen = build_vocabulary(frame, config, size=1)
    assert vocabulary.words.to_pylist() == sorted(f"w{number}" for number in range(1 << 12))
    assert seen.distinct_words == 1 << 21


@pytest.mark.parametrize("texts", [["one text"], ["", "... !?"], []])
def test_a_moderate_text_without_a_word_is_refused_as_any_other(spark, texts):
    frame = spark.createDataFrame([(text,) for text in texts], "document string")
    config, said = Config.from_dict({"vocabulary": {"min_count": 2}}), []
    for size in (1, None):
        with pytest.raises(VocabularyError) as refused:
            build_vocabulary(frame, config, size=size)
        said.append(str(refused.value))
    assert said[0] == said[1]


def encode(frame, directory, shards=2, counted=None):
    """The encoded corpus of a frame, the directory of its files, and the vocabulary."""
    config = Config.from_dict({"vocabulary": {"min_count": 1}})
    vocabulary, statistics = build_vocabulary(frame if counted is None else counted, config)
    run = Directory.open(directory).create()
    data = vocabulary.to_bytes()
    run.write_bytes(VOCABULARY, data)
    corpus = EncodePass(config, run, VOCABULARY, digest(data), vocabulary, shards).encode([frame])
    return corpus, run.child("corpus"), vocabulary, statistics


def sentences_of(pieces, vocabulary):
    words = vocabulary.words.to_pylist()
    return [
        " ".join(words[i] for i in piece.ids[a:b])
        for piece in pieces
        for a, b in zip(piece.offsets, piece.offsets[1:], strict=False)
    ]


@pytest.mark.parametrize("kind", ["string", "int", "date", "decimal(20,3)", "timestamp", "binary"])
def test_every_document_is_found_by_its_name(spark, tmp_path, kind):
    long = " ".join(f"this is sentence w{n}." for n in range(3000)).replace(". t", ". T")  # three chunks
    texts = [*DOCUMENTS, long, "", "same words", "same words", None]
    names = {"date": "date_add('2024-02-28', number)", "timestamp": "timestamp_seconds(number)"}
    id_of = names.get(kind, f"cast({'cast(number as string)' if kind == 'binary' else 'number'} as {kind})")
    frame = spark.createDataFrame(list(enumerate(texts)), "number int, document string").withColumn("id", F.expr(id_of))
    assert frame.schema["id"].dataType.simpleString() == kind
    ids = frame.orderBy("number").select("id").toArrow()["id"].to_pylist()
    results = []
    for partitions in (1, 3) if kind == "string" else (3,):
        parted = frame.orderBy(F.desc("number")).repartition(partitions).select("document", "id")
        corpus, files, vocabulary, _ = encode(parted, tmp_path / str(partitions))
        in_order = [piece for shard in range(2) for piece in read_documents(files, corpus, shard)]
        results.append([(piece.id, piece.number, piece.ids.tolist()) for piece in in_order])
        for name, text in zip(ids, texts, strict=True):
            found = sentences_of(find_document(files, corpus, name), vocabulary)
            assert found == (encode_alone(text) if text else [])
    assert results[0] == results[-1], "the order does not depend on how the input is cut"
    assert [piece.number for piece in in_order if piece.id == ids[3]].count(0) == 1
    assert sorted(piece.number for piece in in_order if piece.id == ids[3]) == [0, 1, 2]


def encode_alone(text):
    """Sentences as the demo text has them: each ends with . or ! and a space."""
    text = text.lower().replace("'", " ").replace("!", ".")
    return [sentence.rstrip(".") for sentence in text.split(". ")]


def test_names_change_nothing_else(spark, tmp_path):
    plain = spark.createDataFrame([(text,) for text in REPEATED], "document string")
    named = plain.withColumn("id", F.monotonically_increasing_id())
    one, files, _, statistics = encode(plain, tmp_path / "plain")
    two, named_files, _, named_statistics = encode(named, tmp_path / "named")
    assert statistics == named_statistics
    assert (one.digest, one.tokens) == (two.digest, two.tokens)
    assert [p.documents for shard in one.shards for p in shard.parts] == [None, None]
    for a, b in zip(one.shards, two.shards, strict=True):
        for p, q in zip(a.parts, b.parts, strict=True):
            assert files.read_bytes(p.file) == named_files.read_bytes(q.file)
    found = [piece.id for shard in range(2) for piece in read_documents(named_files, two, shard)]
    assert sorted(found) == sorted(row["id"] for row in named.collect()), "equal documents, each with its own name"


@pytest.mark.parametrize(
    ("counted", "encoded", "message"),
    [
        (["a b a b"], ["a b a b a"], "4 words of the vocabulary when they were counted, and 5 when"),
        (["a b a b"], ["a b"], "counted, and 2 when"),
        (["a b a b"], [], "counted, and 0 when"),
        (["a b a b"], ["a a a a"], "counted, and as many, but others when"),
    ],
)
def test_text_that_changes_after_it_was_counted_is_refused(spark, tmp_path, counted, encoded, message):
    def frame(texts: list[str]) -> DataFrame:
        return spark.createDataFrame([(text,) for text in texts], "document string")

    with pytest.raises(InputError, match=message):
        encode(frame(encoded), tmp_path / "run", counted=frame(counted))


def test_documents_of_one_word_each_are_nothing_to_train_on(job, tmp_path, out):
    code, _, err = job(write_text(tmp_path / "a.txt", ["one", "two", "two three?", "unknown"][:2] * 5), out)
    assert code == 2
    assert "none of the 10 sentences has two words of the vocabulary" in err
    assert not (out / "vectors").exists()
    assert job.train(write_text(tmp_path / "b.txt", ["one", "two", "one two"]), tmp_path / "b").counts["one"] == 2


def test_what_is_not_utf8_is_measured_in_bytes(spark, tmp_path):
    frame = spark.createDataFrame([(b"caf\xe9 au lait",), (b"\xff\xfe\xff",), (None,)], "document binary")
    _, _, _, statistics = encode(frame, tmp_path / "run")
    assert (statistics.bytes, statistics.invalid_bytes, statistics.invalid_utf8) == (15, 4, 4)
    assert (statistics.documents, statistics.sentences, statistics.tokens) == (2, 1, 3)

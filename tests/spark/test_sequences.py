"""FASTA and FASTQ through the whole pipeline: read, trained on, applied to new sequences, and what is refused."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.alignment import needleman_wunsch
from tests.commands import infer, train
from w2v_spark.errors import ConfigError
from w2v_spark.estimator import Word2Vec, Word2VecModel
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.spark.source import Input
from w2v_spark.storage import Directory
from w2v_spark.vectors.keyed_vectors import KeyedVectors

SMALL = ["vocabulary.min_count=1", "model.dim=16", "train.epochs=2", "train.sample=0", "train.shards=1"]
KMERS = ["text.tokenizer=kmer", "text.k=3"]
PROTEINS = ["ACDE", "LMNP"]  # letters of two families

Records = list[tuple[str, str]]


def settings(*items: str) -> list[str]:
    return [word for item in (*SMALL, *KMERS, *items) for word in ("--set", item)]


def records(letters: list[str], number: int = 40, seed: int = 1) -> Records:
    draw = random.Random(seed)
    return [(f"r{n}", "".join(draw.choices(letters[n % len(letters)], k=draw.randint(30, 90)))) for n in range(number)]


def fasta(given: Records, end: str = "\n") -> str:
    """Wrapped, with some letters masked and more in the headers than names."""
    parts = []
    for n, (name, sequence) in enumerate(given):
        sequence = sequence.lower() if n % 3 == 0 else sequence
        parts += [f">{name} a > description", *(sequence[i : i + 11] for i in range(0, len(sequence), 11))]
    return end.join([*parts, ""])


def fastq(given: Records, end: str = "\n") -> str:
    """With qualities that look like the marks of records."""
    draw = random.Random(5)
    parts = []
    for name, sequence in given:
        parts += [f"@{name} x", sequence, "+", "".join(draw.choices("@+>I", k=len(sequence)))]
    return end.join([*parts, ""])


def write(path: Path, content: str) -> Path:
    data = content.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("format", "form"), [("fasta", fasta), ("fastq", fastq)])
def test_a_record_is_a_document_wherever_files_are_split(
    spark: SparkSession, tmp_path: Path, format: str, form: Callable[[Records, str], str], end: str
) -> None:
    given = [*records(["ACGT"], 20), ("empty", ""), ("short", "A")]
    write(tmp_path / f"a.{format}", form(given, end))
    write(tmp_path / f"b.{format}.gz", form([(f"z{name}", each) for name, each in given], end))
    names = ("spark.sql.files.maxPartitionBytes", "spark.sql.files.openCostInBytes")
    try:
        for size in ("17", "64", "1000000"):
            for name, value in zip(names, (size, "1"), strict=True):
                spark.conf.set(name, value)
            source = Input((str(tmp_path),), id="id")
            source.check()
            rows = [(row["id"], row["document"]) for row in source.open(spark).collect()]
            assert sorted(rows) == sorted([*given, *((f"z{name}", each) for name, each in given)])
            assert source._opened is not None
            assert source._opened.malformed is not None
            said = source._opened.malformed.check(0.0)
            assert said == [f"2 of 44 {format.upper()} records have no sequence"]
    finally:
        for name in names:
            spark.conf.unset(name)


def test_words_of_proteins_are_published_and_applied(spark, tmp_path, out) -> None:
    given = records(PROTEINS)
    write(tmp_path / "a.fasta", fasta(given[:20]))
    write(tmp_path / "b.fa.gz", fasta(given[20:], "\r\n"))
    command = ["--input", str(tmp_path / "*.fa*"), "--format", "fasta", "--id", "id", "--output", str(out), "--quiet"]
    assert train([*command, *settings("text.frames=true", "train.epochs=20")]) == 0
    text = ModelDescription.read(Directory.open(str(out))).config.text
    assert (text.tokenizer, text.k, text.frames, text.alphabet) == ("kmer", 3, True, "protein")
    vectors = KeyedVectors.load(out)
    assert all(len(word) == 3 for word in vectors.words)
    near = {word for word, _ in vectors.most_similar(given[0][1][:3].upper(), topn=5)}
    assert all(set(word) <= set(PROTEINS[0]) for word in near)
    frame = spark.createDataFrame([(given[0][1],), ("ac",), ("ACDEA",)], ["sequence"])
    model = Word2VecModel.load(str(out)).setInputCol("sequence").setOutputCol("vector")
    found = [row["vector"].toArray() for row in model.transform(frame).collect()]
    assert not found[1].any()
    np.testing.assert_allclose(found[2], np.mean([vectors[w] for w in ("ACD", "CDE", "DEA")], axis=0), rtol=1e-6)


def test_cosines_of_kmers_go_with_scores_of_their_alignments(tmp_path, out) -> None:
    """Of random DNA too: k-mers that overlap share letters, and stand beside each other."""
    source = write(tmp_path / "a.fna", fasta([("r", "".join(random.Random(3).choices("ACGT", k=60_000)))]))
    own = settings("text.k=4", "text.alphabet=dna", "model.window=2", "train.epochs=5")
    assert train(["--input", str(source), "--output", str(out), "--quiet", *own]) == 0
    vectors = KeyedVectors.load(out)
    assert len(vectors) == 4**4
    words = sorted(vectors.words)
    pairs = [(a, b) for n, a in enumerate(words[::3]) for b in words[n * 3 + 1 :: 5]]
    by_score: dict[float, list[float]] = {}
    for a, b in pairs:
        by_score.setdefault(needleman_wunsch(a, b), []).append(float(vectors.similarity(a, b)))
    means = [float(np.mean(by_score[score])) for score in (1, 2, 3)]
    assert means == sorted(means), means
    assert means[2] - means[0] > 0.2, means


def test_the_estimator_has_the_same_settings(spark, tmp_path) -> None:
    frame = spark.createDataFrame(records(["ACGT"], 20), ["id", "sequence"])
    estimator = Word2Vec(
        inputCol="sequence", outputCol="vector", tokenizer="kmer", alphabet="dna", k=[2, 3], minCount=1, vectorSize=8,
        reverseComplement="canonical", numPartitions=1, verbose=False,
    )  # fmt: skip
    estimator.save(str(tmp_path / "estimator"))
    model = Word2Vec.load(str(tmp_path / "estimator")).fit(frame)
    model.save(str(tmp_path / "model"))
    again = Word2VecModel.load(str(tmp_path / "model"))
    assert again.getK() == [2, 3]
    assert {len(row["word"]) for row in again.getVectors().collect()} == {2, 3}
    (row,) = again.transform(frame.limit(1)).collect()
    assert row["vector"].toArray().any()
    with pytest.raises(ConfigError, match=r"k = 16 is not allowed"):
        Word2Vec(inputCol="sequence", tokenizer="kmer", k=16).fit(frame)


def test_k_and_strands_that_are_drawn_go_through_a_model_of_documents(tmp_path, out) -> None:
    source = write(tmp_path / "a.fna", fasta(records(["ACGT", "AACC"])))
    own = settings("text.alphabet=dna", "text.k=[2, 4]", "text.reverse_complement=random", "model.architecture=pv_dbow")
    assert train(["--input", str(source), "--id", "id", "--output", str(out / "m"), "--quiet", *own]) == 0
    new = write(tmp_path / "new.fasta", fasta(records(["ACGT"], 3, seed=9)))
    assert infer(["--model", str(out / "m"), "--input", str(new), "--id", "id", "--output", str(out / "i")]) == 0
    assert sorted(pq.read_table(out / "i" / "documents")["id"].to_pylist()) == ["r0", "r1", "r2"]


def test_records_without_a_sequence_are_said(job, tmp_path, out) -> None:
    source = write(tmp_path / "a.fasta", fasta([*records(PROTEINS, 10), ("none", ""), ("neither", "")]))
    code, _, err = job(source, out, settings=[*SMALL, *KMERS])
    assert code == 0
    assert "2 of 12 FASTA records have no sequence" in err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.fasta", "ACGT\n>x\nACGT\n", "a.fasta is not FASTA: it begins with 'ACGT' and not with '>'"),
        ("a.fasta.gz", "@x\nACGT\n+\nIIII\n", "a.fasta.gz is not FASTA: it begins with '@x'"),
        ("a.fq", ">x\nACGT\n", "a.fq is not FASTQ: it begins with '>x' and not with '@'"),
        ("a.fasta", ">x\rACGT\r", "line ends of a single carriage return"),
        ("a.fastq", "@x\nAC\nGT\n+\nIIII\n", "a.fastq has no line of '+' behind the first line of its first sequence"),
        ("a.fastq", "@x\nACGT\n+\nIIII\n" + "@y\nAC\nGT\n+\nIIII\n" * 3, "3 of 4 records are malformed FASTQ"),
        ("a.fastq", "@x\nACGT\n+\nIIII\n@y\nACGT\n+\n", "1 of 2 records are malformed FASTQ"),
        ("a.fasta", fasta(records(PROTEINS, 9)), "are foreign to text.alphabet = 'dna', and stand for none of its let"),
        ("a.fasta", ">x\nACDEFGH\n>y\nEFEFEF\n", "no word reaches"),
        ("a.fasta", ">x\n>y\n", "documents hold no word"),
    ],
)
def test_files_that_are_refused(refused, tmp_path, out, name, content, message) -> None:
    said = refused(write(tmp_path / name, content), out, settings=[*SMALL, *KMERS, "text.alphabet=dna"])
    assert message in said


def test_files_of_both_formats_and_other_encodings_are_refused(refused, tmp_path, out) -> None:
    paths = [write(tmp_path / "a.fasta", ">x\nACGT\n"), write(tmp_path / "a.fq", "@x\nACGT\n+\nIIII\n")]
    assert "several formats" in refused(paths, out)
    assert "encoding is not for FASTA" in refused(paths[:1], out, "--encoding", "latin-1")


def test_sequences_that_do_not_fit_the_alphabet_are_warned_of(job, tmp_path, out) -> None:
    source = write(tmp_path / "a.fasta", fasta(records(["ACGT"], 10)))
    _, _, err = job(source, out / "dna", settings=[*SMALL, *KMERS])
    assert "100.0% of the letters are A, C, G, T, U or N" in err
    mixed = [("a", "ACGTACGT"), ("b", "NNNNNNNN"), ("c", "AC"), ("d", "ACNGT")]
    source = write(tmp_path / "b.fasta", fasta(mixed))
    _, _, err = job(source, out / "short", settings=[*SMALL, *KMERS, "text.alphabet=dna"])
    assert "3 of 4 sequences have no k-mer of the alphabet 'dna'" in err


def test_records_are_picked_by_their_columns_and_folders(spark, tmp_path) -> None:
    for year in (2025, 2026):
        folder = tmp_path / f"year={year}"
        folder.mkdir()
        write(folder / "a.fa", f">x{year} of man\nACGT\n>y{year}\nAC\n\n>z{year} of mice\n")
    for where, expected in (
        ("description LIKE '%man'", ["x2025", "x2026"]),
        ("year = 2026", ["x2026", "y2026", "z2026"]),
        ("text = '' AND year < 2026", ["z2025"]),
    ):
        source = Input((str(tmp_path),), id="id", where=where)
        source.check()
        assert sorted(row["id"] for row in source.open(spark).collect()) == expected

"""Text of all kinds and options at their limits: the main job reads, counts and trains what it should."""

from __future__ import annotations

import bz2
import gzip
import json
import random
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import train
from tests.conftest import ROOT
from tests.spark.main_job import MainJob, Model, arguments
from w2v_spark.vectors.table import VECTOR_SCHEMA

DOCUMENTS = [
    "The cat sat. The dog ran! A cat ran",
    "the dog sat on the cat",
    "Émile's dog",
]
COUNTS = {"the": 4, "cat": 3, "dog": 3, "ran": 2, "sat": 2, "a": 1, "on": 1, "s": 1, "émile": 1}
SENTENCES = 5


@pytest.fixture
def job(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> MainJob:
    return MainJob(capsys)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def write_text(path: Path, documents: list[str], newline: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(document + newline for document in documents).encode())
    return path


def write_parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture(scope="module")
def reference(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """What the documents give as one text file."""
    folder = tmp_path_factory.mktemp("reference")
    source = write_text(folder / "a.txt", DOCUMENTS)
    assert train.main(arguments(source, folder / "out", "--quiet")) == 0
    return Model.read(folder / "out")


# The result


def test_the_table_holds_what_can_be_counted_by_hand(reference):
    assert reference.counts == COUNTS
    assert reference.table["word"].to_pylist() == list(COUNTS), "most frequent first, then by bytes"
    assert reference.table["id"].to_pylist() == list(range(len(COUNTS)))
    assert reference.table.schema.remove_metadata() == VECTOR_SCHEMA
    assert reference.matrix.shape == (len(COUNTS), 8)
    assert np.isfinite(reference.matrix).all()
    assert reference.table.schema.metadata[b"w2v.dim"] == b"8"


def test_the_description_says_how_the_table_came_about(reference):
    model = reference.description
    assert model["format_version"] == 1
    assert model["config"]["model"]["dim"] == 8
    assert model["plan"]["shards"] == 2
    expected = {
        "documents": 3, "sentences": SENTENCES, "tokens": 18, "distinct_words": 9, "vocabulary_size": 9,
        "kept_tokens": 18, "kept_sentences": SENTENCES, "invalid_utf8": 0, "overlong_words": 0,
    }  # fmt: skip
    assert expected.items() <= model["corpus"].items()
    assert model["input"]["files"] == 1
    assert model["input"]["bytes"] == sum(len(text.encode()) + 1 for text in DOCUMENTS)
    assert {"count", "encode", "train", "publish", "rounds", "total"} == model["timings"].keys()
    assert {"python", "pyspark", "numpy", "numba", "pyarrow", "w2v_spark"} == model["packages"].keys()


def test_the_history_covers_every_word_of_every_epoch(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS * 50)
    settings = ("train.epochs=3", "train.rounds=4", "train.sample=0", "model.negatives=2")
    rounds = job.train(source, out, settings=settings).rounds
    assert [record["round"] for record in rounds] == [0, 1, 2, 3]
    assert sum(record["tokens"] for record in rounds) == 3 * 50 * 18
    assert sum(record["kept"] for record in rounds) == 3 * 50 * 18
    rates = [record["learning_rate"] for record in rounds]
    assert rates == sorted(rates, reverse=True)
    assert 0.0001 < rates[-1] < rates[0] < 0.025
    assert rounds[0]["loss"] <= 3 * np.log(2), "a target and at most two noise words, all at 1/2"
    assert rounds[-1]["loss"] < rounds[0]["loss"]
    assert all(record["words_per_second"] > 0 and record["seconds"]["total"] > 0 for record in rounds)


# Formats


def write_txt(folder: Path) -> list[str]:
    write_text(folder / "in.txt", DOCUMENTS)
    return []


def write_gz(folder: Path) -> list[str]:
    (folder / "in.gz").write_bytes(gzip.compress("\n".join(DOCUMENTS).encode()))
    return []


def write_bz2(folder: Path) -> list[str]:
    (folder / "in.txt.bz2").write_bytes(bz2.compress("\n".join(DOCUMENTS).encode()))
    return []


def write_windows(folder: Path) -> list[str]:
    write_text(folder / "in.txt", DOCUMENTS, newline="\r\n")
    return []


def write_text_directory(folder: Path) -> list[str]:
    for name, document in zip(["a.txt", "below/deep/b.txt", "below/day=3/c.txt"], DOCUMENTS, strict=True):
        write_text(folder / "in" / name, [document])
    write_text(folder / "in/_temporary/part.txt", ["not read"])
    write_text(folder / "in/.hidden", ["not read"])
    return []


def write_parquet_with_others(folder: Path) -> list[str]:
    columns = {"id": [1, 2, 3], "text": DOCUMENTS, "tags": [["not"], ["read"], None], "day": ["x", "y", None]}
    write_parquet(folder / "in.parquet", **columns)
    return ["--format", "parquet"]


def write_binary_column(folder: Path) -> list[str]:
    write_parquet(folder / "in.parquet", text=[document.encode() for document in DOCUMENTS])
    return ["--format", "parquet"]


def write_orc(folder: Path) -> list[str]:
    orc.write_table(pa.table({"id": [1, 2, 3], "text": DOCUMENTS}), folder / "in.orc")
    return ["--format", "orc"]


def write_json(folder: Path) -> list[str]:
    lines = [json.dumps({"text": document, "id": 1}) for document in DOCUMENTS]
    write_text(folder / "in.json", [*lines, '{"id": 2}', "not JSON"])
    return ["--format", "json"]


@pytest.mark.parametrize(
    "write",
    [
        write_txt, write_gz, write_bz2, write_windows, write_text_directory, write_parquet_with_others,
        write_binary_column, write_orc, write_json,
    ],
)  # fmt: skip
def test_the_same_documents_give_the_same_vectors_in_any_format(job, tmp_path, out, reference, write):
    options = write(tmp_path)
    model = job.train(next(tmp_path.glob("in*")), out, *options)
    assert model.corpus == reference.corpus
    assert model.files == reference.files


def test_lists_of_words_are_taken_as_they_are(job, tmp_path, out):
    words = [["The", "cat", "sat."], None, [], ["the cat", None, "", "x" * 5000], ["sat.", "The"]]
    source = write_parquet(tmp_path / "a.parquet", words=words)
    model = job.train(source, out, "--format", "parquet", "--column", "words")
    assert model.counts == {"The": 2, "sat.": 2, "cat": 1, "the cat": 1}
    assert (model.corpus["documents"], model.corpus["sentences"], model.corpus["overlong_words"]) == (4, 3, 1)


def test_lists_of_words_that_are_not_utf8(job, tmp_path, out):
    lists = pa.array([[b"good", b"b\xffd", b"b\xffd"], [b"good", b"fine"]], pa.list_(pa.binary()))
    words = pa.ListArray.from_arrays(lists.offsets, lists.values.view(pa.string()))
    source = write_parquet(tmp_path / "a.parquet", text=words)
    model = job.train(source, out, "--format", "parquet")
    assert model.counts == {"b\ufffdd": 2, "good": 2, "fine": 1}
    assert model.corpus["invalid_utf8"] == 2


@pytest.mark.parametrize("column", ["a.b", "back`tick", 'say "so"', "größe 😀", "5"])
def test_columns_of_any_name(job, tmp_path, out, column, reference):
    source = write_parquet(tmp_path / "a.parquet", **{column: DOCUMENTS, "b": [1, 2, 3]})
    model = job.train(source, out, "--format", "parquet", "--column", column)
    assert model.corpus == reference.corpus
    assert model.description["config"]["text"]["column"] == column


def test_files_and_directories_of_any_name(job, tmp_path):
    """As one input each, so that none is taken for a glob or a URI, and as an output."""
    names = ["with space", "ä 漢", "100%", "a%20b", "a#b?c", "{a}[b]*", "back\\slash"]
    files = [write_text(tmp_path / f"{name}.txt", DOCUMENTS) for name in names]
    files += [write_text(tmp_path / name / "a.txt", DOCUMENTS) for name in names]
    inputs = [file if file.parent == tmp_path else file.parent for file in files]
    model = job.train(inputs, tmp_path / "".join(names))
    assert model.counts == {word: count * len(files) for word, count in COUNTS.items()}
    assert model.description["input"]["files"] == len(files)
    assert model.description["input"]["bytes"] == sum(file.stat().st_size for file in files)


def test_several_inputs_and_globs_are_read_once_each(job, tmp_path, out, reference):
    for number, document in enumerate(DOCUMENTS):
        write_text(tmp_path / f"in/{number}.txt", [document])
    write_text(tmp_path / "in/0.log", ["not read"])
    inputs = [tmp_path / "in/[01].txt", tmp_path / "in/2.txt", tmp_path / "in/{0,1}.txt", tmp_path / "in/0.txt"]
    model = job.train(inputs, out)
    assert model.files == reference.files
    assert model.description["input"]["files"] == 3


def test_uris_of_local_files(job, tmp_path, out, reference):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    assert job.train([Path(f"file:{source}")], out).files == reference.files
    assert job.train([Path(f"file://{source}")], tmp_path / "other").files == reference.files


# Documents


def test_null_and_empty_documents(job, tmp_path, out, reference):
    documents = [None, "", DOCUMENTS[0], " \t", DOCUMENTS[1], None, DOCUMENTS[2], "", "... !? --"]
    model = job.train(write_parquet(tmp_path / "a.parquet", text=documents), out, "--format", "parquet")
    assert model.counts == COUNTS
    assert model.corpus["documents"] == 7, "those that are not null"
    assert model.corpus["digest"] == reference.corpus["digest"]


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
    model = job.train(tmp_path / "a.txt", out)
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
    model = job.train(tmp_path / "a.txt", out)
    assert model.counts == {"two": 2, "one": 1, "three": 1}
    assert model.corpus["documents"] == 1


def test_words_of_all_kinds_of_scripts(job, tmp_path, out):
    text = "Straße ΟΔΥΣΣΕΥΣ Ёлка İstanbul नमस्ते ภาษา 漢字 한국어 עברית العربية ᏣᎳᎩ 𐐀𐐨 𐌰𐌱 e\u0301te\u0301 ４２ x²"
    expected = (
        "straße οδυσσευς ёлка i\u0307stanbul नमस्ते ภาษา 漢字 한국어 עברית العربية ꮳꮃꭹ 𐐨𐐨 𐌰𐌱 e\u0301te\u0301 ４２ x"
    )
    model = job.train(write_text(tmp_path / "a.txt", [text]), out)
    assert model.counts == Counter(expected.split())
    assert list(model.counts) == sorted(expected.split(), key=str.encode)


# Options at their limits


@pytest.mark.parametrize(
    "settings",
    [
        ["model.dim=1"],
        ["model.dim=1024"],
        ["model.window=50", "model.negatives=64"],
        ["train.sample=0"],
        ["train.merge=mean", "train.shards=5"],
        ["train.rounds=1", "train.shards=1", "train.epochs=2"],
        ["model.noise_exponent=-1.5", "text.max_sentence_length=1"],
        ["text.sentences=line", "text.lowercase=false", "text.apostrophes=keep"],
    ],
    ids=" ".join,
)
def test_options_at_their_limits(job, tmp_path, out, settings):
    model = job.train(write_text(tmp_path / "a.txt", DOCUMENTS * 20), out, settings=settings)
    dim = model.description["config"]["model"]["dim"]
    assert model.matrix.shape == (len(model.counts), dim)
    assert np.isfinite(model.matrix).all()
    assert np.ptp(model.matrix) > 0
    assert sum(model.counts.values()) == 18 * 20 - (20 if "text.apostrophes=keep" in settings else 0)


def test_a_vocabulary_of_two_words(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", ["yes no yes"])
    model = job.train(source, out, settings=["train.sample=0", "train.shards=1"])
    assert model.counts == {"yes": 2, "no": 1}
    assert sum(record["pairs"] for record in model.rounds) > 0


def test_the_vocabulary_is_cut_at_its_largest_size(job, tmp_path, out):
    model = job.train(write_text(tmp_path / "a.txt", DOCUMENTS), out, settings=["vocabulary.max_size=4"])
    assert model.counts == {"the": 4, "cat": 3, "dog": 3, "ran": 2}, "of two equally frequent words the first"
    assert (model.corpus["distinct_words"], model.corpus["tokens"], model.corpus["kept_tokens"]) == (9, 18, 12)


def test_the_vocabulary_is_cut_at_the_least_count(job, tmp_path, out):
    model = job.train(write_text(tmp_path / "a.txt", DOCUMENTS), out, settings=["vocabulary.min_count=3"])
    assert model.counts == {"the": 4, "cat": 3, "dog": 3}


# What is shown, and what becomes of the output directory


def test_print_config_needs_neither_input_nor_spark(capsys, monkeypatch):
    monkeypatch.setattr(train, "get_session", lambda: pytest.fail("Spark was started"))
    assert train.main(["--print-config"]) == 0
    plain = tomllib.loads(capsys.readouterr().out)
    assert plain["model"]["dim"] == 100
    preset = str(ROOT / "conf" / "quality.toml")
    changes = ["--set", "model.dim=7", "--column", "größe 😀"]
    assert train.main(["--print-config", "--config", preset, *changes]) == 0
    shown = capsys.readouterr().out
    changed = tomllib.loads(shown)
    assert (changed["model"]["dim"], changed["text"]["column"]) == (7, "größe 😀")
    assert changed["train"] == {
        **plain["train"],
        **tomllib.loads((ROOT / "conf" / "quality.toml").read_text())["train"],
    }


def test_quiet_prints_nothing(job, tmp_path, out):
    assert job(write_text(tmp_path / "a.txt", DOCUMENTS), out, "--quiet") == (0, "", "")


def test_progress_and_summary(job, tmp_path, out):
    code, shown, progress = job(write_text(tmp_path / "a.txt", DOCUMENTS), out)
    assert code == 0
    for line in ("count ...", "3 documents, 5 sentences, 18 words; vocabulary 9 of 9 words", "train round 2/2"):
        assert line in progress
    for row in ("documents       3", "words           18", "vocabulary      9 words", str(out / "vectors")):
        assert row in shown


def test_the_run_directory_is_kept_when_asked(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    kept = job.train(source, out, "--keep-run")
    assert (out / "_run" / "run.json").is_file()
    assert job.train(source, tmp_path / "other").files == kept.files
    assert not (tmp_path / "other" / "_run").exists()


def test_overwrite_replaces_the_result_and_nothing_else(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    job.train(source, out, settings=["model.dim=5"])
    (out / "notes.txt").write_text("mine")
    (out / "vectors" / "part-00001.parquet").write_text("of an older, larger result")
    model = job.train(source, out, "--overwrite")
    assert model.matrix.shape == (9, 8)
    assert sorted(path.name for path in out.iterdir()) == [
        "_SUCCESS", "history.json", "model.json", "notes.txt", "vectors",
    ]  # fmt: skip
    assert (out / "notes.txt").read_text() == "mine"


def test_resume_of_a_finished_run_says_so_and_changes_nothing(job, tmp_path, out):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    job.train(source, out)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.rglob("*") if path.is_file()}
    code, _, err = job(source, out, "--resume")
    assert code == 0
    assert "is complete already" in err
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.rglob("*") if path.is_file()}


def test_resume_starts_where_nothing_is(job, tmp_path, out, reference):
    assert job.train(write_text(tmp_path / "a.txt", DOCUMENTS), out, "--resume").files == reference.files


def test_the_output_may_be_an_empty_directory_or_lie_deep(job, tmp_path, reference):
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    (tmp_path / "empty").mkdir()
    assert job.train(source, tmp_path / "empty", "--resume").files == reference.files
    assert job.train(source, tmp_path / "a/b/c", "--resume").files == reference.files

"""Plain local Parquet is read by tasks themselves, and gives what Spark gives; all else goes through Spark."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from tests.spark.documents import DOCUMENTS, REPEATED, write_parquet
from w2v_spark.config import Config
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import InputError
from w2v_spark.publishing.layout import mark
from w2v_spark.run.directory import RunDirectory
from w2v_spark.spark.count_pass import build_vocabulary
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.kept_words import KeptWords
from w2v_spark.spark.parquet_pieces import Pieces
from w2v_spark.spark.source import FrameInput, Input
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.storage import Directory, digest

CONFIG = Config.from_dict({"vocabulary": {"min_count": 1}})
VOCABULARY = "vocabulary.parquet"
RAW = [b"caf\xe9 au lait", b"", None, "Émile's dog".encode(), b"\xff\xfe", b"the cat the dog. The end"]


def raw_texts() -> pa.Array:
    return pa.array(RAW, pa.binary()).view(pa.string())


def write_one(folder: Path) -> None:
    write_parquet(folder / "a.parquet", text=REPEATED, n=range(60))


def write_several(folder: Path) -> None:
    """Small row groups, none, no rows, nulls, what is not UTF-8, and other columns at other places."""
    pq.write_table(pa.table({"text": REPEATED}), folder / "a.parquet", row_group_size=7)
    write_parquet(folder / "b.parquet", n=range(6), text=raw_texts())
    write_parquet(folder / "c.parquet", text=pa.array([], pa.string()))
    pq.ParquetWriter(folder / "d.parquet", pa.schema([("text", pa.string())])).close()
    write_parquet(folder / "e.parquet", text=pa.array([None, None], pa.string()))
    write_parquet(folder / "f.parquet", text=pa.array(DOCUMENTS, pa.large_string()))


def write_bytes(folder: Path) -> None:
    write_parquet(folder / "a.parquet", text=pa.array(RAW * 9, pa.binary()))
    write_parquet(folder / "b.parquet", text=pa.array(RAW, pa.large_binary()))


def write_partitions(folder: Path) -> None:
    for day in "ab":
        (folder / f"day={day}").mkdir()
        write_parquet(folder / f"day={day}/x %20.parquet", text=[f"{text} {day}" for text in REPEATED])


def write_required(folder: Path) -> None:
    schema = pa.schema([pa.field("text", pa.string(), nullable=False)])
    pq.write_table(pa.table({"text": REPEATED}, schema), folder / "a.parquet", compression="gzip")


def write_folder_of_the_same_name(folder: Path) -> None:
    (folder / "text=a").mkdir()
    write_parquet(folder / "text=a/a.parquet", text=REPEATED)


def write_lists(folder: Path) -> None:
    write_parquet(folder / "a.parquet", text=[["a", "b"]] * 3)


def write_dictionary(folder: Path) -> None:
    write_parquet(folder / "a.parquet", text=pa.array(REPEATED).dictionary_encode())


def write_field(folder: Path) -> None:
    write_parquet(folder / "a.parquet", data=[{"text": text} for text in DOCUMENTS])


def write_two_cases(folder: Path) -> None:
    write_parquet(folder / "a.parquet", text=REPEATED)
    write_parquet(folder / "b.parquet", TEXT=REPEATED)


def write_absent(folder: Path) -> None:
    write_parquet(folder / "a.parquet", text=REPEATED)
    write_parquet(folder / "b.parquet", words=REPEATED)


def write_two_types(folder: Path) -> None:
    write_parquet(folder / "a.parquet", text=REPEATED)
    write_parquet(folder / "b.parquet", text=[b"bytes"])


def write_dots(folder: Path) -> None:
    write_parquet(folder / "a.parquet", **{"text": DOCUMENTS, "text.more": DOCUMENTS})


def write_cut_off(folder: Path) -> None:
    write_one(folder)
    (folder / "b.parquet").write_bytes((folder / "a.parquet").read_bytes()[:-50])


def write_codec(folder: Path) -> None:
    pq.write_table(pa.table({"text": REPEATED}), folder / "a.parquet", compression="brotli")


def pieces_of(spark, folder: Path, **options: Any) -> tuple[Any, Pieces | None]:
    source = Input(**{"paths": (str(folder),), **options})
    documents = source.open(spark)
    return documents, source.pieces(documents)


GOOD = [write_one, write_several, write_bytes, write_partitions, write_required, write_folder_of_the_same_name]


@pytest.mark.parametrize("write", GOOD)
def test_tasks_read_plain_files_themselves(spark, tmp_path, write):
    write(tmp_path)
    documents, pieces = pieces_of(spark, tmp_path, format="parquet" if write is write_one else None)
    assert pieces is not None
    assert sum(some.rows for part in pieces.parts for some in part) == documents.count()
    assert len(pieces.parts) == 1, "a small text is one task"


@pytest.mark.parametrize(
    ("write", "options"),
    [
        (write_lists, {}), (write_dictionary, {}), (write_field, {"column": "data.text"}),
        (write_one, {"column": "TEXT"}), (write_two_cases, {}), (write_absent, {}), (write_two_types, {}),
        (write_dots, {}), (write_cut_off, {}), (write_codec, {}), (write_one, {"where": "n > 3"}),
        (write_one, {"id": "n"}), (write_one, {"tags": ("text",)}), (write_one, {"options": {"mergeSchema": "true"}}),
    ],
)  # fmt: skip
def test_all_else_goes_through_spark(spark, tmp_path, write, options):
    write(tmp_path)
    assert pieces_of(spark, tmp_path, **options)[1] is None


def test_files_that_are_given_twice_go_through_spark(spark, tmp_path):
    write_one(tmp_path)
    path = str(tmp_path / "a.parquet")
    assert pieces_of(spark, tmp_path, paths=(path, path))[1] is None
    assert pieces_of(spark, tmp_path, paths=(path, str(tmp_path)))[1] is None
    assert pieces_of(spark, tmp_path, paths=(f"file:{path}",))[1] is not None


def test_many_files_and_footers_that_are_odd_go_through_spark(spark, tmp_path, monkeypatch):
    write_several(tmp_path)
    module = "w2v_spark.spark.parquet_pieces"
    with monkeypatch.context() as patched:
        patched.setattr(f"{module}._MOST_FILES", 5)
        assert pieces_of(spark, tmp_path)[1] is None
    monkeypatch.setattr(f"{module}.decode_struct", lambda _: {4: 5})
    assert pieces_of(spark, tmp_path)[1] is None


def test_tables_queries_and_frames_go_through_spark(spark, tmp_path):
    write_one(tmp_path)
    assert pieces_of(spark, tmp_path, paths=(), sql=f"SELECT text FROM parquet.`{tmp_path}`")[1] is None
    frame = FrameInput(spark.read.parquet(str(tmp_path)), "text")
    assert frame.pieces(frame.open(spark)) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spark.sql.files.ignoreCorruptFiles", "true"),
        ("spark.sql.files.ignoreMissingFiles", "true"),
        ("parquet.crypto.factory.class", "org.apache.parquet.crypto.keytools.PropertiesDrivenCryptoFactory"),
    ],
)
def test_settings_that_say_how_spark_reads(spark, tmp_path, key, value):
    write_one(tmp_path)
    spark.conf.set(key, value)
    try:
        assert pieces_of(spark, tmp_path)[1] is None
    finally:
        spark.conf.unset(key)


def encode_pass(folder: Path, vocabulary: Vocabulary, pieces: Pieces | None) -> EncodePass:
    run, data = Directory.open(folder).create(), vocabulary.to_bytes()
    run.write_bytes(VOCABULARY, data)
    return EncodePass(CONFIG, run, VOCABULARY, digest(data), vocabulary, 2, pieces=pieces)


def split(pieces: Pieces) -> Pieces:
    """The same with a task for each run of row groups."""
    return replace(pieces, parts=tuple((some,) for part in pieces.parts for some in part))


def keeping(pieces: Pieces, folder: Path) -> Pieces:
    """The same whose words are kept."""
    return replace(pieces, kept=Directory.open(folder).create().uri)


@pytest.mark.parametrize("write", GOOD)
def test_the_same_words_and_the_same_corpus(spark, tmp_path, write):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in")
    documents, pieces = pieces_of(spark, tmp_path / "in")
    # Whatever Java would do with the files, it is not asked to: rows of this frame cannot be computed.
    unread = documents.select(F.raise_error(F.lit("a row was read by Spark")).cast("string").alias("document"))
    found = []
    kept = [keeping(some, tmp_path / f"kept{len(some.parts)}") for some in (pieces, split(pieces))]
    ways = [(documents, None, None), (unread, pieces, 1), (unread, split(pieces), None)]
    ways += [(unread, some, size) for some in kept for size in (1, None)]
    for number, (frame, some, size) in enumerate(ways):
        vocabulary, seen = build_vocabulary(frame, CONFIG, size=size, pieces=some)
        corpus = encode_pass(tmp_path / f"run{number}", vocabulary, some).encode([frame])
        parts = [part.checksums for shard in corpus.shards for part in shard.parts]
        found.append((vocabulary.to_bytes(), seen, corpus.digest, corpus.tokens, parts))
    assert [some == found[0] for some in found] == [True] * len(ways)
    assert all(KeptWords.find(some) for some in kept)
    if write in (write_several, write_bytes):
        assert found[0][1].invalid_bytes > 0


PHRASES = ("phrases.passes=1", "phrases.min_count=1", "phrases.threshold=0.1")


@pytest.mark.parametrize("settings", [(), PHRASES])
def test_a_whole_job_gives_the_same_bits(job, tmp_path, monkeypatch, settings):
    (tmp_path / "in").mkdir()
    write_several(tmp_path / "in")
    asked, make = [], Pieces.numbers
    monkeypatch.setattr(Pieces, "numbers", lambda self, spark: asked.append(self.kept) or make(self, spark))
    options = ("--max-invalid", "1", "--keep-run")
    kept = job.train(tmp_path / "in", tmp_path / "kept", *options, settings=settings)
    assert asked == [f"{tmp_path}/kept/_run/words"] * 2, "one for each pass"
    assert not (tmp_path / "kept/_run/words").exists()
    monkeypatch.setattr("w2v_spark.spark.kept_words.find_indices", lambda *_: None)
    read_twice = job.train(tmp_path / "in", tmp_path / "twice", *options, settings=settings)
    assert len(asked) == 4
    monkeypatch.setattr(Input, "pieces", lambda *_: None)
    through_spark = job.train(tmp_path / "in", tmp_path / "spark", *options, settings=settings)
    assert len(asked) == 4
    assert kept.files == read_twice.files == through_spark.files
    assert kept.corpus == read_twice.corpus == through_spark.corpus


def test_nothing_is_left_where_the_text_is_refused(job, tmp_path):
    write_one(tmp_path)
    (tmp_path / "there").mkdir()
    for output in ("there", "new"):
        code, _, err = job(tmp_path / "a.parquet", tmp_path / output, settings=("vocabulary.min_count=1000",))
        assert code != 0
        assert "no word reaches" in err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.parquet", "there"]


@pytest.mark.parametrize("settings", [("train.held_out=0.2",), ("model.architecture=pv_dbow",)])
def test_held_out_and_whole_documents_go_through_spark(job, tmp_path, monkeypatch, settings):
    def refuse(*_: object) -> None:
        raise AssertionError("tasks read the files themselves")

    monkeypatch.setattr(Pieces, "numbers", refuse)
    write_one(tmp_path)
    job.train(tmp_path / "a.parquet", tmp_path / "out", settings=settings)


def overwrite(path: Path) -> None:
    write_parquet(path, text=["other words"] * 3)


def change(path: Path) -> None:
    write_parquet(path, text=REPEATED[1:] + REPEATED[1:2], n=range(60))


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[20:60] = b"\xff" * 40
    path.write_bytes(data)


BETWEEN: Mapping[Callable[[Path], None], str] = {
    Path.unlink: r"a\.parquet cannot be read: .*No such file or directory.*; repair it or leave it out",
    damage: r"a\.parquet cannot be read: .*; repair it or leave it out",
    overwrite: r"the input has changed while it was read: .*a\.parquet is another file than it was",
    change: "the input has changed while it was read: it had .* words of the vocabulary",
}


@pytest.mark.parametrize("happens", BETWEEN)
def test_what_happens_to_a_file_between_the_passes(spark, tmp_path, happens):
    (tmp_path / "in").mkdir()
    write_one(tmp_path / "in")
    documents, pieces = pieces_of(spark, tmp_path / "in")
    vocabulary, _ = build_vocabulary(documents, CONFIG, pieces=pieces)
    happens(tmp_path / "in/a.parquet")
    with pytest.raises(InputError, match=BETWEEN[happens]), translated_errors():
        encode_pass(tmp_path / "run", vocabulary, pieces).encode([documents])


def test_an_output_whose_job_was_killed_while_it_counted_is_free(job, tmp_path):
    write_one(tmp_path)
    run = RunDirectory(mark(Directory.open(tmp_path / "out/_run")))
    run.words.create().write_bytes("000000.words", b"of another attempt")
    job.train(tmp_path / "a.parquet", tmp_path / "out")
    assert not (tmp_path / "out/_run").exists()


def test_the_output_of_a_run_that_has_begun_is_not_free(job, tmp_path):
    write_one(tmp_path)
    run = RunDirectory(mark(Directory.open(tmp_path / "out/_run")))
    run.words.create()
    run.corpus.create()
    code, _, err = job(tmp_path / "a.parquet", tmp_path / "out")
    assert code != 0
    assert "out exists; choose another directory, or give --overwrite" in err


def test_words_do_not_outlive_a_failure_to_encode(job, tmp_path, monkeypatch):
    """They take room that the run needs which goes on."""

    def fail(*_: object) -> None:
        assert list((tmp_path / "out/_run/words").iterdir())
        raise OSError(errno.ENOSPC, "No space left on device")

    write_one(tmp_path)
    expected = job.train(tmp_path / "a.parquet", tmp_path / "expected")
    with monkeypatch.context() as patched:
        patched.setattr(EncodePass, "encode", fail)
        assert job(tmp_path / "a.parquet", tmp_path / "out")[0] != 0
    assert (tmp_path / "out/_run/run.json").exists()
    assert not (tmp_path / "out/_run/words").exists()
    assert job.train(tmp_path / "a.parquet", tmp_path / "out", "--resume").files == expected.files

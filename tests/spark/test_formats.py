"""Input in all formats, under all names: the main job reads what it should."""

from __future__ import annotations

import bz2
import gzip
import json
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pytest

from tests.spark.documents import COUNTS, DOCUMENTS, write_parquet, write_text
from w2v_spark.estimator import Word2Vec


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
    return []


def write_binary_column(folder: Path) -> list[str]:
    write_parquet(folder / "in.parquet", text=[document.encode() for document in DOCUMENTS])
    return ["--format", "parquet"]


def write_orc(folder: Path) -> list[str]:
    orc.write_table(pa.table({"id": [1, 2, 3], "text": DOCUMENTS}), folder / "in.orc")
    return ["--format", "orc"]


def write_json(folder: Path) -> list[str]:
    lines = [json.dumps({"text": document, "id": 1}) for document in DOCUMENTS]
    write_text(folder / "in.json", [*lines, '{"id": 2}'])
    return []


def write_csv(folder: Path) -> list[str]:
    lines = ["Id,TEXT,n", f'1,"{DOCUMENTS[0]}",3', f"2,{DOCUMENTS[1]},3", f"3,{DOCUMENTS[2]},3"]
    write_text(folder / "in.csv", lines, newline="\r\n")
    return []


def write_tsv_gz(folder: Path) -> list[str]:
    lines = ["text\tid", *(f"{document}\t1" for document in DOCUMENTS)]
    (folder / "in.tsv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return []


def write_csv_without_header(folder: Path) -> list[str]:
    write_text(folder / "in.dat", [f"{document};1" for document in DOCUMENTS])
    return ["--format", "CSV", "--option", "header=false", "--option", "sep=;", "--column", "_c0"]


def write_nested_json(folder: Path) -> list[str]:
    write_text(folder / "in.jsonl", [json.dumps({"data": {"Text": document}}) for document in DOCUMENTS])
    return ["--column", "data.text"]


def write_latin1(folder: Path) -> list[str]:
    (folder / "in.txt").write_bytes("\n".join(DOCUMENTS).encode("cp1252"))
    return ["--encoding", "cp1252"]


def write_utf16(folder: Path) -> list[str]:
    (folder / "in.txt").write_bytes("\r\n".join(DOCUMENTS).encode("utf-16"))
    return ["--encoding", "utf-16"]


def write_utf32_gz(folder: Path) -> list[str]:
    (folder / "in.txt.gz").write_bytes(gzip.compress("\n".join(DOCUMENTS).encode("utf-32-be")))
    return ["--encoding", "utf-32-be"]


def write_utf8_with_mark(folder: Path) -> list[str]:
    (folder / "in.txt").write_bytes("\n".join(DOCUMENTS).encode("utf-8-sig"))
    return []


def write_utf16_csv(folder: Path) -> list[str]:
    (folder / "in.csv").write_bytes("\n".join(["text,n", *(f"{line},1" for line in DOCUMENTS)]).encode("utf-16-le"))
    return ["--encoding", "utf-16-le"]


def write_zstd(folder: Path) -> list[str]:
    with pa.CompressedOutputStream(str(folder / "in.txt.zst"), "zstd") as sink:
        sink.write("\n".join(DOCUMENTS).encode())
    return []


@pytest.mark.parametrize(
    "write",
    [
        write_txt, write_gz, write_bz2, write_windows, write_text_directory, write_parquet_with_others,
        write_binary_column, write_orc, write_json, write_csv, write_tsv_gz, write_csv_without_header,
        write_nested_json, write_latin1, write_utf16, write_utf32_gz, write_utf8_with_mark, write_utf16_csv, write_zstd,
    ],
)  # fmt: skip
def test_the_same_documents_give_the_same_vectors_in_any_format(job, tmp_path, out, reference, write):
    options = write(tmp_path)
    model = job.train(next(tmp_path.glob("in*")), out, *options)
    assert model.corpus == reference.corpus
    assert model.table.equals(reference.table)
    assert model.files == reference.files or "--column" in options  # which the files say, too


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
    model = job.train(source, out, "--format", "parquet", "--max-invalid", "0.2")
    assert model.counts == {"b\ufffdd": 2, "good": 2, "fine": 1}
    assert model.corpus["invalid_utf8"] == 2


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (pa.array([[10, 20, 10], [20, None]], pa.list_(pa.int64())), {"10": 2, "20": 2}),
        (pa.array([[10, 20, 10], [20, -1]], pa.list_(pa.int32())), {"10": 2, "20": 2, "-1": 1}),
        (pa.array([[date(2026, 1, 2), date(2026, 1, 3)]], pa.list_(pa.date32())), {"2026-01-02": 1, "2026-01-03": 1}),
        (pa.array([[b"milk", "käse".encode()]], pa.list_(pa.binary())), {"milk": 1, "käse": 1}),
        (pa.array([["0b2e-1", "A 1"]], pa.list_(pa.string())), {"0b2e-1": 1, "A 1": 1}),
        (pa.array([[{"item": 7, "n": 1}, {"item": 8, "n": 2}]]), {"7": 1, "8": 1}),
    ],
)
def test_lists_of_items_are_lists_of_words(job, tmp_path, out, items, words):
    source = write_parquet(tmp_path / "a.parquet", items=items)
    column = "items.item" if pa.types.is_struct(items.type.value_type) else "ITEMS"
    assert job.train(source, out, "--column", column).counts == words


def test_the_estimator_takes_items_and_nested_fields(spark):
    frame = spark.createDataFrame([(([7, 8, None],),), (([8, 7],),)], "data struct<items: array<bigint>>")
    model = Word2Vec(inputCol="data.items", outputCol="vector", vectorSize=4, minCount=1, maxIter=1, sample=0.0).fit(
        frame
    )
    vectors = {row["word"]: np.array(row["vector"]) for row in model.getVectors().collect()}
    assert set(vectors) == {"7", "8"}
    for row in model.transform(frame).collect():
        np.testing.assert_allclose(np.array(row["vector"]), (vectors["7"] + vectors["8"]) / 2, rtol=1e-6)


def test_a_csv_of_baskets(job, tmp_path, out):
    source = write_text(tmp_path / "baskets.csv", ["basket,items", '1,"milk,bread,butter"', '2,"milk,""beer"""'])
    assert job.train(source, out, "--column", "items").counts == {"milk": 2, "bread": 1, "butter": 1, "beer": 1}


def test_a_column_with_dots_comes_before_a_nested_field(job, tmp_path, out):
    columns = {"a.b": DOCUMENTS, "a": [{"b": "no"}, {"b": "no"}, {"b": "no"}]}
    assert job.train(write_parquet(tmp_path / "a.parquet", **columns), out, "--column", "a.b").counts == COUNTS


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

"""Input in all formats, under all names: the main job reads what it should."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc
import pytest

from tests.spark.documents import COUNTS, DOCUMENTS, write_parquet, write_text


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

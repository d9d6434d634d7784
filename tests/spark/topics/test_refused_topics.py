"""What the command for topics refuses: one line that says what, and nothing is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.planted_documents import Planted, plant, write_documents, write_model
from tests.spark.topics.kinds import Refused


def test_a_model_without_documents(refused: Refused, model: Path, tmp_path: Path) -> None:
    source = tmp_path / "words"
    (source / "vectors").mkdir(parents=True)
    for path in (model / "vectors").iterdir():
        (source / "vectors" / path.name).write_bytes(path.read_bytes())
    (source / "_SUCCESS").touch()
    assert "has no documents/: it was trained for words alone" in refused("--model", source)


def test_documents_without_vectors(refused: Refused, planted: Planted, tmp_path: Path) -> None:
    write_documents(tmp_path / "nothing", planted.vectors[:5], 1, nulls=range(5))
    assert "5 documents, none of which has a vector" in refused("--model", tmp_path / "nothing")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--sample", "0"], "--sample = 0 is not allowed: expected 1 to"),
        (["--words", "none"], "--words: invalid int value"),
        (["--documents", "x"], "--documents goes with --assign"),
        (["--previous", "x"], "--previous needs --previous-model"),
        (["--input", "x.txt"], "--id is needed with --input"),
        (["--id", "name"], "--id names a column of --input"),
        (["--tag", "party"], "--tag is for a training"),
        (["--assign", "x"], "--assign needs --documents"),
        (["--assign", "x", "--documents", "y"], "--model is of no use with --assign"),
    ],
)
def test_options_that_do_not_fit(refused: Refused, model: Path, options: list[str], complaint: str) -> None:
    assert complaint in refused("--model", model, *options)


def test_an_output_that_is_not_ours(refused: Refused, model: Path, found: Path, tmp_path: Path) -> None:
    assert "--model is needed" in refused()
    assert "exists; choose another directory" in refused("--model", model, output=found)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    assert "holds 'thesis.txt'" in refused("--model", model, "--overwrite", output=tmp_path / "mine")
    assert "lies within" in refused("--model", model, output=model / "topics")


def test_a_space_of_another_dimension(refused: Refused, found: Path, tmp_path: Path) -> None:
    write_documents(tmp_path / "other", np.ones((4, 7), np.float32), 1)
    assert "vectors of length 7 and the topics of" in refused("--assign", found, "--documents", tmp_path / "other")


def test_documents_and_topics_of_two_models(refused: Refused, model: Path, found: Path, tmp_path: Path) -> None:
    """Vectors of equal length say nothing."""
    other = shutil.copytree(model, tmp_path / "other")
    described = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps({**described, "run": "another"}))
    for options in (
        ("--assign", found, "--documents", other),
        ("--model", model, "--previous", found, "--previous-model", other),
    ):
        assert "were found in another model" in refused(*options)


def test_earlier_topics_of_another_dimension(refused: Refused, model: Path, found: Path, tmp_path: Path) -> None:
    source = write_model(tmp_path / "wide", plant(50, 4, dim=32))
    complaint = refused("--model", source, "--previous", found, "--previous-model", model)
    assert "are of length 24 and the documents of" in complaint


def test_text_without_the_column_is_refused_at_once(refused: Refused, model: Path, text: Path) -> None:
    assert "--id = 'nobody' is not in the input" in refused("--model", model, "--input", text, "--id", "nobody")


def test_damaged_documents(refused: Refused, planted: Planted, tmp_path: Path) -> None:
    source = write_model(tmp_path / "source", Planted(planted.topics, planted.words, planted.vectors[:100]))
    part, other, _ = sorted((source / "documents").iterdir())
    content = part.read_bytes()
    part.write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
    assert f"{part} is damaged" in refused("--model", source)
    part.write_bytes(content[:-9])
    assert str(part) in refused("--model", source)
    part.write_bytes(content)
    other.unlink()
    assert "2 of 3 files: files are missing" in refused("--model", source)
    (source / "_SUCCESS").unlink()
    assert "not finished" in refused("--model", source)


def test_documents_of_another_program_that_are_not_finite(refused: Refused, planted: Planted, tmp_path: Path) -> None:
    source = write_model(tmp_path / "source", Planted(planted.topics, planted.words, planted.vectors[:100]))
    vectors = planted.vectors[:100].copy()
    vectors[70, 3] = np.nan
    rows = pa.array(list(vectors), pa.list_(pa.float32()))
    shutil.rmtree(source / "documents")
    (source / "documents").mkdir()
    table = pa.table({"id": pa.array(range(100)), "tokens": pa.array([5] * 100, pa.int64()), "vector": rows})
    pq.write_table(table, source / "documents" / "some.parquet")
    assert "are not all finite" in refused("--model", source)

"""Commands and code of the guides, run as they are printed. Recipes of using-vectors.md have a test of their own."""

from __future__ import annotations

import gzip
import random
import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.conftest import ROOT
from tests.spark.documents import write_parquet
from w2v_spark.cli.main import main
from w2v_spark.vectors.keyed_vectors import KeyedVectors

pytestmark = pytest.mark.slow  # starts the command in processes of its own


def blocks(page: str, heading: str) -> list[tuple[str, str]]:
    """Language and content of the blocks below a heading, up to the next one."""
    text = (ROOT / "docs" / "guide" / page).read_text(encoding="utf-8")
    section = re.split(r"^#+ ", text.split(f"# {heading}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(r"^```(\w+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def run_commands(block: str, name: str = "", more: Sequence[str] = ()) -> None:
    """Run commands of ours, a line each, in this process, which has a Spark already; one of them with more options."""
    for line in block.strip().replace("\\\n", " ").splitlines():
        words = shlex.split(line)
        assert words[0] == "w2v-spark"
        assert main([*words[1:], *(more if words[1] == name else [])]) == 0, line


def run_python(block: str, **names: object) -> None:
    exec(compile(block, "a guide", "exec"), dict(names))  # noqa: S102 - our own document


def test_getting_started(spark: SparkSession, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (_, train), *_ = blocks("getting-started.md", "Train on your own text")
    ((_, look),) = blocks("getting-started.md", "Look at the result")
    ((_, again),) = blocks("getting-started.md", "Go on with a run, or start again")
    script, _, command = train.partition("\n\n")
    subprocess.run(["sh", "-ec", script], check=True)
    run_commands(command)
    capsys.readouterr()
    run_python(look)
    assert "'queen'" in capsys.readouterr().out
    run_commands(again)
    assert KeyedVectors.load("model").dim == 50


def test_the_estimator(spark: SparkSession, tmp_path: Path, capsys) -> None:
    (_, code), *_ = blocks("estimator.md", "The Estimator")
    run_python(code.replace("/data/models/words", f"{tmp_path}/words"), spark=spark)
    shown = capsys.readouterr().out
    assert "similarity" in shown
    assert "king" in KeyedVectors.load(tmp_path / "words")


def test_evaluation(spark: SparkSession, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vectors.txt").write_text("king 1 2\nqueen 1 3\nman 2 2\nwoman 2 3\n")
    Path("questions-words.txt").write_text(": gram1\nman king woman queen\n")
    for name in ("wordsim353.txt", "SimLex-999.txt"):
        Path(name).write_text("king\tqueen\t9\nking\twoman\t2\nman\twoman\t8\n")
    assert main(["import", "--input", "vectors.txt", "--no-header", "--output", "model"]) == 0
    ((_, command),) = blocks("evaluation.md", "Evaluation")
    ((_, code),) = blocks("evaluation.md", "In Python")
    run_commands(command)
    assert "SimLex-999.txt" in capsys.readouterr().out
    run_python(code)


def write_periods() -> None:
    """Two periods in which all words but one keep their company, as folders and as a table with tags."""
    draw, texts = random.Random(11), {}
    groups = [[f"{group}{n}" for n in range(12)] for group in "abcd"]
    for period, home in (("2000s", 0), ("2010s", 3)):
        lines = [
            " ".join(draw.choices([*group, *(["moved"] if number == home else [])], k=20))
            for _ in range(60)
            for number, group in enumerate(groups)
        ]
        Path("texts", period).mkdir(parents=True)
        Path("texts", period, "a.txt").write_text("\n".join(lines))
        texts[period] = lines
    rows = [(line, period) for period, lines in texts.items() for line in lines]
    write_parquet(Path("texts.parquet"), text=[line for line, _ in rows], period=[period for _, period in rows])


SMALL = ["model.dim=8", "vocabulary.min_count=1", "train.epochs=5", "train.sample=0"]


@pytest.mark.parametrize("heading", ["By rotation", "By a frozen matrix", "By tags"])
def test_two_periods(spark: SparkSession, tmp_path: Path, monkeypatch, heading: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_periods()
    ((_, commands),) = blocks("translation.md", heading)
    run_commands(commands, "train", [item for setting in SMALL for item in ("--set", setting)])
    if heading == "By tags":
        found = pq.read_table("words-of-periods").to_pylist()
        assert {row["value"] for row in found} == {"2000s", "2010s"}
        return
    changes = pq.read_table("changes").to_pylist()
    assert "moved" in [row["word"] for row in changes[:3]]
    assert len(changes) == 49
    if heading == "By rotation":
        assert changes[0]["noise"] is not None
        assert len(pq.read_table("then-and-now")) == 49


@pytest.fixture
def clicks(tmp_path: Path) -> Path:
    """A click log out of order: a session goes along one of two shelves."""
    draw = random.Random(7)
    rows = [
        (user, session, 1_000 * user + place, draw.choice(range(shelf, shelf + 4)))
        for user in range(40)
        for session, shelf in enumerate((100, 200))
        for place in range(8)
    ]
    draw.shuffle(rows)
    columns = dict(zip(("user", "session", "ts", "item"), zip(*rows, strict=True), strict=True))
    return write_parquet(tmp_path / "clicks.parquet", **columns)


def test_item_vectors_from_a_click_log(spark: SparkSession, clicks: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    ((_, command),) = blocks("input.md", "Item vectors from a click log")
    plain = command.replace("\\\n", " ").replace("\\`", "`")  # as a shell reads it
    words = shlex.split(plain.replace("`clicks.parquet`", f"`{clicks}`"))
    small = [word for setting in ("model.dim=16", "train.epochs=20") for word in ("--set", setting)]
    assert main([*words[1:], *small]) == 0
    near = {word for word, _ in KeyedVectors.load("items").most_similar("101", topn=3)}
    assert near == {"100", "102", "103"}


def test_sequences(spark: SparkSession, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    draw = random.Random(3)
    records = {f"P{n}": "".join(draw.choices(("ACDEMKT", "LMNPQ")[n % 2], k=80)) for n in range(60)}
    fasta = "".join(f">{name} a protein\n{sequence}\n" for name, sequence in records.items())
    Path("proteins.fasta.gz").write_bytes(gzip.compress(fasta.encode()))
    Path("new.fasta").write_text(">Q1\nMKTACDE\n")
    Path("genome.fna").write_text(">chr1\n" + "".join(draw.choices("ACGT", k=5_000)))
    ((_, commands),) = blocks("sequences.md", "Sequences")
    (_, code), (_, documents) = blocks("sequences.md", "Vectors of sequences")
    ((_, genome),) = blocks("sequences.md", "As in dna2vec")
    run_commands(commands)
    run_python(code, spark=spark)
    assert "MKTAYIAKQ" in capsys.readouterr().out
    assert KeyedVectors.load("protvec")["MKT"].shape == (100,)
    run_commands(documents)
    run_commands(genome)
    assert {len(word) for word in KeyedVectors.load("dna2vec").words} >= {3, 4}

"""A round in which shards exchange the rows that they touch gives the bits of one in which they exchange all."""

import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import train
from w2v_spark.run.commands import Step, StepCommand
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import SAMPLING_FILE, SUBWORDS_FILE, Run
from w2v_spark.spark import step_task
from w2v_spark.spark.step_task import StepTask
from w2v_spark.storage import Directory
from w2v_spark.training import shard
from w2v_spark.training.documents import stretches_of
from w2v_spark.training.shard import ShardResult
from w2v_spark.training.shard_weights import ALL_ROWS
from w2v_spark.training.weights import WeightShape

SHARDS, ROUNDS = 3, 25
SETTINGS = (
    "model.dim=20", f"train.shards={SHARDS}", f"train.rounds={ROUNDS}", "train.epochs=2", "train.sample=0.01",
    "vocabulary.min_count=1",
)  # fmt: skip
MODELS = [
    ["model.architecture=skipgram"],
    ["model.architecture=skipgram", "train.noise_pool=50"],
    ["model.architecture=cbow", "model.objective=hierarchical_softmax"],
    ["model.architecture=skipgram", "model.subwords=true", "model.min_ngram_words=1"],
    ["model.architecture=pv_dbow"],
    ["model.architecture=pv_dbow", "model.dbow_words=false", "model.objective=hierarchical_softmax"],
]


def write_corpus(folder: Path) -> Path:
    """Short documents of a few of eight thousand words, some of them with tags."""
    random = np.random.default_rng(1)
    folder.mkdir()
    shares = np.arange(1, 8001) ** -0.7
    texts = [
        " ".join(f"word{word}" for word in random.choice(8000, random.integers(1, 40), p=shares / shares.sum()))
        for _ in range(300)
    ]
    parties = [None if n % 5 == 0 else f"party {n % 40}" for n in range(len(texts))]
    pq.write_table(pa.table({"id": range(len(texts)), "text": texts, "party": parties}), folder / "part.parquet")
    return folder


def step(task: StepTask, run: RunDirectory, which: Step, files: Any, **more: Any) -> list[dict[str, Any]]:
    """All tasks of one step of the last round, in this process."""
    command = StepCommand(uuid.uuid4().hex, 0, SHARDS, False, which, ROUNDS - 1, files, **more)
    return [row for number in range(SHARDS) for row in task.perform(command, number)]


def last_round(output: Path) -> tuple[list[ShardResult], list[bytes], list[bytes], list[Any]]:
    """The last round once more: what shards report, the merged rows and their moments, and documents."""
    folder = Directory.open(output / "_run")
    job, run = Run.read(folder), RunDirectory(folder)
    task, files = StepTask(job, folder.uri), run.rounds.read_files(ROUNDS - 1)
    rows = step(task, run, Step.TRAIN, files, documents=run.rounds.read_documents(ROUNDS - 1))
    results = [ShardResult(**{**row, "documents": stretches_of(json.loads(row["documents"]))}) for row in rows]
    vocabulary = step_task._load_run(folder.uri, job.identity, job.files[SAMPLING_FILE], job.files.get(SUBWORDS_FILE))[
        1
    ].vocabulary_size
    shape = WeightShape.build(job.config.model, vocabulary, job.others)
    shards = tuple(result.weight_files(shape) for result in results)
    merged = sorted(step(task, run, Step.MERGE, files, shards=shards), key=lambda row: row["row_range"])
    there = run.rounds.directory(ROUNDS)
    written = [there.read_bytes(row["file"]) for row in merged]
    documents = [run.rounds.documents.read_bytes(each.file) for result in results for each in result.documents]
    return results, written, [row["moments"] for row in merged], documents


@pytest.mark.parametrize("model", MODELS, ids=" ".join)
def test_touched_rows_give_the_bits_of_whole_matrices(spark, tmp_path, monkeypatch, model):
    source, output = write_corpus(tmp_path / "corpus"), tmp_path / "out"
    arguments = ["--input", str(source), "--format", "parquet", "--output", str(output), "--quiet", "--keep-run"]
    if "pv_dbow" in model[0]:
        arguments += ["--id", "id", "--tag", "party"]
    assert train([*arguments, *(item for setting in (*SETTINGS, *model) for item in ("--set", setting))]) == 0
    few = last_round(output)
    monkeypatch.setattr(shard, "mark_touched", lambda *_: None)
    whole = last_round(output)
    assert few[1:] == whole[1:]
    for one, other in zip(few[0], whole[0], strict=True):
        assert other.changed == [ALL_ROWS, ALL_ROWS]
        assert ALL_ROWS not in one.changed[1:]
        assert one.bytes_written < other.bytes_written
        assert (one.moments, one.private, one.loss, one.kept) == (other.moments, other.private, other.loss, other.kept)
    history = json.loads((output / "history.json").read_text())
    assert history["rounds"][-1]["bytes_written"] == sum(result.bytes_written for result in few[0])

"""Interrupted runs go on where they stopped, and are refused when they are damaged or not the same."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.commands import train
from tests.spark.documents import REPEATED, half, write_text
from tests.spark.main_job import Model, arguments
from w2v_spark.publishing.publication import Publication
from w2v_spark.run.progress import RoundsProgress
from w2v_spark.spark import train as main_job
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.rounds import RoundsLearner


class Interruption(Exception):
    """Stands for a kill."""


def interrupt(*_: Any, **__: Any) -> None:
    raise Interruption


def interrupt_after_round_two(_: RoundsProgress, record: Any) -> None:
    if record.round == 1:
        raise Interruption


ROUNDS = ["train.rounds=4", "train.epochs=2"]


@pytest.fixture(scope="module")
def uninterrupted(spark: SparkSession, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with its run directory."""
    output = tmp_path_factory.mktemp("uninterrupted") / "out"
    assert train(arguments(text, output, "--quiet", "--keep-run", settings=ROUNDS)) == 0
    return output


@pytest.mark.parametrize(
    ("owner", "name", "break_off", "left"),
    [
        (EncodePass, "encode", interrupt, "run.json"),
        (RoundsLearner, "learn", interrupt, "corpus.json"),
        (RoundsProgress, "update", interrupt_after_round_two, "rounds/00002/round.json"),
        (main_job, "write_vectors", interrupt, "rounds/00004/round.json"),
        (Publication, "put_in_place", interrupt, "publish/model.json"),
    ],
)
def test_resume_gives_the_vectors_of_an_uninterrupted_run(
    job, text, out, uninterrupted, monkeypatch, owner, name, break_off, left
):
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, break_off)
        with pytest.raises(Interruption):
            job(text, out, settings=ROUNDS)
    assert (out / "_run" / left).is_file()
    assert not (out / "_SUCCESS").exists()
    assert not (out / "vectors").exists()
    model, expected = job.train(text, out, "--resume", settings=ROUNDS), Model.read(uninterrupted)
    assert model.files == expected.files
    assert model.corpus == expected.corpus
    assert [record["tokens"] for record in model.rounds] == [record["tokens"] for record in expected.rounds]
    assert not (out / "_run").exists()


def test_resume_of_a_run_that_is_to_replace_an_older_result(job, text, out, uninterrupted, monkeypatch):
    older = job.train(text, out, settings=["model.dim=5"])
    with monkeypatch.context() as patch:
        patch.setattr(RoundsProgress, "update", interrupt_after_round_two)
        with pytest.raises(Interruption):
            job(text, out, "--overwrite", settings=ROUNDS)
    assert Model.read(out).files == older.files, "readable until the new one is complete"
    assert job.train(text, out, "--resume", settings=ROUNDS).files == Model.read(uninterrupted).files


@pytest.fixture
def interrupted(uninterrupted: Path, tmp_path: Path) -> Path:
    """A copy of a run that only has to be published; round 4 of 4 is its last checkpoint."""
    output = tmp_path / "interrupted"
    shutil.copytree(uninterrupted / "_run", output / "_run")
    return output


def change_json(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_the_copy_can_be_resumed(job, text, interrupted, uninterrupted):
    assert job.train(text, interrupted, "--resume", settings=ROUNDS).files == Model.read(uninterrupted).files


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def fill_with_junk(path: Path) -> None:
    path.write_bytes(b"\xff junk \n" * 100)


@pytest.mark.parametrize(
    ("name", "damage"),
    [("run.json", fill_with_junk), ("corpus/*.arrow", half), ("vocabulary.parquet", flip)],
)
def test_damaged_files_of_a_run(refused, text, interrupted, name, damage):
    """All other files and damages: `test_run_directory`."""
    path = next((interrupted / "_run").glob(name))
    damage(path)
    said = refused(text, interrupted, "--resume", settings=ROUNDS)
    assert said.startswith(f"error: {path} ")
    assert says_to_start_again(said)


def test_a_damaged_corpus(job, text, interrupted):
    """Found by the task that reads it."""
    path = next((interrupted / "_run").glob("corpus/*.arrow"))
    flip(path)
    shutil.rmtree(interrupted / "_run/rounds")
    code, _, err = job(text, interrupted, "--quiet", "--resume", settings=ROUNDS)
    assert code == 2
    assert err.startswith(f"error: {path} is missing or damaged: its record batch 0 is not what was written")
    assert says_to_start_again(err)


@pytest.mark.parametrize("name", ["w_in", "w_out", "round.json"])
def test_a_damaged_round_is_trained_again(job, text, interrupted, uninterrupted, name):
    folder = interrupted / "_run/rounds/00004"
    matrices = json.loads((folder / "round.json").read_text())["files"]
    path = folder / (matrices[name][0][0] if name in matrices else name)
    flip(path)
    code, _, err = job(text, interrupted, "--resume", settings=ROUNDS)
    assert code == 0, err
    assert f"WARNING: {path} " in err
    assert "; going back to what was there after round 3" in err
    assert Model.read(interrupted).files == Model.read(uninterrupted).files


def test_a_run_whose_rounds_are_all_damaged(refused, text, interrupted):
    for path in (interrupted / "_run").glob("rounds/0*/round.json"):
        flip(path)
    said = refused(text, interrupted, "--resume", settings=ROUNDS)
    assert said.startswith(f"error: {interrupted}/_run/rounds/00004/round.json is damaged")
    assert says_to_start_again(said)


def says_to_start_again(said: str) -> bool:
    return re.search(r"; start again with --overwrite( \(details: \S+\))?$", said.strip()) is not None


@pytest.mark.parametrize("name", ["run.json", "corpus.json", "rounds/00004/round.json"])
def test_a_stage_whose_last_file_is_missing_is_done_again(job, text, interrupted, uninterrupted, name):
    (interrupted / "_run" / name).unlink()
    assert job.train(text, interrupted, "--resume", settings=ROUNDS).files == Model.read(uninterrupted).files


def test_a_damaged_description_of_a_finished_run(refused, text, uninterrupted, out):
    shutil.copytree(uninterrupted, out)
    shutil.rmtree(out / "_run")
    change_json(out / "model.json", config=None)
    assert "model.json is damaged" in refused(text, out, "--resume", settings=ROUNDS)
    (out / "model.json").write_text("{")
    assert "model.json is damaged" in refused(text, out, "--resume", settings=ROUNDS)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.dim=9", "differs: model.dim was 8, is 9; give the same configuration and input"),
        ("train.seed=2", "train.seed was 1, is 2"),
        ("train.rounds=auto", "train.rounds was 4, is 'auto'"),
        ("train.merge=mean", "train.merge was 'curvature', is 'mean'"),
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_resume_with_another_configuration(refused, text, interrupted, uninterrupted, finished, setting, message):
    output = uninterrupted if finished else interrupted
    assert message in refused(text, output, "--resume", settings=[*ROUNDS, setting])


def test_resume_with_another_input(refused, job, tmp_path, out):
    name = "größe 100% [a] {b}.txt"
    source = write_text(tmp_path / "in" / name).parent
    job.train(source, out)
    before = (source / name).stat()
    write_text(source / "b.txt")
    assert "input files was 1, is 2; input bytes was" in refused(source, out, "--resume")
    (source / "b.txt").unlink()
    write_text(source / name, [document.replace("cat", "cow") for document in REPEATED])
    os.utime(source / name, ns=(before.st_atime_ns, before.st_mtime_ns + 1000))
    assert "input digest was" in refused(source, out, "--resume")
    write_text(source / name)
    os.utime(source / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "is complete already" in job(source, out, "--resume")[2]


def test_weights_that_are_damaged_between_rounds(job, text, out, uninterrupted, monkeypatch):
    """The task that reads them finds out; the run goes on from the round before."""

    def damage(_: Any, record: Any) -> None:
        if record.round == 1:
            for path in (out / "_run/rounds/00002").glob("*.npy"):
                data = bytearray(path.read_bytes())
                data[128] ^= 1
                path.write_bytes(data)

    with monkeypatch.context() as patch:
        patch.setattr(RoundsProgress, "update", damage)
        code, _, err = job(text, out, "--quiet", settings=ROUNDS)
    assert code == 2
    assert err.startswith(f"error: {out}/_run/rounds/00002/")
    assert "are not what was written; go on from the last round that is whole with --resume" in err
    assert err.count("\n") == 1
    assert job.train(text, out, "--resume", settings=ROUNDS).files == Model.read(uninterrupted).files


def test_files_that_vanish_between_rounds(job, text, out, monkeypatch):
    """A task finds out, and what it says reaches the user as it is."""

    def remove_corpus(*_: Any) -> None:
        for path in (out / "_run/corpus").iterdir():
            path.unlink()

    monkeypatch.setattr(RoundsProgress, "update", remove_corpus)
    code, _, err = job(text, out, "--quiet", settings=ROUNDS)
    assert code == 2, err
    assert err.startswith(f"error: {out}/_run/corpus/")
    assert "is missing or damaged" in err
    assert says_to_start_again(err)
    assert err.count("\n") == 1

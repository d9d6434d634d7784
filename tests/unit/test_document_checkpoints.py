"""Rounds of a run whose documents have rows: what is kept, what is removed, and what damage does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from w2v_spark.errors import StoreError
from w2v_spark.run.checkpoint import Checkpoint
from w2v_spark.run.rounds import RoundFiles
from w2v_spark.storage import Directory
from w2v_spark.training.documents import Stretch, Stretches, put
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.matrix_files import WeightFile, write_matrix
from w2v_spark.training.weights import WeightShape

SHAPE, D = WeightShape({"w_in": 5, "w_out": 4}, 3), 3
SHARDS = 2


def matrix(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, D), np.float32)


def write_round(rounds: RoundFiles, number: int, history: list[RoundRecord], before: tuple[Stretches, ...]) -> tuple:
    """Round ``number``: each shard trains 4 documents, in turn the first and the last ones of 6."""
    target, files = rounds.directory(number).create(), {}
    for m, (name, rows) in enumerate(SHAPE.rows.items()):
        found = write_matrix(target, f"{name}.npy", rows, D, iter([matrix(rows, 10 * number + m)]))
        files[name] = [WeightFile(f"{name}.npy", rows, found)]
    documents = []
    for shard in range(SHARDS):
        file = f"{shard}-{number}.npy"
        found = write_matrix(rounds.documents, file, 4, D, iter([matrix(4, 100 * number + shard)]))
        documents.append(put(before[shard], Stretch(file, 4, found, 0, 2 * (number % 2), 4)))
    history.append(RoundRecord(number - 1, 9, 8, 7, 2.5, 0.01, 0.1, 250.0, {"total": 2.0}))
    digest = rounds.write_moments(number, np.ones((3, D + 1, D)))
    rounds.finish(number, SHAPE, files, history, digest, documents=tuple(documents))
    return tuple(documents)


@pytest.fixture
def rounds(tmp_path: Path) -> RoundFiles:
    """After the third round."""
    rounds = RoundFiles(Directory.open(tmp_path).create(), "run")
    rounds.begin(SHAPE, 1, SHARDS, documents=True)
    assert rounds.read_documents(0) == ((),) * SHARDS
    documents: tuple[Stretches, ...] = ((),) * SHARDS
    history: list[RoundRecord] = []
    for number in (1, 2, 3):
        documents = write_round(rounds, number, history, documents)
        assert rounds.read_documents(number) == documents
    return rounds


def test_a_checkpoint_comes_back(rounds: RoundFiles, tmp_path: Path) -> None:
    checkpoint = Checkpoint.read(rounds.directory(3))
    other = Directory.open(tmp_path / "other").create()
    checkpoint.write(other)
    assert Checkpoint.read(other) == checkpoint
    assert [len(stretches) for stretches in checkpoint.documents] == [2] * SHARDS
    found = rounds.last(SHAPE)
    assert found is not None
    assert found[0] == 3


def test_files_that_two_rounds_need_are_kept_and_no_others(rounds: RoundFiles) -> None:
    """Of round 1 the second still has the last two documents; the third has written them anew."""
    rounds.documents.write_bytes("left-behind.npy", b"of a killed task")
    names = {info.base_name for info in rounds.documents.list()}
    assert names == {f"{shard}-{number}.npy" for shard in range(SHARDS) for number in (1, 2, 3)} | {"left-behind.npy"}
    documents = rounds.read_documents(3)
    write_round(rounds, 4, [*Checkpoint.read(rounds.directory(3)).history], documents)
    names = {info.base_name for info in rounds.documents.list()}
    assert names == {f"{shard}-{number}.npy" for shard in range(SHARDS) for number in (2, 3, 4)}


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damaged_rows_lead_back_to_the_round_before(rounds: RoundFiles, damage: str) -> None:
    path = Path(rounds.documents.file("1-3.npy"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(data if damage == "flip" else data[:-3])
    warnings: list[str] = []
    found = rounds.last(SHAPE, warnings.append)
    assert found is not None
    assert found[0] == 2
    (warning,) = warnings
    assert "1-3.npy" in warning
    assert warning.endswith("; going back to what was there after round 2")


def test_damage_of_what_both_rounds_have_ends_the_run(rounds: RoundFiles) -> None:
    Path(rounds.documents.file("0-2.npy")).unlink()
    with pytest.raises(StoreError, match=r"0-2\.npy"):
        rounds.last(SHAPE)


def test_moments_cannot_be_worked_out_again_where_documents_are_in_them(rounds: RoundFiles) -> None:
    Path(rounds.directory(3).file("moments.npz")).unlink()
    warnings: list[str] = []
    found = rounds.last(SHAPE, warnings.append)
    assert found is not None
    assert found[0] == 2
    assert "moments.npz is missing or damaged" in warnings[0]

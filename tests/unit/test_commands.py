import numpy as np
import pytest

from w2v_spark.errors import StoreError
from w2v_spark.run.commands import Step, StepCommand
from w2v_spark.training.correction import Correction, Curvature
from w2v_spark.training.matrix_files import WeightFile

FILES = {
    "w_in": [WeightFile("a.npy", 3, "0a"), WeightFile("b.npy", 2, "0b")],
    "w_out": [WeightFile("ö.npy", 5, "0c")],
}
SHARDS = tuple({"w_in": [WeightFile(f"{n}.npy", 5, str(n))]} for n in range(3))


def corrections():
    random = np.random.default_rng(0)
    curvatures = (Curvature.decompose(random.random((20, 20))) for _ in range(2))
    return tuple(Correction.build(curvature, 0.1, 0.3, 0.02, 3) for curvature in curvatures)


def test_a_command_comes_back_as_it_was():
    command = StepCommand("steps", 3, 2, True, Step.MERGE, 7, FILES, SHARDS, corrections(), threads=3)
    again = StepCommand.from_bytes(command.to_bytes(), "commands.npz")
    assert (again.sender, again.number, again.tasks, again.keep_alive, again.step) == (
        "steps",
        3,
        2,
        True,
        Step.MERGE,
    )
    assert (again.round, again.files, again.shards, again.threads) == (7, FILES, SHARDS, 3)
    for before, after in zip(command.corrections, again.corrections, strict=True):
        np.testing.assert_array_equal(before.basis, after.basis)
        np.testing.assert_array_equal(before.curvature, after.curvature)
        assert (before.updates_an_epoch_share, before.shards) == (after.updates_an_epoch_share, after.shards)


def test_a_command_to_train_has_no_corrections():
    again = StepCommand.from_bytes(StepCommand("steps", 0, 1, False, Step.TRAIN, 0, FILES).to_bytes(), "commands.npz")
    assert again.corrections == ()
    assert again.shards == ()


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: b"PK" + data, lambda data: data[::-1]],
)
def test_damage_is_named(damage):
    data = damage(StepCommand("steps", 1, 2, False, Step.MERGE, 1, FILES, SHARDS[:2], corrections()).to_bytes())
    with pytest.raises(StoreError, match=r"run/commands\.npz is damaged"):
        StepCommand.from_bytes(data, "run/commands.npz")

"""What executors are to do next, and what comes of it, as they pass between the driver and its tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa

from w2v_spark.storage import arrays_from_bytes, arrays_to_bytes, damage_naming, sealed, unsealed
from w2v_spark.training.changed_rows import ShardFiles, shard_files
from w2v_spark.training.correction import Correction
from w2v_spark.training.documents import Stretches, stretches_of
from w2v_spark.training.matrix_files import WeightFiles, weight_files

_KEY: Final = b"command"


class Step(StrEnum):
    """The two halves of a round."""

    TRAIN = "train"
    MERGE = "merge"


@dataclass(frozen=True, slots=True, eq=False)
class StepCommand:
    """One step of a round, from the weights that the round starts from.

    Attributes
    ----------
    sender : str
        The `StepExecutor` that has sent it.
    number : int
        From 0; a sender never gives the same number to two commands.
    tasks : int
        How many tasks share the step.
    keep_alive : bool
        Whether a task that is done waits for the next command.
    step : Step
    round : int
        From 0.
    files : WeightFiles
        The weights after so many rounds.
    shards : tuple of ShardFiles
        For merging: the files of the shards that have trained, in shard order.
    corrections : of the input and of the output matrix, or none for the plain mean
    documents : tuple of Stretches
        For training: where the rows of each shard's documents are; empty where documents have none.
    threads : int
        Of the one task, whose process then keeps the weights of all shards in memory; 0 where shards and ranges of
        rows are dealt to tasks of one thread, which pass them on in files.
    """

    sender: str
    number: int
    tasks: int
    keep_alive: bool
    step: Step
    round: int
    files: WeightFiles
    shards: tuple[ShardFiles, ...] = ()
    corrections: tuple[Correction, ...] = ()
    documents: tuple[Stretches, ...] = ()
    threads: int = 0

    @property
    def key(self) -> str:
        """What no other command has."""
        return f"{self.sender}-{self.number}"

    def to_bytes(self) -> bytes:
        """A ``.npz`` file and its digest."""
        names = ("sender", "number", "tasks", "keep_alive", "step", "round", "files", "shards", "documents", "threads")
        plain = json.dumps({name: getattr(self, name) for name in names})
        arrays: dict[str, Any] = {"command": np.frombuffer(plain.encode(), np.uint8)}
        for number, correction in enumerate(self.corrections):
            arrays[f"basis{number}"] = correction.basis
            arrays[f"curvature{number}"] = correction.curvature
            arrays[f"share{number}"] = np.array(correction.updates_an_epoch_share)
        return sealed(arrays_to_bytes(arrays))

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> StepCommand:
        """What `to_bytes` wrote.

        Raises
        ------
        StoreError
            Names the file, which is damaged.
        """
        arrays = arrays_from_bytes(unsealed(data, name), name)
        with damage_naming(name):
            plain = json.loads(arrays["command"].tobytes())
            plain["step"], plain["files"] = Step(plain["step"]), weight_files(plain["files"])
            plain["shards"] = tuple(map(shard_files, plain["shards"]))
            plain["documents"] = tuple(map(stretches_of, plain["documents"]))
            corrections = tuple(
                Correction(
                    arrays[f"basis{m}"], arrays[f"curvature{m}"], float(arrays[f"share{m}"]), len(plain["shards"])
                )
                for m in (0, 1)
                if f"basis{m}" in arrays
            )
            return cls(**plain, corrections=corrections)


def report_to_bytes(command: StepCommand, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> bytes:
    """What a task hands back for a command: an Arrow stream that says which command it was, and its digest."""
    batch = pa.RecordBatch.from_pylist(list(rows), schema=schema.with_metadata({_KEY: command.key}))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sealed(bytes(sink.getvalue()))


def report_from_bytes(command: StepCommand, data: bytes) -> list[dict[str, Any]] | None:
    """The rows of a report; None if it is about another command. Raises `StoreError` if it is damaged."""
    with pa.ipc.open_stream(unsealed(data, "a task's report")) as stream:
        if (stream.schema.metadata or {}).get(_KEY) != command.key.encode():
            return None
        return list(stream.read_all().to_pylist())

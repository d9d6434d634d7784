"""What executors are to do next, and what comes of it, as they pass between the driver and its tasks."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa

from w2v_spark.errors import StoreError
from w2v_spark.training.merge import Correction
from w2v_spark.training.weights import WeightFiles

_KEY: Final = b"order"


class Step(StrEnum):
    """The two halves of a round."""

    TRAIN = "train"
    MERGE = "merge"


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One step of a round, from the weights that the round starts from.

    Attributes
    ----------
    crew : str
        Which `Crew` is meant.
    number : int
        From 0; a crew never gives the same number to two orders.
    tasks : int
        By how many tasks it is carried out.
    stay : bool
        Whether a task that is done waits for the next order.
    step : Step
    round : int
        From 0.
    files : WeightFiles
        The weights after so many rounds.
    shards : tuple of str
        For merging: the stems of the files of the shards that have trained, in shard order.
    corrections : of the input and of the output matrix, or none for the plain mean
    """

    crew: str
    number: int
    tasks: int
    stay: bool
    step: Step
    round: int
    files: WeightFiles
    shards: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def key(self) -> str:
        """What no other order has."""
        return f"{self.crew}-{self.number}"

    def to_bytes(self) -> bytes:
        """A ``.npz`` file."""
        names = ("crew", "number", "tasks", "stay", "step", "round", "files", "shards")
        plain = json.dumps({name: getattr(self, name) for name in names})
        arrays: dict[str, Any] = {"order": np.frombuffer(plain.encode(), np.uint8)}
        for number, correction in enumerate(self.corrections):
            arrays[f"basis{number}"] = correction.basis
            arrays[f"curvature{number}"] = correction.curvature
            arrays[f"share{number}"] = np.array(correction.updates_an_epoch_share)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Order:
        """What `to_bytes` wrote.

        Raises
        ------
        StoreError
            Names the file, which is damaged.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                plain = json.loads(file["order"].tobytes())
                plain["step"], plain["shards"] = Step(plain["step"]), tuple(plain["shards"])
                plain["files"] = {
                    matrix: [(str(file), int(rows)) for file, rows in parts] for matrix, parts in plain["files"].items()
                }
                corrections = tuple(
                    Correction(file[f"basis{m}"], file[f"curvature{m}"], float(file[f"share{m}"]), len(plain["shards"]))
                    for m in (0, 1)
                    if f"basis{m}" in file
                )
                return cls(**plain, corrections=corrections)
        except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise StoreError(f"{name} is damaged: {error!r}") from error


def report_to_bytes(order: Order, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> bytes:
    """What a task hands back for an order: an Arrow stream that says which order it was."""
    batch = pa.RecordBatch.from_pylist(list(rows), schema=schema.with_metadata({_KEY: order.key}))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())


def report_from_bytes(order: Order, data: bytes) -> list[dict[str, Any]] | None:
    """The rows of a report; None if it is about another order."""
    with pa.ipc.open_stream(data) as stream:
        if (stream.schema.metadata or {}).get(_KEY) != order.key.encode():
            return None
        return list(stream.read_all().to_pylist())

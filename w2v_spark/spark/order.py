"""What executors are to do next, as a file in the run directory.

Spark plans and serialises a query once and runs it in every round; what changes from round to round it reads here. A
task that Spark has given up may read a later order than its own. It then works for nothing, like any attempt whose
result Spark no longer takes.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from w2v_spark.errors import StoreError
from w2v_spark.training.merge import Correction
from w2v_spark.training.weights import WeightFiles


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One round, from the weights that it starts from.

    Attributes
    ----------
    round : int
        From 0.
    files : WeightFiles
        The weights after so many rounds.
    shards : tuple of str
        For merging: the stems of the files of the shards that have trained, in shard order.
    corrections : of the input and of the output matrix, or None for the plain mean
    """

    round: int
    files: WeightFiles
    shards: tuple[str, ...] = ()
    corrections: tuple[Correction, Correction] | None = None

    def to_bytes(self) -> bytes:
        """A ``.npz`` file."""
        plain = {"round": self.round, "files": self.files, "shards": self.shards}
        arrays: dict[str, Any] = {"order": np.frombuffer(json.dumps(plain).encode(), np.uint8)}
        for number, correction in enumerate(self.corrections or ()):
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
                shards = tuple(plain["shards"])
                corrections = None
                if "basis0" in file:
                    first, second = (
                        Correction(file[f"basis{m}"], file[f"curvature{m}"], float(file[f"share{m}"]), len(shards))
                        for m in (0, 1)
                    )
                    corrections = first, second
        except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise StoreError(f"{name} is damaged: {error!r}") from error
        files = {matrix: [(str(file), int(rows)) for file, rows in parts] for matrix, parts in plain["files"].items()}
        return cls(int(plain["round"]), files, shards, corrections)

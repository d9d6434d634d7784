"""Run the main job in this process, where the shared Spark session is active, and read what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.commands import train
from w2v_spark.publishing.part_names import is_named_by_content

SMALL = (  # and every word, for few are there
    "vocabulary.min_count=1", "model.dim=8", "train.epochs=1", "train.rounds=2", "train.shards=2", "train.sample=0",
)  # fmt: skip


def arguments(source: Path | list[Path], output: Path | str, *options: str, settings: Sequence[str] = ()) -> list[str]:
    """A command line with the quick settings, then the given ones."""
    paths = source if isinstance(source, list) else [source]
    changes = [item for setting in (*SMALL, *settings) for item in ("--set", setting)]
    return ["--input", *map(str, paths), "--output", str(output), *changes, *options]


@dataclass(frozen=True)
class MainJob:
    """Calls ``w2v-spark train`` with settings that make it quick, then those of the call."""

    capsys: pytest.CaptureFixture[str]

    def __call__(
        self, source: Path | list[Path], output: Path, *options: str, settings: Sequence[str] = ()
    ) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self.capsys.readouterr()
        code = train(arguments(source, output, *options, settings=settings))
        return code, *self.capsys.readouterr()

    def train(self, source: Path | list[Path], output: Path, *options: str, settings: Sequence[str] = ()) -> Model:
        """Run it, expecting success, and read the result."""
        code, _, err = self(source, output, *options, settings=settings)
        assert code == 0, err
        return Model.read(output)


@dataclass(frozen=True)
class Model:
    """A published result."""

    table: pa.Table
    description: dict[str, Any]
    rounds: list[dict[str, Any]]
    files: bytes

    @classmethod
    def read(cls, output: Path) -> Model:
        assert (output / "_SUCCESS").is_file()
        parts = sorted((output / "vectors").iterdir())
        assert [part.name[:11] for part in parts] == [f"part-{number:05d}-" for number in range(len(parts))]
        assert all(is_named_by_content(part.name) for part in parts)
        return cls(
            pq.read_table(output / "vectors"),
            json.loads((output / "model.json").read_text()),
            json.loads((output / "history.json").read_text())["rounds"],
            b"".join(part.read_bytes() for part in parts),
        )

    @property
    def counts(self) -> dict[str, int]:
        return dict(zip(self.table["word"].to_pylist(), self.table["count"].to_pylist(), strict=True))

    @property
    def corpus(self) -> dict[str, Any]:
        return dict(self.description["corpus"])

    @property
    def matrix(self) -> npt.NDArray[np.float32]:
        return np.array(self.table["vector"].to_pylist(), np.float32)

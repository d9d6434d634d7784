"""Run the main job on something that it has to refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.spark.main_job import MainJob


@dataclass(frozen=True)
class Refusal:
    """Runs the job on something bad and returns the one line of complaint."""

    job: MainJob

    def __call__(
        self, source: Path | list[Path], output: Path, *options: str, settings: Sequence[str] = (), code: int = 2
    ) -> str:
        before = snapshot(output)
        result, out, err = self.job(source, output, *options, "--quiet", settings=settings)
        assert (result, out) == (code, ""), err
        assert err.startswith("error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1, err
        assert snapshot(output) == before, "something was written"
        return err


def snapshot(directory: Path) -> dict[str, bytes]:
    """All files below a directory; none if it is not there, but an empty directory is something."""
    found = {str(path): path.read_bytes() if path.is_file() else b"" for path in directory.rglob("*")}
    return {**found, str(directory): b""} if directory.exists() else found

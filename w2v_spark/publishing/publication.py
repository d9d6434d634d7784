"""How a result is checked, staged and put in place."""

from __future__ import annotations

import os
from pathlib import Path

from w2v_spark.errors import ConfigError


def check_writable(output: Path) -> None:
    """Refuse a local path at which no directory can be made or changed.

    Raises
    ------
    ConfigError
    """
    there = next(path for path in (output, *output.parents) if path.exists())
    if not there.is_dir():
        raise ConfigError(f"--output {output} cannot be a directory: {there} is a file; choose another path")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(f"--output {output} cannot be written: no permission to change {there}; choose another path")

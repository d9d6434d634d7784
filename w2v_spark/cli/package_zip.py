"""Pack this package into one zip for ``spark-submit --py-files``."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Final

import w2v_spark
from w2v_spark.errors import ConfigError, Name

_MARK: Final = "w2v_spark/__init__.py"  # a zip that holds it is one of ours


def write_package_zip(path: str | Path) -> Path:
    """Write the package as a zip that Python imports from, and return its path.

    Same sources, same bytes: entries are sorted and carry no time. Caches are left out.

    Raises
    ------
    ConfigError
        There is something else at the path, or the directory above it does not exist.
    OSError
        It cannot be written.
    """
    path = Path(path)
    if path.exists() and not _is_package_zip(path):
        raise ConfigError(Name("zip"), f" {path} exists and is no zip of w2v_spark; choose another path")
    if not path.parent.is_dir():
        raise ConfigError(Name("zip"), f" {path} cannot be written: there is no directory {path.parent}; make it first")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write(temporary)
        return temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_package_zip(path: Path) -> bool:
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return _MARK in archive.namelist()


def _write(path: Path) -> None:
    root = Path(w2v_spark.__file__).parent
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                entry = zipfile.ZipInfo(file.relative_to(root.parent).as_posix())
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, file.read_bytes())

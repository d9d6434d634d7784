"""Where the report of an evaluation goes."""

from __future__ import annotations

import json
import posixpath
from os import PathLike
from pathlib import Path
from typing import Any, Final

from pyarrow import fs

from w2v_spark.errors import ConfigError, Name, StoreError
from w2v_spark.locations import follow_link, is_special
from w2v_spark.storage import Directory

Report = dict[str, Any]
Location = str | PathLike[str]

_KEYS: Final = frozenset({"vectors", "words_read", "dim", "similarity"})  # of evaluate's, those of old included
_OUTPUT: Final = Name("output")


def check_report_place(location: Location, keys: frozenset[str] = _KEYS, place: Name = _OUTPUT) -> None:
    """Refuse, before work starts, a place at which no file can be made.

    Parameters
    ----------
    keys : set of str
        What a report has that may be replaced.
    place : Name
        What messages call the location.

    Raises
    ------
    ConfigError
        It is a directory, the directory above it does not exist, or there is a file that is no such report.
    """
    parent, name = _split(location)
    kind = parent.filesystem.get_file_info(parent.file(name)).type
    if not name or kind == fs.FileType.Directory or not parent.exists():
        raise ConfigError(place, f" {location} is not a file in an existing directory")
    if kind == fs.FileType.File and not _is_report(parent, name, keys):
        raise ConfigError(place, f" {location} exists and is no report of this command; choose another file")


def _is_report(parent: Directory, name: str, keys: frozenset[str]) -> bool:
    """Whether a file is what `write_report` has made of a report with these keys."""
    try:
        return parent.read_json(name).keys() >= keys
    except StoreError:
        return False


def write_report(report: Report, location: Location) -> None:
    """Write a report as JSON, whole or not at all; a device or a pipe, such as ``/dev/stdout``, gets it as it is."""
    parent, name = _split(location)
    if parent.is_local and is_special(parent.file(name)):
        Path(parent.file(name)).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        parent.write_json(name, report)


def _split(location: Location) -> tuple[Directory, str]:
    """The directory above a file, by path or URI, and the file's name."""
    text = follow_link(location)
    return Directory.open(posixpath.dirname(text)), posixpath.basename(text)

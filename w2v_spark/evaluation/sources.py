"""Where the files of a test set are: at a path, or in an installed package."""

from __future__ import annotations

import importlib.resources
import os
import re
from importlib.resources.abc import Traversable
from os import PathLike
from pathlib import Path
from typing import Final

from w2v_spark.errors import InputError

Source = str | PathLike[str] | Traversable
"""A path, or what is found in a package."""

_PACKAGED: Final = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):(.+)")
_LISTED: Final = 12


def find_set(location: str | PathLike[str]) -> Traversable:
    """The file or directory of a test set: a path, or ``package:name``, such as ``my_sets.german:analogies.txt``.

    The name may have directories in it. What exists as a path is the path.

    Raises
    ------
    InputError
        There is no such package, or it holds no such file.
    """
    text = os.fspath(location)
    packaged = _PACKAGED.fullmatch(text)
    if packaged is None or Path(text).exists():
        return Path(text)
    package, name = packaged.groups()
    try:
        root = importlib.resources.files(package)
    except (ImportError, TypeError) as error:
        raise InputError(
            f"{text}: there is no such file, and no package {package} can be imported ({error})"
        ) from error
    found = root.joinpath(*name.split("/"))
    if not (found.is_file() or found.is_dir()):
        raise InputError(f"{text}: the package {package} holds no {name}; it holds {_list(root)}")
    return found


def as_file(source: Source) -> Traversable:
    """What can be asked for its name, its text and what is in it."""
    return source if isinstance(source, Traversable) else Path(source)


def text_files_in(directory: Traversable) -> list[Traversable]:
    """The ``.txt`` files of a directory by name. Raises `InputError` if there is none, or it cannot be read."""
    try:
        found = [file for file in directory.iterdir() if file.name.endswith(".txt") and not file.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{directory} cannot be read: {error.strerror}") from error
    if not found:
        raise InputError(f"{directory} holds no .txt files")
    return sorted(found, key=lambda file: file.name)


def stem(file: Traversable) -> str:
    """The name of a file without its suffix."""
    return Path(file.name).stem


def _list(root: Traversable) -> str:
    names = sorted(file.name for file in root.iterdir() if not file.name.startswith(("_", ".")))
    more = [f"and {len(names) - _LISTED} more"] if len(names) > _LISTED else []
    return ", ".join(names[:_LISTED] + more) or "nothing"

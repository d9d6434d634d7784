"""The files of the input: where they lie, which of them Spark will read, and what names tell of them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from w2v_spark.errors import EmptyInput, InputError, Name

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


def is_local(path: str) -> bool:
    """Whether a path is one of this machine: ``/x``, ``x``, ``file:/x``; not ``s3://x`` nor ``dbfs:/x``."""
    return path.startswith("file:") or not _SCHEME.match(path)


def local_path(path: str) -> str:
    """A local path without its scheme, ``~`` expanded."""
    bare = path.removeprefix("file://") if path.startswith("file://") else path.removeprefix("file:")
    return os.path.expanduser(bare) if bare.startswith("~") and not os.path.lexists(bare) else bare  # noqa: PTH111


def place(path: str) -> PurePosixPath:
    """A path or URI to compare with others: local ones are absolute and without links."""
    if is_local(path):
        return PurePosixPath(Path(local_path(path)).resolve())
    scheme, _, rest = path.partition(":")
    scheme = "s3" if scheme in ("s3a", "s3n") else scheme  # Hadoop's names of it
    return PurePosixPath(f"{scheme}:/" + rest.lstrip("/"))  # hdfs:/x is hdfs:///x


def spark_path(path: str) -> str:
    """A path as Spark takes it: local ones are marked as such, and a file that has the name of a glob is none."""
    if not is_local(path):
        return path
    local = Path(local_path(path)).absolute()
    return "file:" + (re.sub(r"([][{}*?\\])", r"\\\1", str(local)) if local.exists() else str(local))


def covering(paths: Iterable[str], uri: str) -> str | None:
    """The path, if any, that a directory is or lies within, so that whoever reads the path reads the directory too."""
    target = place(uri)
    for path in paths:
        pattern = place(path)
        if any(part == pattern or part.match(str(pattern)) for part in (target, *target.parents)):
            return path
    return None


def within(paths: Iterable[str], uri: str) -> str | None:
    """The path, if any, that lies within a directory, in whole or in part, so that it goes when the directory goes."""
    directory = place(uri)
    for path in paths:
        found = [str(file) for file in matches(path) or ()] if is_local(path) else []
        if any(place(one).is_relative_to(directory) for one in [*found, _fixed_part(path)]):
            return path
    return None


def _fixed_part(path: str) -> str:
    """A path up to its first wildcard."""
    if is_local(path) and Path(local_path(path)).exists():
        return path
    parts = path.split("/")
    wild = next((i for i, part in enumerate(parts) if set(part) & set("*?[{")), len(parts))
    return "/".join(parts[:wild]) or "/"


def matches(path: str) -> list[Path] | None:
    """What a local path or glob names; None where only Spark can tell, since it has alternatives in braces."""
    local = local_path(path)
    if Path(local).exists():
        return [Path(local)]
    if "{" in local:
        return None
    return [Path(match) for match in sorted(glob.glob(local))] if glob.has_magic(local) else []


def list_local(path: str) -> list[Path] | None:
    """The files that Spark would read for a local path, checked as far as that goes without opening them.

    Returns
    -------
    list of Path
        None where only Spark can tell which they are.

    Raises
    ------
    InputError
        Nothing is there, or nothing that can be read.
    """
    found = matches(path)
    if found is None:
        return None
    if not found or not found[0].exists():
        what = "matches no file" if glob.has_magic(local_path(path)) else "does not exist"
        raise InputError(
            Name("input"), f" {path} {what}; check the path (relative paths start at {_working_directory()})"
        )
    files = [file for match in found for file in data_files(match)]
    if not files:
        raise EmptyInput(Name("input"), f" {path} holds no files (names that start with . or _ are not read)")
    unreadable = next((file for file in files if not os.access(file, os.R_OK)), None)
    if unreadable is not None:
        raise InputError(Name("input"), f" {unreadable} is not readable; check its permissions")
    if not any(file.stat().st_size for file in files):
        raise EmptyInput(Name("input"), f" {path} is empty: {len(files)} file(s) of 0 bytes")
    colon = next((file for file in files if ":" in file.name), None)
    if colon is not None:
        raise InputError(
            Name("input"), f" {colon} has a colon in its name, which Hadoop cannot read; rename it, or leave it out"
        )
    return files


def _working_directory() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return "the working directory, which is gone"


def data_files(path: Path) -> list[Path]:
    """Files that Spark would read below a path, in the order of their names."""
    if path.is_file():
        return [path] if _is_data(path.name) else []
    found = []
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(filter(_is_data, folders))
        found += [Path(folder, name) for name in sorted(files) if _is_data(name)]
    return found


def _is_data(name: str) -> bool:
    """Whether Spark reads files and directories of that name."""
    return not name.startswith((".", "_"))


def check_all_listed(files: Sequence[Path], uris: Sequence[str]) -> None:
    """Compare the files that this process sees with those that Spark is about to read.

    Raises
    ------
    InputError
        Spark sees fewer. That is so where Java has no UTF-8 locale: it leaves out names that it cannot spell.
    """
    expected = {os.path.normpath(file.absolute()) for file in files}
    seen = {os.path.normpath("/" + unquote(uri).removeprefix("file:").lstrip("/")) for uri in uris}
    missing = sorted(expected - seen)
    if missing and len(seen) < len(expected):
        raise InputError(
            Name("input"),
            f": Spark sees {len(seen):,} of {len(expected):,} files, and {missing[0]!r} is not among them; where names "
            "are not ASCII, Java needs a locale of UTF-8, so set LC_ALL=C.UTF-8 before the program starts",
        )


def partition_base(uris: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """Where a layout of folders like ``dt=2026-01-01/country=de`` begins, and its columns.

    Returns
    -------
    tuple
        The directory and the columns' names; None unless each file lies in such folders, of the same columns all.
    """
    layouts = set()
    for uri in uris:
        folders = unquote(uri).split("/")[:-1]
        first = next((i for i, folder in enumerate(folders) if "=" in folder), len(folders))
        keys = tuple(folder.partition("=")[0] if "=" in folder else "" for folder in folders[first:])
        layouts.add(("/".join(folders[:first]), keys))
    if len(layouts) != 1:
        return None
    base, keys = layouts.pop()
    return (base, keys) if keys and all(keys) and len(set(keys)) == len(keys) else None

"""A version as a Delta table at a path, where Spark has no Delta: one commit a version, through ``deltalake``."""

from __future__ import annotations

from os import PathLike
from typing import Any, Final

from w2v_spark.errors import ConfigError, Name, StoreError
from w2v_spark.extras import missing
from w2v_spark.locations import resolve
from w2v_spark.publishing.layout import VECTORS
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.storage import Directory

PREFIX: Final = "delta:"
"""Before the path of a Delta table, where the name of a table is asked for."""

_ROOT: Final = "w2v.root"
_VERSION: Final = "w2v.version"
_OPTION: Final = Name("publish-table")
_BATCH_ROWS: Final = 16_384


def check_delta(location: str | PathLike[str], root: VersionRoot) -> None:
    """Refuse, before work starts, a place that holds something else.

    Raises
    ------
    ConfigError
        There are files but no Delta table, or a table that does not follow this root.
    MissingExtra
        ``deltalake`` is not installed.
    """
    _library()
    directory = Directory.open(location)
    last = _last_commit(directory)
    if last is None and directory.list():
        raise ConfigError(_OPTION, f" {directory.uri} holds {directory.list()[0].base_name!r} and no Delta table")
    if last is not None and last.get(_ROOT) != root.root.uri:
        raise ConfigError(
            _OPTION, f" {directory.uri} is a Delta table that does not follow {root.root.uri}; choose another place"
        )  # fmt: skip


def follow_delta(location: str | PathLike[str], root: VersionRoot) -> str | None:
    """Let a Delta table have the rows of the current version, in one commit; the id of that version, None without one.

    The rows are copied into the table, whose own history keeps those of earlier versions until it is vacuumed. Nothing
    is done where the last commit is of this version.

    Raises
    ------
    ConfigError, MissingExtra
        See `check_delta`.
    StoreError
        The commit has failed: the table is as it was.
    """
    import pyarrow.dataset as ds  # which loads pandas, and takes a second

    library = _library()
    current = root.current()
    if current is None:
        return None
    check_delta(location, root)
    directory, version = Directory.open(location), root.directory(current)
    if (_last_commit(directory) or {}).get(_VERSION) == current:
        return current
    rows = ds.dataset(version.file(VECTORS), filesystem=version.filesystem, format="parquet")
    reader = rows.scanner(batch_size=_BATCH_ROWS).to_reader()
    commit = library.CommitProperties(custom_metadata={_ROOT: root.root.uri, _VERSION: current})
    try:
        library.write_deltalake(directory.uri, reader, mode="overwrite", commit_properties=commit)
    except (library.exceptions.DeltaError, OSError, ValueError) as error:
        raise StoreError(f"the Delta table {directory.uri} cannot be written: {error}") from error
    return current


def delta_location(name: str) -> str | None:
    """The path of the Delta table that a name stands for; None for the name of a table of a catalog."""
    return resolve(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None


def _library() -> Any:
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError as error:
        raise missing("delta", error) from error
    return deltalake


def _last_commit(directory: Directory) -> dict[str, Any] | None:
    """What the newest commit says of itself; None where there is no table."""
    library = _library()
    if not library.DeltaTable.is_deltatable(directory.uri):
        return None
    history = library.DeltaTable(directory.uri).history(1)
    return dict(history[0]) if history else {}

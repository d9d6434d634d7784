"""How a result is checked, staged and put in place: the one rule for all commands.

Only what carries our mark is ever removed (`layout.find_foreign`), the new result is in place before the old one
goes, and the mark of completeness comes last. On a local disk each step is on the disk before the next one that relies
on it: the files before their place, that before the mark, and all of it before the old result goes.
"""

from __future__ import annotations

import os
import posixpath
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyarrow import fs as pafs

from w2v_spark.errors import ConfigError, Name
from w2v_spark.inputs.files import covering, within
from w2v_spark.publishing.layout import (
    RUN,
    SUCCESS_FILE,
    TABLES,
    TARGET,
    Kind,
    find_foreign,
    is_remnant,
    is_retained,
    mark,
)
from w2v_spark.publishing.part_names import name_by_content
from w2v_spark.storage import Directory

_STAGING: Final = "publish"
_OUTPUT: Final = Name("output")
_INPUT: Final = Name("input")


@dataclass(frozen=True, slots=True)
class Publication:
    """A place for a result, and whether an earlier one there may be replaced.

    Attributes
    ----------
    directory : Directory
    kind : Kind
    overwrite : bool
        Replace an earlier result; it stays readable until the new one is complete.
    """

    directory: Directory
    kind: Kind = Kind.VECTORS
    overwrite: bool = False

    def check(self, inputs: Iterable[str] = (), what: Name | str = _INPUT) -> None:
        """Refuse, before work starts, an output that cannot be used.

        Parameters
        ----------
        inputs : iterable of str
            What is read, by path or URI: it may lie neither in the output nor around it.
        what : Name or str
            What messages call an input.

        Raises
        ------
        ConfigError
            The output exists, cannot be made, overlaps an input, or holds something that this program has not made.
        """
        self.check_place(inputs, what)
        if all(is_remnant(self.directory, info) for info in self.directory.list()):
            return
        if not self.overwrite:
            raise ConfigError(
                _OUTPUT, f" {self.directory.uri} exists; choose another directory, or give ", Name("overwrite"),
                " to replace it",
            )  # fmt: skip
        self.check_own()

    def check_place(self, inputs: Iterable[str] = (), what: Name | str = _INPUT) -> None:
        """The part of `check` that does not look into the output. Raises `ConfigError`."""
        if self.directory.is_local:
            check_writable(Path(self.directory.path))
        check_apart(self.directory.uri, list(inputs), what)

    def check_own(self) -> None:
        """Refuse a directory that holds something that this program has not made. Raises `ConfigError`."""
        foreign = find_foreign(self.directory, self.kind)
        if foreign is not None:
            raise ConfigError(
                _OUTPUT, f" {self.directory.uri} holds {foreign!r}, which is not part of a {self.kind} that this "
                "program has made, and nothing else is ever removed; choose another directory, or move it away",
            )  # fmt: skip

    @property
    def run(self) -> Directory:
        """The directory of work in progress, within the output."""
        return self.directory.child(RUN)

    @property
    def is_finished(self) -> bool:
        """Whether a complete result is there."""
        return self.directory.exists(SUCCESS_FILE)

    def open_staging(self) -> Directory:
        """An empty directory within that of work in progress, for the parts of a result."""
        staging = mark(self.run).child(_STAGING)
        staging.delete()
        return staging.create()

    def put_in_place(self, staging: Directory, names: Sequence[str], earlier: Sequence[str] = ()) -> None:
        """Replace an earlier result by a staged one.

        On a local disk each part takes its predecessor's place at one instant, the table first, and a reader meets
        the old table or the new. The old table stays beside it, hidden, until the next one comes: a reader that has
        listed its files finds them there (`find_retained`), and one that has opened them keeps them on network file
        systems too. An object store copies file by file: there the mark of completeness goes first.

        Parameters
        ----------
        staging : Directory
            From `open_staging`.
        names : sequence of str
            Its parts, the table first.
        earlier : sequence of str
            Parts that an earlier result may have and the new one has not.

        Raises
        ------
        ConfigError
            Something that this program has not made has come into the output meanwhile; nothing is removed.
        """
        self.check_own()
        target = self.directory
        if not target.is_local:
            target.remove(SUCCESS_FILE)
        for table in (names[0], *(name for name in names[1:] if name in (*TABLES, TARGET))):
            name_by_content(staging.child(table))
        staging.sync()
        replaced = _swap_table(staging, names[0], target, names[0])
        for name in names[1:]:
            swap_in(staging, name, target)
        for name in earlier:
            target.remove(name)
        target.sync_names()
        staging.sync_names()
        target.write_bytes(SUCCESS_FILE, b"", durable=True)
        staging.delete()
        for name in replaced:
            target.remove(name)

    @contextmanager
    def staged(self) -> Iterator[Directory]:
        """`open_staging` for work in one go: nothing of it is left, nor of an output that was made for it in vain."""
        existed = self.directory.exists()
        try:
            yield self.open_staging()
        finally:
            self.run.delete()
            if not existed and self.directory.exists() and not self.is_finished:
                self.directory.delete()

    @contextmanager
    def beside(self) -> Iterator[Directory]:
        """A new directory beside the output, hidden from engines that read the folder above, gone at the end.

        For a result that is a folder of files and nothing else: `replace_by` puts it in place.
        """
        staging = self._parent.child(f".{self._name}.{uuid.uuid4().hex}.tmp").create()
        try:
            yield staging
        finally:
            staging.delete()

    def replace_by(self, staging: Directory, name: str) -> None:
        """Let a folder below `beside` become the output; what was there is retained as by `put_in_place`.

        Raises `ConfigError` as `put_in_place` does.
        """
        output, table = self.directory, staging.child(name)
        name_by_content(table)
        if output.is_local:
            table.sync()
            table.write_bytes(SUCCESS_FILE, b"", durable=True)
        elif output.exists():
            output.remove(SUCCESS_FILE)
        self.check_own()
        replaced = _swap_table(staging, name, self._parent, self._name)
        self._parent.sync_names()
        if not output.is_local:
            output.write_bytes(SUCCESS_FILE, b"")
        for old in replaced:
            self._parent.remove(old)

    @property
    def _name(self) -> str:
        return posixpath.basename(self.directory.path)

    @property
    def _parent(self) -> Directory:
        uri, path = (posixpath.dirname(place) for place in (self.directory.uri, self.directory.path))
        return Directory(uri, self.directory.filesystem, path)


def _swap_table(staging: Directory, name: str, target: Directory, shown: str) -> list[str]:
    """Let a table take the place of the one that is shown; the names of what was replaced before that, and may go.

    On a local disk the new table lies beside the old one, hidden, and they change places at one instant: so the files
    of the old one are hidden beside the new one from then on.
    """
    if not target.is_local:  # to keep what was there is to copy it
        swap_in(staging, name, target, shown)
        return []
    earlier = [info.base_name for info in target.list() if is_retained(info.base_name, shown)]
    if target.exists(shown):
        hidden = f".{shown}.{uuid.uuid4().hex}.old"
        staging.move(name, target, hidden)
        target.exchange(hidden, target, shown)
    else:
        staging.move(name, target.create(), shown)
    return earlier


def find_retained(filesystem: pafs.FileSystem, path: str) -> str | None:
    """Where a file of a table is that was replaced meanwhile; None if it is gone.

    Parameters
    ----------
    path : str
        Where it was, within the file system.
    """
    table, name = posixpath.split(path)
    parent, shown = posixpath.split(table)
    for info in Directory(parent, filesystem, parent).list():
        if is_retained(info.base_name, shown):
            found = posixpath.join(info.path, name)
            if filesystem.get_file_info(found).is_file:
                return found
    return None


def swap_in(staging: Directory, name: str, target: Directory, new_name: str | None = None) -> None:
    """Move something in place; what was there is in ``staging`` under the old name afterwards, or overwritten."""
    other = name if new_name is None else new_name
    if target.exists(other):
        staging.exchange(name, target, other)
    else:
        staging.move(name, target.create(), other)


def check_writable(output: Path, what: Name = _OUTPUT) -> None:
    """Refuse a local path at which no directory can be made or changed.

    Raises
    ------
    ConfigError
    """
    there = next(path for path in (output, *output.parents) if path.exists())
    if not there.is_dir():
        raise ConfigError(what, f" {output} cannot be a directory: {there} is a file; choose another path")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            what, f" {output} cannot be written: no permission to change {there}; choose another path"
        )  # fmt: skip


def check_apart(output: str, inputs: Sequence[str], what: Name | str = _INPUT, place: Name = _OUTPUT) -> None:
    """Refuse an output within an input, or an input within an output: one would be read, or lost, with the other.

    Parameters
    ----------
    output : str
        A path or URI.
    inputs : sequence of str
        Paths or URIs, globs among them.
    what : Name or str
        What messages call an input.
    place : Name
        What they call the output.

    Raises
    ------
    ConfigError
    """
    if (path := covering(inputs, output)) is not None:
        raise ConfigError(
            place, f" {output} lies within ", what, f" {path}; the next run would read it, so move it"
        )  # fmt: skip
    if (path := within(inputs, output)) is not None:
        raise ConfigError(
            what, f" {path} lies within ", place, f" {output}, which is replaced; choose another directory"
        )  # fmt: skip

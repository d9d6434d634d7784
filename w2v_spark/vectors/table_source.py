"""The files of a table with vectors: found, looked at, and read as those of one table."""

from __future__ import annotations

import mmap
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeVar

from pyarrow import fs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import MODEL_FILE, SUCCESS_FILE
from w2v_spark.publishing.part_names import is_named_by_content
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import Directory, errors_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.checksums import Blocks, check_complete, check_sequence
from w2v_spark.vectors.part_file import PartFile, PartReader
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.stream import limited
from w2v_spark.vectors.table_format import TableFormat

FileIdentity = tuple[int | None, int | None, int | None]
Content = TypeVar("Content")
_TRIES = 10
_OF_ONE_FILE = "rows"  # of the metadata: what differs between the files of a table


@dataclass(frozen=True, slots=True)
class TableSource:
    """The files of a table, their footers looked at, and how many rows are wanted.

    Attributes
    ----------
    parts : sequence of PartFile
    rows : int
    metadata : dict of str to str
        Of the files, keys without the ``w2v.`` prefix.
    is_local : bool
        Whether the files can be mapped.
    seen : tuple of FileIdentity
        By which it is noticed that another table has taken the place of this one.
    """

    parts: Sequence[PartFile]
    rows: int
    metadata: dict[str, str]
    is_local: bool
    seen: tuple[FileIdentity, ...]

    @classmethod
    def find(cls, location: str | PathLike[str], table: TableFormat, limit: int | None = None) -> TableSource:
        """Look at the files of the table of a result, or of a directory of files. Raises `StoreError`."""
        limited(1, limit)
        for left in reversed(range(_TRIES)):
            directory = open_result(location)
            paths, seen = list[str](), tuple[FileIdentity, ...]()
            try:
                paths = part_files(directory.filesystem, directory.path, table)
                seen = _identities(directory.filesystem, paths)
                parts = open_parts(directory.filesystem, paths, table)
                break
            except (StoreError, OSError):
                if not left or not _is_changed(directory, table, paths, seen):
                    raise
        rows = limited(sum(sum(part.rows) for part in parts), limit)
        return cls(parts, rows, {k: v for part in parts for k, v in part.metadata.items()}, directory.is_local, seen)

    def may_be_mixed(self) -> bool:
        """Whether what was read may be of two tables: another one has taken this one's place, with the same names."""
        return self.is_replaced() and not all(is_named_by_content(part.path) for part in self.parts)

    def is_replaced(self) -> bool:
        """Whether another table has taken the place of this one since it was found."""
        return _identities(self.parts[0].filesystem, [part.path for part in self.parts]) != self.seen

    def groups(self) -> Iterator[tuple[PartReader, int, int, int]]:
        """Row groups that are not empty, up to the last row wanted: reader, number, first row, rows wanted."""
        start = 0
        for part in self.parts:
            if start == self.rows:
                return
            with part.read() as reader:
                for group, there in enumerate(part.rows):
                    rows = min(there, self.rows - start)
                    if rows:
                        yield reader, group, start, rows
                    start += rows


def _is_changed(
    directory: Directory, table: TableFormat, paths: list[str], seen: tuple[FileIdentity, ...]
) -> bool:  # fmt: skip
    """Whether a table that could not be opened is another one now."""
    try:
        now = part_files(directory.filesystem, directory.path, table)
    except (StoreError, OSError):
        return False
    return now != paths or _identities(directory.filesystem, now) != seen


def _identities(filesystem: fs.FileSystem, paths: Sequence[str]) -> tuple[FileIdentity, ...]:
    """By which a file is told from one that has taken its place."""
    if filesystem.type_name == "local":
        return tuple(map(_local_identity, paths))
    return tuple((info.size, info.mtime_ns, None) for info in filesystem.get_file_info(list(paths)))


def _local_identity(path: str) -> FileIdentity:
    try:
        status = Path(path).stat()
    except OSError:  # in this moment nothing is there
        return None, None, None
    return status.st_size, status.st_mtime_ns, status.st_ino


def read_as_one(
    location: str | PathLike[str], table: TableFormat, read: Callable[[TableSource], Content], limit: int | None = None
) -> Content:
    """What all files of one table give: once more from the start if another table has taken its place meanwhile."""
    for left in reversed(range(_TRIES)):
        source = TableSource.find(location, table, limit)
        try:
            content = read(source)
        except (StoreError, OSError):
            if not left or not source.is_replaced():
                raise
            continue
        if not source.may_be_mixed():
            return content
    raise StoreError(f"{location} is replaced again and again while it is read; try later")


def map_groups(source: TableSource) -> RowStack | None:
    """A view of the vectors of each row group in its file, or None if there is one that cannot be mapped."""
    pieces: list[Matrix] = []
    guards: list[Blocks] = []
    opened: dict[str, mmap.mmap] = {}
    for reader, group, start, rows in source.groups():
        if reader.path not in opened:
            try:
                with Path(reader.path).open("rb") as stream:
                    opened[reader.path] = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            except OSError:  # some mounted file systems cannot map
                return None
        mapped = reader.map(opened[reader.path], group, start)
        if mapped is None or (pieces and mapped[0].shape[1] != pieces[0].shape[1]):
            return None
        pieces.append(mapped[0][:rows])
        guards.append(mapped[1])
    return RowStack(pieces, guards)


def part_files(filesystem: fs.FileSystem, path: str, table: TableFormat) -> list[str]:
    """Paths of the table's files in order: of a run's output directory, a bare directory of files, or one file."""
    path = path.rstrip("/")
    with errors_naming(path):
        if filesystem.get_file_info(path).type == fs.FileType.NotFound:
            raise StoreError(f"{path} does not exist; check the path")
        nested = f"{path}/{table.folder}"
        is_run = filesystem.get_file_info(nested).type == fs.FileType.Directory
        is_file = filesystem.get_file_info(path).type == fs.FileType.File
        directory = nested if is_run else posixpath.dirname(path) if is_file else path
        run = posixpath.dirname(directory)
        markers = filesystem.get_file_info([f"{run}/{MODEL_FILE}", f"{run}/{SUCCESS_FILE}"])
        described, finished = (marker.type == fs.FileType.File for marker in markers)
        if not finished and (is_run or described):
            raise StoreError(f"{run} holds a run that is not finished (no _SUCCESS there): wait for it or resume it")
        if is_file:
            return [path]
        files = sorted(
            info.path
            for info in filesystem.get_file_info(fs.FileSelector(directory))
            if info.extension == "parquet" and not info.base_name.startswith(("_", "."))
        )
    if not files:
        raise StoreError(f"{directory} holds no {table.name} (no .parquet files)")
    return files


def open_parts(filesystem: fs.FileSystem, paths: Sequence[str], table: TableFormat) -> list[PartFile]:
    """The files of a table, after a look at all footers: that each is whole, and that they belong together."""
    parts = [PartFile.open(filesystem, path, table) for path in paths]
    rows = sum(sum(part.rows) for part in parts)
    if not rows:
        raise StoreError(f"{paths[0]}: the {table.name} is empty")
    footers = [part.footer for part in parts]
    if table.is_numbered:
        _check_count(parts, "vocabulary_size", rows, "vectors")
        check_complete(paths, footers)
        check_sequence(paths, footers)
    else:
        check_complete(paths, footers)
        _check_alike(parts)
        _check_count([part for part in parts if not part.footer.is_rewritten], "files", len(parts), "files")
    return parts


def _check_count(parts: Sequence[PartFile], key: str, found: int, what: str) -> None:
    """Refuse a part of a table, which says of itself how much there is."""
    for part in parts:
        if part.metadata.get(key, str(found)) != str(found):
            raise StoreError(
                f"{posixpath.dirname(part.path)} holds {found} of {part.metadata[key]} {what}: files are "
                "missing or belong to another table; open the directory that has them all"
            )


def _check_alike(parts: Sequence[PartFile]) -> None:
    """Refuse files of two tables, which say different things of them."""
    first, *others = ({k: v for k, v in part.metadata.items() if k != _OF_ONE_FILE} for part in parts)
    for part, said in zip(parts[1:], others, strict=True):
        if said != first:
            key = min(key for key in {*said, *first} if said.get(key) != first.get(key))
            raise StoreError(
                f"{part.path} is not of one table with {posixpath.basename(parts[0].path)}: they have another {key!r}; "
                "files of two tables are mixed"
            )

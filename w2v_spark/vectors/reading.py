"""The vector table, read or mapped: from any file system, written by this package or by another program."""

from __future__ import annotations

import mmap
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import fs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import MODEL_FILE, SUCCESS_FILE, VECTORS
from w2v_spark.publishing.part_names import is_named_by_content
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import Directory, damage_naming, errors_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.checksums import Blocks, check_sequence
from w2v_spark.vectors.part_file import PartFile, PartReader
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.stream import Batch, Counts, VectorStream, limited

FileIdentity = tuple[int | None, int | None, int | None]
_TRIES = 10


@dataclass(frozen=True, slots=True)
class VectorTable:
    """A vector table in memory, or its words and counts in memory and its vectors in mapped files.

    Attributes
    ----------
    words : pa.StringArray, (V,)
        In rank order.
    counts : int64, (V,)
        Occurrences in the corpus.
    stack : RowStack, (V, D)
        The vectors.
    metadata : dict of str to str
        Key-value metadata of the files, keys without the ``w2v.`` prefix; empty if another program wrote the files.
    """

    words: pa.StringArray
    counts: Counts
    stack: RowStack
    metadata: dict[str, str]

    @property
    def matrix(self) -> Matrix:
        """The vectors as one matrix, (V, D) float32, C-contiguous, read-only; a copy if they are mapped."""
        return self.stack.to_matrix()


@dataclass(frozen=True, slots=True)
class _Source:
    """The files of a table, their footers looked at, and how many rows are wanted."""

    parts: Sequence[PartFile]
    rows: int
    metadata: dict[str, str]
    is_local: bool
    seen: tuple[FileIdentity, ...]

    @classmethod
    def find(cls, location: str | PathLike[str], limit: int | None) -> _Source:
        limited(1, limit)
        for left in reversed(range(_TRIES)):
            directory = open_result(location)
            paths, seen = list[str](), tuple[FileIdentity, ...]()
            try:
                paths = part_files(directory.filesystem, directory.path)
                seen = _identities(directory.filesystem, paths)
                parts = open_parts(directory.filesystem, paths)
                break
            except (StoreError, OSError):
                if not left or not _is_changed(directory, paths, seen):
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


def _is_changed(directory: Directory, paths: list[str], seen: tuple[FileIdentity, ...]) -> bool:
    """Whether a table that could not be opened is another one now."""
    try:
        now = part_files(directory.filesystem, directory.path)
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


def open_vectors(location: str | PathLike[str], limit: int | None = None) -> VectorTable:
    """Open a vector table, or its ``limit`` most frequent words; the vectors stay in the files, which are mapped.

    Files on a local or mounted disk are mapped if this package wrote them, or if the vectors lie there in the same way;
    any other table is read like `read_vectors` does it. A mapped file must not be cut or written over while it is in
    use; one that is deleted or replaced stays readable. Parameters and errors are those of `read_vectors`; but whether
    mapped vectors are damaged is found out when they are first used, by blocks of about 1 MiB.

    Notes
    -----
    Cost: words, counts and 5 bytes a vector are read; of the vectors only the pages that a query touches.
    """
    return _as_one(location, limit, _open)


def _as_one(location: str | PathLike[str], limit: int | None, read: Callable[[_Source], VectorTable]) -> VectorTable:
    """What all files of one table give: once more from the start if another table has taken its place meanwhile."""
    for left in reversed(range(_TRIES)):
        source = _Source.find(location, limit)
        try:
            table = read(source)
        except (StoreError, OSError):
            if not left or not source.is_replaced():
                raise
            continue
        if not source.may_be_mixed():
            return table
    raise StoreError(f"{location} is replaced again and again while it is read; try later")


def _open(source: _Source) -> VectorTable:
    stack = _map_groups(source) if source.is_local else None
    if stack is None:
        return _read(source)
    words, counts = _read_labels(source)
    return VectorTable(words, counts, stack, source.metadata)


def _read_labels(source: _Source) -> tuple[pa.StringArray, Counts]:
    words: list[pa.StringArray] = []
    counts: list[Counts] = []
    for reader, group, start, rows in source.groups():
        some, their_counts = reader.labels(group, start, rows)
        words.append(some)
        counts.append(their_counts)
    return pa.concat_arrays(words), np.concatenate(counts)


def _map_groups(source: _Source) -> RowStack | None:
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


def read_vectors(location: str | PathLike[str], limit: int | None = None) -> VectorTable:
    """Read a vector table, or its ``limit`` most frequent words, into memory.

    Parameters
    ----------
    location : str or Path
        A path or any URI that `pyarrow.fs` opens: the output directory of a run, a root of versions or
        ``ROOT@version``, a directory of Parquet files, or the one file of a table.
    limit : int, optional
        Row groups beyond it are not read.

    Raises
    ------
    ConfigError
        ``limit`` is below 1.
    StoreError
        There is no finished table at ``location``, or a file is not Parquet, has other columns, nulls, vectors of
        unequal length or numbers that are not finite, or ids that do not follow the file before it; or one byte of it
        is not as it was written. The message names the file.

    Notes
    -----
    Cost: one copy of the matrix and a row group beside it; about 1 GB/s from a local disk cache.
    """
    return _as_one(location, limit, _read)


def stream_vectors(location: str | PathLike[str], limit: int | None = None) -> VectorStream:
    """Read a vector table, or its ``limit`` most frequent words, a row group at a time.

    Parameters and errors are those of `read_vectors`; some errors come only with the batch that is wrong.
    """
    source = _Source.find(location, limit)

    def batches() -> Iterator[Batch]:
        yield from _read_batches(source)
        if source.may_be_mixed():
            raise StoreError(f"{location} has been replaced while it was read; start again")

    return VectorStream(source.rows, batches())


def _read(source: _Source) -> VectorTable:
    words: list[pa.StringArray] = []
    counts: list[Counts] = []
    matrix: Matrix = np.empty((0, 0), dtype=np.float32)
    start = 0
    for batch in _read_batches(source):
        stop = start + len(batch.words)
        if start == 0:
            with damage_naming(source.parts[0].path):
                matrix = np.empty((source.rows, batch.matrix.shape[1]), dtype=np.float32)
        matrix[start:stop] = batch.matrix
        counts.append(batch.counts)
        words.append(batch.words)
        start = stop
    return VectorTable(pa.concat_arrays(words), np.concatenate(counts), RowStack([matrix]), source.metadata)


def _read_batches(source: _Source) -> Iterator[Batch]:
    dim = 0
    for reader, group, start, rows in source.groups():
        words, counts = reader.labels(group, start, rows)
        vectors = reader.vectors(group, start, rows)
        if vectors.shape[1] != (dim or vectors.shape[1]):
            raise StoreError(f"{reader.path}: vectors of length {vectors.shape[1]} after vectors of {dim}")
        dim = vectors.shape[1]
        yield Batch(words, vectors, counts)


def read_words(location: str | PathLike[str]) -> list[str]:
    """The words of a vector table in rank order, without their vectors.

    Raises
    ------
    StoreError
        As `read_vectors`; what only the vectors would show goes unseen.
    """
    words: list[str] = _read_labels(_Source.find(location, None))[0].to_pylist()
    return words


def part_files(filesystem: fs.FileSystem, path: str) -> list[str]:
    """Paths of the table's files in order: of a run's output directory, a bare directory of files, or one file."""
    path = path.rstrip("/")
    with errors_naming(path):
        if filesystem.get_file_info(path).type == fs.FileType.NotFound:
            raise StoreError(f"{path} does not exist; check the path")
        nested = f"{path}/{VECTORS}"
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
        raise StoreError(f"{directory} holds no vector table (no .parquet files)")
    return files


def open_parts(filesystem: fs.FileSystem, paths: Sequence[str]) -> list[PartFile]:
    """The files of a table, after a look at all footers: that each is whole, and that they belong together."""
    parts = [PartFile.open(filesystem, path) for path in paths]
    rows = sum(sum(part.rows) for part in parts)
    if not rows:
        raise StoreError(f"{paths[0]}: the vector table is empty")
    for part in parts:
        if part.metadata.get("vocabulary_size", str(rows)) != str(rows):
            raise StoreError(
                f"{posixpath.dirname(part.path)} holds {rows} of {part.metadata['vocabulary_size']} vectors: files are "
                "missing or belong to another table; open the directory that has them all"
            )
    check_sequence(paths, [part.footer for part in parts])
    return parts

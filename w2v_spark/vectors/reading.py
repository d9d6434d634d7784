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
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import MODEL_FILE, SUCCESS_FILE, VECTORS
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import errors_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.mapping import map_group
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.stream import Batch, Counts, VectorStream, limited
from w2v_spark.vectors.table import METADATA_PREFIX, VECTOR_SCHEMA

FileIdentity = tuple[int | None, int | None, int | None]
_TRIES = 10
_ALL_BUT_VECTORS = [name for name in VECTOR_SCHEMA.names if name != "vector"]


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
    """The files of a table, their footers looked at: the paths, how many rows are wanted, and the metadata."""

    filesystem: fs.FileSystem
    paths: Sequence[str]
    rows: int
    metadata: dict[str, str]
    is_local: bool
    seen: tuple[FileIdentity, ...]

    @classmethod
    def find(cls, location: str | PathLike[str], limit: int | None) -> _Source:
        limited(1, limit)
        directory = open_result(location)
        paths = part_files(directory.filesystem, directory.path)
        seen = _identities(directory.filesystem, paths)
        rows, metadata = check_footers(directory.filesystem, paths)
        return cls(directory.filesystem, paths, limited(rows, limit), metadata, directory.is_local, seen)

    def is_replaced(self) -> bool:
        """Whether another table has taken the place of this one since it was found."""
        return _identities(self.filesystem, self.paths) != self.seen

    def groups(self) -> Iterator[tuple[str, pq.ParquetFile, int, int, int]]:
        """Row groups that are not empty, up to the last row wanted: path, file, number, first row, rows wanted."""
        start = 0
        for path in self.paths:
            if start == self.rows:
                return
            with errors_naming(path), pq.ParquetFile(path, filesystem=self.filesystem) as file:
                for group in range(file.num_row_groups):
                    rows = min(file.metadata.row_group(group).num_rows, self.rows - start)
                    if rows:
                        yield path, file, group, start, rows
                    start += rows


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

    Files on a local or mounted disk are mapped if this package wrote them and D is at least 16; any other table is
    read like `read_vectors` does it. A mapped file must not be cut or written over while it is in use; one that is
    deleted or replaced stays readable. Parameters and errors are those of `read_vectors`.

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
        if not source.is_replaced():
            return table
    raise StoreError(f"{location} is replaced again and again while it is read; try later")


def _open(source: _Source) -> VectorTable:
    pieces = _map_groups(source) if source.is_local else None
    if pieces is None:
        return _read(source)
    words: list[pa.Array] = []
    counts: Counts = np.empty(source.rows, dtype=np.int64)
    for path, file, group, start, rows in source.groups():
        content = _read_group(path, file, group, _ALL_BUT_VECTORS, start, rows)
        counts[start : start + rows] = content["count"].to_numpy()
        words += content["word"].cast(pa.string()).chunks
    return VectorTable(pa.concat_arrays(words), counts, RowStack(pieces), source.metadata)


def _map_groups(source: _Source) -> list[Matrix] | None:
    """A view of the vectors of each row group in its file, or None if there is one that cannot be mapped."""
    pieces: list[Matrix] = []
    opened: dict[str, mmap.mmap] = {}
    for path, file, group, _, rows in source.groups():
        if path not in opened:
            try:
                with Path(path).open("rb") as stream:
                    opened[path] = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            except OSError:  # some mounted file systems cannot map
                return None
        piece = map_group(opened[path], file.metadata, group)
        if piece is None or (pieces and piece.shape[1] != pieces[0].shape[1]):
            return None
        pieces.append(piece[:rows])
    return pieces


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
        unequal length, or ids that do not follow the file before it. The message names the file.

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
        if source.is_replaced():
            raise StoreError(f"{location} has been replaced while it was read; start again")

    return VectorStream(source.rows, batches())


def _read(source: _Source) -> VectorTable:
    words: list[pa.Array] = []
    counts: Counts = np.empty(source.rows, dtype=np.int64)
    matrix: Matrix = np.empty((0, 0), dtype=np.float32)
    start = 0
    for batch in _read_batches(source):
        stop = start + len(batch.words)
        if start == 0:
            matrix = np.empty((source.rows, batch.matrix.shape[1]), dtype=np.float32)
        matrix[start:stop] = batch.matrix
        counts[start:stop] = batch.counts
        words.append(batch.words)
        start = stop
    return VectorTable(pa.concat_arrays(words), counts, RowStack([matrix]), source.metadata)


def _read_batches(source: _Source) -> Iterator[Batch]:
    dim = 0
    for path, file, group, start, rows in source.groups():
        content = _read_group(path, file, group, VECTOR_SCHEMA.names, start, rows)
        vectors = _to_matrix(path, content["vector"].combine_chunks(), start)
        if vectors.shape[1] != (dim or vectors.shape[1]):
            raise StoreError(f"{path}: vectors of length {vectors.shape[1]} after vectors of {dim}")
        dim = vectors.shape[1]
        yield Batch(content["word"].cast(pa.string()).combine_chunks(), vectors, content["count"].to_numpy())


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


def check_footers(filesystem: fs.FileSystem, paths: Sequence[str]) -> tuple[int, dict[str, str]]:
    """Number of rows and the metadata of all files together, after a look at every schema."""
    rows = 0
    metadata: dict[str, str] = {}
    for path in paths:
        with errors_naming(path), pq.ParquetFile(path, filesystem=filesystem) as file:
            _check_schema(path, file.schema_arrow)
            rows += file.metadata.num_rows
            for key, value in (file.metadata.metadata or {}).items():
                if key.startswith(METADATA_PREFIX.encode()):
                    metadata[key.decode()[len(METADATA_PREFIX) :]] = value.decode()
    if not rows:
        raise StoreError(f"{paths[0]}: the vector table is empty")
    if metadata.get("vocabulary_size", str(rows)) != str(rows):
        raise StoreError(
            f"{posixpath.dirname(paths[0])} holds {rows} of {metadata['vocabulary_size']} vectors: files are missing "
            "or belong to another table; open the directory that has them all"
        )
    return rows, metadata


def _check_schema(path: str, schema: pa.Schema) -> None:
    """Refuse other columns; large and fixed-size kinds pass, since other engines rewrite tables in theirs."""
    for name, expected in zip(VECTOR_SCHEMA.names, VECTOR_SCHEMA.types, strict=True):
        found = schema.field(name).type if name in schema.names else pa.null()
        if pa.types.is_list(expected):
            is_list = pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_fixed_size_list(found)
            fits = is_list and found.value_type == expected.value_type
        else:
            fits = found == expected or (pa.types.is_string(expected) and pa.types.is_large_string(found))
        if not fits:
            shown = found if name in schema.names else "missing"
            raise StoreError(f"{path}: column {name!r} is {shown}, expected {expected}")


def _read_group(path: str, file: pq.ParquetFile, group: int, columns: Sequence[str], start: int, rows: int) -> pa.Table:
    """Some columns of the first rows of a row group, after a look at nulls, and at ids, which begin with ``start``."""
    with errors_naming(path):
        content = file.read_row_group(group, columns=columns).slice(0, rows)
    if any(column.null_count for column in content.columns):
        raise StoreError(f"{path}: null values near id {start}; a vector table has none")
    if not np.array_equal(content["id"].to_numpy(), np.arange(start, start + rows)):
        raise StoreError(
            f"{path}: ids are not {start}, {start + 1}, ...: a file is missing or rows are not in rank order"
        )
    return content


def _to_matrix(path: str, vectors: pa.Array, start: int) -> Matrix:
    """The vectors of a row group as (rows, D), after a look at their lengths."""
    lengths = pc.min_max(pc.list_value_length(vectors)).as_py()
    if lengths["min"] != lengths["max"] or not lengths["min"]:
        raise StoreError(f"{path}: vectors of length {lengths['min']} to {lengths['max']}, expected one length above 0")
    values = vectors.flatten()
    if values.null_count:
        raise StoreError(f"{path}: null values inside a vector near id {start}")
    matrix: Matrix = values.to_numpy(zero_copy_only=True).reshape(len(vectors), lengths["min"])
    return matrix

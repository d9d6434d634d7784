"""The documents of a model: what their files say, and their rows a batch at a time."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import fs

from w2v_spark.errors import InputError, StoreError
from w2v_spark.publishing.layout import DOCUMENTS
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import Directory, errors_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.part_file import PartFile, PartReader
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.tiled import normalise
from w2v_spark.vectors.table_format import DOCUMENT_TABLE
from w2v_spark.vectors.table_source import open_parts, part_files


@dataclass(frozen=True, slots=True)
class DocumentFiles:
    """What the files of a table of documents say before it is read.

    Attributes
    ----------
    directory : str
        Where they are, a path or a URI.
    names : tuple of str
        Of the files, in order.
    rows : tuple of int
        Documents in each.
    id_type : pa.DataType
        Of the column ``id``.
    dim : int
        D; 0 where no document has a vector.
    fingerprint : str
        Changes when a file is replaced.
    """

    directory: str
    names: tuple[str, ...]
    rows: tuple[int, ...]
    id_type: pa.DataType
    dim: int
    fingerprint: str

    @classmethod
    def find(cls, location: str | PathLike[str]) -> DocumentFiles:
        """Look at the files of the documents of a model, or of what ``w2v-spark infer`` has written.

        Raises
        ------
        InputError
            There are no documents: the model was trained for words alone.
        StoreError
            The result is not complete, or a file is damaged or has other columns.
        """
        directory = open_result(location)
        table = directory.child(DOCUMENTS)
        if directory.exists() and not table.exists():
            raise InputError(
                f"{directory.uri} has no {DOCUMENTS}/: it was trained for words alone; train documents with "
                "model.architecture = pv_dbow or pv_dm, or infer them"
            )
        paths = part_files(directory.filesystem, directory.path, DOCUMENT_TABLE)
        seen = _fingerprint(table.filesystem, paths)
        parts = open_parts(table.filesystem, paths, DOCUMENT_TABLE)
        kinds = [part.footer.metadata.schema.to_arrow_schema().field("id").type for part in parts]
        if other := next((kind for kind in kinds if kind != kinds[0]), None):
            raise StoreError(f"{table.uri}: the column 'id' is {kinds[0]} in one file and {other} in another")
        dim = next((dim for part in parts if (dim := _find_dim(part))), 0)
        names, rows = (posixpath.basename(path) for path in paths), (sum(part.rows) for part in parts)
        return cls(table.uri, tuple(names), tuple(rows), _plain(kinds[0]), dim, seen)

    def check_unchanged(self) -> None:
        """Raise `StoreError` if a file was replaced since it was looked at."""
        table = Directory.open(self.directory)
        if _fingerprint(table.filesystem, [table.file(name) for name in self.names]) != self.fingerprint:
            raise StoreError(f"{self.directory} was changed while topics were looked for; start again")

    @property
    def total(self) -> int:
        """N, how many documents there are."""
        return sum(self.rows)

    def read(self, number: int) -> Iterator[DocumentBatch]:
        """The documents of one file, in order, a row group at a time.

        Raises
        ------
        StoreError
            The file is damaged, or a vector has another length or is not finite.
        """
        table = Directory.open(self.directory)
        part = PartFile.open(table.filesystem, table.file(self.names[number]), DOCUMENT_TABLE)
        if sum(part.rows) != self.rows[number]:
            raise StoreError(
                f"{part.path} has {sum(part.rows)} documents and had {self.rows[number]}: it was changed; start again"
            )
        start = 0
        with part.read() as reader:
            for group, rows in enumerate(part.rows):
                if rows:
                    yield _read_group(reader, group, start, rows, self.dim)
                start += rows


@dataclass(frozen=True, slots=True, eq=False)
class DocumentBatch:
    """Consecutive documents of a file.

    Attributes
    ----------
    start : int
        Row of the first within the file.
    ids : pa.Array, (rows,)
    tokens : int64, (rows,)
    known : bool, (rows,)
        Which of them have a vector, one that is not zero.
    vectors : float32, (known, D)
        Theirs, as they are in the file.
    """

    start: int
    ids: pa.Array
    tokens: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]
    vectors: Matrix

    @property
    def unit(self) -> Matrix:
        """The vectors scaled to length 1, (known, D) float32."""
        return normalise(RowStack([self.vectors])) if len(self.vectors) else self.vectors


def _fingerprint(filesystem: fs.FileSystem, paths: list[str]) -> str:
    with errors_naming(posixpath.dirname(paths[0])):
        infos = filesystem.get_file_info(paths)
    seen = "\n".join(f"{info.base_name} {info.size} {info.mtime_ns}" for info in infos)
    return hashlib.sha256(seen.encode()).hexdigest()


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type that ids are read as."""
    return pa.string() if pa.types.is_large_string(kind) else kind


def _find_dim(part: PartFile) -> int:
    """D by the first vector; 0 if there is none."""
    start = 0
    with part.read() as reader:
        for group, rows in enumerate(part.rows):
            if rows > len(reader.nulls(group)):
                return int(reader.vectors(group, start, 1).shape[1])
            start += rows
    return 0


def _read_group(reader: PartReader, group: int, start: int, rows: int, dim: int) -> DocumentBatch:
    labels, there = reader.labels(group, start, rows), np.ones(rows, dtype=bool)
    there[reader.nulls(group)] = False
    count = int(there.sum())
    vectors: Matrix = reader.vectors(group, start, count) if count else np.empty((0, dim), dtype=np.float32)
    if vectors.shape[1] != dim:
        raise StoreError(f"{reader.path}: vectors of length {vectors.shape[1]} near row {start}, elsewhere of {dim}")
    tokens = labels["tokens"].to_numpy()
    usable = (tokens[there] > 0) & vectors.any(axis=1)
    known = there.copy()
    known[there] = usable
    ids = labels["id"].combine_chunks()
    return DocumentBatch(start, ids, tokens, known, np.ascontiguousarray(vectors[usable]))

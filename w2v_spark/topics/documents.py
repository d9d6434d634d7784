"""The documents of a model: what their files say, and their rows a batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from w2v_spark.errors import InputError, StoreError
from w2v_spark.publishing.layout import MODEL_FILE, SUCCESS_FILE
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import Directory, damage_naming, errors_naming
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.tiled import normalise

DOCUMENTS: Final = "documents"
BATCH_ROWS: Final = 8192
_COLUMNS: Final = ("id", "tokens", "vector")


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
        if not directory.exists():
            raise StoreError(f"{directory.uri} does not exist; check the path")
        if not directory.exists(SUCCESS_FILE) and (directory.exists(MODEL_FILE) or table.exists()):
            raise StoreError(f"{directory.uri} holds a run that is not finished (no {SUCCESS_FILE} there)")
        infos = _parts(table)
        if not infos:
            raise InputError(
                f"{directory.uri} has no {DOCUMENTS}/: it was trained for words alone; train documents with "
                "model.architecture = pv_dbow or pv_dm, or infer them"
            )
        kinds, rows, dim = [], [], 0
        for info in infos:
            with errors_naming(info.path), table.filesystem.open_input_file(info.path) as stream:
                file = pq.ParquetFile(stream)
                kinds.append(_id_type(info.path, file.schema_arrow))
                rows.append(file.metadata.num_rows)
                dim = dim or _find_dim(file)
        if any(kind != kinds[0] for kind in kinds):
            raise StoreError(f"{table.uri}: the column 'id' is {kinds[0]} in one file and another type in others")
        return cls(table.uri, tuple(i.base_name for i in infos), tuple(rows), kinds[0], dim, _fingerprint(infos))

    def check_unchanged(self) -> None:
        """Raise `StoreError` if a file was replaced since it was looked at."""
        if _fingerprint(_parts(Directory.open(self.directory))) != self.fingerprint:
            raise StoreError(f"{self.directory} was changed while topics were looked for; start again")

    @property
    def total(self) -> int:
        """N, how many documents there are."""
        return sum(self.rows)

    def read(self, number: int) -> Iterator[DocumentBatch]:
        """The documents of one file, in order, about `BATCH_ROWS` at a time.

        Raises
        ------
        StoreError
            The file is damaged, or a vector has another length or is not finite.
        """
        table = Directory.open(self.directory)
        path, start = table.file(self.names[number]), 0
        with errors_naming(path), damage_naming(path), table.filesystem.open_input_file(path) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(BATCH_ROWS, columns=list(_COLUMNS)):
                yield _to_batch(batch, self.dim, path, start)
                start += len(batch)
        if start != self.rows[number]:
            raise StoreError(f"{path} has {start} documents and had {self.rows[number]}: it was changed; start again")


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


def _parts(table: Directory) -> list[pafs.FileInfo]:
    return [i for i in table.list() if i.extension == "parquet" and not i.base_name.startswith(("_", "."))]


def _fingerprint(infos: list[pafs.FileInfo]) -> str:
    seen = "\n".join(f"{info.base_name} {info.size} {info.mtime_ns}" for info in infos)
    return hashlib.sha256(seen.encode()).hexdigest()


def _id_type(path: str, schema: pa.Schema) -> pa.DataType:
    """The type of the ids, after a look at all columns."""
    for name in _COLUMNS:
        if schema.names.count(name) != 1:
            raise StoreError(f"{path}: column {name!r} is missing; a table of documents has {', '.join(_COLUMNS)}")
    kind: Any = schema.field("vector").type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not is_list or kind.value_type != pa.float32():
        raise StoreError(f"{path}: column 'vector' is {kind}, expected a list of float")
    if not pa.types.is_integer(schema.field("tokens").type):
        raise StoreError(f"{path}: column 'tokens' is {schema.field('tokens').type}, expected int64")
    return schema.field("id").type


def _find_dim(file: pq.ParquetFile) -> int:
    """D by the first vector; 0 if there is none."""
    for batch in file.iter_batches(BATCH_ROWS, columns=["vector"]):
        if found := pc.max(pc.list_value_length(batch.column(0))).as_py():
            return int(found)
    return 0


def _to_batch(batch: pa.RecordBatch, dim: int, path: str, start: int) -> DocumentBatch:
    column = batch.column("vector")
    tokens = pc.fill_null(batch.column("tokens"), 0).cast(pa.int64()).to_numpy(zero_copy_only=False)
    there = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    lengths = pc.list_value_length(column.drop_null())
    if len(lengths) and (pc.min(lengths).as_py() != dim or pc.max(lengths).as_py() != dim):
        raise StoreError(f"{path}: a vector near row {start} has another length than {dim}, that of the first")
    numbers = column.drop_null().flatten().to_numpy(zero_copy_only=False)
    vectors: Matrix = np.asarray(numbers, dtype=np.float32).reshape(-1, dim) if dim else np.empty((0, 0), np.float32)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        row = start + int(np.flatnonzero(there)[np.argmin(finite)])
        raise StoreError(f"{path}: the vector of row {row} is not finite; train again, or leave the document out")
    usable = (tokens[there] > 0) & vectors.any(axis=1)
    known = there.copy()
    known[there] = usable
    return DocumentBatch(start, batch.column("id"), tokens, known, np.ascontiguousarray(vectors[usable]))

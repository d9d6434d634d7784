"""Nearest rows of one matrix for all rows of another, both in files: a step of other jobs."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from w2v_spark.errors import InputError
from w2v_spark.spark.numbered_files import write_numbered
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, damage_naming, sealed, unsealed
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.neighbour_request import rows_per_file
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.query import check_limits
from w2v_spark.vectors.search.tiled import find_neighbours, normalise

_FOUND: Final = "nearest"


@dataclass(frozen=True, slots=True)
class MatrixFile:
    """A matrix in a file of numpy's format, which driver and executors reach under one name.

    Attributes
    ----------
    directory : str
        A path or a URI.
    name : str
        Of the file: float32, (rows, D), C-contiguous. It is not to be changed while it is in use.
    """

    directory: str
    name: str

    def open(self) -> Matrix:
        """The matrix, mapped where it can be, else read. Raises `InputError` if it is another one, and `StoreError`."""
        place = Directory.open(self.directory)
        where = f"{place.uri}/{self.name}"
        matrix: Matrix
        with damage_naming(where):
            try:
                if place.is_local:
                    matrix = np.load(place.file(self.name), mmap_mode="r", allow_pickle=False).view(np.ndarray)
                else:
                    matrix = np.load(io.BytesIO(place.read_bytes(self.name)), allow_pickle=False)
            except EOFError as error:
                raise ValueError("it is empty") from error
        if matrix.ndim != 2 or matrix.dtype != np.float32 or not matrix.flags.c_contiguous or not len(matrix):
            raise InputError(f"{where} is {matrix.dtype} {matrix.shape}: expected float32 (rows, D), at least one row")
        return matrix


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest candidates of all queries, in the order of these.

    Attributes
    ----------
    ids : int32, (n, k)
        Rows of the candidates, the nearest first, equal ones in order.
    similarities : float32, (n, k)
        Cosines, -1..1.
    """

    ids: npt.NDArray[np.int32]
    similarities: Matrix


@dataclass(frozen=True, slots=True)
class FindNearest:
    """The nearest candidates of the queries of a file, by its number: is called on the executors."""

    queries: MatrixFile
    candidates: MatrixFile
    topn: int
    token: str
    """Differs from call to call, so that no worker takes a file for another one that was there."""
    output: str

    def __call__(self, number: int, file: str) -> None:
        """Write a file."""
        candidates = _load_candidates(self.candidates, self.token)
        queries = self.queries.open()
        step = rows_per_file(len(queries))
        rows = np.arange(number * step, min((number + 1) * step, len(queries)), dtype=np.int32)
        if self.queries == self.candidates:
            found = list(find_neighbours(candidates, rows, self.topn))
        else:
            unit = normalise(RowStack([queries[rows[0] : rows[-1] + 1]]))
            found = list(find_neighbours(unit, rows - rows[0], self.topn, among=candidates))
        arrays = {
            "ids": np.concatenate([batch.ids for batch in found]),
            "similarities": np.concatenate([batch.similarities for batch in found]),
        }
        Directory.open(self.output).write_bytes(file, sealed(arrays_to_bytes(arrays)))


@lru_cache(maxsize=1)
def _load_candidates(candidates: MatrixFile, token: str) -> Matrix:
    """The normalised candidates, kept by an executor's Python worker from file to file of one search."""
    del token
    return normalise(RowStack([candidates.open()]))


def nearest(
    spark: SparkSession, queries: MatrixFile, candidates: MatrixFile, topn: int, tasks: int | None = None
) -> Nearest:
    """The exact nearest rows of one matrix, by cosine, for every row of another.

    Parameters
    ----------
    queries : MatrixFile, (n, D)
    candidates : MatrixFile, (m, D)
        The same file again stands for the rows of one matrix among themselves: a row is not its own neighbour then.
    topn : int
        k is this, or how many candidates there are if they are fewer.
    tasks : int, optional
        How many Spark tasks share the work; it changes no bit of the result.

    Returns
    -------
    Nearest

    Raises
    ------
    ConfigError
        ``topn`` is below 1.
    InputError
        A file is no such matrix, a row is not finite, or the matrices have no rows of one length.
    StoreError
        A file is missing or damaged.

    Notes
    -----
    Results pass through files in the directory of the queries, which are removed. Memory: a worker holds the
    candidates, 4 m D bytes, and up to 16,384 queries; the driver 8 n k bytes. Cost: 2 n m D floating-point operations.
    """
    check_limits(topn, None, least=1)
    rows, others = queries.open(), candidates.open()
    if rows.shape[1] != others.shape[1]:
        raise InputError(
            f"{queries.name} has rows of length {rows.shape[1]}, {candidates.name} of {others.shape[1]}: expected one"
        )
    if queries == candidates and len(rows) == 1:
        return Nearest(np.empty((1, 0), np.int32), np.empty((1, 0), np.float32))
    kept = min(topn, len(others) - (queries == candidates))
    output = Directory.open(queries.directory).child(f"{_FOUND}-{uuid.uuid4().hex}").create()
    try:
        find = FindNearest(queries, candidates, kept, output.path, output.uri)
        files = write_numbered(spark, find, ".npz", -(-len(rows) // rows_per_file(len(rows))), tasks)
        return _collect(output, files)
    finally:
        output.delete()


def _collect(output: Directory, files: list[str]) -> Nearest:
    contents = [(file, unsealed(output.read_bytes(file), output.file(file))) for file in files]
    parts = [arrays_from_bytes(content, output.file(file)) for file, content in contents]
    ids, similarities = (np.concatenate([part[name] for part in parts]) for name in ("ids", "similarities"))
    return Nearest(ids, similarities)

"""What a result keeps for what goes on from it, training or inference: both matrices, and the counts of all words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from w2v_spark.corpus.word_counts import WordCounts
from w2v_spark.errors import StoreError
from w2v_spark.models.tables import SamplingTables
from w2v_spark.publishing.layout import COUNTS, SAMPLING_FILE, STATE
from w2v_spark.storage import Directory, damage_naming, errors_naming, retried
from w2v_spark.training.file_rows import batches
from w2v_spark.training.matrix_files import Matrix, MatrixReader, npy_header
from w2v_spark.training.weights import WeightShape


def write_state(
    staging: Directory,
    weights: Mapping[str, MatrixReader],
    dim: int,
    counts: Directory | None,
    tables: SamplingTables | None = None,
) -> None:  # fmt: skip
    """Write the folder ``state``.

    Parameters
    ----------
    staging : Directory
        Where the parts of a result are gathered.
    weights : mapping of str to (rows, D) float32
        ``w_in``, and ``w_out`` or ``w_node``, by rank: each becomes a plain ``.npy`` file.
    dim : int
        D.
    counts : Directory, optional
        ``counts.json`` and its files, which are copied, so that a run that goes on finds them again.
    tables : SamplingTables, optional
        What was drawn from, for inference: computed anew on another machine, they might differ in the last bit.

    Notes
    -----
    Memory: 32,768 rows.
    """
    state = staging.child(STATE).create()
    for name, matrix in weights.items():
        with state.filesystem.open_output_stream(state.file(f"{name}.npy")) as sink:
            sink.write(npy_header(len(matrix), dim))
            for batch in batches(matrix):
                sink.write(pa.py_buffer(np.ascontiguousarray(batch)))
    if tables is not None:
        state.write_bytes(SAMPLING_FILE, tables.to_bytes())
    if counts is not None:
        copy_counts(counts, state)


def copy_counts(counts: Directory, state: Directory) -> None:
    """Bring counts into a ``state`` folder, whose manifest lists the files in the place of ``counts.json``."""
    known, target = WordCounts.read(counts), state.child(COUNTS).create()
    for number, file in enumerate(known.files):
        with errors_naming(counts.file(file)):
            name = f"part-{number:05d}-{file[:8]}.parquet"
            counts.filesystem.copy_file(counts.file(file), target.file(name))
    replace(known, files=()).write(state)


def open_state(directory: Directory, shape: WeightShape) -> tuple[Matrix, Matrix]:
    """The input and the output matrix that a version keeps, (rows, D) float32: mapped, or read from object stores.

    Raises
    ------
    StoreError
        A file is missing, damaged or of another shape.
    """
    first, second = (_open(directory, f"{name}.npy", rows, shape.dim) for name, rows in shape.rows.items())
    return first, second


def _open(directory: Directory, name: str, rows: int, dim: int) -> Matrix:
    where = f"{directory.uri}/{name}"
    if not directory.exists(name):
        raise StoreError(f"{where} is missing: the version keeps nothing that training could go on from")
    matrix: Matrix
    with damage_naming(where):
        if directory.is_local:
            matrix = np.load(directory.file(name), mmap_mode="r", allow_pickle=False).view(np.ndarray)
        else:
            matrix = retried(directory.filesystem, lambda: _read(directory, name, rows, dim))
        if matrix.shape != (rows, dim) or matrix.dtype != np.float32 or not matrix.flags.c_contiguous:
            raise ValueError(f"expected {rows} x {dim} float32")
    return matrix


def _read(directory: Directory, name: str, rows: int, dim: int) -> Matrix:
    with directory.filesystem.open_input_file(directory.file(name)) as file:
        version = np.lib.format.read_magic(file)
        found, fortran, kind = np.lib.format.read_array_header_1_0(file) if version == (1, 0) else ((), True, "")
        if fortran or kind != np.float32 or found != (rows, dim):
            raise ValueError(f"expected {rows} x {dim} float32")
        return np.frombuffer(file.read(4 * rows * dim), np.float32).reshape(rows, dim)


def read_tables(directory: Directory) -> SamplingTables:
    """What a model of documents keeps to draw from. Raises `StoreError` if it is missing or damaged."""
    where = f"{directory.uri}/{SAMPLING_FILE}"
    with errors_naming(where):
        return SamplingTables.from_bytes(directory.read_bytes(SAMPLING_FILE), where)

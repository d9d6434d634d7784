"""What a version keeps for the training that goes on from it: both matrices, and the counts of all words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from w2v_spark.corpus.word_counts import WordCounts
from w2v_spark.publishing.layout import COUNTS, STATE
from w2v_spark.storage import Directory, errors_naming
from w2v_spark.training.matrix_files import ROWS_AT_A_TIME, MatrixReader, npy_header


def write_state(
    staging: Directory, weights: Mapping[str, MatrixReader], dim: int, counts: Directory | None
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

    Notes
    -----
    Memory: 32,768 rows.
    """
    state = staging.child(STATE).create()
    for name, matrix in weights.items():
        with state.filesystem.open_output_stream(state.file(f"{name}.npy")) as sink:
            sink.write(npy_header(len(matrix), dim))
            for start in range(0, len(matrix), ROWS_AT_A_TIME):
                sink.write(pa.py_buffer(np.ascontiguousarray(matrix[start : start + ROWS_AT_A_TIME])))
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

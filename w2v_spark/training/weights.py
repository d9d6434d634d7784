"""The two weight matrices of a model: their shape, what they start from, and the files that they lie in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from w2v_spark.config import ModelConfig, PublishedRows
from w2v_spark.errors import StoreError
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.objectives import output_rows_of
from w2v_spark.models.tables import SamplingTables
from w2v_spark.storage import Directory
from w2v_spark.training.file_rows import ROWS_AT_A_TIME, FileRows, let_go
from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, MatrixReader, WeightFile, WeightFiles, open_matrix


@dataclass(frozen=True, slots=True)
class WeightShape:
    """The two matrices of a model.

    Attributes
    ----------
    rows : dict
        Rows by name: ``w_in``, one a word and one a tag or an n-gram, then ``w_out``, one a word, or ``w_node``, one an
        inner node of the tree. A model whose words have no input rows has none of theirs.
    dim : int
        D.
    """

    rows: dict[str, int]
    dim: int

    @classmethod
    def build(cls, model: ModelConfig, vocabulary: int, others: int = 0) -> WeightShape:
        """The shape for so many words, and so many tags or n-grams, whose rows follow those of the words."""
        rows = input_rows_of(model).word_rows(vocabulary) + others, output_rows_of(model).rows(vocabulary)
        return cls.of_rows(model, *rows)

    @classmethod
    def of_rows(cls, model: ModelConfig, inputs: int, outputs: int) -> WeightShape:
        """The shape of matrices of so many rows."""
        return cls({"w_in": inputs, output_rows_of(model).matrix: outputs}, model.dim)

    def __str__(self) -> str:
        return f"rows {self.rows} and dim {self.dim}"

    @property
    def input_rows(self) -> int:
        """Rows of the input matrix."""
        return next(iter(self.rows.values()))

    @property
    def output_rows(self) -> int:
        """Rows of the output matrix."""
        return list(self.rows.values())[1]


def initial_rows(rows: int, dim: int, seed: int) -> Iterator[Matrix]:
    """Batches of the first input matrix: uniform in [-1 / D, 1 / D), as in gensim.

    The original C program takes half of that; CBOW then ends about a point of analogies lower.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, rows, BLOCK_ROWS):
        batch = random.random((min(BLOCK_ROWS, rows - start), dim), dtype=np.float32)
        yield (batch - np.float32(0.5)) * np.float32(2 / dim)


def zero_rows(rows: int, dim: int) -> Iterator[Matrix]:
    """Batches of the first output matrix."""
    for start in range(0, rows, BLOCK_ROWS):
        yield np.zeros((min(BLOCK_ROWS, rows - start), dim), np.float32)


def batches_of(matrix: Matrix, dim: int) -> Iterator[Matrix]:
    """Batches of rows of a padded matrix without their padding."""
    for start in range(0, len(matrix), BLOCK_ROWS):
        yield np.ascontiguousarray(matrix[start : start + BLOCK_ROWS, :dim])


def open_matrices(directory: Directory, shape: WeightShape, files: WeightFiles) -> tuple[MatrixReader, MatrixReader]:
    """The input and the output matrix.

    Raises
    ------
    StoreError
        A file is missing, truncated, of another shape or not the one that was written, or the files do not make up the
        matrices. Blocks of rows are verified when they are read.
    """
    if {name: sum(part.rows for part in parts) for name, parts in files.items()} != shape.rows:
        raise StoreError(f"{directory.uri} lists weights in files that do not make up {shape}")
    first, second = (
        FileRows(
            tuple(open_matrix(directory, part.file, part.rows, shape.dim, part.checksum) for part in files[name]),
            tuple(accumulate((part.rows for part in files[name]), initial=0)),
        )
        for name in shape.rows
    )
    return first, second


def whole_files(shape: WeightShape, stem: str = "", checksums: Sequence[str] = ()) -> WeightFiles:
    """The files of weights that lie in one file a matrix; their names may start with a stem."""
    known = list(checksums) or [""] * len(shape.rows)
    return {
        name: [WeightFile(f"{stem}{name}.npy", rows, found)]
        for (name, rows), found in zip(shape.rows.items(), known, strict=True)
    }


def word_vectors(
    model: ModelConfig, inputs: MatrixReader, outputs: MatrixReader, tables: SamplingTables
) -> Iterator[Matrix]:  # fmt: skip
    """Batches of the rows that are published as the vectors of words: of one matrix, or of the sum of both.

    Words that have no input row, as where documents alone are trained, have what they are scored by: their output row,
    or in a tree the sum of the nodes on their path, each with the sign of its branch, which is the direction in which
    their likelihood grows fastest.
    """
    words = tables.vocabulary_size
    for start in range(0, words, ROWS_AT_A_TIME):
        rows = slice(start, min(start + ROWS_AT_A_TIME, words))
        if not input_rows_of(model).words:
            yield outputs[rows] if output_rows_of(model).of_words else _path_sums(outputs, tables, rows)
        elif model.published_rows is PublishedRows.SUM:
            yield inputs[rows] + outputs[rows]
        else:
            yield inputs[rows] if model.published_rows is PublishedRows.INPUT else outputs[rows]
        for matrix in (inputs, outputs):
            let_go(matrix)


def _path_sums(nodes: MatrixReader, tables: SamplingTables, words: slice) -> Matrix:
    """Of some words; nodes are read anew for each batch, the whole matrix."""
    starts = tables.starts[words.start : words.stop + 1]
    steps = tables.steps[starts[0] : starts[-1]]
    whole = nodes[0 : len(nodes)]
    signs = np.where(steps & 1, np.float32(1), np.float32(-1))
    sums: Matrix = np.add.reduceat(whole[steps >> 1] * signs[:, None], (starts - starts[0])[:-1], axis=0)
    return sums

"""The decomposition of a sparse matrix as Spark jobs, two a step; see `w2v_spark.counting.subspace`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from w2v_spark.config import Config
from w2v_spark.corpus.chunk_files import ChunkFile, read_arrays, write_arrays
from w2v_spark.counting.blocks import stronger
from w2v_spark.counting.stages import BlockFiles, MatrixRows, RowFiles, Stages, StepRecord, Steps
from w2v_spark.counting.subspace import (
    SETTLED,
    block_width,
    change,
    left_transform,
    right_transform,
    spectrum_of,
)
from w2v_spark.kernels.memory import padded
from w2v_spark.run.progress import Progress
from w2v_spark.spark.counting_tasks import Multiply, Project
from w2v_spark.spark.numbered_tasks import do_numbered
from w2v_spark.training.file_rows import FileRows
from w2v_spark.training.matrix_files import MatrixReader, WeightFile, open_matrix, write_matrix
from w2v_spark.training.weights import initial_rows

Numbers = npt.NDArray[np.float64]
Signs = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Decomposes the weights of a run, and keeps what each step has made.

    Attributes
    ----------
    spark : SparkSession
    stages : Stages
    config : Config
    matrix : MatrixRows
    progress : Progress
    """

    spark: SparkSession
    stages: Stages
    config: Config
    matrix: MatrixRows
    progress: Progress

    @property
    def width(self) -> int:
        """K, the directions that are followed."""
        return block_width(self.config.model.dim, self.config.counts.oversampling, *self.matrix.shape)

    def run(self) -> Steps:
        """All steps that are not done yet."""
        most = self.config.counts.iterations + 1  # the last one only looks at what the others have found
        steps = self.stages.read_steps() or self._begin()
        if done := len(steps.history):
            self.progress.say(f"going on after step {done} of at most {most}")
        with self.progress.stopping.rounds():
            while not steps.left:
                steps = self._step(steps, most)
                self.stages.write_steps(steps)
                self.stages.keep(self.matrix.files | steps.files)
                self._show(steps.history[-1], most)
                self.progress.stopping.check(len(steps.history), len(steps.history) if steps.left else most)
        return steps

    def vectors(self, steps: Steps, sides: Sequence[str]) -> list[tuple[MatrixReader, Signs]]:
        """``U S^w`` of the left side, ``V S^w`` of the right one, and the signs that their columns are to have.

        A column and its negative are as good as each other. The largest entry of each is positive, in the first of the
        sides that are asked for.
        """
        if steps.moments is None:
            raise ValueError("a step of the decomposition is not done yet")
        dim, weight = self.config.model.dim, self.config.counts.eigenvalue_weight
        spectrum = spectrum_of(self._read(steps.moments, "moments"))
        orthonormal = self._read(steps.orthonormal, "orthonormal")
        transforms = {
            "left": (steps.left, left_transform(spectrum, dim, weight)),
            "right": (steps.right, right_transform(spectrum, orthonormal, dim, weight)),
        }
        found = [self._project(*transforms[side]) for side in sides]
        signs = np.where(found[0][1] < 0, np.float32(-1), np.float32(1))
        return [(self._open(files), signs) for files, _ in found]

    def _begin(self) -> Steps:
        """Directions at random."""
        rows, width = self.matrix.shape[1], self.width
        made = initial_rows(rows, width, self.config.train.seed)
        found = write_matrix(self.stages.directory, "start.npy", rows, width, made)
        return Steps((WeightFile("start.npy", rows, found),), self._write("orthonormal", np.eye(width)), [], [])

    def _step(self, steps: Steps, most: int) -> Steps:
        """The product of the matrix and the block, and of the transposed matrix and that, unless it was the last."""
        begin, dim = time.perf_counter(), self.config.model.dim
        orthonormal = self._read(steps.orthonormal, "orthonormal")
        left, moments = self._multiply(self.matrix.left, steps.right, orthonormal)
        spectrum = spectrum_of(moments)
        values = np.zeros(dim)
        values[: min(dim, self.width)] = spectrum.values[:dim]
        number = len(steps.history)
        changed = change(np.array(steps.values), values) if number else 1.0
        done = number + 1 == most or (number > 0 and changed < SETTLED)
        right, kept = steps.right, steps.orthonormal
        if not done:
            right, moments_of_right = self._multiply(self.matrix.right, left, spectrum.orthonormal)
            kept = self._write("orthonormal", spectrum_of(moments_of_right).orthonormal)
        seconds = {"total": round(time.perf_counter() - begin, 4)}
        record = StepRecord(number, *_ends(values), changed, seconds)
        return Steps(
            right, kept, [*steps.history, record], values.tolist(),
            left if done else (), self._write("moments", moments) if done else None,
        )  # fmt: skip

    def _multiply(self, rows: RowFiles, block: BlockFiles, transform: Numbers) -> tuple[BlockFiles, Numbers]:
        """Sparse rows times a block and a transformation, and the moments of what comes out, added in row order."""
        written = self._write("transform", transform.astype(np.float32))
        work = Multiply(self.stages.directory.uri, rows, block, self.width, written)
        found = do_numbered(self.spark, work, len(rows))
        moments = np.zeros((self.width, self.width))
        for _, file in found:
            moments += self._read(ChunkFile(*file), "moments")
        return tuple(WeightFile(*file) for file, _ in found), moments

    def _project(self, block: BlockFiles, transform: Signs) -> tuple[BlockFiles, Signs]:
        written = self._write("transform", transform)
        work = Project(self.stages.directory.uri, block, self.width, transform.shape[1], written)
        peaks, files = np.zeros(transform.shape[1], np.float32), []
        for file, largest in do_numbered(self.spark, work, len(block)):
            peaks = stronger(peaks, np.array(largest, np.float32))
            files.append(WeightFile(*file))
        return tuple(files), peaks

    def _open(self, files: BlockFiles) -> MatrixReader:
        width = padded(self.config.model.dim)
        parts = tuple(open_matrix(self.stages.directory, each.file, each.rows, width, each.checksum) for each in files)
        return FileRows(parts, (0, *np.cumsum([each.rows for each in files]).tolist()))

    def _write(self, kind: str, array: npt.NDArray[Any]) -> ChunkFile:
        return write_arrays(self.stages.directory, kind, {kind: array})

    def _read(self, file: ChunkFile, kind: str) -> npt.NDArray[Any]:
        return read_arrays(self.stages.directory, file)[kind]

    def _show(self, record: StepRecord, most: int) -> None:
        self.progress.events.emit("step", **record.to_dict(), steps=most)
        self.progress.say(
            f"train step {record.step + 1} of at most {most}: singular values {record.largest:.4g} to "
            f"{record.smallest:.4g}, change {record.change:.1e}, {record.seconds['total']:.1f} s"
        )


def _ends(values: Numbers) -> tuple[float, float]:
    """The first and the last of the singular values that are not 0."""
    kept = values[values > 0]
    return (float(kept[0]), float(kept[-1])) if len(kept) else (0.0, 0.0)

"""Weights after each round of a run: the checkpoints below ``rounds/`` of the run directory.

A round's files count once its ``round.json`` lists them, each with a checksum, which is verified by whoever reads it.
The newest round that has one is where a run goes on, and the one before is kept to go back to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from w2v_spark.errors import StoreError
from w2v_spark.run.checkpoint import ROUND_FILE, Checkpoint, round_name
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, damage_naming, digest
from w2v_spark.training.correction import Moments
from w2v_spark.training.documents import DocumentRows, Stretches
from w2v_spark.training.file_rows import read_all
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.matrix_files import BLOCK_ROWS, Matrix, MatrixReader, WeightFile, WeightFiles, write_matrix
from w2v_spark.training.row_ranges import plan_row_ranges
from w2v_spark.training.weights import WeightShape, initial_rows, open_matrices, zero_rows

_MOMENTS_FILE: Final = "moments.npz"
_SPARE: Final = "spare"
_DOCUMENTS: Final = "documents"


@dataclass(frozen=True, slots=True)
class RoundFiles:
    """Reads and writes the checkpoints of a run.

    Attributes
    ----------
    place : Directory
        It has a directory for each round.
    run : str
        Identity of the run; what another one has left here is refused.
    """

    place: Directory
    run: str

    def directory(self, rounds_done: int) -> Directory:
        """Where the weights after some rounds are."""
        return self.place.child(round_name(rounds_done))

    @property
    def documents(self) -> Directory:
        """Where the rows of documents are, of all rounds."""
        return self.place.child(_DOCUMENTS)

    def begin(
        self,
        shape: WeightShape,
        seed: int,
        shards: int,
        start: tuple[Iterator[Matrix], Iterator[Matrix]] | None = None,
        documents: bool = False,
    ) -> None:
        """Write the weights that training starts from, in files like those of later rounds, which are written over.

        Parameters
        ----------
        start : batches of the input and of the output matrix, optional
            See `WarmStart.rows`; without it a first training begins.
        documents : bool
            Whether documents have rows.
        """
        directory = self.directory(0).create()
        ranges: dict[str, list[tuple[str, int]]] = {name: [(f"{name}.npy", rows)] for name, rows in shape.rows.items()}
        if shards > 1:
            ranges = {name: [] for name in shape.rows}
            for number, row_range in enumerate(plan_row_ranges(shape)):
                file = f"{number:05d}.npy", row_range.stop - row_range.start
                ranges[list(shape.rows)[row_range.matrix]].append(file)
        matrices = start or (initial_rows(shape.input_rows, shape.dim, seed), zero_rows(shape.output_rows, shape.dim))
        files: WeightFiles = {
            matrix: [
                WeightFile(
                    name, rows, write_matrix(directory, name, rows, shape.dim, islice(batches, -(-rows // BLOCK_ROWS)))
                )
                for name, rows in parts
            ]
            for (matrix, parts), batches in zip(ranges.items(), matrices, strict=True)
        }
        if documents:
            self.documents.create()
        self.finish(0, shape, files, [], documents=((),) * shards if documents else ())

    def finish(
        self,
        rounds_done: int,
        shape: WeightShape,
        files: WeightFiles,
        history: list[RoundRecord],
        moments: str | None = None,
        complete: frozenset[str] = frozenset(),
        documents: tuple[Stretches, ...] = (),
        lying: frozenset[str] | None = None,
    ) -> None:
        """Make the weights in a round's directory the newest checkpoint, and drop all rounds but the one before.

        The directory of the next round stays: its shards may be at work already. Of what is dropped only files that a
        checkpoint has listed, and those in ``complete``, may be written over: an attempt that Spark has given up may
        still be writing to the others.

        Parameters
        ----------
        moments : str, optional
            What `write_moments` has returned for this round.
        documents : tuple of Stretches
            Of each shard, where documents have rows.
        lying : frozenset of str, optional
            What `documents_lying` has returned when no shard was at work; without it none is now.
        """
        directory = self.directory(rounds_done)
        Checkpoint(self.run, rounds_done, shape, files, moments, history, documents).write(directory)
        self._retire(directory, {ROUND_FILE, _MOMENTS_FILE, *_names(files)}, complete)
        kept = [round_name(rounds_done + step) for step in (-1, 0, 1)]
        for info in self.place.list():
            if info.base_name not in (*kept, _SPARE, _DOCUMENTS):
                folder = self.place.child(info.base_name)
                with suppress(StoreError):  # no checkpoint, or a damaged one: none of its files is known to be complete
                    complete |= _names(Checkpoint.read(folder).files)
                self._retire(folder, set(), complete)
                folder.delete()
        if documents:
            self._forget_documents(rounds_done, documents, self.documents_lying() if lying is None else lying)

    def documents_lying(self) -> frozenset[str]:
        """The names of all files of rows of documents, whether a checkpoint lists them or not."""
        return frozenset(info.base_name for info in self.documents.list())

    def _forget_documents(self, rounds_done: int, documents: tuple[Stretches, ...], lying: frozenset[str]) -> None:
        """Remove those of some files of rows of documents that neither this checkpoint nor the one before lists."""
        earlier: tuple[Stretches, ...] = ()
        with suppress(StoreError):
            earlier = Checkpoint.read(self.directory(rounds_done - 1)).documents
        kept = {stretch.file for shard in (*documents, *earlier) for stretch in shard}
        for name in sorted(lying - kept):
            self.documents.remove(name)

    @property
    def spare(self) -> Directory:
        """Files of weights that nobody needs any more, to be written over."""
        return self.place.child(_SPARE)

    def _retire(self, directory: Directory, kept: set[str], complete: frozenset[str]) -> None:
        """Remove all files of a round but some; complete ones on a local file system become spare."""
        for info in directory.list():
            if info.base_name in kept:
                continue
            if directory.is_local and info.base_name in complete:
                directory.move(info.base_name, self.spare.create(), info.base_name)
            else:
                directory.remove(info.base_name)

    def last(
        self, shape: WeightShape, warn: Callable[[str], object] = lambda _: None
    ) -> tuple[int, list[RoundRecord]] | None:
        """The newest checkpoint that is whole: rounds done and their history; None if training has not begun.

        Parameters
        ----------
        warn : function of a line of text
            Is told of a damaged checkpoint where an earlier one takes its place.

        Raises
        ------
        StoreError
            No checkpoint is whole.

        Notes
        -----
        Reads all weights of the checkpoint.
        """
        finished = [info.base_name for info in self.place.list() if self.place.child(info.base_name).exists(ROUND_FILE)]
        damage: StoreError | None = None
        for name in reversed(finished):
            try:
                checkpoint = self._verified(self.place.child(name), shape)
            except StoreError as error:
                damage = damage or error
                continue
            if damage is not None:
                warn(f"{damage}; going back to what was there after round {checkpoint.rounds_done}")
            return checkpoint.rounds_done, checkpoint.history
        if damage is not None:
            raise damage
        return None

    def _verified(self, directory: Directory, shape: WeightShape) -> Checkpoint:
        """A checkpoint, all of it read."""
        checkpoint = Checkpoint.read(directory)
        checkpoint.check(directory, self.run, shape)
        for matrix in open_matrices(directory, shape, checkpoint.files):
            read_all(matrix)
        for stretches in checkpoint.documents:
            DocumentRows(self.documents, stretches, np.empty(0, np.uint64), 0, shape.dim).verify()
        if checkpoint.documents and checkpoint.moments and self.read_moments(checkpoint.rounds_done, shape.dim) is None:
            raise StoreError(f"{directory.uri}/{_MOMENTS_FILE} is missing or damaged")
        return checkpoint

    def read_files(self, rounds_done: int) -> WeightFiles:
        """The files of the weights after some rounds.

        Raises
        ------
        StoreError
            The checkpoint is damaged.
        """
        return Checkpoint.read(self.directory(rounds_done)).files

    def read_documents(self, rounds_done: int) -> tuple[Stretches, ...]:
        """Where the rows of each shard's documents are after some rounds. Raises `StoreError` as `read_files`."""
        return Checkpoint.read(self.directory(rounds_done)).documents

    def read_weights(self, rounds_done: int, shape: WeightShape) -> tuple[MatrixReader, MatrixReader]:
        """The input and the output matrix after some rounds, (rows, D) float32; memory maps where possible."""
        return open_matrices(self.directory(rounds_done), shape, self.read_files(rounds_done))

    def write_moments(self, rounds_done: int, moments: Moments) -> str:
        """Keep second moments with the weights after some rounds; their digest.

        Parameters
        ----------
        moments : (3, D + 1, D) float64
            Of the input and the output matrix, and of the rows that the merge does not see.
        """
        data = arrays_to_bytes({"moments": moments})
        self.directory(rounds_done).write_bytes(_MOMENTS_FILE, data)
        return digest(data)

    def read_moments(self, rounds_done: int, dim: int) -> Moments | None:
        """What `write_moments` kept; None if it kept nothing, or not what is there: they can be worked out again.

        Raises
        ------
        StoreError
            The checkpoint is damaged.
        """
        directory = self.directory(rounds_done)
        expected = Checkpoint.read(directory).moments
        if expected is None or not directory.exists(_MOMENTS_FILE):
            return None
        data = directory.read_bytes(_MOMENTS_FILE)
        if digest(data) != expected:
            return None
        name = f"{directory.uri}/{_MOMENTS_FILE}"
        with damage_naming(name):
            moments: Moments = arrays_from_bytes(data, name)["moments"]
        if moments.shape != (3, dim + 1, dim) or moments.dtype != np.float64 or not np.isfinite(moments).all():
            raise StoreError(f"{name} is damaged: expected finite numbers for D = {dim}")
        return moments


def _names(files: WeightFiles) -> frozenset[str]:
    return frozenset(part.file for parts in files.values() for part in parts)

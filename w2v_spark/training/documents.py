"""Rows of documents: each is trained in one shard, and lies in the file of the slice that trained it last.

A shard's documents are numbered in reading order, so what a slice touches is a stretch of rows, which it writes to a
file of its own. The rows of a shard are then some stretches of files, newer ones in the place of older ones; a document
that no slice has come to has none, and its row begins by its key. Over a run each row is read and written once an
epoch, whatever the rounds are. Rows are never averaged and never in memory all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from w2v_spark.corpus.whole_documents import ShardDocuments
from w2v_spark.kernels.arguments import Documents
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rows import draw_rows
from w2v_spark.storage import Directory
from w2v_spark.training.correction import second_moment
from w2v_spark.training.matrix_files import Matrix, MatrixReader, open_matrix
from w2v_spark.training.row_ranges import CHUNK_ROWS


class Stretch(NamedTuple):
    """Some rows of consecutive documents of a shard, in a file.

    Attributes
    ----------
    file : str
    file_rows : int
        Rows of the whole file.
    checksum : str
        See `matrix_files.write_matrix`.
    skip : int
        The row of the file that is the first document's.
    first : int
        The first document.
    documents : int
    """

    file: str
    file_rows: int
    checksum: str
    skip: int
    first: int
    documents: int

    @property
    def end(self) -> int:
        """Behind the last document."""
        return self.first + self.documents


Stretches = tuple[Stretch, ...]
"""Of a shard, in the order of its documents."""


def stretches_of(value: Any) -> Stretches:
    """A shard's stretches as JSON has them. Raises `TypeError` or `ValueError` where it is something else."""
    found = tuple(
        Stretch(str(file), int(rows), str(checksum), int(skip), int(first), int(count))
        for file, rows, checksum, skip, first, count in value
    )
    if any("/" in stretch.file for stretch in found):
        raise ValueError("not the name of a file of documents")
    if any(stretch.first < before.end for before, stretch in pairwise(found)):
        raise ValueError("stretches of documents overlap")
    return found


def put(stretches: Iterable[Stretch], new: Stretch) -> Stretches:
    """Stretches with a newer one in the place of what it covers."""
    rest: list[Stretch] = []
    for old in stretches:
        if old.first < new.first:
            rest.append(old._replace(documents=min(old.end, new.first) - old.first))
        if old.end > new.end:
            cut = max(new.end - old.first, 0)
            rest.append(old._replace(skip=old.skip + cut, first=old.first + cut, documents=old.documents - cut))
    return tuple(sorted([*rest, new], key=lambda stretch: stretch.first))


@dataclass(slots=True)
class DocumentRows:
    """Reads the rows of a shard's documents, wherever they lie.

    Attributes
    ----------
    directory : Directory
        Of the files.
    stretches : Stretches
    keys : (n,) uint64
        Of all documents of the shard.
    seed, dim : int
    """

    directory: Directory
    stretches: Stretches
    keys: npt.NDArray[np.uint64]
    seed: int
    dim: int
    _open: dict[str, MatrixReader] = field(default_factory=dict, init=False)

    def read(self, first: int, end: int, out: Matrix) -> None:
        """Copy the rows of the documents from ``first`` to before ``end`` to (end - first, >= D) float32.

        Raises
        ------
        StoreError
            Rows are not those that were written.
        """
        reached = first  # what lies before has been copied
        for stretch in self.stretches:
            begin, stop = max(first, stretch.first), min(end, stretch.end)
            if begin < stop:
                self._draw(reached, begin, out[reached - first :])
                rows = slice(stretch.skip + begin - stretch.first, stretch.skip + stop - stretch.first)
                out[begin - first : stop - first, : self.dim] = self._matrix(stretch)[rows]
                reached = stop
        self._draw(reached, end, out[reached - first :])

    def _draw(self, first: int, end: int, out: Matrix) -> None:
        """The rows of documents that no slice has come to."""
        if first < end:
            out[: end - first, : self.dim] = draw_rows(self.keys[first:end], np.uint64(self.seed), self.dim)

    def _matrix(self, stretch: Stretch) -> MatrixReader:
        if stretch.file not in self._open:
            self._open[stretch.file] = open_matrix(
                self.directory, stretch.file, stretch.file_rows, self.dim, stretch.checksum
            )
        return self._open[stretch.file]

    def verify(self) -> None:
        """Read all rows once. Raises `StoreError` where they are damaged."""
        for stretch in self.stretches:
            matrix = self._matrix(stretch)
            for start in range(stretch.skip, stretch.skip + stretch.documents, 1 << 15):
                matrix[start : min(start + (1 << 15), stretch.skip + stretch.documents)]


@dataclass(slots=True)
class SliceRows:
    """The rows of a slice on their way through training: batch after batch of documents.

    Two batches may share a document. Its row is then handed on once the second has been trained.

    Attributes
    ----------
    documents : ShardDocuments
    source : DocumentRows
    first, end : int
        The documents of the slice.
    tag_rows : int
        The row of the input matrix that the tag of number 0 has.
    moments : (D + 1, D) float64
        ``sum_d n_d x_d x_d^T`` and ``sum_d n_d x_d``, n_d the tokens of a document, of what has been handed on.
    tokens : int
        ``sum_d n_d``.
    """

    documents: ShardDocuments
    source: DocumentRows
    first: int
    end: int
    tag_rows: int
    moments: npt.NDArray[np.float64] = field(init=False)
    tokens: int = field(default=0, init=False)
    _held: int = field(init=False)
    _rows: Matrix = field(init=False)

    def __post_init__(self) -> None:
        self.moments = np.zeros((self.source.dim + 1, self.source.dim))
        self._held, self._rows = self.first, np.empty((0, padded(self.source.dim)), np.float32)

    def take(self, positions: npt.NDArray[np.int64]) -> tuple[Documents, list[Matrix]]:
        """The documents of sentences at some positions, for training; and the rows before them, which are final.

        Parameters
        ----------
        positions : (sentences,) int64, ascending
            Of their first tokens in the shard.
        """
        owners = self.documents.at(positions)
        first, end = int(owners[0]), int(owners[-1]) + 1
        done = self._hand_on(first)
        rows = aligned_zeros(end - first, padded(self.source.dim))
        kept = len(self._rows)
        rows[:kept] = self._rows
        if first + kept < end:
            self.source.read(first + kept, end, rows[kept:])
        self._rows = rows
        starts = self.documents.tag_starts[first : end + 1]
        tags = self.documents.tags[starts[0] : starts[-1]] + self.tag_rows
        return Documents(rows, owners - first, starts - starts[0], tags), done

    def finish(self) -> list[Matrix]:
        """All rows that have not been handed on."""
        return self._hand_on(self.end)

    def _hand_on(self, before: int) -> list[Matrix]:
        """The final rows of the documents before that one, those that nobody has trained as they were."""
        held = self._held + len(self._rows)
        done = [self._rows[: max(before - self._held, 0)]]
        if held < before:
            skipped = np.empty((before - held, padded(self.source.dim)), np.float32)
            self.source.read(held, before, skipped)
            done.append(skipped)
        self._rows = self._rows[max(before - self._held, 0) :]
        matrices = [np.ascontiguousarray(rows[:, : self.source.dim]) for rows in done if len(rows)]
        for rows in matrices:
            self._add_moments(self._held, rows)
            self._held += len(rows)
        return matrices

    def _add_moments(self, first: int, rows: Matrix) -> None:
        tokens = np.diff(self.documents.token_starts[first : first + len(rows) + 1])
        for start in range(0, len(rows), CHUNK_ROWS):
            some = slice(start, start + CHUNK_ROWS)
            self.moments += second_moment(rows[some], tokens[some].astype(np.float64))
        self.tokens += int(tokens.sum())


def whole_rows(
    directory: Directory, documents: ShardDocuments, stretches: Sequence[Stretch], seed: int, dim: int, batch: int
) -> Iterator[Matrix]:
    """All rows of a shard, so many at a time, (rows, D) float32."""
    source = DocumentRows(directory, tuple(stretches), documents.keys, seed, dim)
    for start in range(0, len(documents), batch):
        rows = np.empty((min(batch, len(documents) - start), dim), np.float32)
        source.read(start, start + len(rows), rows)
        yield rows

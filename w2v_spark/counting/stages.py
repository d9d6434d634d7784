"""What is finished of a decomposition, as files of the run directory say it: below ``factorization/``.

``counted.json`` lists the files of counts, ``matrix.json`` those of the weights that they have become, and
``steps.json`` the block of directions after the last finished step. Each is written last of its stage and makes it
count; what interrupted tasks leave behind is in none of them, and never read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple, Self

from w2v_spark.corpus.chunk_files import ChunkFile
from w2v_spark.counting.rows import RowFile
from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory, damage_naming, from_plain
from w2v_spark.training.matrix_files import WeightFile

COUNTED_FILE: Final = "counted.json"
MATRIX_FILE: Final = "matrix.json"
STEPS_FILE: Final = "steps.json"

RowFiles = tuple[RowFile, ...]
BlockFiles = tuple[WeightFile, ...]


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A finished step of the decomposition.

    Attributes
    ----------
    step : int
        From 0.
    largest, smallest : float
        The first singular value, and that of the last dimension of the vectors, as far as they are found.
    change : float
        What a singular value has changed by since the step before, at most, in parts of it; 1 in the first step.
    seconds : dict of str to float
        ``total`` is wall time.
    """

    step: int
    largest: float
    smallest: float
    change: float
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


class Counted(NamedTuple):
    """Counts in files.

    Attributes
    ----------
    left, right : tuple of RowFile
        Rows of words, or of documents, and of what the columns are; the same files twice where the counts are
        symmetric.
    arrays : ChunkFile
        What weights are made with.
    """

    left: RowFiles
    right: RowFiles
    arrays: ChunkFile


class MatrixRows(NamedTuple):
    """A sparse matrix in files: its rows, and those of its transposed.

    Attributes
    ----------
    left, right : tuple of RowFile
    """

    left: RowFiles
    right: RowFiles

    @property
    def files(self) -> set[str]:
        """The names of all files."""
        return {file.name for file in (*self.left, *self.right)}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return sum(file.rows for file in self.left), sum(file.rows for file in self.right)

    @property
    def entries(self) -> int:
        """How many entries are not 0."""
        return sum(file.entries for file in self.left)


class Steps(NamedTuple):
    """How far the decomposition is.

    Attributes
    ----------
    right : tuple of WeightFile
        The block of directions that the next step, or in the end the last one, multiplies the matrix by.
    orthonormal : ChunkFile
        What makes its columns orthonormal.
    history : list of StepRecord
    values : list of float
        Singular values after the last step, those of the vectors' dimensions.
    left : tuple of WeightFile
        The product of the matrix and that block, once no step is left; else empty.
    moments : ChunkFile or None
        Those of its columns.
    """

    right: BlockFiles
    orthonormal: ChunkFile
    history: list[StepRecord]
    values: list[float]
    left: BlockFiles = ()
    moments: ChunkFile | None = None

    @property
    def files(self) -> set[str]:
        """The names of all files."""
        arrays = {self.orthonormal.name} | (set() if self.moments is None else {self.moments.name})
        return arrays | {file.file for file in (*self.right, *self.left)}


@dataclass(frozen=True, slots=True)
class Stages:
    """Reads and writes the lists of one run.

    Attributes
    ----------
    directory : Directory
    run : str
        Its identity; lists of another one are refused.
    """

    directory: Directory
    run: str

    @classmethod
    def open(cls, directory: Directory, run: str) -> Self:
        """With a directory that is there."""
        return cls(directory.create(), run)

    def write_counted(self, counted: Counted) -> None:
        """Counts are there from now on."""
        self._write(COUNTED_FILE, counted._asdict())

    def read_counted(self) -> Counted | None:
        """What `write_counted` has written, if anything. Raises `StoreError` if it is damaged."""
        if (value := self._read(COUNTED_FILE)) is None:
            return None
        with damage_naming(self._name(COUNTED_FILE)):
            return Counted(_rows(value["left"]), _rows(value["right"]), ChunkFile(*value["arrays"]))

    def write_matrix(self, matrix: MatrixRows) -> None:
        """Weights are there from now on."""
        self._write(MATRIX_FILE, matrix._asdict())

    def read_matrix(self) -> MatrixRows | None:
        """What `write_matrix` has written, if anything. Raises `StoreError` if it is damaged."""
        if (value := self._read(MATRIX_FILE)) is None:
            return None
        with damage_naming(self._name(MATRIX_FILE)):
            return MatrixRows(_rows(value["left"]), _rows(value["right"]))

    def write_steps(self, steps: Steps) -> None:
        """A step is finished: from now on it counts, and the one before does not."""
        self._write(STEPS_FILE, {**steps._asdict(), "history": [record.to_dict() for record in steps.history]})

    def read_steps(self) -> Steps | None:
        """What `write_steps` has written, if anything. Raises `StoreError` if it is damaged."""
        if (value := self._read(STEPS_FILE)) is None:
            return None
        with damage_naming(self._name(STEPS_FILE)):
            moments = value["moments"]
            return Steps(
                _blocks(value["right"]), ChunkFile(*value["orthonormal"]),
                [from_plain(StepRecord, record) for record in value["history"]],
                [float(each) for each in value["values"]], _blocks(value["left"]),
                None if moments is None else ChunkFile(*moments),
            )  # fmt: skip

    def keep(self, files: set[str]) -> None:
        """Remove all files that nobody needs any more; a set of those that are needed."""
        for info in self.directory.list():
            if info.base_name not in files | {COUNTED_FILE, MATRIX_FILE, STEPS_FILE}:
                self.directory.remove(info.base_name)

    def _name(self, file: str) -> str:
        return f"{self.directory.uri}/{file}"

    def _write(self, file: str, value: dict[str, Any]) -> None:
        self.directory.write_sealed_json(file, {"run": self.run, **value})

    def _read(self, file: str) -> dict[str, Any] | None:
        if not self.directory.exists(file):
            return None
        value = self.directory.read_sealed_json(file)
        if value.get("run") != self.run:
            raise StoreError(f"{self._name(file)} belongs to another run")
        return value


def _rows(value: Any) -> RowFiles:
    return tuple(RowFile(str(name), str(found), int(rows), int(entries)) for name, found, rows, entries in value)


def _blocks(value: Any) -> BlockFiles:
    return tuple(WeightFile(str(name), int(rows), str(found)) for name, rows, found in value)

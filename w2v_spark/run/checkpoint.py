"""What ``round.json`` says of a finished round: the files of the weights after it, and the history so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory, damage_naming, from_plain
from w2v_spark.training.documents import Stretches, stretches_of
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.matrix_files import WeightFiles, weight_files
from w2v_spark.training.weights import WeightShape

ROUND_FILE: Final = "round.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A finished round.

    Attributes
    ----------
    run : str
        Identity of the run.
    rounds_done : int
    shape : WeightShape
    files : WeightFiles
    moments : str or None
        The digest of the second moments that lie beside the weights; None where none were kept.
    history : list of RoundRecord
        Of all rounds so far.
    documents : tuple of Stretches
        Where the rows of each shard's documents are; empty where documents have none.
    """

    run: str
    rounds_done: int
    shape: WeightShape
    files: WeightFiles
    moments: str | None
    history: list[RoundRecord]
    documents: tuple[Stretches, ...] = ()

    def write(self, directory: Directory) -> None:
        """Save as ``round.json``, whole or not at all: it makes the round count."""
        directory.write_sealed_json(
            ROUND_FILE,
            {
                "run": self.run,
                "rounds_done": self.rounds_done,
                "rows": self.shape.rows,
                "dim": self.shape.dim,
                "files": self.files,
                "moments": self.moments,
                "documents": self.documents,
                "history": [record.to_dict() for record in self.history],
            },
        )

    @classmethod
    def read(cls, directory: Directory) -> Self:
        """Load what `write` saved.

        Raises
        ------
        StoreError
            It is missing or damaged.
        """
        value = directory.read_sealed_json(ROUND_FILE)
        with damage_naming(f"{directory.uri}/{ROUND_FILE}"):
            history = [from_plain(RoundRecord, record) for record in value["history"]]
            moments = None if value["moments"] is None else str(value["moments"])
            rows = {str(name): int(number) for name, number in value["rows"].items()}
            shape = WeightShape(rows, int(value["dim"]))
            files = weight_files(value["files"])
            documents = tuple(map(stretches_of, value.get("documents", ())))
            return cls(str(value["run"]), int(value["rounds_done"]), shape, files, moments, history, documents)

    def check(self, directory: Directory, run: str, shape: WeightShape) -> None:
        """Refuse a round of another run or another model, or in the place of another round.

        Raises
        ------
        StoreError
        """
        name = f"{directory.uri}/{ROUND_FILE}"
        if self.run != run:
            raise StoreError(f"{name} belongs to another run")
        if self.shape != shape:
            raise StoreError(f"{directory.uri} holds weights of {self.shape}, expected {shape}")
        if directory.path.rpartition("/")[2] != round_name(self.rounds_done):
            raise StoreError(f"{name} is of another round: {self.rounds_done} rounds are done in it")
        if len(self.history) != self.rounds_done:
            raise StoreError(f"{name} is damaged: {len(self.history)} records of {self.rounds_done} rounds")


def round_name(rounds_done: int) -> str:
    """The name of the directory of the weights after some rounds."""
    return f"{rounds_done:05d}"

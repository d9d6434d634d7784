"""A model of documents in files that many processes map: what inference reads of it, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from w2v_spark.config import Config
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.inference.document_inference import DocumentInference, OpenModel
from w2v_spark.kernels.arguments import Weights
from w2v_spark.kernels.memory import padded
from w2v_spark.models.tables import SamplingTables
from w2v_spark.phrases.units import Units
from w2v_spark.publishing.layout import SAMPLING_FILE
from w2v_spark.storage import Directory, digest
from w2v_spark.training.file_rows import ROWS_AT_A_TIME
from w2v_spark.training.matrix_files import Matrix, open_matrix, write_matrix

_VOCABULARY: Final = "vocabulary.parquet"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """Where the files are, by a name that executors know, and what they are.

    Attributes
    ----------
    uri : str
    config : Config
    vocabulary, tables : str
        Digests of the files.
    matrices : tuple of (str, int, str)
        Of the input and of the output matrix: the file, its rows, and its checksum.
    units : tuple of (str, str)
        Files of what words become, and their digests.
    """

    uri: str
    config: Config
    vocabulary: str
    tables: str
    matrices: tuple[tuple[str, int, str], ...]
    units: tuple[tuple[str, str], ...] = ()

    @classmethod
    def write(cls, directory: Directory, opened: OpenModel, config: Config) -> ServedModel:
        """Write the files into a directory. Memory: 32,768 rows."""
        directory.create()
        vocabulary, tables = Vocabulary(opened.words, opened.counts).to_bytes(), opened.tables.to_bytes()
        directory.write_bytes(_VOCABULARY, vocabulary)
        directory.write_bytes(SAMPLING_FILE, tables)
        width = padded(config.model.dim)
        matrices = []
        for name, matrix in zip(("w_in.npy", "w_out.npy"), opened.needed(), strict=True):
            batches = (
                _widened(matrix[start : start + ROWS_AT_A_TIME], width)
                for start in range(0, len(matrix), ROWS_AT_A_TIME)
            )
            matrices.append((name, len(matrix), write_matrix(directory, name, len(matrix), width, batches)))
        units = opened.units.files()
        for name, data in units.items():
            directory.write_bytes(name, data)
        digests = tuple((name, digest(data)) for name, data in units.items())
        return cls(directory.uri, config, digest(vocabulary), digest(tables), tuple(matrices), digests)

    def load(self) -> DocumentInference:
        """The model, kept by a process from call to call; matrices on a local disk are shared by all processes."""
        return _load(self)


def _widened(rows: Matrix, width: int) -> Matrix:
    out = np.zeros((len(rows), width), np.float32)
    out[:, : rows.shape[1]] = rows
    return out


@lru_cache(maxsize=2)
def _load(served: ServedModel) -> DocumentInference:
    directory = Directory.open(served.uri)
    vocabulary = Vocabulary.read(directory, _VOCABULARY, served.vocabulary)
    tables = SamplingTables.from_bytes(directory.read_bytes(SAMPLING_FILE, served.tables), SAMPLING_FILE)
    weights = Weights(*(_map(directory, *file, padded(served.config.model.dim)) for file in served.matrices))
    units = Units.read(directory, dict(served.units))
    return DocumentInference(served.config, vocabulary.words, tables, weights, units)


def _map(directory: Directory, name: str, rows: int, checksum: str, width: int) -> Matrix:
    """A matrix that kernels may be given, which take no read-only one: private to the process once it is written to."""
    whole = open_matrix(directory, name, rows, width, checksum)[0:rows]
    if not directory.is_local:
        return np.array(whole)
    mapped: Matrix = np.load(directory.file(name), mmap_mode="c").view(np.ndarray) if rows else np.array(whole)
    return mapped

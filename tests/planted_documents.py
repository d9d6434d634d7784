"""A model directory with documents of planted topics, as a training publishes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import fs

from w2v_spark.config import Config
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.publishing.description import EncodedStatistics, ModelDescription
from w2v_spark.storage import Directory
from w2v_spark.training.plan import Plan
from w2v_spark.vectors.document_table import DocumentBatch, write_documents_part
from w2v_spark.vectors.table import write_vectors

DIM = 24
WORDS_OF_A_TOPIC = 12
STOP_WORDS = 6
NOISE = 0.1  # standard deviation of a number of a document, beside centres of length 1


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """What was planted: the topic of each document, by id, and the words of each topic."""

    topics: npt.NDArray[np.int64]
    words: list[list[str]]
    vectors: npt.NDArray[np.float32]


def plant(documents: int = 2000, topics: int = 8, seed: int = 3, dim: int = DIM) -> Planted:
    """Documents around centres that are nearly at right angles."""
    random = np.random.default_rng(seed)
    centres = np.linalg.qr(random.standard_normal((dim, dim)))[0][:topics]
    owners = random.integers(0, topics, documents)
    vectors = centres[owners] + NOISE * random.standard_normal((documents, dim))
    lengths = random.uniform(0.5, 2, (documents, 1))  # which say nothing about the topic
    words = [[f"t{topic}w{number:02d}" for number in range(WORDS_OF_A_TOPIC)] for topic in range(topics)]
    return Planted(owners, words, (vectors * lengths).astype(np.float32))


def write_model(
    directory: Path,
    planted: Planted,
    files: int = 3,
    ids: pa.Array | None = None,
    nulls: Sequence[int] = (),
    seed: int = 3,
) -> Path:
    """The directory of a model, with words around the same centres."""
    random = np.random.default_rng(seed)
    topics, dim = len(planted.words), planted.vectors.shape[1]
    centres = np.linalg.qr(random.standard_normal((dim, dim)))[0][:topics]
    rows, names = [], []
    for number in range(STOP_WORDS):  # near all topics
        names.append(f"stop{number}")
        rows.append(centres.sum(axis=0) + 0.1 * random.standard_normal(dim))
    for place in range(WORDS_OF_A_TOPIC):
        for topic in range(topics):
            names.append(planted.words[topic][place])
            rows.append(centres[topic] + 0.02 * (place + 1) * random.standard_normal(dim))
    counts = np.arange(len(names), 0, -1, dtype=np.int64) * 10
    matrix = np.asarray(rows, dtype=np.float32)
    write_vectors(fs.LocalFileSystem(), str(directory / "vectors"), pa.array(names), counts, [matrix], {})
    write_documents(directory, planted.vectors, files, ids, nulls)
    return directory


def write_documents(
    directory: Path, vectors: Any, files: int = 3, ids: pa.Array | None = None, nulls: Sequence[int] = ()
) -> Path:
    """A complete result with a table of documents; some of them have no vector."""
    count = len(vectors)
    ids = pa.array([f"doc{number:05d}" for number in range(count)]) if ids is None else ids
    missing = np.isin(np.arange(count), list(nulls))
    tokens = np.where(missing, 0, 20)
    table = (directory / "documents").resolve()
    table.mkdir(parents=True)
    edges = np.linspace(0, count, files + 1).astype(int).tolist()
    for number, (start, stop) in enumerate(pairwise(edges)):
        rows = slice(start, stop)
        batch = DocumentBatch(ids[rows], tokens[rows], vectors[rows], missing[rows])
        path = str(table / f"part-{number:05d}.parquet")
        write_documents_part(fs.LocalFileSystem(), path, ids.type, vectors.shape[1], [batch], {}, files)
    (directory / "_SUCCESS").touch()
    return directory


def write_description(directory: Path) -> None:
    """A ``model.json`` that says how text was read: by the defaults."""
    config = Config()
    ModelDescription(
        "planted", config, Plan.build(config, 1, 1000, 100), CorpusStatistics(1, 1, 1000, 1, 0, 0),
        EncodedStatistics(1, 1, 1, ""), {}, {},
    ).write(Directory.open(directory))  # fmt: skip

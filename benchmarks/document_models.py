"""The models of documents, each trained by this project's command line and by gensim with the same settings."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.common import ROOT, setting_arguments, spark_environment
from benchmarks.memory import Run, run_measured, stop_on_failure

Matrix = npt.NDArray[np.float32]
Report = dict[str, Any]

MODELS = {  # settings of ours, arguments of gensim's Doc2Vec
    "pv_dbow_words": (("model.architecture=pv_dbow",), {"dm": 0, "dbow_words": 1}),
    "pv_dbow": (("model.architecture=pv_dbow", "model.dbow_words=false"), {"dm": 0, "dbow_words": 0}),
    "pv_dm": (("model.architecture=pv_dm",), {"dm": 1, "dbow_words": 0}),
}
LONGEST = 10_000  # words of one sentence: gensim takes a document as one, and drops the words after so many


@dataclass(frozen=True, slots=True)
class Settings:
    """What both programs are told, each under its own names.

    Attributes
    ----------
    model : str
        A name in `MODELS`.
    """

    model: str
    epochs: int
    window: int
    sample: float
    learning_rate: float = 0.025
    min_learning_rate: float = 0.0001
    min_count: int = 2
    dim: int = 100
    negatives: int = 5
    seed: int = 1

    def ours(self) -> list[str]:
        """``section.key=value`` texts."""
        model = ("dim", "window", "negatives")
        train = ("epochs", "learning_rate", "min_learning_rate", "sample", "seed")
        return [
            *MODELS[self.model][0],
            *(f"model.{name}={getattr(self, name)}" for name in model),
            *(f"train.{name}={getattr(self, name)}" for name in train),
            f"vocabulary.min_count={self.min_count}",
            f"text.max_sentence_length={LONGEST}",
        ]

    def gensim(self, workers: int) -> dict[str, Any]:
        """Keyword arguments of Doc2Vec."""
        return {
            **MODELS[self.model][1],
            "dm_mean": 1,
            "hs": 0,
            "vector_size": self.dim,
            "window": self.window,
            "negative": self.negatives,
            "epochs": self.epochs,
            "alpha": self.learning_rate,
            "min_alpha": self.min_learning_rate,
            "sample": self.sample,
            "min_count": self.min_count,
            "seed": self.seed,
            "workers": workers,
        }


def train_ours(tokens: Path, output: Path, settings: Sequence[str], master: str) -> tuple[Run, Report]:
    """Train with the command line, as a user would; how it went, and its ``model.json``.

    Parameters
    ----------
    tokens : Parquet file with ``id`` and ``words``
    output : directory of the run
    settings : ``section.key=value`` texts
    master : of Spark
    """
    command = ["train", *_source(tokens), "--output", str(output), *setting_arguments(settings)]
    run = run_command(command, output.parent, master)
    return run, json.loads((output / "model.json").read_text())


def infer_ours(model: Path, tokens: Path, output: Path, master: str, epochs: int) -> Run:
    """Infer vectors of documents with the command line, which writes ``output/documents``."""
    command = ["infer", "--model", str(model), *_source(tokens), "--output", str(output)]
    return run_command([*command, *setting_arguments([f"infer.epochs={epochs}"])], output.parent, master)


def run_command(arguments: Sequence[str], directory: Path, master: str) -> Run:
    """Run this project's command line and measure it; ends the program when it fails."""
    run = run_measured([sys.executable, "-m", "w2v_spark", *arguments], spark_environment(master), directory)
    stop_on_failure(f"w2v_spark {arguments[0]}", run)
    return run


def run_gensim(tokens: Path, report: Path, arguments: dict[str, Any], more: Sequence[str] = ()) -> tuple[Run, Report]:
    """Train gensim in a process of its own; how it went, and what `gensim_documents` reports."""
    command = [sys.executable, "-m", "benchmarks.gensim_documents", "--tokens", str(tokens), "--report", str(report)]
    command += ["--settings", json.dumps(arguments), *more]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # its workers are its threads
    run = run_measured(command, {**os.environ, **threads, "PYTHONPATH": str(ROOT)}, report.parent)
    stop_on_failure("gensim", run)
    return run, json.loads(report.read_text())


def read_documents(directory: Path, ids: Sequence[str], may_lack: bool = False) -> Matrix:
    """Vectors of documents that this project has published, in the order of some ids; zeros where one is null.

    Parameters
    ----------
    directory, ids
    may_lack : bool
        Give zeros for documents that training has left out, as it does with those without a known word.

    Returns
    -------
    (ids, D) float32
    """
    table = pq.read_table(directory, columns=["id", "vector"])
    known = table.filter(pc.is_valid(table["vector"])).combine_chunks()
    rows = dict(zip(known["id"].cast(pa.string()).to_pylist(), range(len(known)), strict=True))
    lost = set(ids) - set(table["id"].cast(pa.string()).to_pylist())
    if lost and not may_lack:
        sys.exit(f"{directory} lacks {len(lost):,} of {len(ids):,} documents, {sorted(lost)[0]!r} for one")
    vectors = known["vector"].combine_chunks().flatten().to_numpy().reshape(len(known), -1)
    padded = np.concatenate([vectors, np.zeros_like(vectors[:1])])
    return np.ascontiguousarray(padded[[rows.get(name, len(known)) for name in ids]], np.float32)


def directory_bytes(directory: Path) -> int:
    """Size of all files below a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _source(tokens: Path) -> list[str]:
    return ["--input", str(tokens), "--format", "parquet", "--column", "words", "--id", "id"]

"""Predict a large run on a cluster from what was measured on one machine; the table of ``docs/design/scaling.md``.

No measurement: arithmetic on ``results/kernels.json``, ``billion.json``, ``rounds.json`` and ``jobs.json``, and on
assumptions about machines that are named below.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.common import RESULTS, print_table
from w2v_spark.training.plan import choose_rounds

WORDS: Final = 100_000_000_000
VOCABULARY, DIM, EPOCHS = 3_000_000, 300, 1
CORES: Final = 8  # of an executor; assumed
NETWORK: Final = 1.25e9  # bytes per second in and out of an executor, storage included; assumed (10 Gbit/s)
TEXT_BYTES: Final = 3.0  # of compressed Parquet a word, as measured in billion.json


@dataclass(frozen=True, slots=True)
class Measured:
    """Words per second and core of each stage, seconds of merging for a row with D = 300, and those of Spark's part.

    ``job`` is one job of two tasks that do nothing, ``task`` each further task.
    """

    count: float
    encode: float
    train: float
    merge_row: float
    job: float
    task: float

    @classmethod
    def read(cls) -> Measured:
        """From the committed results."""
        billion, kernels, rounds, jobs = (_read(name) for name in ("billion", "kernels", "rounds", "jobs"))
        stages = billion["ours"]["stages"]
        words = billion["ours"]["corpus"]["tokens"]
        train = next(
            row["words_per_second"]
            for row in kernels["rows"]
            if (row["model"], row["dim"], row["vocabulary_size"]) == ("skipgram_negative_sampling", DIM, 1_000_000)
        )
        merge = rounds["rounds"][-1]["seconds"]["merge"] * 2 / (2 * rounds["vocabulary"])  # two cores, two matrices
        spark = jobs["rows"][-1]
        return cls(
            words / stages["count"] / 2, words / stages["encode"] / 2, train, merge * (DIM / rounds["dim"]) ** 2,
            spark["milliseconds"] / 1000, spark["further_task"] / 1000,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prediction:
    """Seconds of a run, gigabytes through the network of one executor, and gigabytes of its memory for weights."""

    executors: int
    threads: int
    shards: int
    rounds: int
    text: float
    train: float
    weights: float
    merge: float
    network: float
    memory: float

    @property
    def total(self) -> float:
        """Seconds of everything."""
        return self.text + self.train + self.weights + self.merge

    @classmethod
    def build(cls, measured: Measured, executors: int, threads: int) -> Prediction:
        """For executors that run ``CORES // threads`` shards each."""
        cores, shards = executors * CORES, executors * CORES // threads
        rounds, weights = choose_rounds(WORDS * EPOCHS, shards), 8.0 * VOCABULARY * DIM
        text_moved = WORDS * (2 * TEXT_BYTES + 2 * 4) / executors  # read twice; ids shuffled and written
        text = WORDS / cores * (1 / measured.count + 1 / measured.encode) + text_moved / NETWORK
        moved = rounds * (2 * shards * weights + (shards + 1) * weights + weights) / executors
        merge = rounds * (2 * VOCABULARY * measured.merge_row / cores + 2 * measured.job + 2 * shards * measured.task)
        train = WORDS * EPOCHS / (cores * measured.train)
        memory = CORES // threads * weights * 1.013  # D padded to whole registers
        return cls(
            executors, threads, shards, rounds, text, train, moved / NETWORK, merge,
            (moved + text_moved) / 1e9, memory / 1e9,
        )  # fmt: skip


def main() -> None:
    """Print the table."""
    measured = Measured.read()
    print(measured)
    rows = []
    for executors in (10, 50, 100):
        for threads in (1, CORES):
            p = Prediction.build(measured, executors, threads)
            minutes = (f"{seconds / 60:.0f}" for seconds in (p.text, p.train, p.weights, p.merge, p.total))
            rows.append(
                (str(p.executors), str(p.threads), str(p.shards), str(p.rounds), *minutes, f"{p.network:,.0f}",
                 f"{p.memory:.0f}")
            )  # fmt: skip
    header = ["executors", "threads", "P", "T", "text, min", "train, min", "weights, min", "merge, min", "all, min"]
    print_table([*header, "network, GB an executor", "weights, GB an executor"], rows)


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    main()

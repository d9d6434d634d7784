"""Predict a large run on a cluster from what was measured on one machine; the table of ``docs/design/scaling.md``.

No measurement: arithmetic on ``results/kernels.json``, ``billion.json``, ``rounds.json`` and ``jobs.json``, and on
assumptions about machines that are named below.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.common import RESULTS, print_table
from w2v_spark.config import Config
from w2v_spark.kernels.noise_pool import TOKENS_A_WORD
from w2v_spark.models.alias import noise_probabilities
from w2v_spark.models.subsample import keep_probabilities
from w2v_spark.training.changed_rows import FEW
from w2v_spark.training.noise_pool import pool_size
from w2v_spark.training.plan import choose_rounds
from w2v_spark.training.shard_work import draws_ahead

WORDS: Final = 100_000_000_000
VOCABULARY, DIM, EPOCHS = 3_000_000, 300, 1
CORES: Final = 8  # of an executor; assumed
NETWORK: Final = 1.25e9  # bytes per second in and out of an executor, storage included; assumed (10 Gbit/s)
TEXT_BYTES: Final = 3.0  # of compressed Parquet a word, as measured in billion.json
FLATTENING: Final = 2.7  # of the law by which words are assumed to occur, as in `corpus.synthetic_corpus`


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
        stages = billion["others"]["old"]["stages"]  # by way of Spark, as in a cluster; ours reads local files itself
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


def touched(vocabulary: int, words: float, tokens: float) -> float:
    """The part of the rows of both matrices that a slice of so many words exchanges, of a text of so many tokens.

    Expected, for words by Zipf's law, the default settings and skip-gram with negative sampling.
    """
    config, shares = Config(), 1 / (np.arange(1, vocabulary + 1) + FLATTENING)
    shares /= shares.sum()
    counts = np.maximum(shares * tokens, 1)
    met = words * shares * keep_probabilities(counts.astype(np.int64), config.train.sample)
    pool = pool_size(config, vocabulary, int(words), 2)
    drawn = pool * np.ceil(words / (TOKENS_A_WORD * pool)) if pool else config.model.negatives * met.sum()
    noise = noise_probabilities(counts.astype(np.int64), config.model.noise_exponent)
    parts = [float((1 - np.exp(-each)).mean()) for each in (met, met + drawn * noise)]
    if not draws_ahead(words, 2 * vocabulary, pool):
        return 1.0
    return sum(part if part <= FEW else 1.0 for part in parts) / 2


@dataclass(frozen=True, slots=True)
class Prediction:
    """Seconds of a run, gigabytes through the network of one executor, and gigabytes of its memory for weights.

    ``touched`` is the part of the rows that a shard exchanges. ``weights`` are the seconds of moving them with the run
    directory on an object store, where a shard reads all blocks, and ``mounted`` with a file system that executors map,
    each of which reads every block once a round for all of its shards.
    """

    executors: int
    threads: int
    shards: int
    rounds: int
    text: float
    train: float
    touched: float
    weights: float
    mounted: float
    merge: float
    network: float
    memory: float

    @property
    def total(self) -> float:
        """Seconds of everything, on an object store."""
        return self.text + self.train + self.weights + self.merge

    @classmethod
    def build(cls, measured: Measured, executors: int, threads: int) -> Prediction:
        """For executors that run ``CORES // threads`` shards each."""
        cores, shards = executors * CORES, executors * CORES // threads
        rounds, weights = choose_rounds(WORDS * EPOCHS, shards), 8.0 * VOCABULARY * DIM
        text_moved = WORDS * (2 * TEXT_BYTES + 2 * 4) / executors  # read twice; ids shuffled and written
        text = WORDS / cores * (1 / measured.count + 1 / measured.encode) + text_moved / NETWORK
        part = touched(VOCABULARY, WORDS * EPOCHS / shards / rounds, WORDS)
        exchanged = rounds * (2 * part * shards + 2) * weights / executors  # written, and read and written by the merge
        moved, mounted = (exchanged + rounds * read * weights / executors for read in (shards, executors))
        merge = rounds * (2 * VOCABULARY * measured.merge_row / cores + 2 * measured.job + 2 * shards * measured.task)
        train = WORDS * EPOCHS / (cores * measured.train)
        memory = CORES // threads * weights * 1.013  # D padded to whole registers
        return cls(
            executors, threads, shards, rounds, text, train, part, moved / NETWORK, mounted / NETWORK, merge,
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
            seconds = p.text, p.train, p.weights, p.merge, p.total, p.total - p.weights + p.mounted
            rows.append(
                (str(p.executors), str(p.threads), str(p.shards), str(p.rounds), f"{p.touched:.2f}",
                 *(f"{each / 60:.0f}" for each in seconds), f"{p.network:,.0f}", f"{p.memory:.0f}")
            )  # fmt: skip
    header = ["executors", "threads", "P", "T", "touched", "text, min", "train, min", "weights, min", "merge, min"]
    print_table([*header, "all, min", "all, mounted, min", "network, GB an executor", "weights, GB an executor"], rows)


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    main()

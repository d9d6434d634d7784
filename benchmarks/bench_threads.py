"""Measure threads on one copy of the weights: speed and memory beside one thread, and a process and copy each."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from benchmarks.common import print_table, timed, write_result
from benchmarks.corpus import SENTENCE_WORDS, Corpus, synthetic_corpus
from benchmarks.memory import MEBIBYTE, measure_tree
from benchmarks.models import Ours, model_config
from w2v_spark.config import TrainConfig
from w2v_spark.training.trainer import ThreadedTrainer

MODEL = "skipgram_negative_sampling"
TRAIN = TrainConfig(epochs=1, sample=1e-3)
BATCH_SENTENCES = (1 << 18) // SENTENCE_WORDS  # as a record batch of a shard has: threads meet at the end of each

MEMORY = ("memory",)

MEANING = {
    "words_per_second": "of the vocabulary, those that subsampling drops count; of the medians of the runs, which "
    "take turns. Reading, writing and merging are not in it: two processes would have to merge as well",
    "weights_mib": "by which the processes grew when they made their weights and the sampling tables",
    "memory_mib": "of the processes in all, proportional set size after training",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mode:
    """How the words are trained: so many processes, each with so many threads on one copy of the weights."""

    name: str
    processes: int
    threads: int


MODES = (
    Mode("1 thread", 1, 1),
    Mode("2 threads, one copy", 1, 2),
    Mode("2 processes, a copy each", 2, 1),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the three ways in turn, write ``results/threads.json`` unless it was quick."""
    options = _parse(argv)
    size, dim, words = (100_000, 100, 500_000) if options.quick else (1_000_000, 300, 3_000_000)
    whole = synthetic_corpus(size)
    parts = [Corpus(whole.vocabulary, whole.ids[start:], whole.offsets, words).head(2 * words) for start in (0, words)]
    seconds: dict[str, list[float]] = {mode.name: [] for mode in MODES}
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(dim, part)) for part in parts]
        weights = [worker.answer() for worker in workers]  # made and compiled
        for mode in MODES * options.repeats:
            seconds[mode.name].append(_time(workers[: mode.processes], mode.threads, words * mode.threads))
        memory = [worker.ask(*MEMORY) for worker in workers]
    rows = [_row(mode, words, seconds[mode.name], weights, memory) for mode in MODES]
    _print(rows)
    if not options.quick:
        settings = {"model": MODEL, "vocabulary_size": size, "dim": dim}
        write_result("threads", {"meaning": MEANING, **settings, "rows": rows})
    return 0


class Worker:
    """A process with one copy of the weights that trains when asked; ``with`` ends it."""

    def __init__(self, dim: int, corpus: Corpus) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, dim, corpus), daemon=True)
        self._process.start()
        other.close()  # or the end of the process would go unnoticed

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.join()

    def send(self, *request: Any) -> None:
        """Ask without waiting."""
        self._connection.send(request)

    def answer(self) -> int:
        """Wait for the answer to the request before."""
        return int(self._connection.recv())

    def ask(self, *request: Any) -> int:
        """Ask and wait."""
        self.send(*request)
        return self.answer()


def _serve(connection: Connection, dim: int, corpus: Corpus) -> None:
    """What a worker does until its owner closes the connection: bytes of its weights first, then what is asked."""
    model, small = model_config(MODEL, dim), synthetic_corpus(100)
    Ours(model, TRAIN, small.vocabulary).train(small)  # compiles, and loads what is no weights
    before = _memory()
    ours = Ours(model, TRAIN, corpus.vocabulary)
    weights = _memory() - before
    trainers = {threads: ThreadedTrainer(model, ours.tables, threads, pool=ours.pool) for threads in (1, 2)}
    connection.send(weights)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        if request == MEMORY:
            connection.send(_memory())
            continue
        threads, words = request
        ours.trainer = trainers[threads]
        for batch in _batches(corpus.head(words)):
            ours.train(batch)
        connection.send(words)


def _batches(corpus: Corpus) -> Iterator[Corpus]:
    for start in range(0, corpus.sentences, BATCH_SENTENCES):
        offsets = corpus.offsets[start : start + BATCH_SENTENCES + 1]
        yield Corpus(corpus.vocabulary, corpus.ids, offsets, corpus.raw_words)


def _memory() -> int:
    return sum(measure_tree(os.getpid()).values())


def _time(workers: Sequence[Worker], threads: int, words: int) -> float:
    """Seconds in which each process trains so many words."""
    with timed() as timing:
        for worker in workers:
            worker.send(threads, words)
        for worker in workers:
            worker.answer()
    return timing.seconds


def _row(mode: Mode, words: int, seconds: list[float], weights: list[int], memory: list[int]) -> Row:
    trained = words * mode.processes * mode.threads
    return {
        "mode": mode.name,
        "processes": mode.processes,
        "threads": mode.threads,
        "words": trained,
        "seconds": seconds,
        "words_per_second": trained / statistics.median(seconds),
        "weights_mib": sum(weights[: mode.processes]) // MEBIBYTE,
        "memory_mib": sum(memory[: mode.processes]) // MEBIBYTE,
    }


def _print(rows: Sequence[Row]) -> None:
    header = ("", "words/s", "times 1 thread", "weights, MiB", "in all, MiB")
    alone = rows[0]["words_per_second"]
    print_table(
        header,
        [
            (
                row["mode"],
                f"{row['words_per_second']:,.0f}",
                f"{row['words_per_second'] / alone:.2f}",
                f"{row['weights_mib']:,}",
                f"{row['memory_mib']:,}",
            )
            for row in rows
        ],
    )


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the vocabulary, D = 100; writes no result")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each way (default: %(default)s)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

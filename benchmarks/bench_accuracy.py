"""Train the four models and gensim's on the same sentences with several seeds, and compare how good the vectors are.

gensim trains with one worker, two runs side by side. With two workers on one file each counts its own sentences only,
so its learning rate falls half as far within an epoch as it should and steps down at the next: higher on average than
ours, and 0.0026 instead of 0.0001 at the end of 5 epochs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.common import (
    EVALUATION,
    RESULTS,
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    write_result,
)
from benchmarks.corpus import Corpus, read_corpus
from benchmarks.models import MODELS, Gensim, Matrix, Ours, model_config
from benchmarks.scores import SIMILARITIES, score
from w2v_spark.config import Config, TrainConfig
from w2v_spark.kernels.cache import DIRECTORY

CORES = 2
DIM = 100
SAMPLE = 1e-4
METRICS = ("analogies", *SIMILARITIES)
PROGRAMS = ("w2v-spark", "gensim")
PARTIAL = RESULTS / "accuracy.partial.json"
PLAIN = ("model", "program", "seed", *METRICS, "seconds")

Row = dict[str, Any]
Summary = dict[str, dict[str, dict[str, dict[str, float]]]]


@dataclass(frozen=True, slots=True)
class Task:
    """A model to train with one of the programs, with so many workers, on a core each."""

    program: str
    workers: int
    model: str
    seed: int
    epochs: int
    tokens: int
    files: tuple[Path, ...]
    evaluation: Path

    @property
    def name(self) -> tuple[str, str, int]:
        """What tells the runs of a benchmark apart."""
        return self.model, self.program, self.seed


def main(argv: Sequence[str] | None = None) -> int:
    """Train and compare, write ``results/accuracy.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    workers = {"w2v-spark": 1, "gensim": options.gensim_workers}
    settings = {"tokens": options.tokens, "epochs": options.epochs, "dim": DIM, "sample": SAMPLE, "workers": workers}
    kept = Kept({**settings, "data": str(options.data.absolute()), "code": str(DIRECTORY)})
    files = tuple(data_files(options.data))
    tasks = [
        Task(program, workers[program], model, seed, options.epochs, options.tokens, files, options.evaluation)
        for program in PROGRAMS
        for seed in range(1, options.seeds + 1)
        for model in options.models
    ]
    for row in run_all([task for task in tasks if task.name not in kept.rows]):
        kept.add(row)
    rows = [kept.rows[task.name] for task in tasks]
    summary = summarise(rows)
    _print(summary)
    if options.json is not None:
        options.json.write_text(json.dumps([{key: row[key] for key in PLAIN} for row in rows], indent=2) + "\n")
    targets = judge(summary)
    passed = report_targets(targets)
    write_result("accuracy", {"corpus": options.data.name, **settings, "summary": summary, "rows": rows}, targets)
    PARTIAL.unlink(missing_ok=True)
    return 0 if passed else 1


class Kept:
    """Finished runs, which an interruption must not lose: those of an interrupted benchmark with the same settings.

    Attributes
    ----------
    rows : dict
        By `Task.name`.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        content = json.loads(PARTIAL.read_text()) if PARTIAL.is_file() else {}
        rows = content["rows"] if content.get("settings") == settings else []
        self.rows = {(row["model"], row["program"], row["seed"]): row for row in rows}
        if rows:
            print(f"going on with {len(rows)} finished runs in {PARTIAL}; to start again, remove it", flush=True)

    def add(self, row: Row) -> None:
        """Print a finished run and write all of them."""
        scores = ", ".join(f"{metric} {row[metric]:.2f}" for metric in METRICS)
        print(f"{row['model']}, {row['program']}, seed {row['seed']}: {scores}, {row['seconds']:.1f} s", flush=True)
        self.rows[row["model"], row["program"], row["seed"]] = row
        content = {"settings": self._settings, "rows": list(self.rows.values())}
        PARTIAL.parent.mkdir(exist_ok=True)
        temporary = PARTIAL.with_suffix(".tmp")
        temporary.write_text(json.dumps(content, indent=2) + "\n")
        temporary.replace(PARTIAL)


def run_all(tasks: Sequence[Task]) -> Iterator[Row]:
    """Yield each run when it is finished: those of one worker go two at a time, the others alone after them."""
    with ProcessPoolExecutor(CORES, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(run, task) for task in tasks if task.workers == 1]):
            yield future.result()
    for task in tasks:
        if task.workers > 1:
            yield run(task)


def run(task: Task) -> Row:
    """Train and evaluate."""
    return run_gensim(task) if task.program == "gensim" else run_ours(task)


def run_ours(task: Task) -> Row:
    """One shard on one core; the main job with ``train.shards=1`` and the same seed gives the same vectors."""
    corpus, train, model = _corpus(task), _train(task), model_config(task.model, DIM)
    Ours(model, train, corpus.vocabulary).train(corpus.head(1))  # compiles
    ours = Ours(model, train, corpus.vocabulary)
    seconds = sum(ours.train(corpus, epoch) for epoch in range(task.epochs))
    return _row(task, corpus, ours.vectors, seconds)


def run_gensim(task: Task) -> Row:
    """The same sentences in the same order from a file, of which each worker reads a stretch."""
    corpus, model = _corpus(task), model_config(task.model, DIM)
    gensim = Gensim(model, _train(task), corpus.vocabulary, task.workers)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as work:
        text = Path(work) / "sentences.txt"
        corpus.write_text(text)
        seconds = gensim.train(text, corpus)
    return _row(task, corpus, gensim.vectors, seconds)


def summarise(rows: Sequence[Row]) -> Summary:
    """``summary[model][metric][program]``: mean, sample standard deviation (0 of one seed), least and most."""
    summary: Summary = {}
    for model, metric, program in itertools.product(dict.fromkeys(row["model"] for row in rows), METRICS, PROGRAMS):
        scores = [row[metric] for row in rows if (row["model"], row["program"]) == (model, program)]
        summary.setdefault(model, {}).setdefault(metric, {})[program] = {
            "mean": statistics.mean(scores),
            "deviation": statistics.stdev(scores) if len(scores) > 1 else 0.0,
            "least": min(scores),
            "most": max(scores),
        }
    return summary


def judge(summary: Summary) -> list[Target]:
    """Our mean is not below gensim's by more than the spread: the larger of the two sample standard deviations."""
    targets = []
    for model, metrics in summary.items():
        for metric, programs in metrics.items():
            ours, gensim = (programs[program] for program in PROGRAMS)
            spread = max(ours["deviation"], gensim["deviation"])
            targets.append(Target(f"{model}: {metric}", ours["mean"], gensim["mean"] - spread))
    return targets


@lru_cache(maxsize=1)
def _read(files: tuple[Path, ...], tokens: int, seed: int) -> Corpus:
    return read_corpus(files, tokens, Config(train=TrainConfig(seed=seed)))


def _corpus(task: Task) -> Corpus:
    """The seed sets the order of the documents as well, for both programs."""
    return _read(task.files, task.tokens, task.seed)


def _train(task: Task) -> TrainConfig:
    return TrainConfig(
        epochs=task.epochs, learning_rate=0.025, min_learning_rate=0.0001, sample=SAMPLE, seed=task.seed
    )  # fmt: skip


def _row(task: Task, corpus: Corpus, vectors: Matrix, seconds: float) -> Row:
    """Analogies in percent, similarities as Spearman x 100, 0 where it is undefined; seconds of training alone."""
    described = {"vocabulary_size": len(corpus.vocabulary), "words": len(corpus)}
    row = {"model": task.model, "program": task.program, "seed": task.seed, "seconds": seconds, **described}
    return row | score(corpus.vocabulary.words, vectors, task.evaluation)


def _print(summary: Summary) -> None:
    rows = []
    for model, metrics in summary.items():
        for metric, programs in metrics.items():
            cells = [
                f"{score['mean']:.2f} +- {score['deviation']:.2f} ({score['least']:.2f} .. {score['most']:.2f})"
                for score in programs.values()
            ]
            rows.append((model, metric, *cells))
    print_table(("model", "%, or Spearman x 100", *PROGRAMS), rows)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_argument(parser)
    parser.add_argument("--eval", dest="evaluation", type=Path, default=EVALUATION, metavar="DIR", help="test sets")
    parser.add_argument(
        "--models",
        nargs="+",
        choices=MODELS,
        default=list(MODELS),
        metavar="MODEL",
        help=f"default: all of {', '.join(MODELS)}",
    )
    parser.add_argument(
        "--tokens",
        type=int,
        default=17_000_000,
        metavar="N",
        help="first words of the text, in the order of the files, in the vocabulary or not (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 1 to N (default: %(default)s)")
    parser.add_argument(
        "--gensim-workers", type=int, default=1, metavar="N", help="default: %(default)s; see the module on more"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all runs here as well")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

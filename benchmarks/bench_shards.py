"""How much accuracy is lost with many shards, merge by merge: shards one after another, which changes only the time.

Each run trains P shards for T rounds as the main job does, with its kernels, its plan and its merge, in one process
without Spark. Runs go two at a time, so their seconds say little; everything else is exact.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

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
from benchmarks.models import MODELS, model_config
from benchmarks.scores import SIMILARITIES, score
from benchmarks.simulation import MERGES, train
from w2v_spark.config import Config, TrainConfig
from w2v_spark.kernels.cache import DIRECTORY
from w2v_spark.training.plan import choose_rounds

SHARDS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
ROUNDS: Final = ("10", "20", "40", "80")
SKIPGRAM: Final = "skipgram_negative_sampling"
JUDGED_SHARDS: Final = range(2, 65)
WHOLE: Final = 10**12  # words: all there are
COLUMNS: Final = (
    "model", "merge", "shards", "rounds", "dim", "tokens", "epochs", "seed", "analogies", *SIMILARITIES, "seconds",
)  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One run. ``rounds`` is a number or "auto"."""

    model: str
    merge: str
    shards: int
    rounds: str
    dim: int
    tokens: int
    epochs: int
    seed: int
    data: str
    evaluation: str

    @property
    def name(self) -> str:
        """What tells the runs of a benchmark apart."""
        return json.dumps(asdict(self), sort_keys=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, compare with one shard, write ``results/<name>.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    tasks = list(dict.fromkeys(_tasks(options)))
    kept = Kept(RESULTS / f"{options.name}.partial.json")
    waiting = [task for task in tasks if task.name not in kept.rows]
    with ProcessPoolExecutor(options.processes, multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run, task) for task in waiting]):
            kept.add(*done.result())
    rows = [kept.rows[task.name] for task in tasks]
    _print(rows)
    if options.json is not None:
        options.json.write_text(json.dumps([{key: row[key] for key in COLUMNS} for row in rows], indent=2) + "\n")
    targets = judge(rows, options.tokens)
    passed = report_targets(targets)
    write_result(options.name, {"corpus": options.data.name, "rows": rows}, targets)
    kept.path.unlink(missing_ok=True)
    return 0 if passed else 1


class Kept:
    """Finished runs on disk, which an interruption must not lose; those of other kernels or merges do not count."""

    def __init__(self, path: Path) -> None:
        self.path = path
        content = json.loads(path.read_text()) if path.is_file() else {}
        self.rows: dict[str, Row] = content["rows"] if content.get("code") == str(DIRECTORY) else {}
        if self.rows:
            print(f"going on with {len(self.rows)} finished runs in {path}; to start again, remove it", flush=True)

    def add(self, name: str, row: Row) -> None:
        """Print a finished run and write all of them."""
        print(", ".join(f"{key} {_text(row[key])}" for key in COLUMNS), flush=True)
        self.rows[name] = row
        self.path.parent.mkdir(exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"code": str(DIRECTORY), "rows": self.rows}, indent=2) + "\n")
        temporary.replace(self.path)


def run(task: Task) -> tuple[str, Row]:
    """Train and evaluate."""
    settings = TrainConfig(
        epochs=task.epochs, learning_rate=0.025, min_learning_rate=0.0001, sample=1e-4, seed=task.seed
    )  # fmt: skip
    corpus, model = _corpus(task.data, task.tokens, task.seed), model_config(task.model, task.dim)
    rounds = choose_rounds(len(corpus) * task.epochs, task.shards) if task.rounds == "auto" else int(task.rounds)
    vectors, seconds = train(corpus, Config(model=model, train=settings), task.shards, rounds, task.merge)
    scores = score(corpus.vocabulary.words, vectors, Path(task.evaluation))
    described = {"words": len(corpus), "vocabulary_size": len(corpus.vocabulary), "automatic": task.rounds == "auto"}
    values = {key: value for key, value in asdict(task).items() if key not in ("data", "evaluation")}
    return task.name, {**values, **described, "rounds": rounds, "seconds": seconds, **scores}


def judge(rows: Sequence[Row], tokens: int) -> list[Target]:
    """Curvature with the automatic number of rounds, against one shard of the same model; means over the seeds."""
    groups: dict[tuple[str, int, int], list[Row]] = {}
    for row in rows:
        if row["shards"] == 1 or (row["automatic"] and row["merge"] == "curvature" and row["shards"] in JUDGED_SHARDS):
            groups.setdefault((row["model"], row["dim"], row["shards"]), []).append(row)
    targets = []
    for (model, dim, shards), group in groups.items():
        one = groups.get((model, dim, 1))
        if one is None:  # not asked for, so there is nothing to compare with
            continue
        plain = model == SKIPGRAM and dim == 100
        allowed = {"analogies": 0.5 if plain and tokens >= WHOLE else 1.0 if plain else 2.0}
        for measure in ("analogies", *SIMILARITIES) if shards > 1 else ():
            limit = _mean(one, measure) - allowed.get(measure, 1.0 if plain else 2.0)
            what = f"{model}, D = {dim}, P = {shards}: {measure}"
            targets.append(Target(what, _mean(group, measure), limit))
    return targets


def _mean(rows: Sequence[Row], measure: str) -> float:
    return float(sum(row[measure] for row in rows) / len(rows))


@lru_cache(maxsize=1)
def _corpus(data: str, tokens: int, seed: int) -> Corpus:
    return read_corpus(data_files(Path(data)), tokens, Config(train=TrainConfig(seed=seed)))


def _tasks(options: argparse.Namespace) -> Iterator[Task]:
    """One shard first, then every merge; with one shard neither merge nor rounds change a bit."""
    for model, dim, seed in itertools.product(options.models, options.dims, options.seeds):
        fixed = (options.tokens, options.epochs, seed, str(options.data), str(options.evaluation))
        for shards, merge, rounds in itertools.product(options.shards, options.merges, options.rounds):
            if shards == 1:
                yield Task(model, "curvature", 1, "1", dim, *fixed)
            else:
                yield Task(model, merge, shards, rounds, dim, *fixed)


def _text(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _print(rows: Sequence[Row]) -> None:
    print_table(COLUMNS, [[_text(row[key]) for key in COLUMNS] for row in rows])


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--eval", dest="evaluation", type=Path, default=EVALUATION, metavar="DIR", help="test sets")
    parser.add_argument("--shards", type=int, nargs="+", default=list(SHARDS), metavar="P")
    parser.add_argument("--rounds", nargs="+", default=[*ROUNDS, "auto"], metavar="T", help='numbers, or "auto"')
    parser.add_argument("--merges", nargs="+", choices=MERGES, default=list(MERGES), metavar="MERGE")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=[SKIPGRAM], metavar="MODEL")
    parser.add_argument("--dims", type=int, nargs="+", default=[100], metavar="D")
    parser.add_argument("--tokens", type=int, default=17_000_000, metavar="N", help="first words of the text")
    parser.add_argument("--whole", action="store_true", help="all words of the text, 3 epochs")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="SEED", help="their means are judged")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="runs at a time")
    parser.add_argument("--name", default="shards", help="of the file in results/ (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all runs here as well")
    parser.add_argument("--quick", action="store_true", help="P = 1 and 16 on 5 million words")
    options = parser.parse_args(argv)
    if options.whole:
        options.tokens, options.epochs = WHOLE, 3
    if options.quick:
        options.tokens, options.shards, options.rounds, options.name = 5_000_000, [1, 16], ["auto"], "shards_quick"
    return options


if __name__ == "__main__":
    sys.exit(main())

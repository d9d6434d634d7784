"""Skip-gram, PPMI-SVD and LSA on the first 0.1 to 66 million words of a text: accuracy, time and memory of each.

Every row is a whole run of the main job, from text to the published table. Finished runs are kept, so that the
benchmark can be given a few sizes at a time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import (
    EVALUATION,
    RESULTS,
    ROOT,
    add_data_argument,
    data_files,
    print_table,
    setting_arguments,
    spark_environment,
    write_result,
)
from benchmarks.memory import run_measured, stop_on_failure
from benchmarks.scores import SIMILARITIES, score
from w2v_spark.config import TextConfig
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.vectors.keyed_vectors import KeyedVectors

CORES: Final = 2
SIZES: Final = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 66_000_000)
SETTINGS: Final = ("model.dim=100", "model.window=5", "vocabulary.min_count=5", "train.sample=1e-4")
MODELS: Final = {
    "skipgram": ("model.objective=negative_sampling",),
    "skipgram, 50 epochs": ("model.objective=negative_sampling", "train.epochs=50"),  # five are few for a small text
    "ppmi_svd": ("model.objective=ppmi_svd",),
    "lsa": ("model.objective=lsa",),
}
SMALL: Final = 3_000_000  # words: with more, fifty epochs take too long
METRICS: Final = ("analogies", *SIMILARITIES)
NAME: Final = "counts"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """A run: a model on the first so many words, with a seed."""

    words: int
    model: str
    seed: int

    @property
    def name(self) -> tuple[int, str, int]:
        """What tells runs apart."""
        return self.words, self.model, self.seed


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is not there yet, write ``results/counts.json``."""
    options = _parse(argv)
    settings = [*SETTINGS, *options.set]
    kept = _read(options.name, settings)
    tasks = [task for size in options.sizes for task in tasks_of(size, options.seeds, options.models)]
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as work:
        for task in tasks:
            if task.name not in kept:
                busy = {"busy": True} if options.busy else {}
                kept[task.name] = run(task, data_files(options.data), Path(work), settings, options.evaluation) | busy
                rows = [kept[name] for name in sorted(kept)]
                write_result(options.name, {"corpus": options.data.name, "settings": settings, "rows": rows})
    _print([kept[name] for name in sorted(kept)])
    return 0


def tasks_of(size: int, seeds: int, models: Sequence[str]) -> Iterator[Task]:
    """The runs of a size; several seeds where it takes a minute only, and of what depends on them."""
    for model in models:
        if "epochs" in model and size > SMALL:
            continue
        number = seeds if model.startswith("skipgram") and size <= SIZES[2] else 1
        yield from (Task(size, model, seed) for seed in range(1, number + 1))


def run(task: Task, files: Sequence[Path], work: Path, settings: Sequence[str], evaluation: Path) -> Row:
    """Train, measure and evaluate."""
    source, output = work / f"{task.words}.parquet", work / "model"
    if not source.exists():
        write_head(files, task.words, source)
    command = [sys.executable, str(ROOT / "jobs" / "train.py"), "--input", str(source), "--output", str(output)]
    command += ["--overwrite", "--quiet"]
    command += setting_arguments([*settings, *MODELS[task.model], f"train.seed={task.seed}"])
    print(f"{task.words:,} words, {task.model}, seed {task.seed} ...", flush=True)
    measured = run_measured(command, spark_environment(f"local[{CORES}]"), work)
    stop_on_failure("the main job", measured)
    described = json.loads((output / "model.json").read_text())
    history = json.loads((output / "history.json").read_text())
    vectors = KeyedVectors.load(output)
    matrix = np.asarray(vectors.vectors)
    row = {
        "words": task.words, "model": task.model, "seed": task.seed, "seconds": measured.seconds,
        "stages": described["timings"], "peak_mebibytes": measured.peaks.mebibytes(),
        "tokens": described["corpus"]["tokens"], "vocabulary_size": len(vectors),
        "steps": len(history.get("steps", [])),
    }  # fmt: skip
    row |= score(pa.array(vectors.words), matrix, evaluation)
    print(", ".join(f"{metric} {row[metric]:.2f}" for metric in METRICS), f"{row['seconds']:.0f} s", flush=True)
    return row


def write_head(files: Sequence[Path], words: int, target: Path) -> None:
    """The first documents, as many as it takes to have so many words, as one file of many row groups."""
    analyzer, seen = build_analyzer(TextConfig()), 0
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(target, schema) as writer:
        for file in files:
            for batch in pq.ParquetFile(file).iter_batches(columns=["text"], batch_size=16):
                writer.write_batch(batch.cast(schema))
                seen += sum(len(part) for part in analyzer.words(batch.column(0)))
                if seen >= words:
                    return


def _read(name: str, settings: Sequence[str]) -> dict[tuple[int, str, int], Row]:
    """Finished runs of an earlier call with the same settings."""
    path = RESULTS / f"{name}.json"
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    rows = content["rows"] if content.get("settings") == list(settings) else []
    return {(row["words"], row["model"], row["seed"]): row for row in rows}


def _print(rows: Sequence[Row]) -> None:
    cells = [
        (
            f"{row['words']:,}", row["model"], str(row["seed"]), *(f"{row[metric]:.2f}" for metric in METRICS),
            f"{row['seconds']:.0f}", f"{row['peak_mebibytes']['total']:,}",
        )
        for row in rows
    ]  # fmt: skip
    print_table(("words", "model", "seed", *METRICS, "seconds", "MiB"), cells)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--eval", dest="evaluation", type=Path, default=EVALUATION, metavar="DIR", help="test sets")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="WORDS", help="default: all")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="default: all")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="of skip-gram up to a million words")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one key of all")
    parser.add_argument("--name", default=NAME, help="of the result (default: %(default)s)")
    parser.add_argument("--busy", action="store_true", help="say of these runs that the machine did other things too")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

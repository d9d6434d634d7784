"""Classify film reviews by vectors of documents, ours with one shard and with many, and gensim's on the same tokens.

Reviews are lower-cased and cut at blanks, with each mark of punctuation a word of its own, as gensim's notebook on
them does; both programs and NB-SVM read these words from one file, in one random order. Trained on all 50,000, as is
customary; the classifier on the vectors of the 25,000 for training. gensim trains with one worker, so that a seed gives
the same vectors each time.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.classifiers import linear_error, nbsvm_error
from benchmarks.common import RESULTS, Target, print_table, report_targets, write_result
from benchmarks.document_models import MODELS, Matrix, Settings, read_documents, run_gensim, train_ours
from benchmarks.labelled import LABELLED, Tokens, labels_of, read_labelled, separate, write_tokens

OURS, GENSIM, NBSVM = "w2v-spark", "gensim", "NB-SVM"
TOGETHER: Final = ("pv_dbow_words", "pv_dm")  # concatenated
BOTH: Final = " + ".join(TOGETHER)
SETTINGS: Final = Settings("", epochs=20, window=10, sample=0)
MODEL_SETTINGS: Final = {
    "pv_dbow_words": replace(SETTINGS, model="pv_dbow_words"),
    "pv_dbow": replace(SETTINGS, model="pv_dbow"),
    "pv_dm": replace(SETTINGS, model="pv_dm", learning_rate=0.05),
}
SHARDS_MAY_LOSE: Final = 0.5  # points

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """A model to train; gensim knows no shards."""

    program: str
    model: str
    shards: int
    seed: int

    @property
    def name(self) -> str:
        """Of the files of a finished run."""
        shards = "" if self.program == GENSIM else f"-shards{self.shards}"
        return f"{self.program}-{self.model}{shards}-seed{self.seed}"


class Bench:
    """Reviews, and the runs on them; finished ones are kept where an interruption does not lose them.

    Attributes
    ----------
    tokens : Tokens
    labels : (documents,) strings
    train : (documents,) bool
    """

    def __init__(self, data: Path, kept: Path, work: Path, master: str, settings: Sequence[str]) -> None:
        table = read_labelled(data)
        self._kept, self._work, self._master, self._settings = kept, work, master, settings
        self._path = work / "tokens.parquet"
        write_tokens(table["id"], separate(table["text"]), self._path)
        self.tokens = Tokens.read(self._path)
        self.labels, self.train = labels_of(table, self.tokens.ids)

    def run(self, task: Task) -> tuple[Row, Matrix]:
        """Train, or take what an earlier run has kept; the row of the results, and vectors in the order of the tokens.

        Errors in percent, seconds of training alone.
        """
        report, vectors = self._kept / f"{task.name}.json", self._kept / f"{task.name}.npy"
        earlier = report.is_file() and vectors.is_file()
        if not earlier:
            print(f"training {task.name} ...", flush=True)
            self._train(task, report, vectors)
        content, matrix = json.loads(report.read_text()), np.load(vectors)
        self._check(content, task, report)
        kept = datetime.datetime.fromtimestamp(report.stat().st_mtime, datetime.UTC).isoformat(timespec="seconds")
        row = {
            "program": content["program"], "model": task.model, "shards": task.shards, "seed": task.seed,
            "error": linear_error(matrix, self.labels, self.train), "train_seconds": content["train_seconds"],
            "vocabulary_size": content["vocabulary_size"], "kept_from": kept if earlier else None,
        }  # fmt: skip
        print(f"{task.name}: {row['error']:.2f} % wrong, {row['train_seconds']:.1f} s", flush=True)
        return row, matrix

    def _train(self, task: Task, report: Path, vectors: Path) -> None:
        """Write vectors and report, the report last."""
        if task.program == GENSIM:
            unfinished = report.with_suffix(".unfinished")
            run_gensim(self._path, unfinished, self._asked(task), ["--vectors", str(vectors)])
            unfinished.replace(report)
            return
        output = self._work / task.name
        settings = self._asked(task)
        run, model = train_ours(self._path, output, settings, self._master)
        np.save(vectors, read_documents(output / "documents", self.tokens.ids))
        corpus = model["corpus"]
        content = {
            "program": OURS, "settings": settings, "documents": len(self.tokens), "words": corpus["tokens"],
            "vocabulary_size": corpus["vocabulary_size"], "train_seconds": model["timings"]["train"],
            "seconds": run.seconds, "peak_mebibytes": run.peaks.mebibytes(),
        }  # fmt: skip
        report.write_text(json.dumps(content, indent=2) + "\n")

    def _asked(self, task: Task) -> Any:
        settings = replace(MODEL_SETTINGS[task.model], seed=task.seed)
        if task.program == GENSIM:
            return settings.gensim(workers=1)
        return [*settings.ours(), f"train.shards={task.shards}", *self._settings]

    def _check(self, content: Row, task: Task, report: Path) -> None:
        """End the program where what was kept is of other settings or of other words."""
        asked = {"settings": self._asked(task), "documents": len(self.tokens), "words": len(self.tokens.words)}
        for name, value in asked.items():
            if content[name] != value:
                sys.exit(
                    f"{report} is of {name} {content[name]} instead of {value}; name another directory with --kept"
                )


def main(argv: Sequence[str] | None = None) -> int:
    """Train, classify, write ``results/documents.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name).absolute()
        bench = Bench(options.data, options.kept or work, work, options.master, options.set)
        rows: list[Row] = []
        for program, shards in options.programs:
            seeds = options.gensim_seeds if program == GENSIM else options.seeds
            for seed in range(1, seeds + 1):
                rows += run_models(bench, [Task(program, model, shards, seed) for model in options.models])
        bag = None if options.skip_nbsvm else nbsvm_error(bench.tokens, bench.labels, bench.train)
    corpus = {
        "corpus": options.data.name, "documents": len(bench.tokens), "words": len(bench.tokens.words),
        "settings": {model: settings.ours() for model, settings in MODEL_SETTINGS.items()},
    }  # fmt: skip
    earlier = json.loads((RESULTS / "documents.json").read_text()) if options.add else {}
    rows = with_earlier(rows, earlier, corpus)
    bag = earlier.get("nbsvm_error") if bag is None else bag
    summary = summarise(rows)
    _print(summary, bag)
    targets = judge(summary)
    passed = report_targets(targets)
    write_result("documents", {**corpus, "nbsvm_error": bag, "summary": summary, "rows": rows}, targets)
    return 0 if passed else 1


def with_earlier(rows: Sequence[Row], earlier: Row, corpus: Row) -> list[Row]:
    """The rows, and those of earlier results on the same words that were not run again, each with where it is from."""
    if not earlier:
        return list(rows)
    for name, value in corpus.items():
        if earlier[name] != value:
            sys.exit(f"results/documents.json is of {name} {earlier[name]} instead of {value}; run without --add")
    again = {(*_kind(row), row["seed"]) for row in rows}
    kept = [row for row in earlier["rows"] if (*_kind(row), row["seed"]) not in again]
    return [*({"commit": earlier["commit"], **row} for row in kept), *rows]


def run_models(bench: Bench, tasks: Iterable[Task]) -> list[Row]:
    """Run the models of one program and seed, and classify by two of them together as well."""
    rows, matrices = [], {}
    for task in tasks:
        row, matrices[task.model] = bench.run(task)
        rows.append(row)
    if not matrices.keys() >= set(TOGETHER):
        return rows
    together = np.concatenate([matrices[model] for model in TOGETHER], axis=1)
    return [*rows, {**rows[0], "model": BOTH, "error": linear_error(together, bench.labels, bench.train)}]


def summarise(rows: Sequence[Row]) -> list[Row]:
    """Mean error, sample standard deviation (0 of one seed) and seeds, by program, shards and model."""
    summary = []
    for (program, shards, model), found in itertools.groupby(sorted(rows, key=_kind), _kind):
        errors = [row["error"] for row in found]
        deviation = statistics.stdev(errors) if len(errors) > 1 else 0.0
        summary.append({
            "program": program, "shards": shards, "model": model, "seeds": len(errors),
            "error": statistics.mean(errors), "deviation": deviation,
        })  # fmt: skip
    return summary


def judge(summary: Sequence[Row]) -> list[Target]:
    """No worse than gensim beyond the larger of the two deviations, and with more shards half a point at most."""
    found = {(row["program"], row["shards"], row["model"]): row for row in summary}
    targets = []
    for (program, shards, model), row in found.items():
        one, other = found.get((OURS, 1, model)), found.get((GENSIM, 1, model))
        if program != OURS or one is None:
            continue
        if shards > 1:
            limit = one["error"] + SHARDS_MAY_LOSE
            targets.append(Target(f"{model}, {shards} shards: error, %", row["error"], limit, at_least=False))
        elif other is not None:
            limit = other["error"] + max(row["deviation"], other["deviation"])
            targets.append(Target(f"{model}: error, %", row["error"], limit, at_least=False))
    return targets


def _kind(row: Row) -> tuple[str, int, str]:
    return row["program"].split()[0], row["shards"], row["model"]  # gensim's names its version as well


def _print(summary: Sequence[Row], bag: float | None) -> None:
    rows = [
        (f"{row['model']}, {row['program']}", str(row["shards"]), str(row["seeds"]),
         f"{row['error']:.2f} +- {row['deviation']:.2f}")
        for row in sorted(summary, key=lambda row: (row["model"], row["shards"], row["program"]))
    ]  # fmt: skip
    rows += [] if bag is None else [(f"{NBSVM}, up to three words", "", "", f"{bag:.2f}")]
    print_table(("vectors", "shards", "seeds", "error, %"), rows)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    reviews = LABELLED / "imdb.tsv.zst"
    parser.add_argument(
        "--data",
        type=Path,
        default=reviews if reviews.is_file() else None,
        required=not reviews.is_file(),
        metavar="FILE",
        help="labelled reviews: split, label, id and text, separated by tabs, compressed by zstd",
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 1 to N (default: %(default)s)")
    parser.add_argument("--gensim-seeds", type=int, default=3, metavar="N", help="the same for gensim; 0: without it")
    parser.add_argument("--shards", type=int, nargs="*", default=[1, 16], metavar="P", help="default: 1 16")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="default: all")
    parser.add_argument("--skip-nbsvm", action="store_true", help="no NB-SVM, which takes minutes and 8 GB of memory")
    parser.add_argument(
        "--kept", type=Path, metavar="DIR", help="keeps finished runs there, and takes those it has (default: none)"
    )
    parser.add_argument(
        "--add", action="store_true", help="to the rows of results/documents.json, since one run of all takes a day"
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where temporary files go: 2 GB")
    parser.add_argument("--master", default="local[2]", help="of Spark (default: %(default)s)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one key of ours"
    )
    options = parser.parse_args(argv)
    if options.kept is not None:
        options.kept = options.kept.absolute()
        options.kept.mkdir(parents=True, exist_ok=True)
    options.programs = [*((GENSIM, 1) for _ in range(options.gensim_seeds > 0)), *((OURS, p) for p in options.shards)]
    return options


if __name__ == "__main__":
    sys.exit(main())

"""Compare ways to keep vectors up to date: full retraining, warm start, with replay, and naive continuation."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from benchmarks.common import (
    EVALUATION,
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    timed,
    write_result,
)
from benchmarks.scores import score
from w2v_spark.config import Config
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.retraining.drift import Common, overlaps
from w2v_spark.retraining.rotation import WordPairs
from w2v_spark.run.progress import Progress
from w2v_spark.spark.origin import Origin
from w2v_spark.spark.output import VersionedOutput
from w2v_spark.spark.retraining import Parent, Retraining
from w2v_spark.spark.session import get_session
from w2v_spark.spark.source import Input
from w2v_spark.spark.train import train
from w2v_spark.vectors.reading import VectorTable, open_vectors

SETTINGS: Final = ("model.dim=100", "train.sample=1e-4", "train.shards=2")  # the rest are the defaults, 5 epochs
FULL: Final = "full retraining"
NAIVE: Final = "new text alone"  # with the epochs and the rate of a first training, as `train` of gensim goes on
WARM: Final = "warm start"
REPLAY: Final = "warm start with replay"
ALL_THE_WAY: Final = "the same, no interpolation"
COMPARED: Final = 10_000

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all strategies share.

    Attributes
    ----------
    spark : SparkSession
    slices : list of Path
        A Parquet file each, in the order of the articles.
    work : Path
    evaluation : Path
    settings : sequence of str
        ``section.key=value`` for all of them.
    """

    spark: SparkSession
    slices: list[Path]
    work: Path
    evaluation: Path
    settings: Sequence[str]

    def publish(self, root: Path, files: Sequence[Path], config: Config, origin: Origin | None = None) -> float:
        """Make a version of some slices; the seconds of wall time that it took."""
        source = Input(tuple(map(str, files)), format="parquet")
        output = VersionedOutput(VersionRoot.open(root), overwrite=True)
        with timed() as timing:
            train(self.spark, source, config, output, Progress(quiet=True), origin)
        return timing.seconds

    def full(self, nights: Sequence[int], seed: int = 1) -> dict[int, Row]:
        """Train anew on all slices so far, on some of the nights."""
        rows = {}
        for night in nights:
            root = self.work / f"full-{seed}-{night}"
            config = Config.load(None, [*SETTINGS, *self.settings, f"train.seed={seed}"])
            seconds = self.publish(root, self.slices[:night], config)
            rows[night] = {"seconds": seconds, **self._measure(root)}
            _say(FULL, night, rows[night])
        return rows

    def going_on(self, name: str, start: Path, settings: Sequence[str]) -> dict[int, Row]:
        """Go on from the first slice, a slice a night."""
        root = self.work / re.sub(r"\W+", "-", name)
        shutil.copytree(start, root)
        versions, rows = VersionRoot.open(root), {}
        for night, file in enumerate(self.slices[1:], 2):
            current = versions.require()
            with timed() as opening:
                parent = Parent.open(current, versions.directory(current))
            config = Config.load(None, [*self.settings, *settings], parent.model.config)
            seconds = self.publish(root, [file], config, Retraining(parent, config))
            rows[night] = {"seconds": seconds + opening.seconds, **self._measure(root)}
            rows[night]["cosine"] = versions.report(versions.require())["drift"]["cosine"]["q50"]
            _say(name, night, rows[night])
        return rows

    def _measure(self, root: Path) -> Row:
        table = open_vectors(root)
        model = json.loads(Path(open_path(root), "model.json").read_text())
        return {
            "table": str(root), "words": len(table.words), "tokens": model["corpus"]["kept_tokens"],
            "timings": model["timings"], **score(table.words, table.matrix, self.evaluation),
        }  # fmt: skip


def open_path(root: Path) -> str:
    """The directory of the current version."""
    versions = VersionRoot.open(root)
    return versions.directory(versions.require()).path


def main(argv: Sequence[str] | None = None) -> int:
    """Run all strategies, write ``results/retraining.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    spark = get_session("w2v-spark benchmark", "local[2]")
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        slices = cut(data_files(options.data), work / "slices", options.slices)
        bench = Bench(spark, slices, work, options.evaluation, options.set)
        start = work / "full-1-1"
        bench.full([1])  # compiles, and is what the others go on from
        nights = [n for n in range(2, options.slices + 1) if n in (2, options.slices) or n % options.every == 0]
        naive = [f"retrain.{key}={getattr(Config().train, key)}" for key in ("epochs", "learning_rate")]
        rows = {
            REPLAY: bench.going_on(REPLAY, start, ()),
            FULL: bench.full(nights),
            WARM: bench.going_on(WARM, start, ["retrain.replay=0"]),
            ALL_THE_WAY: bench.going_on(ALL_THE_WAY, start, ["retrain.interpolation=1"]),
            NAIVE: bench.going_on(NAIVE, start, ["retrain.replay=0", "retrain.interpolation=1", *naive]),
        }
        other = bench.full([options.slices], seed=2)[options.slices]
        _compare(rows, other, options.slices)
    spark.stop()
    return _report(rows, other, options)


def cut(files: Sequence[Path], folder: Path, slices: int) -> list[Path]:
    """Cut the documents, in their order, into files of about equally many."""
    folder.mkdir()
    text = pa.concat_tables(pq.read_table(file, columns=["text"]) for file in files)
    ends = [len(text) * end // slices for end in range(slices + 1)]
    paths = [folder / f"slice-{number:02d}.parquet" for number in range(1, slices + 1)]
    for path, first, end in zip(paths, ends, ends[1:], strict=False):
        pq.write_table(text.slice(first, end - first), path, row_group_size=512)
    return paths


def _compare(rows: dict[str, dict[int, Row]], other: Row, last: int) -> None:
    """Add to the last night of each strategy how many of the ten nearest words are those of full retraining."""
    full = open_vectors(rows[FULL][last]["table"])
    for row in (*(strategy[last] for name, strategy in rows.items() if name != FULL), other):
        row["overlap"] = _overlap(full, open_vectors(row["table"]))


def _overlap(one: VectorTable, two: VectorTable) -> float:
    common = Common.find(one.words, two.words)
    return float(np.mean(overlaps(WordPairs(one.stack, two.stack, common.old, common.new), COMPARED)))


def _report(rows: dict[str, dict[int, Row]], other: Row, options: argparse.Namespace) -> int:
    last, scores = options.slices, ("analogies", "wordsim353", "simlex999")
    lines = []
    for name, strategy in [*rows.items(), ("full, another seed", {last: other})]:
        row, cosines = strategy[last], [night["cosine"] for night in strategy.values() if "cosine" in night]
        lines.append((
            name, f"{row['seconds']:.1f}", *(f"{row[key]:.1f}" for key in scores),
            f"{100 * row['overlap']:.0f} %" if "overlap" in row else "",
            f"{min(cosines):.3f}" if cosines else "",
        ))  # fmt: skip
    print_table((f"night {last}", "seconds", *scores, "overlap", "least cosine"), lines)
    replay, full = rows[REPLAY], rows[FULL]
    ratios = {night: replay[night]["seconds"] / full[night]["seconds"] for night in full if night in replay}
    print_table(
        ("night", FULL, REPLAY, "ratio", "analogies", "analogies"),
        [
            (str(n), f"{full[n]['seconds']:.1f} s", f"{replay[n]['seconds']:.1f} s", f"{ratios[n]:.2f}",
             f"{full[n]['analogies']:.1f}", f"{replay[n]['analogies']:.1f}")
            for n in ratios
        ],
    )  # fmt: skip
    targets = [
        Target("analogies that replay lacks, points", full[last]["analogies"] - replay[last]["analogies"], 1.0, False),
        Target("time of the last night with replay, part of full retraining", ratios[last], 0.25, False),
        Target("least median cosine with the version before", min(row["cosine"] for row in replay.values()), 0.9),
    ]
    passed = report_targets(targets)
    for row in (*(row for strategy in rows.values() for row in strategy.values()), other):
        row.pop("table")
    result = {"slices": last, "settings": [*SETTINGS, *options.set], "strategies": rows, "another_seed": other}
    result["median_ratio"] = statistics.median(ratios.values())
    write_result("retraining", result, targets)
    return 0 if passed else 1


def _say(name: str, night: int, row: Row) -> None:
    cosine = f", median cosine {row['cosine']:.3f}" if "cosine" in row else ""
    print(f"{name}, night {night}: {row['seconds']:.1f} s, analogies {row['analogies']:.2f}{cosine}", flush=True)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--evaluation", type=Path, default=EVALUATION, help="directory with the test sets")
    parser.add_argument("--slices", type=int, default=12, help="nights (%(default)s)")
    parser.add_argument("--every", type=int, default=4, help="full retraining on every so many nights (%(default)s)")
    parser.add_argument("--output", type=Path, help="where temporary files go: 6 GB")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one key")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

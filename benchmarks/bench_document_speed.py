"""How fast vectors of documents are trained on two cores, and inferred on one, ours beside gensim's.

Film reviews, several copies of them; `pv_dbow` with words, both programs on the same tokens. Ours is timed as a whole
process, the start of Python and of Java included; gensim's vocabulary scan and training are, and its reading of the
tokens is not. gensim trains one epoch and the others are extrapolated. It trains from memory; with `corpus_file` it may
be faster, but leaves out documents between the stretches of two workers, so that is shown and not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.common import ROOT, Target, print_table, report_targets, write_result
from benchmarks.document_models import Settings, run_gensim, train_ours
from benchmarks.labelled import LABELLED, read_labelled, separate, write_tokens
from benchmarks.memory import run_measured, stop_on_failure

CORES: Final = 2
SETTINGS: Final = Settings("pv_dbow_words", epochs=10, window=5, sample=1e-4, min_count=5)
TRAINING, INFERENCE = 10, 10  # times as fast as gensim
FEW: Final = 200  # documents of the first run, so that kernels are compiled

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Time both programs in turn, write ``results/document_speed.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    settings = replace(SETTINGS, epochs=options.epochs)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name).absolute()
        tokens, few, unseen = write_copies(options.data, work, options)
        train_ours(few, work / "few", settings.ours(), f"local[{CORES}]")
        rows: list[Row] = []
        for number in range(1, options.runs + 1):
            ours = train(tokens, work / f"model-{number}", settings, options.set)
            rows.append({"ours": ours, **train_theirs(tokens, unseen, work, settings, options.infer_epochs)})
            if not options.skip_inference:
                rows[-1]["ours"]["infer"] = infer(work / f"model-{number}", unseen, options.infer_epochs)
            _say(number, rows[-1])
        documents = pq.read_metadata(tokens).num_rows
    result = {
        "corpus": options.data.name, "documents": documents, "words": rows[0]["gensim"]["words"],
        "copies": options.copies, "settings": settings.ours(), "medians": summarise(rows), "runs": rows,
    }  # fmt: skip
    _print(result["medians"])
    targets = judge(result["medians"])
    passed = report_targets(targets)
    write_result("document_speed", result, targets)
    return 0 if passed else 1


def write_copies(data: Path, work: Path, options: argparse.Namespace) -> tuple[Path, Path, Path]:
    """Write the tokens of all copies of the reviews, of a few, and of those to infer; a copy has ids of its own."""
    table = read_labelled(data).slice(0, options.documents)
    words = separate(table["text"])
    paths = work / "tokens.parquet", work / "few.parquet", work / "unseen.parquet"
    copies = [pc.binary_join_element_wise(table["id"], str(copy), "/") for copy in range(options.copies)]
    ids = pa.chunked_array([chunk for copy in copies for chunk in copy.chunks])
    write_tokens(ids, pa.chunked_array(words.chunks * options.copies), paths[0])
    write_tokens(table["id"].slice(0, FEW), words.slice(0, FEW), paths[1])
    write_tokens(table["id"].slice(0, options.infer), words.slice(0, options.infer), paths[2])
    return paths


def train(tokens: Path, output: Path, settings: Settings, more: Sequence[str]) -> Row:
    """Our whole job on two cores."""
    run, model = train_ours(tokens, output, [*settings.ours(), *more], f"local[{CORES}]")
    return {"seconds": run.seconds, "stages": model["timings"], "peak_mebibytes": run.peaks.mebibytes()}


def train_theirs(tokens: Path, unseen: Path, work: Path, settings: Settings, infer_epochs: int) -> Row:
    """Scan, and one epoch with two workers, the others extrapolated; from memory, and from a file of lines."""
    more = ["--epochs", "1", "--infer", str(unseen), "--infer-epochs", str(infer_epochs)]
    rows = {}
    for name, way in (("gensim", more), ("corpus_file", ["--epochs", "1", "--corpus-file"])):
        run, content = run_gensim(tokens, work / "gensim.json", settings.gensim(CORES), way)
        seconds = content["scan_seconds"] + content["train_seconds"] * settings.epochs
        rows[name] = {**content, "seconds": seconds, "extrapolated": settings.epochs > 1}
        rows[name]["peak_mebibytes"] = run.peaks.mebibytes()
    return rows


def infer(model: Path, unseen: Path, epochs: int) -> Row:
    """Our inference without Spark, on one core."""
    report = model.parent / "inference.json"
    command = [sys.executable, "-m", "benchmarks.document_inference", "--model", str(model), "--tokens", str(unseen)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "PYTHONPATH": str(ROOT)}
    stop_on_failure(
        "inference",
        run_measured([*command, "--epochs", str(epochs), "--report", str(report)], environment, report.parent),
    )
    content: Row = json.loads(report.read_text())
    return content


def summarise(rows: Sequence[Row]) -> Row:
    """Medians of all runs; ratios are of one run each before their median is taken."""
    programs = {name: statistics.median(row[name]["seconds"] for row in rows) for name in rows[0]}
    ratios = {
        name: statistics.median(row[name]["seconds"] / row["ours"]["seconds"] for row in rows)
        for name in rows[0] if name != "ours"
    }  # fmt: skip
    summary: Row = {"train_seconds": programs, "times_as_fast_as": ratios}
    if all("infer" in row["ours"] for row in rows):
        both = {name: [_rate(row[name]["infer"]) for row in rows] for name in ("ours", "gensim")}
        summary["inferred_per_second"] = {name: statistics.median(rates) for name, rates in both.items()}
        pairs = zip(both["ours"], both["gensim"], strict=True)
        summary["inference_times_as_fast"] = statistics.median(ours / gensim for ours, gensim in pairs)
    return summary


def judge(medians: Row) -> list[Target]:
    """Ten times as fast as gensim that trains all documents, and as its inference."""
    targets = [Target("training, times as fast as gensim", medians["times_as_fast_as"]["gensim"], TRAINING)]
    if "inference_times_as_fast" in medians:
        ratio = medians["inference_times_as_fast"]
        targets.append(Target("inference on one core, times as fast as gensim", ratio, INFERENCE))
    return targets


def _rate(infer: Row) -> float:
    return float(infer["documents"] / infer["seconds"])


def _say(number: int, row: Row) -> None:
    seconds = ", ".join(f"{name} {program['seconds']:.1f} s" for name, program in row.items())
    print(f"run {number}: {seconds}", flush=True)


def _print(medians: Row) -> None:
    inferred, ratios = medians.get("inferred_per_second", {}), medians["times_as_fast_as"]
    rows = [
        (name, f"{seconds:.1f}", f"{ratios[name]:.1f}" if name in ratios else "",
         f"{inferred[name]:,.0f}" if name in inferred else "")
        for name, seconds in medians["train_seconds"].items()
    ]  # fmt: skip
    print_table(("medians", "training, s", "ours is faster by", "inferred a second"), rows)


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
    parser.add_argument("--documents", type=int, metavar="N", help="the first so many (default: all)")
    parser.add_argument("--copies", type=int, default=4, metavar="N", help="of each (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=SETTINGS.epochs, help="of both (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each program (default: %(default)s)")
    parser.add_argument("--infer", type=int, default=5000, metavar="N", help="documents (default: %(default)s)")
    parser.add_argument("--infer-epochs", type=int, default=20, metavar="N", help="of both (default: %(default)s)")
    parser.add_argument("--skip-inference", action="store_true", help="train alone")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where temporary files go: 3 GB")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one key of ours"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

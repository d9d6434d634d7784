"""Train on a billion words, made of resampled sentences: time of every stage, memory, and what gensim would take."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.apart import check_room, run_apart, work_directory
from benchmarks.common import (
    ROOT,
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    setting_arguments,
    spark_environment,
    timed,
    write_result,
)
from benchmarks.gensim_run import write_sentences
from benchmarks.memory import stop_on_failure
from benchmarks.resampling import read_sentences, write_corpus
from w2v_spark.config import Config, TextConfig
from w2v_spark.errors import ConfigError

CORES = 2
BILLION, QUICK, GENSIM = 1_000_000_000, 20_000_000, 20_000_000
MOST_SECONDS, MOST_MEBIBYTES = 600, 8192
MOST_OF_OTHER = 0.45
SETTINGS = (
    "model.dim=100",
    "model.window=5",
    "model.negatives=5",
    "train.sample=1e-4",
    "vocabulary.min_count=5",
    "train.epochs=1",
)
GENSIM_SETTINGS = {"vector_size": 100, "window": 5, "negative": 5, "sample": 1e-4, "min_count": 5, "workers": CORES}

TEXT_BYTES, ENCODED_BYTES = 4, 2 * 4  # a word on disk: compressed text; ids as Spark shuffles them and as they stay
OTHER_BYTES = 4 << 30  # weights, gensim's text, Spark's own files

Report = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Make the corpus, train, write ``results/billion.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    files, text = data_files(options.data), _text_config(options.set)
    check_disk(options.output, options.words)
    with work_directory(options.output, options.time_limit) as work:
        made, sample = make_corpus(files, work, options, text)
        others = {tree.name: run_ours(work, options, tree.resolve()) for tree in options.tree}
        ours = run_ours(work, options)
        if ours["corpus"]["tokens"] != made["words"]:
            sys.exit(f"the job saw {ours['corpus']['tokens']:,} words instead of {made['words']:,}")
        gensim = None if sample is None else run_gensim(sample, work, made["words"])
    result: Report = {"corpus": options.data.name, "made": made, "ours": ours, "others": others, "gensim": gensim}
    if gensim is not None:
        result["times_as_fast_as_gensim_extrapolated"] = gensim["extrapolated_seconds"] / ours["seconds"]
    _print(result)
    targets = judge(result)
    passed = report_targets(targets)
    write_result("billion" if options.words >= BILLION else "billion_quick", result, targets)
    return 0 if passed else 1


def judge(result: Report) -> list[Target]:
    """The promises that can be judged with as many words as were trained on."""
    ours = result["ours"]
    targets = [Target("peak memory, MiB", ours["peak_mebibytes"]["total"], MOST_MEBIBYTES, at_least=False)]
    if ours["corpus"]["tokens"] >= BILLION:
        targets.insert(0, Target("wall time, seconds", ours["seconds"], MOST_SECONDS, at_least=False))
    for name, other in result["others"].items():
        share = ours["seconds"] / other["seconds"]
        targets.append(Target(f"wall time by that of {name}", share, MOST_OF_OTHER, at_least=False))
    return targets


def check_disk(directory: Path, words: int) -> None:
    """End the program, before anything is written, where the disk of a directory has too little room."""
    check_room(directory, disk_needed(words), f"{words:,} words need")


def disk_needed(words: int) -> int:
    """Bytes that a run takes: the text, the encoded corpus twice (shuffled and final), and a margin for the rest."""
    return words * (TEXT_BYTES + ENCODED_BYTES) + OTHER_BYTES


def make_corpus(
    files: Sequence[Path], work: Path, options: argparse.Namespace, text: TextConfig
) -> tuple[Report, Path | None]:
    """Write ``work/corpus`` and a few documents for the warm-up; a report, and gensim's sample if one is wanted."""
    print(f"making {options.words:,} words (not timed) ...", flush=True)
    with timed() as timing:
        sentences = read_sentences(files, text)
        written = write_corpus(sentences, work / "corpus", options.words, options.seed)
    write_corpus(sentences, work / "few", 100_000, options.seed, files=1)
    sample = None
    if not options.skip_gensim:
        sample = work / "sample"
        write_corpus(sentences, sample, min(options.gensim_words, options.words), options.seed, files=1)
    parts = sorted((work / "corpus").iterdir())
    return {
        "words": written,
        "sentences_drawn_from": len(sentences),
        "seed": options.seed,
        "files": len(parts),
        "disk_bytes": sum(part.stat().st_size for part in parts),
        "seconds": timing.seconds,
    }, sample


def run_ours(work: Path, options: argparse.Namespace, tree: Path = ROOT) -> Report:
    """The main job of a checkout on two cores, timed from outside: start of Python and of the JVM included."""
    environment = {**job_environment(work, options.driver_memory), "PYTHONPATH": str(tree)}
    for source, output in (("few", "few-model"), ("corpus", "model")):  # first a few, so that kernels are compiled
        command = [sys.executable, str(tree / "jobs" / "train.py"), "--input", str(work / source)]
        command += ["--format", "parquet", "--output", str(work / output), "--overwrite"]
        run = run_apart([*command, *setting_arguments([*SETTINGS, *options.set])], environment, work)
        stop_on_failure("the main job", run)
    model = json.loads((work / "model" / "model.json").read_text())
    rounds = json.loads((work / "model" / "history.json").read_text())["rounds"]
    stages = {**model["timings"], "start-up": run.seconds - model["timings"]["total"]}
    read, trained = model["corpus"]["tokens"], sum(entry["tokens"] for entry in rounds)
    words = {"count": read, "encode": read, "train": trained, "rounds": trained, "total": read}
    return {
        "seconds": run.seconds,
        "stages": stages,
        "words_per_second": {
            **{name: count / stages[name] for name, count in words.items()},
            "whole process": read / run.seconds,
        },
        "peak_mebibytes": run.peaks.mebibytes(),
        "driver_memory": options.driver_memory,
        "plan": model["plan"],
        "config": model["config"],
        "corpus": model["corpus"],
    }


def run_gensim(sample: Path, work: Path, words: int) -> Report:
    """Gensim in a process of its own on some of the words; its times for all of them are extrapolated linearly."""
    text, report = work / "sentences.txt", work / "gensim.json"
    print("writing sentences for gensim (not timed) ...", flush=True)
    written = write_sentences(sorted(sample.iterdir()), text)
    command = [sys.executable, "-m", "benchmarks.gensim_run", "--text", str(text), "--report", str(report)]
    command += ["--settings", json.dumps(GENSIM_SETTINGS)]
    print(f"training gensim on {written:,} words ...", flush=True)
    run = run_apart(command, {**os.environ, "PYTHONPATH": str(ROOT)}, work)
    stop_on_failure("gensim", run)
    result: Report = json.loads(report.read_text())
    scale = words / written
    return {
        **result,
        "extrapolated": scale > 1,
        "extrapolated_to_words": words,
        "extrapolated_scan_seconds": scale * result["scan_seconds"],
        "extrapolated_train_seconds": scale * result["train_seconds"],
        "extrapolated_seconds": scale * (result["scan_seconds"] + result["train_seconds"]),
        "peak_mebibytes": run.peaks.mebibytes(),
    }


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--words", type=int, metavar="N", help=f"at least so many (default: {BILLION})")
    parser.add_argument("--seed", type=int, default=1, help="of the corpus (default: %(default)s)")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(tempfile.gettempdir()),
        metavar="DIR",
        help="where to make the temporary directory (default: %(default)s)",
    )
    parser.add_argument("--driver-memory", default="3g", metavar="SIZE", help="Java's heap (default: %(default)s)")
    parser.add_argument("--time-limit", type=float, default=1800, metavar="SECONDS", help="for all (default: 1800)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for the main job")
    parser.add_argument("--skip-gensim", action="store_true", help="run the main job alone")
    parser.add_argument(
        "--gensim-words", type=int, default=GENSIM, metavar="N", help="train so many, extrapolate the rest"
    )
    parser.add_argument("--tree", type=Path, nargs="*", default=[], metavar="DIR", help="other checkouts, run before")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} words; judges memory alone")
    options = parser.parse_args(argv)
    options.words = options.words or (QUICK if options.quick else BILLION)
    if min(options.words, options.gensim_words, options.time_limit) <= 0 or options.seed < 0:
        parser.error("--words, --gensim-words and --time-limit must be positive, --seed not negative")
    return options


def _text_config(settings: Sequence[str]) -> TextConfig:
    """What the job will take for a word."""
    try:
        return Config.load(None, [*SETTINGS, *settings]).text
    except ConfigError as error:
        sys.exit(str(error))


def job_environment(work: Path, driver_memory: str) -> dict[str, str]:
    """A job with a given heap that writes below ``work`` only, by a ``spark-defaults.conf`` made for it."""
    conf, scratch = work / "conf", work / "spark"
    conf.mkdir(exist_ok=True)
    scratch.mkdir(exist_ok=True)
    settings = {
        "spark.driver.memory": driver_memory,
        "spark.local.dir": scratch,
        "spark.driver.extraJavaOptions": f"-XX:-UsePerfData -Djava.io.tmpdir={scratch}",
    }
    lines = [f"{key} {value}\n" for key, value in settings.items()]
    (conf / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    environment = spark_environment(f"local[{CORES}]")
    for name in ("PYSPARK_SUBMIT_ARGS", "SPARK_REMOTE", "SPARK_LOCAL_DIRS"):  # they would count for more
        environment.pop(name, None)
    return {**environment, "SPARK_CONF_DIR": str(conf), "TMPDIR": str(scratch)}


def _print(result: Report) -> None:
    made, ours, gensim = result["made"], result["ours"], result["gensim"]
    rows = [(name.replace("_", " "), f"{ours['corpus'][name]:,}") for name in ("tokens", "documents", "sentences")]
    rows += [
        ("vocabulary", f"{ours['corpus']['vocabulary_size']:,}"),
        ("MB on disk", f"{made['disk_bytes'] / 1e6:,.0f}"),
    ]
    rows += [("seconds to make it, not timed", f"{made['seconds']:.1f}")]
    print_table(("corpus", ""), rows)
    stages, speeds = {**ours["stages"], "whole process": ours["seconds"]}, ours["words_per_second"]
    names = {"start-up": "start-up", "count": "count", "encode": "encode", "train": "train", "rounds": "  its rounds"}
    names |= {"publish": "publish", "total": "the job", "whole process": "whole process"}
    table = [
        (label, f"{stages[name]:.1f}", f"{speeds[name]:,.0f}" if name in speeds else "")
        for name, label in names.items()
    ]
    print_table(("stage", "seconds", "words/s"), table)
    print_table(("memory", "peak MiB"), [(name, f"{size:,}") for name, size in ours["peak_mebibytes"].items()])
    if gensim is not None:
        both = {**gensim, "seconds": gensim["scan_seconds"] + gensim["train_seconds"]}
        parts = {"scan": "scan_seconds", "train": "train_seconds", "both": "seconds"}
        table = [(part, f"{both[key]:,.1f}", f"{both[f'extrapolated_{key}']:,.1f}") for part, key in parts.items()]
        columns = (f"measured: {gensim['words']:,} words", f"EXTRAPOLATED: {gensim['extrapolated_to_words']:,} words")
        print_table(("gensim, seconds", *columns), table)
        times = result["times_as_fast_as_gensim_extrapolated"]
        print(f"{times:.1f} times as fast as gensim, whose time is extrapolated in proportion to the words")


if __name__ == "__main__":
    sys.exit(main())

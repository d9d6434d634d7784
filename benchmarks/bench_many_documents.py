"""Train and infer two million documents of 30 words: time of every stage, memory and disk, beside words alone.

The documents are stretches of the articles, drawn again and again. Words alone are a skip-gram model of the same text
with the same settings: the driver must not need more for documents than for them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.apart import check_room, run_apart, work_directory
from benchmarks.bench_billion import job_environment
from benchmarks.common import (
    Target,
    add_data_argument,
    data_files,
    print_table,
    report_targets,
    setting_arguments,
    timed,
    write_result,
)
from benchmarks.labelled import analyze
from benchmarks.memory import Run, stop_on_failure

DOCUMENTS, WORDS = 2_000_000, 30
SETTINGS: Final = (
    "model.dim=100", "model.window=5", "model.negatives=5", "train.sample=1e-4", "vocabulary.min_count=5",
)  # fmt: skip
MODELS: Final = {"words": "model.architecture=skipgram", "documents": "model.architecture=pv_dbow"}
MORE_MEBIBYTES: Final = 64  # that the driver may need beyond what it needs for words alone: a tenth of the rows
FILES: Final = 16
ROW_BYTES: Final = 4 * 100
_SECONDS: Final = 2.0  # between two looks at the disk

Row = dict[str, Any]


@dataclass(slots=True)
class Disk:
    """The most bytes that a directory has had."""

    peak: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Make the documents, train, infer, write ``results/many_documents.json``. Returns 1 when a target is missed."""
    options = _parse(argv)
    needed = options.documents * (WORDS * 30 + 8 * ROW_BYTES) + (4 << 30)
    check_room(options.output, needed, f"{options.documents:,} documents need")
    with work_directory(options.output, options.time_limit) as work:
        with timed() as making:
            write_documents(data_files(options.data)[:1], work / "few", FILES * 100, options.seed)
            write_documents(data_files(options.data), work / "text", options.documents, options.seed)
        print(f"made {options.documents:,} documents in {making.seconds:.1f} s (not timed)", flush=True)
        environment = job_environment(work, options.driver_memory)
        rows = {}
        for name in list(MODELS)[options.skip_words :]:
            train(name, work / "few", work / f"few-{name}", environment, options.set)  # compiles
            rows[name] = train(name, work / "text", work / name, environment, options.set)
        if not options.skip_infer:
            rows["inference"] = infer(work, environment)
    result = {
        "corpus": options.data.name,
        "documents": options.documents,
        "words_a_document": WORDS,
        "seed": options.seed,
    }
    _print(rows)
    targets = judge(rows)
    passed = report_targets(targets)
    write_result("many_documents", {**result, "settings": [*SETTINGS, *options.set], "jobs": rows}, targets)
    return 0 if passed else 1


def write_documents(files: Sequence[Path], directory: Path, documents: int, seed: int) -> None:
    """Draw stretches of so many words from articles and write them as documents.

    Parameters
    ----------
    files : Parquet files with a column ``text``
    directory : is made, and gets files of ``id int64``, which count from 0, and ``text``
    documents : how many in all
    seed : sets every draw
    """
    directory.mkdir()
    ids, starts, words = _read_words(files)
    random, first = np.random.default_rng(seed), 0
    for number in range(FILES):
        last = documents * (number + 1) // FILES
        drawn = starts[random.integers(0, len(starts), last - first)]
        text = words.take(pa.array(ids[drawn[:, None] + np.arange(WORDS)].ravel()))
        offsets = pa.array(np.arange(last - first + 1, dtype=np.int32) * WORDS)
        lines = pc.binary_join(pa.ListArray.from_arrays(offsets, text), " ")
        table = pa.table({"id": np.arange(first, last), "text": lines})
        pq.write_table(table, directory / f"part-{number:05d}.parquet", compression="zstd", row_group_size=1 << 14)
        first = last


def train(name: str, source: Path, output: Path, environment: dict[str, str], settings: Sequence[str]) -> Row:
    """Train words alone, or documents; the whole process."""
    command = ["train", "--input", str(source), "--format", "parquet", "--output", str(output)]
    command += ["--id", "id"] if name == "documents" else []
    with watched(output) as disk:
        run = _run([*command, *setting_arguments([*SETTINGS, MODELS[name], *settings])], environment, output.parent)
    model = json.loads((output / "model.json").read_text())
    return {
        **_described(run, disk, output),
        "stages": {**model["timings"], "start-up": run.seconds - model["timings"]["total"]},
        "corpus": model["corpus"],
        "plan": model["plan"],
    }


def infer(work: Path, environment: dict[str, str]) -> Row:
    """Infer all documents with the model that they have made."""
    output = work / "inferred"
    command = ["infer", "--model", str(work / "documents"), "--input", str(work / "text"), "--format", "parquet"]
    with watched(output) as disk:
        run = _run([*command, "--id", "id", "--output", str(output)], environment, work)
    return _described(run, disk, output)


@contextmanager
def watched(directory: Path) -> Iterator[Disk]:
    """Look every two seconds how much a directory, which need not be there yet, has on disk."""
    disk, stop = Disk(), threading.Event()

    def watch() -> None:
        while not stop.wait(_SECONDS):
            disk.peak = max(disk.peak, sum(sizes(directory).values()))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield disk
    finally:
        stop.set()
        thread.join()
        disk.peak = max(disk.peak, sum(sizes(directory).values()))


def sizes(directory: Path) -> dict[str, int]:
    """Bytes of what a directory has, by the first part of the path below it; files that vanish count nothing."""
    found: dict[str, int] = {}
    for path in directory.rglob("*"):
        try:
            size = path.stat().st_size if path.is_file() else 0
        except OSError:  # removed since it was listed
            continue
        part = path.relative_to(directory).parts[0]
        found[part] = found.get(part, 0) + size
    return found


def judge(rows: dict[str, Row]) -> list[Target]:
    """The driver needs no more memory for documents than for words, but for little."""
    if "words" not in rows:
        return []
    words = rows["words"]["peak_mebibytes"]["driver"]
    return [
        Target(
            f"driver, MiB more than for words alone: {name}",
            row["peak_mebibytes"]["driver"] - words,
            MORE_MEBIBYTES,
            False,
        )
        for name, row in rows.items()
        if name != "words"
    ]


def _read_words(files: Sequence[Path]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], pa.Array]:
    """Numbers of the words of all articles, the places where a document may begin, and the words."""
    parts, starts, place = [], [], 0
    for file in files:
        lists = analyze(pq.read_table(file, columns=["text"])["text"])
        offsets = lists.offsets.to_numpy()
        parts.append(lists.values.dictionary_encode())
        before_end = np.repeat(offsets[1:], np.diff(offsets)) - np.arange(offsets[-1])
        starts.append(place + np.flatnonzero(before_end >= WORDS))
        place += int(offsets[-1])
    words = pa.chunked_array(parts).unify_dictionaries()
    ids = np.concatenate([chunk.indices.to_numpy() for chunk in words.chunks])
    return ids, np.concatenate(starts), words.chunk(0).dictionary


def _run(arguments: Sequence[str], environment: dict[str, str], work: Path) -> Run:
    run = run_apart([sys.executable, "-m", "w2v_spark", *arguments], environment, work)
    stop_on_failure(f"w2v_spark {arguments[0]}", run)
    return run


def _described(run: Run, disk: Disk, output: Path) -> Row:
    return {
        "seconds": run.seconds,
        "peak_mebibytes": run.peaks.mebibytes(),
        "peak_disk_bytes": disk.peak,
        "result_bytes": sizes(output),
    }


def _print(rows: dict[str, Row]) -> None:
    table = []
    for name, row in rows.items():
        stages = row.get("stages", {})
        table += [(f"{name}: {stage}", f"{seconds:.1f} s") for stage, seconds in stages.items()]
        table += [(f"{name}: whole process", f"{row['seconds']:.1f} s")]
        table += [(f"{name}: memory, {role}", f"{size:,} MiB") for role, size in row["peak_mebibytes"].items()]
        table += [(f"{name}: most on disk", f"{row['peak_disk_bytes'] / 1e6:,.0f} MB")]
        table += [(f"{name}: {part}", f"{size / 1e6:,.0f} MB") for part, size in sorted(row["result_bytes"].items())]
    print_table(("job", ""), table)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the documents (default: %(default)s)")
    parser.add_argument("--skip-words", action="store_true", help="no words alone, and so nothing to judge by")
    parser.add_argument("--skip-infer", action="store_true", help="train alone")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(tempfile.gettempdir()),
        metavar="DIR",
        help="where to make the temporary directory (default: %(default)s)",
    )
    parser.add_argument("--driver-memory", default="3g", metavar="SIZE", help="Java's heap (default: %(default)s)")
    parser.add_argument("--time-limit", type=float, default=3600, metavar="SECONDS", help="for all (default: 3600)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for both models")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

"""What a round costs where weights cross a network: words a second and bytes, by whole matrices and by touched rows.

A standalone cluster of executors of one core, each in a network namespace of its own behind a link that ``tc`` holds to
100 Mbit/s or 1 Gbit/s, in both directions; the run directory on an object store in another namespace, whose own link is
as fast as the machine. Everything shares the cores of one machine: it says what links cost and not how fast machines
are. Needs root on Linux, and iproute2.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.bench_determinism import digest
from benchmarks.bench_rounds import write_corpus
from benchmarks.common import ROOT, print_table, setting_arguments, spark_environment, write_result
from benchmarks.corpus import SENTENCE_WORDS, Corpus, synthetic_corpus
from tests.network import Network, Traffic, network
from tests.object_store import fetch, store_on
from tests.spark.cluster import StandaloneCluster, standalone_cluster

STORE: Final = "store"
JOBS: Final = {
    "whole matrices": ROOT / "benchmarks" / "whole_rows_train.py",
    "touched rows": ROOT / "jobs" / "train.py",
}
POLL: Final = 0.05  # seconds between looks at what the job says of itself
TIMEOUT: Final = 1800

MEANING: Final = {
    "seconds": "wall time of all rounds; of each stage the mean of the shards, or the merge, of all rounds",
    "words_per_second": "words read by all shards over the seconds of the rounds",
    "counted": "bytes of weights that shards and merge have asked for and written in a round, by the program's"
    " own count; shards: without the merge",
    "links": "bytes that the links of all executors have carried in a round, from the first command to the last merge: "
    "weights, encoded text, Spark's own messages, headers, and what was sent again",
}

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Train, write ``results/<name>.json``. Returns 1 when vectors differ."""
    options = _parse(argv)
    loads = [os.getloadavg()]
    with tempfile.TemporaryDirectory(prefix="w2v-bench-", dir=options.output) as name:
        work = Path(name)
        words = write_corpus(_cut(synthetic_corpus(options.vocabulary), options.tokens), work / "corpus")
        arguments = ["--input", str(work / "corpus"), "--format", "parquet", "--column", "words", *_settings(options)]
        rows = [_run_locally(arguments, work)]
        for rate in options.rates:
            rows += _run_at(rate, options, arguments, work / f"at-{rate}")
    loads.append(os.getloadavg())
    _print(rows)
    same = len({row["vectors"] for row in rows}) == 1
    print(f"vectors are {'identical' if same else 'DIFFERENT'}")
    result = {
        "meaning": MEANING, "busy": options.busy, "load": [round(load[0], 2) for load in loads], "words": words,
        "workers": options.workers, "settings": _settings(options), "identical": same, "rows": rows,
    }  # fmt: skip
    write_result(options.name, result)
    return 0 if same else 1


def _cut(corpus: Corpus, tokens: int) -> Corpus:
    """The first sentences of a corpus."""
    sentences = tokens // SENTENCE_WORDS
    return dataclasses.replace(
        corpus, ids=corpus.ids[:tokens], offsets=corpus.offsets[: sentences + 1], raw_words=tokens
    )


def _settings(options: argparse.Namespace) -> list[str]:
    shards = f"train.shards={options.workers}"
    fixed = [shards, f"train.rounds={options.rounds}", f"model.dim={options.dim}", "train.epochs=1"]
    return setting_arguments([*fixed, "vocabulary.min_count=1", *options.set])


def _run_locally(arguments: Sequence[str], work: Path) -> Row:
    """The same job on the cores of this machine, whose weights are files of it."""
    model = work / "local"
    command = [sys.executable, str(ROOT / "jobs" / "train.py"), *arguments, "--output", str(model)]
    subprocess.run(command, env=spark_environment("local[2]"), cwd=work, check=True, timeout=TIMEOUT)
    return {"exchange": "files of one machine", "megabits": None, **_result(model)}


def _run_at(rate: int, options: argparse.Namespace, arguments: Sequence[str], work: Path) -> list[Row]:
    """All ways to exchange, over links of so many Mbit/s."""
    work.mkdir()
    links = {**{f"worker{number}": rate for number in range(options.workers)}, STORE: 0}
    with ExitStack() as stack:
        hosts = stack.enter_context(network(links))
        place = work / "cluster"
        cluster = stack.enter_context(standalone_cluster(place, workers=options.workers, memory="1g", hosts=hosts))
        uri = stack.enter_context(store_on(hosts, STORE))
        rows = []
        for number, (exchange, script) in enumerate(JOBS.items()):
            events, model = work / f"events-{number}", work / f"model-{number}"
            store = uri(f"model-{number}")
            passed = _submit(cluster, hosts, script, [*arguments, "--output", store], events)
            found = _result(fetch(hosts, store, model))
            rounds = found["rounds"]
            carried = {key: sum(getattr(each, key) for each in passed.values()) / rounds for key in Traffic._fields}
            rows.append({"exchange": exchange, "megabits": rate, **found, "links": carried})
            print(json.dumps(rows[-1]), flush=True)
        return rows


def _submit(
    cluster: StandaloneCluster, hosts: Network, script: Path, arguments: Sequence[str], events: Path
) -> dict[str, Traffic]:
    """Run a job; what the links of the executors have carried in its rounds."""
    errors, conf = events.with_suffix(".log"), {"spark.executor.memory": "1g"}
    with errors.open("w") as file:  # a pipe that nobody reads would stop the job once it is full
        process = cluster.submit_async(script, *arguments, "--events", str(events), conf=conf, output=file)
    looks: dict[str, Mapping[str, Traffic]] = {}
    deadline = time.monotonic() + TIMEOUT
    try:
        while process.poll() is None and time.monotonic() < deadline:
            for state in ("begin", "end"):
                if state not in looks and _has_said(events, state):
                    looks[state] = hosts.traffic()
            time.sleep(POLL)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        sys.exit(f"{script.name} ended with exit code {process.returncode}\n{errors.read_text()[-4000:]}")
    return {
        host: Traffic(*(end - begin for begin, end in zip(looks["begin"][host], looks["end"][host], strict=True)))
        for host in hosts.links
        if host != STORE
    }


def _has_said(events: Path, state: str) -> bool:
    """Whether training has begun or ended."""
    lines = events.read_text(encoding="utf-8").split("\n")[:-1] if events.exists() else []
    return any(line.get("stage") == "train" and line.get("state") == state for line in map(json.loads, lines))


def _result(model: Path) -> Row:
    rounds = json.loads((model / "history.json").read_text())["rounds"]
    described = json.loads((model / "model.json").read_text())
    files = digest(model / "vectors")
    vocabulary, dim = described["corpus"]["vocabulary_size"], described["config"]["model"]["dim"]
    weights = 8 * vocabulary * dim
    total: Callable[[str], float] = lambda key: sum(entry["seconds"][key] for entry in rounds)  # noqa: E731
    written = sum(entry["bytes_written"] for entry in rounds) / len(rounds)
    read = sum(entry["bytes_read"] for entry in rounds) / len(rounds)
    words = sum(entry["tokens"] for entry in rounds)
    return {
        "vocabulary": vocabulary, "dim": dim, "rounds": len(rounds), "words": words, "weights_bytes": weights,
        "words_per_second": words / total("total"),
        "seconds": {key: round(total(key), 3) for key in ("total", "read", "train", "write", "merge")},
        "counted": {"received": read + written + weights, "sent": written + weights},
        "shards": {"received": read, "sent": written},
        "vectors": files["vectors"],
    }  # fmt: skip


def _print(rows: Sequence[Row]) -> None:
    table = []
    for row in rows:
        links = row.get("links", {})
        moved = [
            f"{each / 1e6:.0f}" for key in ("received", "sent") for each in (row["counted"][key], links.get(key, 0))
        ]
        stages = [f"{row['seconds'][key]:.1f}" for key in ("total", "read", "train", "write", "merge")]
        speed = "-" if row["megabits"] is None else str(row["megabits"])
        table.append((row["exchange"], speed, f"{row['words_per_second']:,.0f}", *stages, *moved))
    header = ("exchange", "Mbit/s", "words/s", "seconds", "read", "train", "write", "merge",
              "MB counted in", "MB on links in", "counted out", "on links out")  # fmt: skip
    print_table(header, table)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--vocabulary", type=int, default=50_000, metavar="V", help="of made-up text")
    parser.add_argument("--tokens", type=int, default=800_000, metavar="N", help="words of it, of one epoch")
    parser.add_argument("--dim", type=int, default=100, metavar="D")
    parser.add_argument("--rounds", type=int, default=5, metavar="T")
    parser.add_argument("--workers", type=int, default=4, metavar="P", help="executors of one core, with a shard each")
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 1000], metavar="MBIT", help="of the links")
    parser.add_argument("--busy", action="store_true", help="note that the machine was doing other things")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="for the main job")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to make the temporary directory")
    parser.add_argument("--name", default="network", metavar="NAME", help="of the result file")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

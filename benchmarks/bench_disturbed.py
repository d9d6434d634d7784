"""Is a cluster that changes while a run goes on any matter to it: the same bits, and how many seconds it costs.

A standalone cluster on one machine, four workers of one core; each of the runs on it has one thing happen to it, with
the run directory in files of the machine, where tasks are kept alive, and on an object store, where each step is a job.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

from pyarrow import fs as pafs

from benchmarks.bench_determinism import digest
from benchmarks.bench_rounds import write_corpus
from benchmarks.common import ROOT, print_table, setting_arguments, spark_environment, timed, write_result
from benchmarks.corpus import synthetic_corpus
from tests.faults.processes import Process, processes
from tests.object_store import Server, uri_of
from tests.spark.cluster import HOST, SPARK_BIN, StandaloneCluster, free_port, standalone_cluster

WORKERS: Final = 4
ROUND: Final = 3  # in which executors are told to go
SLOWED: Final = 10  # times
SLICE: Final = 0.03  # seconds that the slow one works at a time
POLL: Final = 0.1
LONGEST: Final = 900.0  # a run that takes more is said to hang
SPECULATION: Final = {"spark.speculation": "true", "spark.speculation.interval": "100ms"}
DYNAMIC: Final = {
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.dynamicAllocation.minExecutors": "1",
    "spark.dynamicAllocation.initialExecutors": "1",
    "spark.dynamicAllocation.executorIdleTimeout": "5s",
    "spark.dynamicAllocation.shuffleTracking.timeout": "5s",
    "spark.executor.cores": "1",
}
DECOMMISSION: Final = {"spark.decommission.enabled": "true", "spark.storage.decommission.enabled": "true"}

SERVER: Final = "org.apache.spark.sql.connect.service.SparkConnectServer"
CLIENT: Final = """
import sys
from w2v_spark.cli.main import main
from w2v_spark.spark.session import get_session
get_session().addArtifacts(sys.argv[1], pyfile=True)
sys.exit(main(["train", *sys.argv[2:]]))
"""

MEANING: Final = {
    "seconds": "wall time of all rounds; slowest_round: of one of them",
    "executors": "how many the master has seen at work at once in the rounds, least and most, by looks at it",
    "started": "executors that the application has had in all",
}

Row = dict[str, Any]
Meddler = Callable[["Watched"], None]


@dataclass
class Watched:
    """A job that runs, and what has been seen of it."""

    cluster: StandaloneCluster
    process: subprocess.Popen[str]
    events: Path
    executors: set[int] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    done: threading.Event = field(default_factory=threading.Event)

    def rounds(self) -> int:
        """How many have been finished; -1 before training has begun."""
        lines = self.events.read_text(encoding="utf-8").split("\n")[:-1] if self.events.exists() else []
        said = [json.loads(line) for line in lines]
        if not any(line.get("stage") == "train" for line in said):
            return -1
        return max((line["round"] for line in said if line["event"] == "round"), default=0)

    def is_training(self) -> bool:
        """Whether rounds go on."""
        return self.rounds() >= 0 and not self.done.is_set()

    def of_workers(self, *numbers: int) -> list[Process]:
        """The processes of some workers' machines."""
        return processes([self.cluster.workers[number].pid for number in numbers])


def nothing(job: Watched) -> None:
    """Leave it alone."""


def decommission_executor(job: Watched) -> None:
    """Tell an executor to go, as Kubernetes and others do."""
    if (victims := [each.pid for each in job.of_workers(1) if each.is_executor]) and wait_for_round(job):
        os.kill(victims[0], signal.SIGPWR)


def decommission_worker(job: Watched) -> None:
    """Tell a worker to go, with what runs there."""
    if wait_for_round(job):
        os.kill(job.cluster.workers[1].pid, signal.SIGPWR)


def slow_down(job: Watched) -> None:
    """Stop the processes of one machine nine tenths of the time."""
    while not job.is_training():
        if job.done.wait(POLL):
            return
    while not job.done.is_set():
        victims = job.of_workers(1)  # some are new
        try:
            _signal_all(victims, signal.SIGSTOP)
            job.done.wait(SLICE * (SLOWED - 1))
        finally:
            _signal_all(victims, signal.SIGCONT)
        job.done.wait(SLICE)


def _signal_all(victims: Sequence[Process], number: signal.Signals) -> None:
    for each in victims:
        with suppress(ProcessLookupError):
            os.kill(each.pid, number)


def come_and_go(job: Watched) -> None:
    """Kill the executors of one worker after another, as spot machines go; the worker starts others."""
    for number in range(WORKERS):
        if not wait_for_round(job, ROUND * (number + 1)):
            return
        for each in job.of_workers(number):
            if each.is_executor:
                os.kill(each.pid, signal.SIGKILL)


def wait_for_round(job: Watched, number: int = ROUND) -> bool:
    """Whether the run has come so far."""
    while job.rounds() < number:
        if job.done.wait(POLL):
            return False
    return True


@dataclass(frozen=True)
class Case:
    """What happens to a run."""

    name: str
    meddler: Meddler = nothing
    conf: Mapping[str, str] = field(default_factory=dict)
    connect: bool = False


CASES: Final = (
    Case("nothing"),
    Case("Spark Connect", connect=True),
    Case("dynamic allocation from one executor", conf=DYNAMIC),
    Case("executors killed, one by one", come_and_go),
    Case("an executor decommissioned in a round", decommission_executor, DECOMMISSION),
    Case("a shard ten times slower", slow_down),
    Case("a shard ten times slower, speculation", slow_down, SPECULATION),
    Case("a worker decommissioned in a round", decommission_worker, DECOMMISSION),  # the last: it does not come back
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run all cases, write ``results/<name>.json``. Returns 1 when vectors differ or a run fails or hangs."""
    options = _parse(argv)
    loads = [os.getloadavg()]
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as name, _object_store() as uri:
        work = Path(name)
        words = write_corpus(synthetic_corpus(options.vocabulary), work / "corpus")
        arguments = ["--input", str(work / "corpus"), "--format", "parquet", "--column", "words", *_settings(options)]
        reference = _reference(arguments, work)
        places: dict[str, Callable[[str], str]] = {"files": lambda path: str(work / path), "object store": uri}
        rows: list[Row] = []
        for number, place in enumerate(options.places):
            with _cluster(work / f"cluster-{number}") as cluster:
                for case in CASES:
                    if any(part in case.name for part in options.cases):
                        where = places[place](f"model-{len(rows)}")
                        rows.append(_run(cluster, case, place, where, arguments, work / f"case-{len(rows)}", reference))
    loads.append(os.getloadavg())
    _print(rows)
    result = {"meaning": MEANING, "busy": options.busy, "load": [round(load[0], 2) for load in loads], "words": words,
              "settings": _settings(options), "rows": rows}  # fmt: skip
    write_result(options.name, result)
    return 0 if all(row["outcome"] == "the same bits" for row in rows) else 1


@contextmanager
def _cluster(directory: Path) -> Iterator[StandaloneCluster]:
    """One whose workers can be decommissioned."""
    directory.mkdir()
    settings = directory / "spark.conf"
    settings.write_text("".join(f"{key} {value}\n" for key, value in DECOMMISSION.items()))
    with standalone_cluster(directory / "cluster", workers=WORKERS, memory="1g", properties=settings) as cluster:
        yield cluster


@contextmanager
def _object_store() -> Iterator[Callable[[str], str]]:
    server = Server("127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield lambda path: uri_of("127.0.0.1", server.server_address[1], path)
    server.shutdown()


def _settings(options: argparse.Namespace) -> list[str]:
    rounds, dim = f"train.rounds={options.rounds}", f"model.dim={options.dim}"
    return setting_arguments([f"train.shards={WORKERS}", rounds, dim, f"train.epochs={options.epochs}"])


def _reference(arguments: Sequence[str], work: Path) -> str:
    command = [sys.executable, str(ROOT / "jobs" / "train.py"), *arguments, "--output", str(work / "reference")]
    subprocess.run(command, env=spark_environment("local[2]"), cwd=work, check=True, timeout=LONGEST)
    return digest(work / "reference" / "vectors")["vectors"]


def _run(
    cluster: StandaloneCluster,
    case: Case,
    place: str,
    output: str,
    arguments: Sequence[str],
    work: Path,
    reference: str,
) -> Row:
    work.mkdir()
    events, errors = work / "events", work / "errors"
    command = [*arguments, "--output", output, "--events", str(events)]
    try:
        with _started(cluster, case, command, errors) as process:
            job = Watched(cluster, process, events)
            meddling = threading.Thread(target=case.meddler, args=(job,))
            meddling.start()
            with timed() as timing:
                _watch(job)
            job.done.set()
            meddling.join()
            outcome = "it hangs" if process.poll() is None else f"exit code {process.returncode}"
    except OSError as error:  # the other cases need not suffer
        print(errors.read_text()[-4000:], file=sys.stderr)
        return {"case": case.name, "run directory": place, "outcome": f"it did not start: {error}"}
    row: Row = {"case": case.name, "run directory": place, "outcome": outcome, "wall": round(timing.seconds, 1)}
    if outcome == "exit code 0":
        row |= _result(output, work / "model", reference)
    else:
        print(errors.read_text()[-4000:], file=sys.stderr)
    row |= {"executors": [min(job.executors, default=0), max(job.executors, default=0)], "started": len(job.numbers)}
    print(json.dumps(row), flush=True)
    return row


@contextmanager
def _started(
    cluster: StandaloneCluster, case: Case, arguments: Sequence[str], errors: Path
) -> Iterator[subprocess.Popen[str]]:
    """The job, killed with the block where it has not ended."""
    with ExitStack() as stack:
        file = stack.enter_context(errors.open("w"))
        if case.connect:
            remote = stack.enter_context(_connect_server(cluster, file))
            environment = {**cluster.environment, "SPARK_REMOTE": remote, "PYTHONPATH": str(ROOT)}
            command = [sys.executable, "-c", CLIENT, str(cluster.package), *arguments]
            process = subprocess.Popen(
                command, env=environment, cwd=cluster.directory, stdout=file, stderr=file, text=True,
                start_new_session=True,
            )  # fmt: skip
        else:
            process = cluster.submit_async(ROOT / "jobs" / "train.py", *arguments, conf=case.conf, output=file)
        stack.callback(_end, process)
        yield process


@contextmanager
def _connect_server(cluster: StandaloneCluster, file: TextIO) -> Iterator[str]:
    """A server of Spark Connect whose executors are those of the cluster; its URL."""
    port = free_port()
    settings = {
        "spark.executor.memory": "512m", "spark.ui.enabled": "false", "spark.connect.grpc.binding.port": port,
    }  # fmt: skip
    environment = {**cluster.environment, "SPARK_DAEMON_MEMORY": "1g"}  # the server is one of Spark's daemons
    options = [option for name, value in settings.items() for option in ("--conf", f"{name}={value}")]
    command = [str(SPARK_BIN / "spark-submit"), "--master", cluster.url, "--class", SERVER, *options]
    process = subprocess.Popen(
        command, env=environment, cwd=cluster.directory, stdout=file, stderr=file, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + LONGEST
        while True:
            try:
                socket.create_connection((HOST, port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(POLL)
        yield f"sc://{HOST}:{port}"
    finally:
        _end(process)


def _watch(job: Watched) -> None:
    """Look at the master until the job has ended, or has taken too long."""
    deadline = time.monotonic() + LONGEST
    while job.process.poll() is None and time.monotonic() < deadline:
        if job.is_training():
            found = [each for each in job.of_workers(*range(WORKERS)) if each.is_executor]
            job.executors.add(len(found))
            job.numbers |= {str(each.pid) for each in found}
        time.sleep(POLL)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _result(output: str, copy: Path, reference: str) -> Row:
    copy.mkdir()
    pafs.copy_files(output, str(copy))
    rounds = json.loads((copy / "history.json").read_text())["rounds"]
    seconds = [entry["seconds"]["total"] for entry in rounds]
    same = digest(copy / "vectors")["vectors"] == reference
    return {
        "outcome": "the same bits" if same else "OTHER BITS",
        "seconds": round(sum(seconds), 2),
        "slowest_round": round(max(seconds), 2),
        "rounds": len(rounds),
    }


def _print(rows: Sequence[Row]) -> None:
    keys = ("run directory", "outcome", "seconds", "slowest_round", "executors", "started", "wall")
    print_table(("case", *keys), [(row["case"], *(str(row.get(key, "")) for key in keys)) for row in rows])


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--vocabulary", type=int, default=50_000, metavar="V", help="of made-up text")
    parser.add_argument("--dim", type=int, default=100, metavar="D")
    parser.add_argument("--epochs", type=int, default=4, metavar="N", help="of some 2.5 million words")
    parser.add_argument("--rounds", type=int, default=12, metavar="T")
    parser.add_argument(
        "--cases", nargs="+", default=[""], metavar="NAME", help="those with any of these in their name"
    )
    parser.add_argument("--places", nargs="+", default=["files", "object store"], help="of the run directory")
    parser.add_argument("--busy", action="store_true", help="note that the machine was doing other things")
    parser.add_argument("--name", default="disturbed", metavar="NAME", help="of the result file")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

"""Kill one process of a job at a random moment, again and again: ``make faults N=200 SEED=1``.

Each trial trains the same small corpus, on ``local[2]``, ``local[2,4]`` or a standalone cluster of processes, and kills
one process by SIGKILL: driver, Java, a Python worker or the daemon that starts them, and on a cluster also an executor,
a worker or the master. The moment is drawn from a stage and a part of the time that the stage takes. Half of the trials
write an output, half publish a version. Where Spark does not mend it, `--resume` has to; then the vectors are compared
with those of an undisturbed run, byte by byte.
A trial is known by two numbers, ``SEED-TRIAL``, and can be repeated by ``--only TRIAL``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import corpora
from tests.faults.processes import Process, daemons, end_session, kill_one, processes, python_workers
from tests.faults.runs import DEADLINE, TRAIN, arguments, start, vectors
from tests.spark.cluster import StandaloneCluster, standalone_cluster
from w2v_spark.publishing.versions import open_result

ROUNDS = 12  # of `runs.SETTINGS`
STAGES = ("count", "encode", "train", "publish")
LOCAL = ("driver", "java", "python worker", "daemon")
VICTIMS = {
    "local[2]": LOCAL,
    "local[2,4]": LOCAL,
    "cluster": (*LOCAL, "executor", "worker", "master"),
}
RESUMES = 3  # tries until a trial counts as lost


@dataclass
class Trial:
    """What is drawn for a trial, and what has come of it."""

    seed: str
    place: str
    victim: str
    stage: str
    part: float
    publishes: bool = False
    outcome: str = "not run"
    said: list[str] = field(default_factory=list)

    @classmethod
    def draw(cls, seed: str, places: list[str], stages: list[str]) -> Trial:
        drawn = random.Random(seed)
        place = drawn.choice(places)
        victim, stage = drawn.choice(VICTIMS[place]), drawn.choice(stages)
        part = drawn.random()
        return cls(seed, place, victim, stage, part, drawn.random() < 0.5)

    @property
    def is_lost(self) -> bool:
        return self.outcome.startswith("LOST")

    def __str__(self) -> str:
        moment = f"{self.stage} + {self.part:.0%}, {'version' if self.publishes else 'output'}"
        return f"{self.seed:>8}  {self.place:<10} {self.victim:<13} {moment}: {self.outcome}"


class Bench:
    """Corpus, reference, and the cluster for as long as none of its parts was killed."""

    def __init__(self, directory: Path) -> None:
        self.directory, self._stack = directory, contextlib.ExitStack()
        self._cluster: StandaloneCluster | None = None
        self._clusters = 0
        self.corpus = corpora.write_parquet(directory / "corpus", corpora.planted_documents(3000))
        self.durations: dict[str, dict[str, float]] = {}
        self.reference = b""

    def prepare(self, places: list[str]) -> None:
        """Undisturbed runs: the vectors, and how long the stages take in each place."""
        for place in places:
            output = self.directory / f"reference-{len(self.durations)}"
            events = output.with_suffix(".jsonl")
            process = self.start(place, output, events, publishes=False)
            said = process.communicate(timeout=2 * DEADLINE)[1]
            if process.returncode:
                raise RuntimeError(f"the undisturbed run on {place} has failed: {said}")
            found = vectors(output)
            if self.reference and found != self.reference:
                raise RuntimeError(f"the undisturbed run on {place} gives other vectors")
            self.reference = found
            self.durations[place] = durations(events)

    def start(self, place: str, output: Path, events: Path, publishes: bool, *flags: str) -> subprocess.Popen[str]:
        """The job, in a session of its own."""
        options = ("--events", str(events), *flags)
        to = "--publish" if publishes else "--output"
        if place != "cluster":
            return start(self.corpus, output, *options, master=place, to=to)
        return self.cluster().submit_async(TRAIN, *arguments(self.corpus, output, *options, to=to))

    def cluster(self) -> StandaloneCluster:
        """One that works, with two workers."""
        if self._cluster is None:
            self._clusters += 1
            place = self.directory / f"cluster-{self._clusters}"
            self._cluster = self._stack.enter_context(standalone_cluster(place, workers=2, cores=1, memory="1g"))
        return self._cluster

    def drop_cluster(self) -> None:
        """Stop it; the next job gets another one."""
        self._cluster = None
        self._stack.close()

    def processes(self, job: int) -> list[Process]:
        """Those of a job and of the cluster."""
        sessions = [job]
        if self._cluster is not None:
            sessions += [each.pid for each in (*self._cluster.workers, self._cluster.master) if each is not None]
        return processes(sessions)

    def run(self, trial: Trial) -> Trial:
        """Carry out a trial."""
        output = self.directory / f"trial-{trial.seed}"
        events = output.with_suffix(".jsonl")
        process = self.start(trial.place, output, events, trial.publishes)
        try:
            killed = self._kill(trial, process, events)
            self._finish(trial, process, output, events, killed)
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            trial.outcome = f"LOST ({type(error).__name__}: {error})"
        finally:
            end_session(process)
            if trial.victim in ("worker", "master", "executor"):
                self.drop_cluster()
        if not trial.is_lost:
            shutil.rmtree(output, ignore_errors=True)
            events.unlink(missing_ok=True)
        return trial

    def _kill(self, trial: Trial, process: subprocess.Popen[str], events: Path) -> bool:
        """Wait for the moment and kill the victim; False if the job was faster."""
        deadline = time.monotonic() + 2 * DEADLINE
        while not has_begun(events, trial):
            if process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        time.sleep(trial.part * self.durations[trial.place][trial.stage])
        while process.poll() is None and time.monotonic() < deadline:
            victims = self._victims(trial.victim, process.pid)
            if victims and kill_one(victims[int(trial.part * 1000) % len(victims)]):
                return True
            time.sleep(0.01)  # one that comes and goes is not there yet
        return False

    def _victims(self, victim: str, job: int) -> list[int]:
        found = self.processes(job)
        of_job = [each for each in found if each.session == job]
        if victim == "driver":
            return [e.pid for e in of_job if not e.is_java and not e.is_python_of_spark and "bash" not in e.command[0]]
        if victim == "java":
            return [each.pid for each in of_job if each.is_java]
        if victim == "python worker":
            return python_workers(found)
        if victim == "daemon":
            return daemons(found)
        if victim == "executor":
            return [each.pid for each in found if each.is_executor]
        cluster = self.cluster()
        return [each.pid for each in ([cluster.master] if victim == "master" else cluster.workers) if each is not None]

    def _finish(self, trial: Trial, process: subprocess.Popen[str], output: Path, events: Path, killed: bool) -> None:
        """Let the job end, go on with it as often as necessary, and compare."""
        try:
            said = process.communicate(timeout=2 * DEADLINE)[1]
        except subprocess.TimeoutExpired:
            trial.outcome = "LOST (it hangs)"
            return
        trial.said.append(said)
        code, resumes = process.returncode, 0
        if killed and trial.victim in ("master", "worker", "executor") and code:
            self.drop_cluster()
        while code and resumes < RESUMES:
            resumes += 1
            again = self.start(trial.place, output, events, trial.publishes, "--resume")
            try:
                trial.said.append(again.communicate(timeout=2 * DEADLINE)[1])
            finally:
                end_session(again)
            code = again.returncode
        if code:
            trial.outcome = f"LOST (exit code {code} after {resumes} times --resume)"
        elif published_vectors(output) != self.reference:
            trial.outcome = "LOST (other vectors)"
        else:
            how = "the job was faster" if not killed else "it went on by itself"
            trial.outcome = f"survived, {f'{resumes} x --resume' if resumes else how}"


def published_vectors(output: Path) -> bytes:
    """Those that readers follow."""
    assert not (output / "_run").exists()
    return vectors(Path(open_result(output).path))


def read_events(path: Path) -> list[dict[str, Any]]:
    """All that are whole."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def has_begun(events: Path, trial: Trial) -> bool:
    """Whether the stage of the trial has."""
    return any(
        event["event"] == "stage" and (event["stage"], event["state"]) == (trial.stage, "begin")
        for event in read_events(events)
    )


def durations(events: Path) -> dict[str, float]:
    """Seconds of each stage; for publishing with what comes after it."""
    found = {e["stage"]: e["seconds"] for e in read_events(events) if e["event"] == "stage" and e["state"] == "end"}
    return {stage: max(found[stage], 0.1) for stage in STAGES}


@contextlib.contextmanager
def bench(places: list[str], directory: Path | None = None) -> Iterator[Bench]:
    """A prepared bench, cleared away at the end."""
    with tempfile.TemporaryDirectory(prefix="w2v-faults-", dir=directory, ignore_cleanup_errors=True) as folder:
        made = Bench(Path(folder))
        try:
            made.prepare(places)
            yield made
        finally:
            made.drop_cluster()


def main() -> int:
    """Run trials, print how each ended, and say how many were survived."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=200, help="trials")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, action="append", help="repeat this trial of the seed")
    parser.add_argument("--place", action="append", choices=list(VICTIMS), help="all of them by default")
    options = parser.parse_args()
    places = options.place or list(VICTIMS)
    numbers = options.only or range(options.number)
    begin, trials = time.monotonic(), []
    with bench(places) as made:
        for number in numbers:
            trial = made.run(Trial.draw(f"{options.seed}-{number}", places, list(STAGES)))
            trials.append(trial)
            print(trial, flush=True)
            if trial.is_lost:
                print("\n".join(text[-3000:] for text in trial.said), file=sys.stderr, flush=True)
    lost = [trial for trial in trials if trial.is_lost]
    how = Counter(trial.outcome.removeprefix("survived, ") for trial in trials if not trial.is_lost)
    print(f"{dict(how)}, {time.monotonic() - begin:.0f} s")
    print(f"survived {len(trials) - len(lost)} of {len(trials)}, seed {options.seed}", end="")
    print(f"; lost: {', '.join(trial.seed for trial in lost)}" if lost else "; lost: none")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())

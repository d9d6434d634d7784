"""A real standalone cluster, on loopback or on hosts of a network: master and workers of the installed PySpark."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pyspark

from tests.java_start import OPTIONS, environment_without
from tests.network import HUB, Network
from w2v_spark.cli.package_zip import write_package_zip
from w2v_spark.spark.java import find_java_home

SPARK_BIN = Path(pyspark.__file__).parent / "bin"
HOST = "127.0.0.1"
DEADLINE = 60.0
LOG_TAIL = 4000


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Place:
    """Where a process of a cluster runs."""

    address: str
    network: Network | None = None
    host: str = HUB
    """Of that network."""

    def command(self, *words: object) -> list[str]:
        """What starts a command there."""
        return list(map(str, words)) if self.network is None else self.network.command(self.host, *words)

    def call(self, function: Callable[[], Any]) -> Any:
        """Call a function where the place's addresses are known."""
        return function() if self.network is None else self.network.call(function)


@dataclass
class StandaloneCluster:
    """A running cluster. Everything it writes lies under ``directory``: logs, work directories, the shipped package."""

    directory: Path
    environment: dict[str, str]
    driver: Place
    """Of the master too."""
    places: Sequence[Place]
    """Of the workers."""
    daemons: Mapping[str, str] = field(default_factory=dict)
    """What the environment of master and workers has beyond that."""
    properties: Path | None = None
    """Settings of master and workers."""
    port: int = field(default_factory=free_port)
    web_port: int = field(default_factory=free_port)
    master: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"spark://{self.driver.address}:{self.port}"

    @property
    def package(self) -> Path:
        """The zip that `submit` ships; on executors it comes before any installed copy."""
        return self.directory / "w2v_spark.zip"

    def start(self, cores: int, memory: str) -> None:
        """Start the master, then the workers, and wait until all are registered."""
        write_package_zip(self.package)
        settings = ["--properties-file", str(self.properties)] if self.properties else []
        ports = [*settings, "--host", self.driver.address, "--port", str(self.port), "--webui-port", str(self.web_port)]
        self.master = self._spawn("master", self.driver, "org.apache.spark.deploy.master.Master", *ports)
        self._wait_for_workers(0)
        for i, place in enumerate(self.places):
            limits = ["--cores", str(cores), "--memory", memory, "--work-dir", str(self.directory / f"work-{i}")]
            ports = [*settings, "--host", place.address, "--port", "0", "--webui-port", "0"]
            worker = "org.apache.spark.deploy.worker.Worker"
            self.workers.append(self._spawn(f"worker-{i}", place, worker, *ports, *limits, self.url))
        self._wait_for_workers(len(self.places))

    def status(self) -> dict[str, Any]:
        """What the master says about itself, its workers and its applications."""
        return dict(self.driver.call(self._status))

    def _status(self) -> Any:
        with urllib.request.urlopen(f"http://{self.driver.address}:{self.web_port}/json/", timeout=5) as response:
            return json.load(response)

    def alive_workers(self) -> int:
        return sum(worker["state"] == "ALIVE" for worker in self.status()["workers"])

    def kill_worker(self, i: int) -> None:
        """Kill a worker and its executors the way a lost machine does: at once, without a farewell."""
        _stop(self.workers[i], signal.SIGKILL)

    def submit(
        self,
        script: Path,
        *args: str,
        conf: Mapping[str, str] | None = None,
        py_files: str | None = None,
        properties: Path | None = None,
        timeout: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run a script through ``spark-submit`` in client mode, the package shipped unless ``py_files`` says else."""
        process = self.submit_async(script, *args, conf=conf, py_files=py_files, properties=properties)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            _stop(process, signal.SIGKILL)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def submit_async(
        self,
        script: Path,
        *args: str,
        conf: Mapping[str, str] | None = None,
        py_files: str | None = None,
        properties: Path | None = None,
        output: TextIO | None = None,
    ) -> subprocess.Popen[str]:
        """Start `submit` and return at once; the caller waits for the process or kills its group.

        What it prints comes by pipes, or goes to a file.
        """
        settings = {
            "spark.ui.enabled": "false",
            "spark.executor.memory": "512m",
            "spark.executor.defaultJavaOptions": OPTIONS,
            **(conf or {}),
        }
        options = [option for item in settings.items() for option in ("--conf", "=".join(item))]
        shipped = str(self.package) if py_files is None else py_files
        options += ["--py-files", shipped] if shipped else []
        options += ["--properties-file", str(properties)] if properties else []
        return subprocess.Popen(
            self.driver.command(SPARK_BIN / "spark-submit", "--master", self.url, *options, script, *args),
            env=self._environment_at(self.driver),
            cwd=self.directory,
            text=True,
            stdout=output or subprocess.PIPE,
            stderr=output or subprocess.PIPE,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Stop every process, workers first; executors end with their worker."""
        for process in [*self.workers, self.master]:
            if process is not None:
                _stop(process, signal.SIGTERM)

    def logs(self) -> str:
        """The ends of all logs, executors' included, for the report of a failure."""
        files = [*sorted(self.directory.glob("*.log")), *sorted(self.directory.glob("work-*/*/*/stderr"))]
        return "\n".join(f"--- {file}\n{file.read_text(errors='replace')[-LOG_TAIL:]}" for file in files)

    def _environment_at(self, place: Place) -> dict[str, str]:
        return self.environment if place.network is None else {**self.environment, "SPARK_LOCAL_IP": place.address}

    def _spawn(self, name: str, place: Place, java_class: str, *args: str) -> subprocess.Popen[bytes]:
        with (self.directory / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                place.command(SPARK_BIN / "spark-class", java_class, *args),
                env={**self._environment_at(place), **self.daemons},
                cwd=self.directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_for_workers(self, count: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            for process in [*self.workers, self.master]:
                if process is not None and process.poll() is not None:
                    raise RuntimeError(f"{process.args!r} ended with code {process.returncode}\n{self.logs()}")
            with contextlib.suppress(OSError, ValueError):  # the master's page is not there yet
                if self.alive_workers() >= count:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"no {count} workers after {DEADLINE:.0f} seconds\n{self.logs()}")


@contextlib.contextmanager
def standalone_cluster(
    directory: Path,
    workers: int = 2,
    cores: int = 1,
    memory: str = "1g",
    daemons: Mapping[str, str] | None = None,
    properties: Path | None = None,
    hosts: Network | None = None,
) -> Iterator[StandaloneCluster]:
    """Start a cluster under ``directory`` and stop it whatever happens; a failure inside carries the logs.

    With a network there is a worker on each of the first of its hosts, and the master on its hub.
    """
    # Each has an address of its own: Spark runs no speculative copy of a task on the host that runs the task.
    driver, places = Place(HOST), [Place(f"127.0.0.{1 + i}") for i in range(workers)]
    if hosts is not None:
        driver = Place(hosts.address(HUB), hosts)
        places = [Place(hosts.address(host), hosts, host) for host in list(hosts.links)[:workers]]
    cluster = StandaloneCluster(directory, _environment(directory), driver, places, daemons or {}, properties)
    try:
        cluster.start(cores, memory)
        yield cluster
    except Exception as error:
        error.add_note(cluster.logs())
        raise
    finally:
        cluster.stop()


def _environment(directory: Path) -> dict[str, str]:
    """The environment of every process: this Python, one Java, nothing of the user's and no path to the checkout."""
    ours = ("SPARK_", "PYSPARK_", "PYTHONPATH", "MASTER")
    environment = environment_without(*ours)
    java_home = find_java_home()
    if java_home is not None:
        environment["JAVA_HOME"] = str(java_home)
    local = directory / "local"
    local.mkdir(parents=True, exist_ok=True)
    return environment | {
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": HOST,
        "SPARK_LOCAL_DIRS": str(local),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": OPTIONS,
    }


def _stop(process: subprocess.Popen[Any], first: signal.Signals) -> None:
    """End a process and its group: with ``first``, and if that takes longer than ten seconds by force."""
    for number in (first, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            return

"""Get a Spark session anywhere: notebook, plain Python, ``spark-submit`` or Spark Connect."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

from w2v_spark.errors import ConfigError
from w2v_spark.spark.java import find_java_home

__all__ = ["check_threads", "find_java_home", "get_session", "read_spark_defaults"]

_MEBIBYTE = 1 << 20


def get_session(
    app_name: str = "w2v-spark",
    master: str | None = None,
    config: Mapping[str, str] | None = None,
    threads: int = 1,
) -> SparkSession:
    """Return the active Spark session, or start one.

    Parameters
    ----------
    app_name : str
        Name of the application in Spark's own pages.
    master : str, optional
        A master URL, or ``sc://host:port`` for Spark Connect. Without one, what is configured counts
        (``spark-submit``, ``spark-defaults.conf``, ``SPARK_REMOTE``), else all cores of this machine.
    config : mapping, optional
        Spark settings. A session that is already active takes the ones that can still change and ignores the rest.
    threads : int
        ``train.threads`` of the job that is to run: how many cores a task gets where nobody has chosen.

    Notes
    -----
    Where this process has to start the Java side itself, it finds a Java (`find_java_home`), lets Spark use this
    Python, and sets what nobody has chosen: quiet logs, no console progress, driver memory by the machine's memory,
    and for a local master no web UI and the loopback address. ``JAVA_HOME``, ``PYSPARK_PYTHON`` and
    ``SPARK_LOCAL_IP`` are set in this process's environment for that.

    Raises
    ------
    ConfigError
        A Java is needed and there is none, or a local master has fewer cores than a task has threads.
    """
    settings = dict(config or {})
    active = SparkSession.getActiveSession()
    if active is not None:
        for key, value in settings.items():
            if active.conf.isModifiable(key):
                active.conf.set(key, value)
        return active
    if master is not None:
        settings["spark.remote" if master.startswith("sc://") else "spark.master"] = master
    remote = settings.get("spark.remote") or os.environ.get("SPARK_REMOTE") or "local"
    if remote.startswith("local") and "PYSPARK_GATEWAY_PORT" not in os.environ:
        settings = _prepare_java_side(settings, threads)
    builder = SparkSession.builder.appName(app_name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def read_spark_defaults(path: Path) -> dict[str, str]:
    """Read a ``spark-defaults.conf``: a key and a value a line, with space, ``=`` or ``:`` between them.

    Raises
    ------
    ValueError
        A line has no value.
    """
    settings = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text[0] in "#!":
            continue
        match = re.fullmatch(r"([^\s=:]+)\s*[\s=:]\s*(\S.*)", text)
        if match is None:
            raise ValueError(f"{path}: {text!r} is not a key and a value")
        settings[match[1]] = match[2]
    return settings


def check_threads(threads: int, master: str) -> None:
    """Refuse more threads in a task than a local master has cores: no slot would ever be large enough for the task.

    Raises
    ------
    ConfigError
    """
    cores = _local_cores(master)
    if cores is not None and threads > cores:
        raise ConfigError(
            f"train.threads = {threads} is not allowed: a task cannot have more threads than the master {master} has "
            f"cores, which are {cores}; expected at most {cores}, so lower train.threads or take another master"
        )


def _local_cores(master: str) -> int | None:
    """The cores of a master such as ``local``, ``local[4]`` or ``local[*,4]``; None for a cluster."""
    match = re.fullmatch(r"local(?:\[\s*(\d+|\*)\s*(?:,\s*\d+\s*)?\])?", master)
    if match is None:
        return None
    if match[1] == "*":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(match[1] or 1)


def _prepare_java_side(settings: Mapping[str, str], threads: int) -> dict[str, str]:
    """Set the environment of the Java process that is about to start, and complete its settings."""
    java_home = find_java_home()
    if java_home is not None:
        os.environ["JAVA_HOME"] = str(java_home)
    defaults_file = _conf_dir() / "spark-defaults.conf"
    configured = {**(read_spark_defaults(defaults_file) if defaults_file.is_file() else {}), **settings}
    is_local = configured.get("spark.master", os.environ.get("MASTER", "local")).startswith("local")
    if is_local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # a laptop's host name need not resolve
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if {"PYSPARK_SUBMIT_ARGS", "SPARK_REMOTE"} & os.environ.keys() or "spark.remote" in settings:
        return dict(settings)  # a command line of the user's own, or a server whose settings are fixed by now
    defaults = _defaults(is_local, threads)
    check_threads(threads, {**defaults, **configured}.get("spark.master", ""))
    return {**{key: value for key, value in defaults.items() if key not in configured}, **settings}


def _defaults(is_local: bool, threads: int) -> dict[str, str]:
    """The settings of a Spark that plain Python starts."""
    defaults = {
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": _driver_memory(),
        "spark.python.unix.domain.socket.enabled": "true",  # to Python workers; a round's jobs take half the time
    }
    quiet = Path(__file__).with_name("log4j2.properties")
    if quiet.is_file() and not any(_conf_dir().glob("log4j2.*")):
        defaults["spark.driver.defaultJavaOptions"] = f"-Dlog4j2.configurationFile={quiet.as_uri()}"
    if threads > 1:
        defaults["spark.task.cpus"] = str(threads)
    if is_local:
        defaults["spark.ui.enabled"] = "false"
        # All cores, and as many tries for a task as on a cluster.
        defaults["spark.master"] = os.environ.get("MASTER", "local[*,4]")
    return defaults


def _conf_dir() -> Path:
    home = os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent
    return Path(os.environ.get("SPARK_CONF_DIR") or Path(home, "conf"))


def _driver_memory() -> str:
    """A quarter of the memory that this machine or container has, between 1 and 8 GiB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        total = min(total, int(text))
    return f"{min(max(total // 4 // _MEBIBYTE, 1024), 8192)}m"

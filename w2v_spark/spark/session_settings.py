"""What a Spark on this machine is set to, where nobody has chosen."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

import pyspark

import w2v_spark
from w2v_spark.errors import ConfigError, Name
from w2v_spark.spark.java import Java
from w2v_spark.spark.java_archive import archive_options
from w2v_spark.spark.java_options import economical_options
from w2v_spark.spark.sockets import temporary_sockets
from w2v_spark.spark.warehouse import temporary_warehouse
from w2v_spark.spark.warm_up import PRELOADING_DAEMON

_MEBIBYTE: Final = 1 << 20


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

    A master without any is refused as well.

    Raises
    ------
    ConfigError
    """
    cores = _local_cores(master)
    if cores == 0:
        raise ConfigError(f"the master {master} has no core: expected local[1] or more, or local[*] for all of them")
    if cores is not None and threads > cores:
        raise ConfigError(
            Name("train.threads"),
            f" = {threads} is not allowed: a task cannot have more threads than the master {master} has cores, which "
            f"are {cores}; expected at most {cores}, so lower ",
            Name("train.threads"),
            " or take another master",
        )


def _local_cores(master: str) -> int | None:
    """The cores of a master such as ``local``, ``local[4]`` or ``local[*,4]``; None for a cluster."""
    match = re.fullmatch(r"local(?:\[\s*(\d+|\*)\s*(?:,\s*\d+\s*)?\])?", master)
    if match is None:
        return None
    if match[1] == "*":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(match[1] or 1)


def prepare_java_side(settings: Mapping[str, str], threads: int, java: Java, is_small: bool = False) -> dict[str, str]:
    """Set the environment of the Java process that is about to start, and complete its settings."""
    if java.home is not None:
        os.environ["JAVA_HOME"] = str(java.home)
    defaults_file = conf_dir() / "spark-defaults.conf"
    configured = {**(read_spark_defaults(defaults_file) if defaults_file.is_file() else {}), **settings}
    is_local = configured.get("spark.master", os.environ.get("MASTER", "local")).startswith("local")
    if is_local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # a laptop's host name need not resolve
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if {"PYSPARK_SUBMIT_ARGS", "SPARK_REMOTE"} & os.environ.keys() or "spark.remote" in settings:
        return dict(settings)  # a command line of the user's own, or a server whose settings are fixed by now
    defaults = _defaults(is_local, threads)
    _add_java_options(defaults, archive_options(java, configured))
    if is_local:  # elsewhere the driver is not alone with what its Java does
        _add_java_options(defaults, economical_options(configured, is_small))
    defaults |= temporary_warehouse(configured, conf_dir())
    check_threads(threads, {**defaults, **configured}.get("spark.master", ""))
    return {**{key: value for key, value in defaults.items() if key not in configured}, **settings}


def _add_java_options(settings: dict[str, str], options: str) -> None:
    """Add options for Java to those that are its default."""
    name = "spark.driver.defaultJavaOptions"
    if options:
        settings[name] = f"{settings.get(name, '')} {options}".strip()


def _defaults(is_local: bool, threads: int) -> dict[str, str]:
    """The settings of a Spark that plain Python starts."""
    defaults = {
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": _driver_memory(),
    }
    # Java and Python workers at sockets, not at ports: a round's jobs take half the time.
    defaults |= temporary_sockets() if is_local else {"spark.python.unix.domain.socket.enabled": "true"}
    quiet = Path(__file__).with_name("log4j2.properties")
    if quiet.is_file() and not any(conf_dir().glob("log4j2.*")):
        defaults["spark.driver.defaultJavaOptions"] = f"-Dlog4j2.configurationFile={quiet.as_uri()}"
    if threads > 1:
        defaults["spark.task.cpus"] = str(threads)
    if is_local:
        defaults["spark.ui.enabled"] = "false"
        if daemon := preloading_daemon():
            defaults["spark.python.daemon.module"] = daemon
        # All cores, and as many tries for a task as on a cluster.
        defaults["spark.master"] = os.environ.get("MASTER", "local[*,4]")
    return defaults


def preloading_daemon() -> str | None:
    """The module of a daemon whose workers have the kernels from the start, where workers can import this package.

    They can where it is installed or on ``PYTHONPATH``, and not where only this process has been told of it.
    """
    if os.environ.get("PYSPARK_PYTHON") != sys.executable:
        return None
    package = str(Path(w2v_spark.__file__).parent.parent)
    named = package in os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return (
        PRELOADING_DAEMON
        if named or any(distributions(name="w2v-spark", path=[sysconfig.get_path("purelib")]))
        else None
    )


def conf_dir() -> Path:
    """Where Spark looks for its configuration."""
    home = os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent
    return Path(os.environ.get("SPARK_CONF_DIR") or Path(home, "conf"))


def _driver_memory() -> str:
    """A quarter of the memory that this machine or container has, between 1 and 8 GiB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        total = min(total, int(text))
    return f"{min(max(total // 4 // _MEBIBYTE, 1024), 8192)}m"

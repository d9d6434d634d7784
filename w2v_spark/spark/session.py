"""Get a Spark session anywhere: notebook, plain Python, ``spark-submit`` or Spark Connect."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
import pyspark.util
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from w2v_spark.errors import ConfigError
from w2v_spark.spark.java import Java, check_working_directory, find_java
from w2v_spark.spark.java_log import JAVA_LOG
from w2v_spark.spark.java_options import economical_options
from w2v_spark.spark.numpy_arguments import recognise_numpy
from w2v_spark.spark.secret import with_secret, without_secrets
from w2v_spark.spark.session_settings import conf_dir, prepare_java_side

Begun = Callable[[pyspark.SparkContext], None]


def get_session(
    app_name: str = "w2v-spark",
    master: str | None = None,
    config: Mapping[str, str] | None = None,
    threads: int = 1,
    is_small: bool = False,
    begun: Begun | None = None,
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
        Spark settings. Where there is a session already, those that can still change are set and the rest is ignored;
        without ``config`` such a session, of a notebook, Databricks or EMR, is left as it is.
    threads : int
        ``train.threads`` of the job that is to run: how many cores a task gets where nobody has chosen.
    is_small : bool
        Whether Java will have so little to do that it is not worth its while to optimise itself, see
        `java_options.economical_options`.
    begun : function, optional
        Told of the context of a Java that this process has started, before there is a session: what need not wait for
        Spark's SQL can begin.

    Notes
    -----
    Where this process has to start the Java side itself, it finds a Java (`java.find_java_home`), lets Spark use this
    Python, and sets what nobody has chosen: quiet logs, no console progress, driver memory by the machine's memory, a
    temporary directory in the place of ``spark-warehouse`` in the working directory (unless Spark is set up for Hive),
    and for a local master no web UI and the loopback address. ``JAVA_HOME``, ``PYSPARK_PYTHON`` and
    ``SPARK_LOCAL_IP`` are set in this process's environment for that. Java gets a locale in which it reads names of
    files as this Python does, and keeps Spark's classes for the next one (`java_archive`). What Java and the Python
    workers print goes to a file (`java_log`), unless there is a log4j2 file in Spark's ``conf`` directory.

    Raises
    ------
    ConfigError
        A Java is needed and there is none, it does not start, the working directory is gone, or a local master has
        fewer cores than a task has threads.
    """
    settings = dict(config or {})
    existing = _existing_session()
    if existing is not None:
        for key, value in settings.items():
            if existing.conf.isModifiable(key):
                existing.conf.set(key, value)
        return existing
    if master is not None:
        settings["spark.remote" if master.startswith("sc://") else "spark.master"] = master
    remote = settings.get("spark.remote") or os.environ.get("SPARK_REMOTE") or "local"
    if "PYSPARK_GATEWAY_PORT" in os.environ and remote == "local":
        pyspark.SparkContext._ensure_initialized()  # now Java tells its settings
        return _builder(app_name, with_secret(settings)).getOrCreate()
    if not remote.startswith("local"):
        return _builder(app_name, settings).getOrCreate()
    return _start_here(app_name, settings, threads, is_small, begun)


def _existing_session() -> SparkSession | None:
    """The session of this thread, or that of the process: a new thread has none of its own."""
    active = SparkSession.getActiveSession()
    if active is None and getattr(SparkSession, "_instantiatedSession", None) is not None:
        running: SparkSession = SparkSession.builder.getOrCreate()
        return running
    return active


def _builder(app_name: str, settings: Mapping[str, str]) -> SparkSession.Builder:
    builder = SparkSession.builder.appName(app_name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder


def _start_here(
    app_name: str, settings: dict[str, str], threads: int, is_small: bool, begun: Begun | None
) -> SparkSession:
    """A session whose Java side this process starts."""
    check_working_directory()
    recognise_numpy()
    java = find_java()
    settings = prepare_java_side(settings, threads, java, is_small)
    with _environment(_launch_variables(java)):
        if not (_is_connect(settings) or _logs_as_configured()):
            return _start(_builder(app_name, settings), {"spark.app.name": app_name, **settings}, begun)
        if pyspark.SparkContext._gateway is None and not _is_connect(settings):
            gateway = launch_gateway(without_secrets(settings))  # type: ignore[no-untyped-call]
            pyspark.SparkContext._ensure_initialized(gateway=gateway)
            settings = with_secret(settings)
        session = _builder(app_name, settings).getOrCreate()
        if begun is not None and not _is_connect(settings):
            begun(session.sparkContext)
        return session


def _start(
    builder: SparkSession.Builder,
    settings: Mapping[str, str],
    begun: Begun | None,
) -> SparkSession:
    """Start Java as PySpark would start it, but with what it prints in a file, and a session on it."""
    if pyspark.SparkContext._gateway is None:
        try:
            with JAVA_LOG.open() as file:
                streams = {"stdout": file, "stderr": file}
                gateway = launch_gateway(without_secrets(settings), streams)  # type: ignore[no-untyped-call]
        except PySparkException as error:  # all that PySpark knows is that it has ended
            JAVA_LOG.keep()
            raise ConfigError(
                f"Spark did not start: {JAVA_LOG.reason() or error}; check the settings of Spark and of Java"
                + (f" (details: {JAVA_LOG.path})" if JAVA_LOG.path else "")
            ) from error
        pyspark.SparkContext._ensure_initialized(gateway=gateway)
        conf = pyspark.SparkConf().setAll(list(with_secret(settings).items()))
        context = pyspark.SparkContext(conf=conf, gateway=gateway)
        # Where Java is killed, the driver says so in one line; this thread would add a traceback.
        if (server := getattr(context, "_accumulatorServer", None)) is not None:
            server.handle_error = lambda *_: None
        if begun is not None:
            begun(context)
    session = builder.getOrCreate()
    JAVA_LOG.start()
    return session


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables of processes that are started meanwhile."""
    before = {name: os.environ[name] for name in variables if name in os.environ}
    try:
        os.environ.update(variables)
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def _launch_variables(java: Java) -> dict[str, str]:
    """What Java's launcher is told: its locale, and what it would start a Python and optimise a Java to find out."""
    variables = {} if java.locale is None else {"LC_ALL": java.locale}
    home = Path(pyspark.__file__).parent
    if "SPARK_HOME" not in os.environ and (home / "bin" / "spark-submit").is_file():
        variables["SPARK_HOME"] = str(home)
    if "SPARK_LAUNCHER_OPTS" not in os.environ:
        variables["SPARK_LAUNCHER_OPTS"] = economical_options({}, is_small=True)
    return variables


def _is_connect(settings: Mapping[str, str]) -> bool:
    """Whether PySpark is to start a server of Spark Connect in this process."""
    mode = settings.get("spark.api.mode") or os.environ.get("SPARK_API_MODE") or pyspark.util.default_api_mode()
    names = {"SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED"}
    return "spark.remote" in settings or bool(names & os.environ.keys()) or mode.lower() == "connect"


def _logs_as_configured() -> bool:
    """Whether the user has said how Spark logs, or how it starts."""
    return "PYSPARK_SUBMIT_ARGS" in os.environ or any(conf_dir().glob("log4j2.*"))


def jvm_file_encoding(spark: SparkSession) -> str | None:
    """What Java reads names of local files as, ``sun.jnu.encoding``; None with Spark Connect, which does not tell.

    Where this is not UTF-8, as in a process without a locale, files with other characters in their names are not seen.
    `w2v_spark.spark.java.is_same_encoding` compares it with this process.
    """
    try:
        jvm: Any = spark.sparkContext._jvm
    except PySparkException:
        return None
    return str(jvm.java.lang.System.getProperty("sun.jnu.encoding"))


def shows_console_progress(spark: SparkSession) -> bool:
    """Whether Spark draws a bar for its jobs on standard error, as a session does that PySpark has started."""
    return (spark.conf.get("spark.ui.showConsoleProgress", None) or "").lower() == "true"


def check_worker_python(spark: SparkSession) -> None:
    """Refuse a local Spark whose workers run another version of Python than this process: it could not run a task.

    Takes the time that Python takes to start, and nothing where the workers' Python is this one. On a cluster and with
    Spark Connect nothing is known before the first task fails, see `spark_errors.translated_errors`.

    Raises
    ------
    ConfigError
    """
    try:
        executable, master = spark.sparkContext.pythonExec, spark.sparkContext.master or ""
    except PySparkException:
        return
    if not master.startswith("local") or executable == sys.executable:
        return
    command = [executable, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        version = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(
            f"Spark's workers are to run {executable}, which does not start: {error}; "
            f"set PYSPARK_PYTHON to {sys.executable}"
        ) from error
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if version != ours:
        raise ConfigError(
            f"Spark's workers run Python {version} ({executable}), this process Python {ours}; they must be of one "
            f"version: set PYSPARK_PYTHON to {sys.executable}"
        )

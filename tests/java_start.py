"""Make the Javas of tests start in half the time: ``python -m tests.java_start``, run by ``make venv``.

Most of what a Java does in a test is loading Spark's classes. They are kept as an archive beside the environment, which
Java maps if it is the Java that wrote it and looks past it otherwise. Spark's own command takes the options from a
variable, so that plain Python, ``spark-submit`` and servers get them alike.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
ARCHIVE: Final = Path(sys.prefix, "spark-classes.jsa")
VARIABLE: Final = "SPARK_SUBMIT_OPTS"
FAST: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # for processes of seconds
OPTIONS: Final = f"{FAST} -Xshare:auto -XX:SharedArchiveFile={ARCHIVE} -Xlog:cds=off -Xlog:cds+dynamic=off"
DEADLINE = 60

JOB = """
import sys
from w2v_spark.cli.main import main
text, output = sys.argv[1:]
settings = ("train.rounds=2", "train.shards=2", "vocabulary.min_count=1", "train.sample=0", "model.dim=8")
changes = [item for setting in settings for item in ("--set", setting)]
code = main(["train", "--input", text, "--output", output, "--quiet", *changes])
from pyspark import SparkContext
print(SparkContext._gateway.jvm.java.lang.ProcessHandle.current().pid())
sys.exit(code)
"""


def add_options() -> None:
    """Let the processes of this one start Java with them, after those that are there."""
    os.environ[VARIABLE] = f"{os.environ.get(VARIABLE, '')} {OPTIONS}".strip()


def environment_without(*prefixes: str) -> dict[str, str]:
    """This process's environment without what a new user has not set, but for the options."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return kept | {VARIABLE: os.environ[VARIABLE]} if VARIABLE in os.environ else kept


def write_archive() -> bool:
    """Run a small job in a Java that writes the classes it has loaded when it ends; whether it has."""
    with tempfile.TemporaryDirectory() as folder:
        text, written = Path(folder, "a.txt"), Path(folder, "classes.jsa")
        text.write_text("the cat sat on the mat and the dog lay under the mat\n" * 200)
        command = [sys.executable, "-c", JOB, str(text), str(Path(folder, "out"))]
        options = {VARIABLE: f"{FAST} -XX:ArchiveClassesAtExit={written}", "MASTER": "local[2]"}
        done = subprocess.run(
            command, env={**os.environ, **options}, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True
        )
        if done.returncode != 0 or not _wait_for(int(done.stdout)) or not written.exists():
            return False
        beside = ARCHIVE.with_suffix(".new")
        shutil.copyfile(written, beside)
        beside.replace(ARCHIVE)
        return True


def _wait_for(process: int) -> bool:
    """Wait for the end of Java, which comes after Python's: whether it has come."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    if not write_archive():
        print("no archive of Spark's classes was written: tests start Java a little slower", file=sys.stderr)

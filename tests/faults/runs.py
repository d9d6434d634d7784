"""Runs of the main job in processes that can be killed, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import ROOT

TRAIN = ROOT / "jobs" / "train.py"
SETTINGS = ("train.epochs=4", "model.dim=64", "train.sample=0", "train.rounds=12", "train.shards=2", "train.seed=3")
DEADLINE = 120


def arguments(corpus: Path, output: Path, *flags: str, to: str = "--output") -> list[str]:
    settings = [item for setting in SETTINGS for item in ("--set", setting)]
    return ["--input", str(corpus), "--format", "parquet", to, str(output), *settings, *flags]


def start(
    corpus: Path, output: Path, *flags: str, master: str = "local[2,4]", to: str = "--output"
) -> subprocess.Popen[str]:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[0] = 'train.py'\n"
    script += f"from w2v_spark.spark.session import get_session; get_session(master={master!r})\n"
    script += "from w2v_spark.cli.main import main; sys.exit(main(['train', *sys.argv[1:]]))"
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments(corpus, output, *flags, to=to)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert process.poll() is None, f"ended too early: {process.communicate()}"
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.01)


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rounds_done(output: Path) -> int:
    return max((int(file.parent.name) for file in (output / "_run/rounds").glob("*/round.json")), default=-1)


def vectors(output: Path) -> bytes:
    assert (output / "_SUCCESS").exists()
    assert not (output / "_run").exists()
    return b"".join(file.read_bytes() for file in sorted((output / "vectors").glob("*.parquet")))

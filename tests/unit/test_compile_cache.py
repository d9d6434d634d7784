"""Compiled kernels are kept where they can be, found again wherever the package lies, and run without a cache too."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import numba
import pytest

from tests.conftest import ROOT
from w2v_spark.cli.package_zip import write_package_zip
from w2v_spark.kernels import cache
from w2v_spark.kernels.jit import kernel

pytestmark = pytest.mark.slow  # compiles in processes of its own

NOWHERE = "/dev/null/nowhere"  # not even root can make this

# Runs a kernel that compiles fast, and says whether that was necessary.
RUN = """
import json
import numba
from w2v_spark.kernels.rng import stream_key

key, stats = stream_key(1, 2, 3), stream_key.stats
print(json.dumps({
    "key": key,
    "hits": sum(stats.cache_hits.values()),
    "misses": sum(stats.cache_misses.values()),
    "place": stats.cache_path,
    "module": stream_key.py_func.__code__.co_filename,
    "code": str(stream_key.overloads[stream_key.signatures[0]].signature),
    "numba": numba.config.CACHE_DIR,
}))
"""
KEY = 6764389568326651736

NO_HOME = """
import pathlib
def home(): raise RuntimeError("Could not determine home directory.")
pathlib.Path.home = home
"""
USELESS_TEMPORARY = f"import tempfile; tempfile.tempdir = {NOWHERE!r}"
NO_TEMPORARY = """
import tempfile
def gettempdir(): raise FileNotFoundError("No usable temporary directory found")
tempfile.gettempdir = gettempdir
"""
FULL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
"""
OTHER_NUMBA = """
import numba.core.caching
del numba.core.caching.CompileResultCacheImpl
"""
# A process that read the index before the other one wrote to it, and whose own index is lost; with another signature.
AT_THE_SAME_TIME = """
from numba.core.caching import IndexDataCacheFile
IndexDataCacheFile._load_index = lambda self: {}
IndexDataCacheFile._save_index = lambda self, overloads: None
"""


# A copy of a process that has loaded numba, and nothing of this package; numba reads its settings again.
CHILD = """
import contextlib, io, os, sys, tempfile, traceback
os.environ.clear()
os.environ.update(environment)
os.chdir("/")
import numba.core.config
numba.core.config.reload_config()
tempfile.tempdir = None
sys.path.insert(0, environment["PYTHONPATH"])
said = io.StringIO()
try:
    assert not any(name.split(".")[0] == "w2v_spark" for name in sys.modules), "it is loaded before its settings"
    with contextlib.redirect_stdout(said):
        exec(script, {"__name__": "__main__"})
    connection.send((True, said.getvalue()))
except BaseException:
    connection.send((False, traceback.format_exc()))
"""


def run(script: str = RUN, package: Path = ROOT, **environment: str) -> dict[str, Any]:
    """Run a kernel in a process that finds nothing writable but what the call names."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_", "PYTHONPATH"))}
    places = {"HOME": NOWHERE, "TMPDIR": NOWHERE, "PYTHONPATH": str(package)}
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.unit.warm_numba"])
    ours, theirs = processes.Pipe(duplex=False)
    names = {"script": script, "environment": inherited | places | environment, "connection": theirs}
    process = processes.Process(target=exec, args=(CHILD, names))
    process.start()
    theirs.close()
    assert ours.poll(120), "it says nothing"
    went_well, said = ours.recv()
    process.join(60)
    assert went_well, said
    assert process.exitcode == 0
    report = dict(json.loads(said))
    assert report["key"] == KEY
    assert report["module"].startswith(str(package))
    assert report["numba"] == environment.get("NUMBA_CACHE_DIR", ""), "other programs' functions go elsewhere now"
    return report


def assert_is_kept(place: Path, script: str = RUN, **environment: str) -> None:
    """Compiled by the first process, into ``place`` and nothing else; taken from there by the second."""
    first = run(script, **environment)
    assert (first["hits"], first["misses"]) == (0, 1)
    assert Path(first["place"]) == place / cache.DIRECTORY.name
    assert {path.suffix for path in Path(first["place"]).iterdir()} == {".nbc", ".nbi"}
    second = run(script, **environment)
    assert (second["hits"], second["misses"], second["place"]) == (1, 0, first["place"])


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"NUMBA_CACHE_DIR": "named/below/deep", "HOME": "home"}, "named/below/deep"),
        ({"NUMBA_CACHE_DIR": NOWHERE, "HOME": "home", "TMPDIR": "temporary"}, "home/.cache/w2v-spark"),
        ({"XDG_CACHE_HOME": "cache", "HOME": "home"}, "cache/w2v-spark"),
        ({"HOME": "home", "TMPDIR": "temporary"}, "home/.cache/w2v-spark"),
        ({"TMPDIR": "temporary"}, f"temporary/w2v-spark-{os.getuid()}"),
    ],
)
def test_the_first_place_that_can_be_written_to_is_taken(
    tmp_path: Path, environment: dict[str, str], place: str
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "temporary").mkdir()
    assert_is_kept(tmp_path / place, **{name: str(tmp_path / path) for name, path in environment.items()})


def test_a_user_without_a_home(tmp_path: Path) -> None:
    assert_is_kept(tmp_path / f"w2v-spark-{os.getuid()}", NO_HOME + RUN, TMPDIR=str(tmp_path))


@pytest.mark.parametrize("environment", [{}, {"NUMBA_CACHE_DIR": NOWHERE}])
@pytest.mark.parametrize("before", [NO_TEMPORARY, NO_TEMPORARY + NO_HOME, USELESS_TEMPORARY])
def test_without_any_place_kernels_compile_in_memory(before: str, environment: dict[str, str]) -> None:
    report = run(before + RUN, **environment)
    assert (report["hits"], report["place"]) == (0, None)


def test_a_shipped_package_is_compiled_once_wherever_it_lies(tmp_path: Path) -> None:
    """Spark gives each application and executor a path of its own; a checkout of the same sources is as good."""
    (tmp_path / "application-1").mkdir()
    first = write_package_zip(tmp_path / "application-1/w2v_spark.zip")
    second = tmp_path / "application-2/userFiles/w2v_spark.zip"
    second.parent.mkdir(parents=True)
    shutil.copyfile(first, second)
    os.utime(second, (1, 1))
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    assert [run(package=package, **place)["hits"] for package in (first, second, ROOT)] == [0, 1, 1]
    assert run(NO_TEMPORARY + RUN, package=second)["place"] is None


@pytest.mark.parametrize("package", cache.PACKAGES)
def test_a_change_in_any_source_is_another_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    """Also one in a file whose functions are compiled into those of another file."""
    # Other processes write theirs while this one copies.
    shutil.copytree(ROOT / "w2v_spark", tmp_path / "w2v_spark", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache.resources, "files", tmp_path.joinpath)
    before = cache._source_digest()
    for path in sorted((tmp_path / "w2v_spark" / package).glob("*.py")):
        path.write_text(path.read_text() + "\n")
        assert cache._source_digest() != before, path
        before = cache._source_digest()


def test_all_compiled_functions_are_in_the_digest() -> None:
    """A function elsewhere is not kept, and one that is compiled into a kernel would not be noticed when it changes."""
    sources = {path: path.read_text() for path in (ROOT / "w2v_spark").rglob("*.py")}
    users = [path for path, text in sources.items() if re.search(r"njit|intrinsic|kernels\.jit import", text)]
    assert {path.relative_to(ROOT / "w2v_spark").parts[0] for path in users} == set(cache.PACKAGES)


def test_a_directory_of_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels").mkdir(mode=0o700)
    assert cache.is_private(tmp_path / "kernels")
    assert cache.make_private(tmp_path / "kernels")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert not cache.is_private(tmp_path / "kernels")
    assert not cache.make_private(tmp_path / "kernels")


@pytest.mark.parametrize("mode", [0o770, 0o1777, 0o702])
def test_a_directory_that_others_may_write_to_is_left_alone(tmp_path: Path, mode: int) -> None:
    """What lies there may be theirs, whoever made it."""
    kernels = tmp_path / cache.DIRECTORY.name
    kernels.mkdir()
    kernels.chmod(mode)
    report = run(USELESS_TEMPORARY + RUN, NUMBA_CACHE_DIR=str(tmp_path))
    assert (report["hits"], report["place"]) == (0, None)
    assert list(kernels.iterdir()) == []
    assert kernels.stat().st_mode & 0o7777 == mode


def test_a_directory_that_others_may_only_read_is_closed(tmp_path: Path) -> None:
    kernels = tmp_path / cache.DIRECTORY.name
    kernels.mkdir(mode=0o755)
    assert run(NUMBA_CACHE_DIR=str(tmp_path))["place"] == str(kernels)
    assert kernels.stat().st_mode & 0o777 == 0o700


def test_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / cache.DIRECTORY.name).symlink_to(tmp_path / "elsewhere")
    assert run(USELESS_TEMPORARY + RUN, NUMBA_CACHE_DIR=str(tmp_path))["place"] is None


class Marker:
    """What unpickling it does can be seen."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_what_others_have_put_there_is_not_run(tmp_path: Path) -> None:
    """Files without our digest, files under another name, and directories that were opened to others later."""
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    kernels = Path(run(**place)["place"])
    marker = tmp_path / "was run"
    whole = {path: path.read_bytes() for path in kernels.iterdir()}
    theirs = pickle.dumps(Marker(marker))
    for path in whole:
        for content in (theirs, cache._seal("another name", theirs) + theirs):
            for file, before in whole.items():  # a process that compiles gives its code another name
                file.write_bytes(before)
            path.write_bytes(content)
            assert run(**place)["misses"] == 1
            assert not marker.exists()
    for path in whole:
        path.write_bytes(cache._seal(path.name, theirs) + theirs)
    kernels.chmod(0o777)
    assert run(USELESS_TEMPORARY + RUN, **place)["place"] is None
    assert not marker.exists()
    for path in whole:
        path.chmod(0o666)
    kernels.chmod(0o700)
    assert run(**place)["misses"] == 1
    assert not marker.exists()


def test_a_full_disk_and_damaged_files_cost_a_compilation_only(tmp_path: Path) -> None:
    place = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert run(FULL_DISK + RUN, **place)["misses"] == 1
    (directory,) = tmp_path.iterdir()
    assert list(directory.iterdir()) == []
    run(**place)
    whole = {path: path.read_bytes() for path in directory.iterdir()}
    for path, content in whole.items():
        flipped = bytearray(content)
        flipped[-5] ^= 1
        for damaged in (b"", content[:-4], bytes(flipped)):
            path.write_bytes(damaged)
            assert run(**place)["misses"] == 1
            for other, before in whole.items():
                other.write_bytes(before)
    assert run(**place)["hits"] == 1


def test_processes_that_start_together_do_not_mix_up_their_code(tmp_path: Path) -> None:
    place = {"NUMBA_CACHE_DIR": str(tmp_path)}
    code = run(**place)["code"]
    other = run(AT_THE_SAME_TIME + RUN.replace("(1, 2, 3)", "(numba.np.numpy_support.np.uint64(1), 2, 3)"), **place)
    assert other["code"] != code
    last = run(**place)
    assert (last["hits"], last["code"]) == (1, code)


def test_a_numba_that_has_changed_inside_caches_by_its_own_rule(tmp_path: Path) -> None:
    place = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert [run(OTHER_NUMBA + RUN, **place)["hits"] for _ in range(2)] == [0, 1]
    package = write_package_zip(tmp_path / "w2v_spark.zip")
    assert run(OTHER_NUMBA + RUN, package=package)["place"] is None, "which fails in a zip without a home"


def test_functions_that_are_not_compiled_are_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(a: int, b: int) -> int:
        return a + b

    assert kernel(add)(1, 2) == 3, "not one of the package: compiled, and not kept"
    assert add.__module__ == __name__
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert kernel(add) is add

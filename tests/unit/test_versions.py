"""Versions are immutable, readers follow CURRENT or one of them, and every change leaves a whole state behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import w2v_spark
from w2v_spark import KeyedVectors
from w2v_spark.errors import ConfigError, NotFollowed, RootDamaged, StoreError
from w2v_spark.publishing import version_list
from w2v_spark.publishing import version_root as module
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, VECTORS
from w2v_spark.publishing.manifest import Manifest
from w2v_spark.publishing.versions import State, Version, VersionRoot, open_result
from w2v_spark.vectors.table import write_vectors

V, D = 300, 16
WORDS = pa.array([f"w{number}" for number in range(V)])


def publish(
    root: VersionRoot, value: float, switch: bool = True, expected: str | None = None, **report: object
) -> Version:
    """A version all of whose numbers are one."""
    staging = root.open_staging()
    counts = np.full(V, int(value) + 1, np.int64)
    matrix = np.full((V, D), value, np.float32)
    write_vectors(staging.filesystem, staging.file(VECTORS), WORDS, counts, [matrix], {}, rows_per_file=100)
    staging.write_json(MODEL_FILE, {"format_version": 1, "packages": {}, "timings": {"total": time.time()}})
    staging.write_json(HISTORY_FILE, {"rounds": []})
    return root.publish(staging, (VECTORS, MODEL_FILE, HISTORY_FILE), report, switch, expected)


def value_of(location: object) -> float:
    vectors = KeyedVectors.load(str(location))
    value = float(vectors.matrix[0, 0])
    assert np.all(vectors.matrix == value)
    assert np.all(vectors.counts == int(value) + 1)
    return value


def make_old(root: VersionRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an hour pass: nothing is young any more, nor was current a moment ago."""
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 7200)


def test_a_version_is_published_and_followed(tmp_path: Path) -> None:
    root = VersionRoot.open(tmp_path / "root")
    assert root.current() is None
    with pytest.raises(StoreError):
        KeyedVectors.load(str(tmp_path / "root"))
    first = publish(root, 1.0)
    assert root.current() == first.id
    assert first.id.endswith(first.digest[:8])
    assert (first.parent, first.state, first.is_current, first.is_pinned) == (None, State.PUBLISHED, True, False)
    second = publish(root, 2.0)
    assert second.parent == first.id
    assert second.id > first.id  # also within one second
    assert [version.id for version in root.list()] == [first.id, second.id]
    assert value_of(tmp_path / "root") == 2.0
    assert value_of(f"{tmp_path}/root@{first.id}") == 1.0
    assert value_of(f"{tmp_path}/root@{first.digest[:8]}") == 1.0
    assert value_of(tmp_path / "root" / "versions" / first.id) == 1.0
    assert sorted(info.base_name for info in root.root.list()) == [
        "CURRENT", "_run", "switches.json", "versions", "w2v_spark.json",
    ]  # fmt: skip


def test_what_is_opened_stays_what_it_is(tmp_path: Path) -> None:
    root = VersionRoot.open(tmp_path / "root")
    publish(root, 1.0)
    opened, vectors = open_result(tmp_path / "root"), KeyedVectors.load(str(tmp_path / "root"))
    table = w2v_spark.table_path(str(tmp_path / "root"))
    publish(root, 2.0)
    assert value_of(opened.uri) == value_of(table) == float(vectors.matrix[0, 0]) == 1.0
    assert w2v_spark.table_path(f"{tmp_path}/root@{opened.path[-8:]}") == table
    assert Path(table).parent.parent.parent == tmp_path / "root"


def test_a_plain_output_is_opened_as_it_is(tmp_path: Path) -> None:
    for name in ("out", "out@home"):
        assert open_result(tmp_path / name).path == str(tmp_path / name)
        (tmp_path / name).mkdir()
        assert open_result(tmp_path / name).path == str(tmp_path / name)
    with pytest.raises(StoreError, match="no complete result"):
        w2v_spark.table_path(tmp_path / "out")


def test_the_same_content_is_the_same_version(tmp_path: Path) -> None:
    root = VersionRoot.open(tmp_path / "root")
    first = publish(root, 1.0)
    second = publish(root, 2.0)
    again = publish(root, 1.0)
    assert again.id == first.id
    assert root.current() == first.id
    assert [version.id for version in root.list()] == [first.id, second.id]
    other = publish(VersionRoot.open(tmp_path / "other"), 1.0)
    assert other.digest == first.digest


def test_a_rejected_version_stays_and_nobody_is_led_to_it(tmp_path: Path) -> None:
    root = VersionRoot.open(tmp_path / "root")
    first = publish(root, 1.0)
    rejected = publish(root, 2.0, state="rejected", gates=[{"gate": "analogies >= 0.5", "passed": False}])
    assert rejected.state == State.REJECTED
    assert root.current() == first.id
    assert root.report(rejected.id)["gates"][0]["passed"] is False
    assert value_of(f"{tmp_path}/root@{rejected.id}") == 2.0
    with pytest.raises(ConfigError, match="rejected by its gate"):
        root.switch(rejected.id)
    assert root.switch(rejected.id, force=True) == rejected.id
    assert value_of(tmp_path / "root") == 2.0
    assert publish(root, 3.0, switch=False).is_current is False
    assert publish(root, 2.0).state == State.PUBLISHED  # it has passed another gate


def test_a_later_verdict_on_the_same_content(tmp_path: Path) -> None:
    """Of a rejected version the report says why it was rejected last; what was published is not taken back."""
    root = VersionRoot.open(tmp_path / "root")
    first = publish(root, 1.0)
    for reason in ("one", "two"):
        rejected = publish(root, 2.0, state="rejected", reason=reason)
        assert root.report(rejected.id)["reason"] == reason
    assert publish(root, 1.0, state="rejected").id == first.id
    assert root.get(first.id).state == State.PUBLISHED
    assert root.current() == first.id


def test_whoever_has_led_readers_elsewhere_meanwhile_is_right(tmp_path: Path) -> None:
    root = VersionRoot.open(tmp_path / "root")
    first, second = publish(root, 1.0), publish(root, 2.0)
    root.rollback()
    with pytest.raises(NotFollowed, match=f"readers follow {first.id} and no longer {second.id}"):
        publish(root, 3.0, expected=second.id, parent=second.id)
    assert root.current() == first.id
    third = root.list()[-1]
    assert (third.state, third.parent) == (State.PUBLISHED, second.id)
    root.rollback(third.id)
    fourth = publish(root, 4.0, expected=third.id, parent=second.id)
    assert root.current() == fourth.id
    assert root.rollback() == third.id, "which was current before, and not what it was made of"


@pytest.mark.parametrize("name", ["report.json", "manifest.json"])
def test_a_damaged_version_stops_no_other(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = VersionRoot.open(tmp_path / "root")
    first, second = publish(root, 1.0), publish(root, 2.0)
    (tmp_path / "root/versions" / first.id / name).write_text("{")
    assert [version.state for version in root.list()] == [State.DAMAGED, State.PUBLISHED]
    third = publish(root, 3.0)
    assert root.current() == third.id
    assert root.rollback() == second.id
    with pytest.raises(StoreError, match=name):
        root.rollback(first.id)
    make_old(root, monkeypatch)
    assert root.prune(2) == [first.id]


@pytest.mark.parametrize("content", ["", "nonsense\n"])
def test_a_damaged_current_is_repaired_by_saying_who_it_is(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version_list, "_SECONDS_BETWEEN_TRIES", 0)
    root = VersionRoot.open(tmp_path / "root")
    first = publish(root, 1.0)
    (tmp_path / "root/CURRENT").write_text(content)
    with pytest.raises(RootDamaged, match=r"CURRENT is damaged: .*rollback VERSION"):
        root.current()
    assert [version.is_current for version in root.list()] == [False]
    assert root.rollback(first.id) == first.id
    assert value_of(tmp_path / "root") == 1.0


def test_rollback(tmp_path: Path) -> None:
    root = VersionRoot.open(tmp_path / "root")
    with pytest.raises(ConfigError, match="no version yet"):
        root.rollback()
    first = publish(root, 1.0)
    with pytest.raises(ConfigError, match="before the current one"):
        root.rollback()
    second, third = publish(root, 2.0), publish(root, 3.0)
    assert root.rollback() == second.id
    assert root.rollback() == first.id
    assert root.rollback(third.id) == third.id
    assert root.rollback(first.id[:-4]) == first.id
    fourth = publish(root, 4.0)
    assert fourth.parent == first.id
    assert root.rollback() == first.id  # and not the newest one before
    with pytest.raises(ConfigError, match="no version 'nonsense'"):
        root.rollback("nonsense")
    with pytest.raises(ConfigError, match="several versions"):
        root.rollback("2")
    with pytest.raises(ConfigError, match="by now"):
        root.switch(second.id, expected=third.id)


def test_prune_keeps_what_somebody_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = VersionRoot.open(tmp_path / "root")
    versions = [publish(root, float(value)) for value in range(6)]
    rejected = publish(root, 9.0, state="rejected")
    ids = [version.id for version in versions]
    with pytest.raises(ConfigError, match="at least 1"):
        root.prune(0)
    assert root.prune(1) == []  # all are young
    make_old(root, monkeypatch)
    root.pin(ids[0])
    root.switch(ids[1])
    assert root.prune(2) == [ids[2], ids[3]]  # and not 0, pinned, 1, current, 4 and 5, the newest
    assert [version.id for version in root.list()] == [ids[0], ids[1], ids[4], ids[5], rejected.id]
    root.unpin(ids[0])
    assert root.prune(1) == [ids[0], ids[4]]  # 5 is the newest, and was current a moment ago
    assert value_of(tmp_path / "root") == 1.0


def test_prune_keeps_what_was_current_a_moment_ago(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = VersionRoot.open(tmp_path / "root")
    first, second = publish(root, 1.0), publish(root, 2.0)
    make_old(root, monkeypatch)
    publish(root, 3.0)
    assert root.prune(1) == [first.id]
    assert second.id in [version.id for version in root.list()]


def test_prune_removes_what_killed_jobs_have_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = VersionRoot.open(tmp_path / "root")
    publish(root, 1.0)
    half = root.directory("20200101T000000Z-00000000").create()
    half.write_bytes(MODEL_FILE, b"{}")
    hidden = root.root.child("versions/.20200101T000000Z-00000001.abc.old").create()
    (tmp_path / "root/versions/notes").mkdir()
    assert root.prune(1) == ["20200101T000000Z-00000000"]
    assert not half.exists()
    assert not hidden.exists()
    assert (tmp_path / "root/versions/notes").is_dir()  # nobody of us has made it


def test_pins_of_what_is_not_there(tmp_path: Path) -> None:
    root = VersionRoot.open(tmp_path / "root")
    version = publish(root, 1.0)
    with pytest.raises(ConfigError):
        root.pin("nonsense")
    assert root.pin(version.id[:8]) == version.id
    assert root.get(version.id).is_pinned
    assert root.unpin(version.digest[:8]) == version.id
    assert not root.get(version.id).is_pinned


@pytest.mark.parametrize("what", ["vectors", "notes.txt"])
def test_a_place_that_holds_something_else(tmp_path: Path, what: str) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / what).write_text("mine")
    with pytest.raises(ConfigError, match="choose another directory"):
        VersionRoot.open(tmp_path / "root").check()
    assert [path.name for path in (tmp_path / "root").iterdir()] == [what]


def test_a_damaged_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_list, "_SECONDS_BETWEEN_TRIES", 0)
    root = VersionRoot.open(tmp_path / "root")
    publish(root, 1.0)
    (tmp_path / "root/CURRENT").write_text("../../etc\n")
    with pytest.raises(StoreError, match="damaged"):
        KeyedVectors.load(str(tmp_path / "root"))


@pytest.mark.parametrize("change", ["cut", "flip", "remove"])
def test_a_changed_file_is_found(tmp_path: Path, change: str) -> None:
    root = VersionRoot.open(tmp_path / "root")
    directory = root.directory(publish(root, 1.0).id)
    manifest = Manifest.read(directory)
    manifest.verify(directory)
    assert manifest.bytes == sum(path.stat().st_size for path in map(Path, map(directory.file, manifest.files)))
    file = Path(directory.file(sorted(manifest.files)[-1]))
    content = file.read_bytes()
    file.write_bytes(content[:-1] if change == "cut" else content[:-1] + bytes([content[-1] ^ 1]))
    if change == "remove":
        file.unlink()
    with pytest.raises(StoreError, match=file.name):
        manifest.verify(directory)


def test_two_at_once(tmp_path: Path) -> None:
    """Publishing, rolling back, pinning, pruning and reading at the same time: every look finds a whole version."""
    root = VersionRoot.open(tmp_path / "root")
    first = publish(root, 0.0)
    root.pin(first.id)
    done = threading.Event()

    def repeat(change: Callable[[], object]) -> None:
        while not done.is_set():
            change()
            time.sleep(0.001)

    def read() -> None:
        value_of(tmp_path / "root")

    def list_all() -> None:
        assert first.id in [version.id for version in root.list() if version.is_pinned]

    changes: list[Callable[[], object]] = [
        read,
        read,
        list_all,
        lambda: root.switch(first.id),
        lambda: root.prune(1),
        lambda: root.pin(first.id),
    ]
    with ThreadPoolExecutor() as pool:
        repeated = [pool.submit(repeat, change) for change in changes]
        for value in range(1, 15):
            publish(root, float(value))
        done.set()
    for each in repeated:
        each.result()
    assert len(root.list()) == 15

"""What a loss of power leaves: whatever vouches for something is on the disk after it.

A `Disk` knows what was flushed: the content of files, and the names in folders. After every step of ours it is looked
at as it would be found, in the two ways that file systems have: names change on the disk as they change in memory, or
only when their folder is flushed; content is there only when it was flushed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.test_publication import publish as publish_plain
from tests.unit.test_versions import publish
from w2v_spark import KeyedVectors
from w2v_spark import storage as storage_module
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.storage import Directory

Inode = int


class Disk:
    """What was flushed of a folder, which is empty when it begins."""

    def __init__(self, top: Path, images: Path) -> None:
        self.top, self.images = top, images
        self.content: dict[tuple[Inode, int, int], bytes] = {}
        self.names: dict[Inode, dict[str, Path | Inode]] = {}
        self.kinds: dict[Inode, tuple[Inode, int, int] | None] = {}
        self.looks = 0

    def flush(self, path: Path) -> None:
        status = path.stat()
        if path.is_dir():
            self.names[status.st_ino] = {child.name: self._key(child) for child in path.iterdir()}
        else:
            self.content[self._identity(path)] = path.read_bytes()

    def _identity(self, path: Path) -> tuple[Inode, int, int]:
        status = path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _key(self, path: Path) -> Any:
        return path.stat().st_ino if path.is_dir() else self._identity(path)

    def image(self, names_are_flushed: bool) -> Path:
        """The folder as it would be found; what was never flushed is empty or missing."""
        self.looks += 1
        place = self.images / str(self.looks)
        place.mkdir(parents=True)
        if names_are_flushed:
            self._restore(self.top.stat().st_ino, place)
        else:
            self._copy(self.top, place)
        return place

    def _restore(self, folder: Inode, place: Path) -> None:
        for name, key in self.names.get(folder, {}).items():
            if isinstance(key, int):
                (place / name).mkdir()
                self._restore(key, place / name)
            else:
                (place / name).write_bytes(self.content.get(key, b""))  # type: ignore[call-overload]

    def _copy(self, folder: Path, place: Path) -> None:
        for child in folder.iterdir():
            if child.is_dir():
                (place / child.name).mkdir()
                self._copy(child, place / child.name)
            else:
                (place / child.name).write_bytes(self.content.get(self._identity(child), b""))


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], None]], Path]:
    """Have a check look at both images after every step; gives the folder to work in."""
    top = tmp_path / "disk"
    top.mkdir()
    disk = Disk(top, tmp_path / "images")

    def start(check: Callable[[Path], None]) -> Path:
        def look() -> None:
            check(disk.image(True))
            check(disk.image(False))

        flush = storage_module._sync_path

        def flushed(path: str) -> None:
            flush(path)
            disk.flush(Path(path))
            look()

        def looking(original: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                result = original(*arguments, **named)
                look()
                return result

            return call

        monkeypatch.setattr(storage_module, "_sync_path", flushed)
        for name in ("move", "exchange", "remove", "delete", "write_bytes"):
            monkeypatch.setattr(Directory, name, looking(getattr(Directory, name)))
        return top

    return start


def value_of(location: Path | str) -> float:
    vectors = KeyedVectors.load(str(location))
    value = float(vectors.matrix[0, 0])
    assert np.all(vectors.matrix == value)
    assert np.all(vectors.counts == int(value) + 1)
    return value


def test_success_vouches_for_a_table_that_is_on_the_disk(watch: Callable[[Callable[[Path], None]], Path]) -> None:
    seen: list[float] = []

    def check(image: Path) -> None:
        if (image / "out" / "_SUCCESS").exists():
            seen.append(value_of(image / "out"))

    top = watch(check)
    for value in (1.0, 2.0):
        publish_plain(Directory.open(top / "out"), value)
        assert {seen[-1], seen[-2]} == {value}  # when it is done it is on the disk
    assert set(seen) == {1.0, 2.0}


def test_current_vouches_for_a_version_that_is_on_the_disk(watch: Callable[[Callable[[Path], None]], Path]) -> None:
    seen: list[float] = []

    def check(image: Path) -> None:
        for success in image.glob("root/versions/*/_SUCCESS"):
            value_of(success.parent)
        if (image / "root" / "CURRENT").exists():
            seen.append(value_of(image / "root"))
            assert all(version.digest for version in VersionRoot.open(image / "root").list())

    top = watch(check)
    root = VersionRoot.open(top / "root")
    for value in (1.0, 2.0, 1.0):
        publish(root, value)
        assert {seen[-1], seen[-2]} == {value}
    root.rollback(root.list()[1].id)
    assert {seen[-1], seen[-2]} == {2.0}


def test_a_table_of_neighbours(watch: Callable[[Callable[[Path], None]], Path]) -> None:
    seen: list[int] = []

    def check(image: Path) -> None:
        if (image / "out" / "_SUCCESS").exists():
            seen.extend(set(pq.read_table(next((image / "out").glob("part-*.parquet")))["value"].to_pylist()))

    top = watch(check)
    for value in (1, 2):
        target = Publication(Directory.open(top / "out"), Kind.NEIGHBOURS, overwrite=True)
        with target.beside() as staging:
            table = pa.table({"value": [value]}).replace_schema_metadata({"w2v.format_version": "1"})
            pq.write_table(table, staging.child("table").create().file("part-00000.parquet"), store_schema=True)
            target.replace_by(staging, "table")
        assert seen[-2:] == [value, value]


def test_the_disk_finds_what_was_not_flushed(
    watch: Callable[[Callable[[Path], None]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests above fail where nothing is flushed."""

    def check(image: Path) -> None:
        if (image / "out" / "_SUCCESS").exists():
            value_of(image / "out")

    top = watch(check)
    monkeypatch.setattr(Directory, "sync", lambda *_: None)
    with pytest.raises(OSError, match="part-00000"):
        publish_plain(Directory.open(top / "out"), 1.0)

"""What versions there are under a root: their ids, states and reports, and the one that readers follow."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final, Self

from w2v_spark.errors import ConfigError, Name, RootDamaged, StoreError
from w2v_spark.publishing.layout import (
    CURRENT_FILE,
    MARK_FILE,
    PINS_FILE,
    REPORT_FILE,
    RUN,
    SUCCESS_FILE,
    VECTORS,
    VERSIONS,
    is_of_lock,
)
from w2v_spark.publishing.manifest import Manifest
from w2v_spark.publishing.version import State, Version, is_id
from w2v_spark.storage import Directory

_READ_TRIES: Final = 20
_SECONDS_BETWEEN_TRIES: Final = 0.05


@dataclass(frozen=True, slots=True)
class VersionList:
    """The versions under a root, to be read; `w2v_spark.publishing.version_root` says what lies where.

    Attributes
    ----------
    root : Directory
    """

    root: Directory

    @classmethod
    def open(cls, location: str | PathLike[str]) -> Self:
        """A root by path or URI; it need not be there. Raises `ConfigError` for a location that cannot be one."""
        return cls(Directory.open(location))

    def exists(self) -> bool:
        """Whether this program has made versions here."""
        if not self.root.exists(MARK_FILE):
            return False
        with suppress(StoreError):
            return self.root.read_json(MARK_FILE).get("kind") == VERSIONS
        return False

    def check(self) -> None:
        """Refuse a place that holds something else.

        Raises
        ------
        ConfigError
        """
        entries = [info.base_name for info in self.root.list() if not is_of_lock(info.base_name)]
        if entries and not self.exists():
            kind = "a single result" if {VECTORS, RUN} & set(entries) else f"{entries[0]!r}"
            raise ConfigError(
                Name("publish"), f" {self.root.uri} holds {kind} and no versions; choose another directory"
            )  # fmt: skip

    @property
    def run(self) -> Directory:
        """The directory of work in progress."""
        return self.root.child(RUN)

    def current(self) -> str | None:
        """The id that CURRENT names; None before the first version. Raises `RootDamaged` if the file is damaged."""
        text = ""
        for _ in range(_READ_TRIES):
            if not self.root.exists(CURRENT_FILE):
                return None
            with suppress(StoreError):  # gone in this moment, on a file system that cannot replace a file at once
                text = self.root.read_bytes(CURRENT_FILE).decode("ascii", "replace").strip()
            if is_id(text):
                return text
            time.sleep(_SECONDS_BETWEEN_TRIES)
        raise RootDamaged(
            f"{self.root.uri}/{CURRENT_FILE} is damaged: it says {text[:80]!r}, expected a version; let readers follow "
            f"one again: w2v-spark versions {self.root.uri} rollback VERSION"
        )

    def current_if_whole(self) -> str | None:
        """The id that CURRENT names; None if it names none, for whoever is about to write it anew."""
        try:
            return self.current()
        except RootDamaged:
            return None

    def directory(self, version: str) -> Directory:
        """Where a version is."""
        return self.root.child(f"{VERSIONS}/{version}")

    def list(self) -> list[Version]:
        """All complete versions, the oldest first, rejected and damaged ones included."""
        current, pins, found = self.current_if_whole(), self.pins(), []
        for id_ in self._ids():
            if not self._is_complete(id_):
                continue
            try:
                found.append(self._describe(id_, current, pins))
            except StoreError:
                if self._is_complete(id_):  # else it was pruned in this moment
                    found.append(Version(id_, State.DAMAGED, None, "", 0, id_ == current, id_ in pins))
        return found

    def get(self, version: str) -> Version:
        """One version, see `find`."""
        return self._describe(self.find(version), self.current(), self.pins())

    def find(self, text: str) -> str:
        """The id of a complete version by the id, by its first characters, or by its digest's.

        Raises
        ------
        ConfigError
            There is none, or there are several.
        """
        ids = [id_ for id_ in self._ids() if self._is_complete(id_)]
        found = [id_ for id_ in ids if id_ == text or id_.startswith(text) or id_.partition("-")[2].startswith(text)]
        if text and len(found) == 1:
            return found[0]
        shown = ", ".join((found or ids)[-3:]) or "none"
        raise ConfigError(
            f"{self.root.uri} has {'several versions' if text and found else 'no version'} {text!r}; "
            f"{'the newest of them' if text and found else 'the newest'}: {shown}"
        )

    def require(self, version: str | None = None) -> str:
        """The id of a version, see `find`, or of the current one. Raises `ConfigError` if there is none yet."""
        if not self.exists():
            raise ConfigError(f"{self.root.uri} holds no versions; train the first one with ", Name("publish"))
        current = self.current() if version is None else self.find(version)
        if current is None:
            raise ConfigError(f"{self.root.uri} has no version yet; train one with ", Name("publish"))
        return current

    def report(self, version: str) -> dict[str, Any]:
        """How a version came about: its ``report.json``. Raises `StoreError`."""
        return self.directory(version).read_json(REPORT_FILE)

    def pins(self) -> dict[str, Any]:
        """Versions that are never pruned, each with when and by whom it was pinned."""
        return dict(self._read_object(PINS_FILE).get("pins", {}))

    def _ids(self) -> Sequence[str]:
        return [info.base_name for info in self.root.child(VERSIONS).list() if is_id(info.base_name)]

    def _is_complete(self, version: str) -> bool:
        return self.directory(version).exists(SUCCESS_FILE)

    def _describe(self, version: str, current: str | None, pins: Iterable[str]) -> Version:
        directory = self.directory(version)
        manifest, report = Manifest.read(directory), self.report(version)
        state = State.PUBLISHED if report.get("state") == State.PUBLISHED else State.REJECTED
        size, digest = manifest.bytes, manifest.digest
        return Version(version, state, report.get("parent"), digest, size, version == current, version in pins)

    def _read_object(self, name: str) -> dict[str, Any]:
        return self.root.read_json(name) if self.root.exists(name) else {}

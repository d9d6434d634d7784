"""Versions of a result: immutable directories, and the name of the one that readers follow.

::

    ROOT/
      CURRENT          the id of the version that readers follow; replaced as the very last step
      w2v_spark.json   our mark
      versions/<UTC time>-<8 hex of the content digest>/    a result, and what belongs to it
      pins.json        versions that are never pruned
      switches.json    when CURRENT was changed, and by whom
      lock.json        the training that is at work here
      _change.json     held for the seconds that a change of CURRENT, of pins or of versions takes

Files of a version are never written over, so a reader that has opened one keeps it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from w2v_spark.errors import ConfigError, Name, NotFollowed
from w2v_spark.publishing.holder import Holder, show_time
from w2v_spark.publishing.layout import (
    CHANGE_LOCK_FILE,
    CURRENT_FILE,
    MANIFEST_FILE,
    MARK_FILE,
    PAGE_FILE,
    PINS_FILE,
    REPORT_FILE,
    SUCCESS_FILE,
    SWITCHES_FILE,
    TABLES,
    VERSIONS,
    mark,
)
from w2v_spark.publishing.lock import Lock
from w2v_spark.publishing.manifest import Manifest
from w2v_spark.publishing.part_names import name_by_content
from w2v_spark.publishing.version import State, Version, new_id, time_of
from w2v_spark.publishing.version_list import VersionList
from w2v_spark.storage import Directory

KEPT_SECONDS: Final = 3600.0
"""For so long nothing is removed that a reader may just have opened."""
_CHANGE_WAIT: Final = 60.0
_PUBLISH_WAIT: Final = 600.0  # after hours of training, for somebody who prunes on a slow store
_SWITCHES_KEPT: Final = 1000
_STAGING: Final = "publish"


@dataclass(frozen=True, slots=True)
class VersionRoot(VersionList):
    """Where versions are, and which is the current one.

    Changes are safe beside readers, beside a training that is at work here, and beside one another: they wait for each
    other for up to a minute (`InUse` after that).
    """

    def create(self) -> Self:
        """Make the root, with its mark. Raises `ConfigError` as `check` does."""
        self.check()
        if not self.root.exists(MARK_FILE):
            self.root.create().write_json(MARK_FILE, {"made_by": "w2v-spark", "kind": VERSIONS}, durable=True)
        return self

    def open_staging(self) -> Directory:
        """An empty directory for the parts of a new version."""
        staging = mark(self.create().run).child(_STAGING)
        staging.delete()
        return staging.create()

    def publish(
        self,
        staging: Directory,
        names: Sequence[str],
        report: Mapping[str, Any] | None = None,
        switch: bool = True,
        expected: str | None = None,
    ) -> Version:
        """Make a version of what lies in a staging directory, and let readers follow it as the very last step.

        Content that a version has already makes no other one: that version stays, and CURRENT is switched to it.

        Parameters
        ----------
        staging : Directory
            From `open_staging`; it is gone afterwards.
        names : sequence of str
            Its files and folders. A page about the model goes with them, and like the report is not in the manifest:
            a later verdict on the same content replaces both.
        report : mapping, optional
            For ``report.json``. ``state`` is ``published`` unless it says otherwise, ``parent`` the current version.
        switch : bool
            A version whose state is not ``published`` never becomes the current one.
        expected : str, optional
            The version that was current when work began.

        Raises
        ------
        NotFollowed
            The version is there, and another one than expected is current, which stays.
        """
        for table in (name for name in names if name in TABLES):
            name_by_content(staging.child(table))
        manifest = Manifest.build(staging, names)
        with self._changing("publish", _PUBLISH_WAIT):
            current = self.current_if_whole()
            report = {"parent": current, "state": State.PUBLISHED, "gates": [], **(report or {})}
            known = next((version.id for version in self.list() if version.digest == manifest.digest), None)
            if known is None:
                known = self._add(staging, names, manifest, report)
            elif self.report(known).get("state") != State.PUBLISHED:  # which a later verdict does not take back
                self._renew(known, staging, report)
            staging.delete()
            if switch and report["state"] == State.PUBLISHED:
                if expected is not None and current != expected:
                    raise NotFollowed(
                        f"version {known} is complete, but readers follow {current} and no longer {expected}, as when "
                        "its training began: somebody has decided that meanwhile, so they stay with it; to let them "
                        f"follow the new one: w2v-spark versions {self.root.uri} rollback {known}"
                    )
                self._switch(known, "publish")
        return self.get(known)

    def switch(self, version: str, expected: str | None = None, force: bool = False) -> str:
        """Let readers follow another version; its id.

        Parameters
        ----------
        version : str
            See `find`.
        expected : str, optional
            The version that is current now, for whoever has decided by that.
        force : bool
            Take a rejected version too.

        Raises
        ------
        ConfigError
            There is no such version, it was rejected, or another one than expected is current.
        """
        with self._changing("switch"):
            current, target = self.current_if_whole(), self.find(version)
            if expected is not None and current != expected:
                raise ConfigError(
                    f"{self.root.uri} has another current version by now, {current} and not {expected}; nothing was "
                    "changed"
                )
            if self._describe(target, current, ()).state != State.PUBLISHED and not force:
                raise ConfigError(
                    f"version {target} was rejected by its gate, see {self.directory(target).uri}/{REPORT_FILE}; give ",
                    Name("force"), " to publish it all the same",
                )  # fmt: skip
            self._switch(target, "switch")
        return target

    def rollback(self, version: str | None = None, force: bool = False) -> str:
        """Let readers follow an earlier version again: the one given, or the one before the current one; its id.

        Raises
        ------
        ConfigError
            See `switch`; or nothing is known before the current version.
        """
        if version is not None:
            return self.switch(version, self.current_if_whole(), force)
        current = self.current()
        return self.switch(self._before(current), current, force)

    def pin(self, version: str) -> str:
        """Keep a version whatever is pruned; its id."""
        with self._changing("pin"):
            id_, holder = self.find(version), Holder.of_this_process("pin")
            by = {"pinned": show_time(holder.taken), "by": f"{holder.owner}@{holder.host}"}
            self.root.write_json(PINS_FILE, {"pins": {**self.pins(), id_: by}}, durable=True)
        return id_

    def unpin(self, version: str) -> str:
        """Let a version be pruned again; its id."""
        with self._changing("unpin"):
            pins = self.pins()
            id_ = version if version in pins else self.find(version)
            pins.pop(id_, None)
            self.root.write_json(PINS_FILE, {"pins": pins}, durable=True)
        return id_

    def prune(self, keep: int) -> Sequence[str]:
        """Remove all but the ``keep`` newest published versions; the ids of what is gone.

        The current version and pinned ones stay, and what is younger than an hour or was current within the last.
        Parts of versions that a killed job has left behind go as well, and rejected versions that are older than those
        kept. Raises `ConfigError` if ``keep`` is below 1.
        """
        if keep < 1:
            raise ConfigError(Name("keep"), f" = {keep} is not allowed: expected at least 1 version")
        with self._changing("prune"):
            versions, recent = self.list(), time.time() - KEPT_SECONDS
            published = [version.id for version in versions if version.state == State.PUBLISHED]
            kept = {*published[-keep:], *self._current_since(recent)}
            oldest = min(published[-keep:], default="")
            kept |= {version.id for version in versions if version.is_current or version.is_pinned}
            kept |= {version.id for version in versions if version.state == State.REJECTED and version.id >= oldest}
            gone = [id_ for id_ in self._ids() if id_ not in kept and time_of(id_) < recent]
            for id_ in gone:
                self._remove(id_)
            for info in self.root.child(VERSIONS).list():
                if info.base_name.startswith("."):  # a removal that was interrupted
                    self.root.child(VERSIONS).remove(info.base_name)
        return gone

    # Parts of the above, which hold the lock of changes

    def _changing(self, purpose: str, wait: float = _CHANGE_WAIT) -> Lock:
        return Lock(self.create().root, CHANGE_LOCK_FILE, purpose, wait=wait)

    def _add(self, staging: Directory, names: Sequence[str], manifest: Manifest, report: Mapping[str, Any]) -> str:
        """Move a staged version in place; ``_SUCCESS`` vouches for all of it, so that comes last."""
        id_ = new_id(manifest.digest, max(self._ids(), default=None))
        manifest.write(staging)
        staging.write_json(REPORT_FILE, report)
        versions = self.root.child(VERSIONS).create()
        beside = [PAGE_FILE] if staging.exists(PAGE_FILE) else []
        if staging.is_local:
            for name in {info.base_name for info in staging.list()} - {*names, *beside, MANIFEST_FILE, REPORT_FILE}:
                staging.remove(name)
            staging.sync()
            staging.write_bytes(SUCCESS_FILE, b"", durable=True)
            self.run.move(_STAGING, versions, id_)
            versions.sync_names()
            self.root.sync_names()
            return id_
        target = versions.child(id_).create()
        for name in (*names, *beside, REPORT_FILE, MANIFEST_FILE):
            staging.move(name, target, name)
        target.write_bytes(SUCCESS_FILE, b"")
        return id_

    def _renew(self, known: str, staging: Directory, report: Mapping[str, Any]) -> None:
        """Write what is said about a version anew."""
        version = self.directory(known)
        version.write_json(REPORT_FILE, report, durable=True)
        version.remove(PAGE_FILE)
        if staging.exists(PAGE_FILE):
            version.write_bytes(PAGE_FILE, staging.read_bytes(PAGE_FILE), durable=True)

    def _switch(self, version: str, purpose: str) -> None:
        """Write CURRENT; before that note that the version so far was current until now, so that nobody prunes it."""
        current = self.current_if_whole()
        if current == version:
            return
        by = Holder.of_this_process(purpose)
        switches = self._read_object(SWITCHES_FILE).get("switches", [])[-_SWITCHES_KEPT:]
        entry = {"time": by.taken, "from": current, "to": version, "purpose": purpose, "by": f"{by.owner}@{by.host}"}
        self.root.write_json(SWITCHES_FILE, {"switches": [*switches, entry]}, durable=True)
        self.root.write_bytes(CURRENT_FILE, f"{version}\n".encode(), durable=True)

    def _before(self, current: str | None) -> str:
        """The version to go back to."""
        if current is None:
            raise ConfigError(f"{self.root.uri} has no version yet")
        published = {version.id: version for version in self.list() if version.state == State.PUBLISHED}
        parent = published[current].parent if current in published else None
        switches = self._read_object(SWITCHES_FILE).get("switches", [])
        came = [entry["from"] for entry in switches if entry["to"] == current and entry["purpose"] == "publish"]
        for before in (*came[-1:], parent):
            if before in published and before != current:
                return str(before)
        earlier = [id_ for id_ in published if id_ < current]
        if not earlier:
            raise ConfigError(f"{self.root.uri} has no published version before the current one, {current}")
        return earlier[-1]

    def _current_since(self, since: float) -> set[str]:
        """The versions that were current at some time after one."""
        switches = self._read_object(SWITCHES_FILE).get("switches", [])
        return {str(entry["from"]) for entry in switches if float(entry["time"]) >= since}

    def _remove(self, version: str) -> None:
        """Take a version away at one instant where the file system can; elsewhere its mark of completeness first."""
        versions = self.root.child(VERSIONS)
        if versions.is_local:
            hidden = f".{version}.{uuid.uuid4().hex}.old"
            versions.move(version, versions, hidden)
            versions.remove(hidden)
        else:
            versions.child(version).remove(SUCCESS_FILE)
            versions.remove(version)

"""How one process of several comes to hold a lock, by what the file system is able to do."""

from __future__ import annotations

import contextlib
import os
import random
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from w2v_spark.errors import StoreError
from w2v_spark.publishing.holder import Holder
from w2v_spark.storage import Directory

Say = Callable[[str], None]
_CONTEND_SECONDS: Final = 10.0
_STALL_SECONDS: Final = 60.0
_CLAIM: Final = re.compile(r"\.[0-9a-f]{32}\.claim")


class LockFile(Protocol):
    """The files of one lock."""

    def read(self) -> Holder | None:
        """Who holds the lock, or did so until it died; None if nobody does."""

    def take(self, mine: Holder, say: Say) -> Holder | None:
        """Take the lock, over from who is gone if need be; None if that is done, else who has it."""

    def is_held_by(self, mine: Holder) -> bool:
        """Whether nobody has taken it over or removed it."""

    def beat(self, mine: Holder) -> None:
        """Give a sign of life."""

    def release(self, mine: Holder) -> None:
        """Let others have it."""


def lock_file(directory: Directory, name: str) -> LockFile:
    """What is right for a directory."""
    return LinkedFile(directory, name) if directory.is_local else Claims(directory, name)


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file on a local or mounted disk, made by a hard link, which the system refuses where one is already."""

    directory: Directory
    name: str

    def read(self) -> Holder | None:
        """See `LockFile`. A file that says nothing, half written or damaged, is held by somebody unknown."""
        return _read(self.directory, self.name)

    def take(self, mine: Holder, say: Say) -> Holder | None:
        """See `LockFile`."""
        other, reason = self.read(), None
        if other is not None:
            reason = other.why_stale()
            if reason is None:
                return other
            if not self._move_aside(other):
                return self.read() or self.take(mine, say)
        if not self._create(mine):
            return self.read() or self.take(mine, say)  # the other one may have ended in this moment
        if reason is not None:
            say(_takes_over(self.directory, other, reason))
        return None

    def is_held_by(self, mine: Holder) -> bool:
        """See `LockFile`."""
        return _is(self.read(), mine)

    def beat(self, mine: Holder) -> None:
        """See `LockFile`. It never writes over a lock of somebody else."""
        os.utime(self.directory.file(self.name))

    def release(self, mine: Holder) -> None:
        """See `LockFile`."""
        self.directory.remove(self.name)

    def _create(self, mine: Holder) -> bool:
        """Whether the file is there now, and is ours."""
        temporary = f"{self.name}.{mine.token}.tmp"
        self.directory.write_json(temporary, mine.to_dict())
        here = Path(self.directory.file(self.name))
        try:
            here.hardlink_to(self.directory.file(temporary))
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links: others see an empty file for a moment
            with contextlib.suppress(FileExistsError), here.open("xb") as file:
                file.write(self.directory.read_bytes(temporary))
                return True
            return False
        finally:
            self.directory.remove(temporary)
        return True

    def _move_aside(self, stale: Holder) -> bool:
        """Take a stale lock away; False if it is another one by now.

        Of several processes one moves the file. It looks at what it has moved, and puts back what is not stale.
        """
        aside = f"{self.name}.{uuid.uuid4().hex}.old"
        try:
            self.directory.move(self.name, self.directory, aside)
        except OSError:  # somebody else was faster
            return False
        is_stale = _is(_read(self.directory, aside), stale)
        if not is_stale:
            with contextlib.suppress(OSError):
                Path(self.directory.file(self.name)).hardlink_to(self.directory.file(aside))
        self.directory.remove(aside)
        return is_stale


@dataclass(frozen=True, slots=True)
class Claims:
    """Files on an object store, one for each process that wants the lock: `pyarrow.fs` has no put with a condition.

    A process puts its claim, and then lists all. It holds the lock if there is no other claim, else it withdraws and
    tries again some moments later. Of two processes the one that lists last sees the claim of the other, since both
    have put theirs before: so they never hold it together, however busy the store is, if it lists what it has accepted,
    as S3, GCS and ABFS do. A process that has stood still for a minute between two steps withdraws.
    """

    directory: Directory
    name: str

    def read(self) -> Holder | None:
        """See `LockFile`. Of several claims that of who holds the lock, or else the first of one that is alive."""
        found = sorted(self._claims(), key=lambda claim: (not claim.is_held, claim.holder.why_stale() is not None))
        return found[0].holder if found else None

    def take(self, mine: Holder, say: Say) -> Holder | None:
        """See `LockFile`. Processes that come together give way to each other for some seconds."""
        deadline = time.monotonic() + _CONTEND_SECONDS
        while True:
            others = self._alive(mine)
            if not others:
                others = self._try(mine, say)
                if not others:
                    return None
            if others[0].is_held or time.monotonic() > deadline:
                return others[0].holder
            time.sleep(random.uniform(0.05, 0.5))

    def _try(self, mine: Holder, say: Say) -> list[_Claim]:
        """Put a claim, and leave it there if it is the only one; else the others."""
        try:
            begin = time.monotonic()
            self._put(mine, is_held=False)
            others = self._alive(mine)
            if not others and time.monotonic() - begin > _STALL_SECONDS:  # others may take this one for dead
                raise StoreError(f"{self.directory.uri} answers too slowly to lock it; try later")
            if not others:
                for claim in self._claims():
                    reason = claim.holder.why_stale()
                    if reason is not None:
                        self.directory.remove(claim.file)
                        say(_takes_over(self.directory, claim.holder, reason))
                self._put(mine, is_held=True)
                return []
        except BaseException:
            with contextlib.suppress(OSError):
                self.release(mine)
            raise
        self.release(mine)
        return others

    def is_held_by(self, mine: Holder) -> bool:
        """See `LockFile`."""
        return self.directory.exists(self._file(mine))

    def beat(self, mine: Holder) -> None:
        """See `LockFile`."""
        self._put(mine, is_held=True)

    def release(self, mine: Holder) -> None:
        """See `LockFile`."""
        self.directory.remove(self._file(mine))

    def _file(self, holder: Holder) -> str:
        return f"{self.name}.{holder.token}.claim"

    def _put(self, mine: Holder, is_held: bool) -> None:
        self.directory.write_json(self._file(mine), {**mine.to_dict(), "heartbeat": time.time(), "is_held": is_held})

    def _alive(self, mine: Holder) -> list[_Claim]:
        """Claims of other processes that are not gone, those of who holds the lock first."""
        others = [claim for claim in self._claims() if not _is(claim.holder, mine)]
        return sorted((one for one in others if one.holder.why_stale() is None), key=lambda one: not one.is_held)

    def _claims(self) -> Iterator[_Claim]:
        for info in self.directory.list():
            if info.base_name.startswith(self.name) and _CLAIM.fullmatch(info.base_name[len(self.name) :]):
                holder = _read(self.directory, info.base_name)
                if holder is not None:
                    yield _Claim(info.base_name, holder, self._says_held(info.base_name))

    def _says_held(self, file: str) -> bool:
        with contextlib.suppress(StoreError):
            return bool(self.directory.read_json(file).get("is_held", True))
        return True  # unless it says that it is not


@dataclass(frozen=True, slots=True)
class _Claim:
    """A claim, and whether who has put it has found that it is the only one."""

    file: str
    holder: Holder
    is_held: bool


def _read(directory: Directory, name: str) -> Holder | None:
    """What a file says of who has made it; somebody unknown if it says nothing, None if it is not there."""
    info = directory.filesystem.get_file_info(directory.file(name))
    if not info.is_file:
        return None
    changed = info.mtime_ns / 1e9 if info.mtime_ns else time.time()
    try:
        return Holder.from_dict(directory.read_json(name), changed if directory.is_local else None)
    except StoreError:
        return Holder.unknown(changed) if directory.exists(name) else None


def _is(one: Holder | None, other: Holder) -> bool:
    return one is not None and one.token == other.token


def _takes_over(directory: Directory, other: Holder | None, reason: str) -> str:
    return f"taking {directory.uri} over from the {other}, {reason}"

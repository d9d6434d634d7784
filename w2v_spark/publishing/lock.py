"""One job at a time in one place: a file that says who is at work there.

On a local or mounted disk the file is made by a hard link, which the system refuses where one is already. `pyarrow.fs`
has no put with a condition, so on an object store whoever has put the file waits a moment and looks again: the last
one who has put it holds it. Between two jobs this fails only if one of them stands still for longer than that moment
between its look and its put; then the other finds out at its next heartbeat, or at the latest when it asks (`check`)
before it changes anything.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from w2v_spark.errors import InUse, Name, StoreError
from w2v_spark.publishing.holder import Holder
from w2v_spark.publishing.layout import LOCK_FILE
from w2v_spark.storage import Directory

BEAT_SECONDS: Final = 30.0
"""Between two signs of life of whoever holds a lock."""
SETTLE_SECONDS: Final = 1.0
"""On an object store, between a put and the last look."""
_POLL_SECONDS: Final = 0.2


class Lock:
    """Held within a ``with`` block; taken over from a process that is gone.

    Parameters
    ----------
    directory : Directory
        It is made if it is missing.
    name : str
        The file's name in it.
    purpose : str
        What others are told about.
    say : callable
        Takes the line which says that a lock was taken over.
    wait : float
        Seconds to wait for another one to end its work, instead of giving up at once.

    Raises
    ------
    InUse
        Another job holds it: says whose it is, where it runs, and since when.
    """

    def __init__(
        self,
        directory: Directory,
        name: str = LOCK_FILE,
        purpose: str = "a job",
        say: Callable[[str], None] = lambda _: None,
        wait: float = 0.0,
    ) -> None:
        self.directory, self.name, self.purpose = directory, name, purpose
        self._say, self._wait = say, wait
        self._mine: Holder | None = None
        self._ended = threading.Event()
        self._beat: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.directory.create()
        deadline = time.monotonic() + self._wait
        while (other := self._try()) is not None:
            if time.monotonic() >= deadline:
                raise InUse(
                    f"{self.directory.uri} is in use by {other}; wait until it has ended, and if it has died without "
                    f"a trace, remove {self.directory.uri}/{self.name}"
                )
            time.sleep(_POLL_SECONDS)
        self._ended.clear()
        self._beat = threading.Thread(target=self._keep_alive, name="w2v-lock", daemon=True)
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._beat is not None:
            self._beat.join(timeout=BEAT_SECONDS)
        mine, self._mine = self._mine, None
        with contextlib.suppress(OSError):  # whoever comes next finds that this process is gone
            if mine is not None and self._is(self.read(), mine):
                self.directory.remove(self.name)

    def check(self) -> None:
        """Make sure that the lock is still held, before something is changed that others rely on.

        Raises
        ------
        StoreError
            Somebody has taken it over, or removed it: this process was not heard of for too long.
        """
        holder = self.read()
        if self._mine is None or not self._is(holder, self._mine):
            what = "was removed" if holder is None else f"was taken over by {holder}"
            raise StoreError(
                f"{self.directory.uri} is no longer held by this job: {self.name} {what}; nothing was changed, go on "
                "with ", Name("resume"),
            )  # fmt: skip

    def read(self) -> Holder | None:
        """Who holds the lock; None if nobody does.

        A file that says nothing, since it is just being written or is damaged, counts as held by somebody unknown.
        """
        info = self.directory.filesystem.get_file_info(self.directory.file(self.name))
        if not info.is_file:
            return None
        changed = info.mtime_ns / 1e9 if info.mtime_ns else time.time()
        try:
            return Holder.from_dict(self.directory.read_json(self.name), changed if self.directory.is_local else None)
        except StoreError:
            if not self.directory.exists(self.name):
                return None
            return Holder.unknown(changed)

    @staticmethod
    def _is(one: Holder | None, other: Holder) -> bool:
        return one is not None and one.token == other.token

    def _try(self) -> Holder | None:
        """Take the lock, or say who has it."""
        other = self.read()
        if other is not None:
            reason = other.why_stale()
            if reason is None:
                return other
            if not self._move_aside(other):
                return self.read() or self._try()
        mine = Holder.of_this_process(self.purpose)
        if not self._create(mine):
            return self.read() or self._try()  # the other one may have ended in this moment
        if other is not None:
            self._say(f"taking {self.directory.uri} over from the {other}, {reason}")
        self._mine = mine
        return None

    def _create(self, mine: Holder) -> bool:
        """Whether the file is there now, and is ours."""
        if not self.directory.is_local:
            self.directory.write_json(self.name, mine.to_dict())
            time.sleep(SETTLE_SECONDS)
            return self._is(self.read(), mine)
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
        if not self.directory.is_local:
            return self._is(self.read(), stale)  # it is written over, and the last look decides
        aside = f"{self.name}.{uuid.uuid4().hex}.old"
        try:
            self.directory.move(self.name, self.directory, aside)
        except OSError:  # somebody else was faster
            return False
        moved = Lock(self.directory, aside).read()
        is_stale = self._is(moved, stale)
        if not is_stale:
            with contextlib.suppress(OSError):
                Path(self.directory.file(self.name)).hardlink_to(self.directory.file(aside))
        self.directory.remove(aside)
        return is_stale

    def _keep_alive(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            mine = self._mine
            with contextlib.suppress(OSError):  # the next beat may come through
                if mine is None or not self._is(self.read(), mine):
                    return  # `check` says so
                if self.directory.is_local:  # never writes over a lock that is not ours
                    os.utime(self.directory.file(self.name))
                else:
                    self.directory.write_json(self.name, {**mine.to_dict(), "heartbeat": time.time()})

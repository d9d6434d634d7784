"""One job at a time in one place: files that say who is at work there."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final, Self

from w2v_spark.errors import InUse, Name, StoreError
from w2v_spark.publishing.holder import Holder
from w2v_spark.publishing.layout import LOCK_FILE
from w2v_spark.publishing.lock_files import lock_file
from w2v_spark.storage import Directory

BEAT_SECONDS: Final = 30.0
"""Between two signs of life of whoever holds a lock."""
_POLL_SECONDS: Final = 0.2


class Lock:
    """Held within a ``with`` block; taken over from a process that is gone.

    Parameters
    ----------
    directory : Directory
        It is made if it is missing.
    name : str
        The file's name in it; on an object store what the names of files begin with.
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
        self._file = lock_file(directory, name)
        self._mine: Holder | None = None
        self._ended = threading.Event()
        self._beat: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.directory.create()
        deadline = time.monotonic() + self._wait
        mine = Holder.of_this_process(self.purpose)
        while (other := self._file.take(mine, self._say)) is not None:
            if time.monotonic() >= deadline:
                raise InUse(
                    f"{self.directory.uri} is in use by {other}; wait until it has ended, and if it has died without "
                    f"a trace, remove {self.directory.uri}/{self.name}{'' if self.directory.is_local else '.*'}"
                )
            time.sleep(_POLL_SECONDS)
            mine = Holder.of_this_process(self.purpose)
        self._mine = mine
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
            if mine is not None and self._file.is_held_by(mine):
                self._file.release(mine)

    def check(self) -> None:
        """Make sure that the lock is still held, before something is changed that others rely on.

        Raises
        ------
        StoreError
            Somebody has taken it over, or removed it: this process was not heard of for too long.
        """
        if self._mine is None or not self._file.is_held_by(self._mine):
            holder = self.read()
            what = "was removed" if holder is None else f"was taken over by {holder}"
            raise StoreError(
                f"{self.directory.uri} is no longer held by this job: {self.name} {what}; nothing was changed, go on "
                "with ", Name("resume"),
            )  # fmt: skip

    def read(self) -> Holder | None:
        """Who holds the lock, or did so until it died; None if nobody does."""
        return self._file.read()

    def _keep_alive(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            mine = self._mine
            with contextlib.suppress(OSError):  # the next beat may come through
                if mine is None or not self._file.is_held_by(mine):
                    return  # `check` says so
                self._file.beat(mine)

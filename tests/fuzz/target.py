"""What is fuzzed: something that takes bytes, and gives a result or one of our errors."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from w2v_spark.errors import W2VError

_SCRATCH: Final = "W2V_FUZZ_SCRATCH"


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of input.

    Attributes
    ----------
    seeds : function
        Inputs to begin with, made by the program itself where it makes such.
    run : function
        Takes any bytes. May raise a `W2VError`; anything else is a finding, as is the end of the process.
    words : tuple of bytes
        What the format is made of, for mutations.
    """

    seeds: Callable[[], list[bytes]]
    run: Callable[[bytes], object]
    words: tuple[bytes, ...] = ()

    def accepts(self, data: bytes) -> bool:
        """Whether an input gives a result. Raises whatever is a finding."""
        try:
            self.run(data)
        except W2VError as error:
            if not str(error) or "\n" in error.render(str):
                raise AssertionError(f"a message that is empty or not one line: {error!r}") from error
            return False
        return True


@lru_cache(maxsize=1)
def scratch() -> Path:
    """A directory of this process, in memory where there is such a place.

    libFuzzer ends a process without its last words: who has started it with `scratch_for_others` cleans up.
    """
    directory = Path(tempfile.mkdtemp(prefix="w2v-fuzz-", dir=os.environ.get(_SCRATCH) or _memory()))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


@contextmanager
def scratch_for_others() -> Iterator[dict[str, str]]:
    """The environment for a process whose `scratch` goes at the end."""
    with tempfile.TemporaryDirectory(prefix="w2v-fuzz-", dir=_memory(), ignore_cleanup_errors=True) as directory:
        yield {**os.environ, _SCRATCH: directory}


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def place(name: str, data: bytes) -> Path:
    """A file with these bytes."""
    path = scratch() / name
    path.write_bytes(data)
    return path


class Files:
    """A directory of several files, of which an input replaces one: its first byte says which, the rest is content.

    Parameters
    ----------
    name : str
        Of the directory.
    make : function
        Fills it.
    """

    def __init__(self, name: str, make: Callable[[Path], object], keep: Callable[[str], bool] = lambda _: True) -> None:
        self._name = name
        self._make = make
        self._keep = keep
        self._found: tuple[Path, list[tuple[Path, bytes]]] | None = None

    def _files(self) -> tuple[Path, list[tuple[Path, bytes]]]:
        if self._found is None:
            directory = scratch() / self._name
            self._make(directory)
            paths = sorted(path for path in directory.rglob("*") if path.is_file())
            names = [path for path in paths if self._keep(path.relative_to(directory).as_posix())]
            self._found = directory, [(path, path.read_bytes()) for path in names]
        return self._found

    def seeds(self) -> list[bytes]:
        """Every file as it is."""
        return [bytes([number]) + content for number, (_, content) in enumerate(self._files()[1])]

    def having(self, data: bytes, read: Callable[[Path], object]) -> None:
        """Read the directory with one file replaced."""
        directory, files = self._files()
        path, content = files[(data[0] if data else 0) % len(files)]
        path.write_bytes(data[1:])
        try:
            read(directory)
        finally:
            path.write_bytes(content)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Bring back all files at the end, for a reader that changes others as well."""
        try:
            yield
        finally:
            for path, content in self._files()[1]:
                path.write_bytes(content)

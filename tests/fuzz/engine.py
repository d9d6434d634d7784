"""Runs one target in this process: with atheris, which looks at what is covered, or with mutations alone.

The number of inputs and the input in hand are kept in mapped files, which outlive the process.
"""

from __future__ import annotations

import hashlib
import mmap
import random
import resource
import signal
import struct
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.fuzz.mutations import MAX_BYTES, mutate
from tests.fuzz.target import Target

SECONDS_AN_INPUT: Final = 60
_MEMORY: Final = 12 << 30  # bytes of address space: who asks for more has believed a damaged number
_HEAD: Final = struct.Struct("<QQQ")  # inputs, accepted, length of the input in hand


@dataclass(frozen=True, slots=True)
class Tally:
    """What a process has tried."""

    inputs: int
    accepted: int
    last: bytes


class Book:
    """Counts inputs, and keeps the last one, in a file.

    Parameters
    ----------
    directory : Path
        Findings go there as well, each with its traceback.
    """

    def __init__(self, directory: Path, target: Target) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._target = target
        path = directory / "book"
        path.write_bytes(bytes(_HEAD.size + MAX_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._inputs = self._accepted = 0

    def try_input(self, data: bytes) -> None:
        """Give one input to the target; what it raises is kept as a finding, and the next input can come."""
        data = data[:MAX_BYTES]
        self._inputs += 1
        _HEAD.pack_into(self._map, 0, self._inputs, self._accepted, len(data))
        self._map[_HEAD.size : _HEAD.size + len(data)] = data
        try:
            self._accepted += self._target.accepts(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            keep_finding(self._directory, data, _kind(error), traceback.format_exc())


def _kind(error: BaseException) -> str:
    """Where an error comes from: the same for the same fault."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} " + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))


def keep_finding(directory: Path, data: bytes, kind: str, text: str) -> None:
    """Save an input under a name that its kind of fault has, and what was seen."""
    name = hashlib.sha256(kind.encode()).hexdigest()[:12]
    if not (directory / f"finding-{name}").exists():
        (directory / f"finding-{name}").write_bytes(data)
        (directory / f"finding-{name}.txt").write_text(f"{kind}\n\n{text}", encoding="utf-8", errors="backslashreplace")


def read_tally(directory: Path) -> Tally:
    """What the last process has tried."""
    content = (directory / "book").read_bytes()
    inputs, accepted, length = _HEAD.unpack_from(content)
    return Tally(inputs, accepted, content[_HEAD.size : _HEAD.size + length])


def limit_process() -> None:
    """Let no input take all memory."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run_mutations(target: Target, directory: Path, seconds: float, inputs: int, seed: int) -> None:
    """Try so many inputs, or for so long; the same for the same seed."""
    seeds, chance = target.seeds(), random.Random(seed)
    book, until, done = Book(directory, target), time.monotonic() + seconds, 0
    for data in seeds:
        book.try_input(data)
    while done < inputs and time.monotonic() < until:
        signal.alarm(SECONDS_AN_INPUT)  # ends the process, which is a finding
        for _ in range(min(100, inputs - done)):
            book.try_input(mutate(seeds, target.words, chance))
            done += 1
    signal.alarm(0)


def run_atheris(target: Target, directory: Path, seconds: float, seed: int) -> None:
    """Try for so long, led by what is covered. Does not return."""
    import atheris

    corpus = directory / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = target.seeds()
    for number, data in enumerate(seeds):
        (corpus / f"seed-{number:03d}").write_bytes(data)
    book, chance = Book(directory, target), random.Random(seed)

    def mutator(data: bytes, max_size: int, seed: int) -> bytes:
        """Half of the changes are libFuzzer's, half are ours, which know what the format is made of."""
        chance.seed(seed)
        if seed & 1:
            return bytes(atheris.Mutate(data, max_size))
        return mutate([data, data, chance.choice(seeds)], target.words, chance)[:max_size]

    options: list[Any] = [
        sys.argv[0], str(corpus), f"-max_total_time={max(1, int(seconds))}", f"-max_len={MAX_BYTES}",
        f"-artifact_prefix={directory}/artifact-", f"-timeout={SECONDS_AN_INPUT}", "-rss_limit_mb=4096",
        f"-seed={seed + 1}", "-print_final_stats=1", "-reload=0",
    ]  # fmt: skip
    atheris.Setup(options, book.try_input, custom_mutator=mutator)
    atheris.Fuzz()

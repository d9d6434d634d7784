"""Inputs that are nearly right: seeds with a few changes. Deterministic, and without knowledge of what is covered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

MAX_BYTES: Final = 1 << 16
_NUMBERS: Final = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF)
_DIGITS: Final = (b"0", b"-1", b"1e999", b"nan", b"99999999999999999999", b"9" * 400, b"0x10", b"1_0", b"true", b"null")
_TEXT: Final = (
    "\u202e",
    "\ufeff",
    "\x00",
    "\u2028",
    "\x1b[31m",
    "<b>",
    "'\"",
    "\t",
    "\r\n",
    "\ud7ff",
    "\U0010ffff",
    "İ",
)


def mutate(seeds: Sequence[bytes], words: Sequence[bytes], chance: random.Random) -> bytes:
    """One of the seeds with one to eight changes."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 8))):
        chance.choice(_CHANGES)(data, seeds, words, chance)
    return bytes(data[:MAX_BYTES])


def _at(data: bytearray, chance: random.Random) -> int:
    """A place, more often near the end, where formats keep what describes the rest."""
    if not data:
        return 0
    near = min(len(data), 2000)
    return len(data) - 1 - chance.randrange(near) if chance.random() < 0.3 else chance.randrange(len(data))


def _flip(data: bytearray, _: Sequence[bytes], __: Sequence[bytes], chance: random.Random) -> None:
    if data:
        data[_at(data, chance)] ^= 1 << chance.randrange(8)


def _set(data: bytearray, _: Sequence[bytes], __: Sequence[bytes], chance: random.Random) -> None:
    if data:
        data[_at(data, chance)] = chance.randrange(256)


def _number(data: bytearray, _: Sequence[bytes], __: Sequence[bytes], chance: random.Random) -> None:
    size = chance.choice((1, 2, 4, 8))
    value = (chance.choice(_NUMBERS) + chance.choice((-1, 0, 0, 1))) % (1 << 8 * size)
    at = _at(data, chance)
    data[at : at + size] = value.to_bytes(size, chance.choice(("little", "big")))


def _remove(data: bytearray, _: Sequence[bytes], __: Sequence[bytes], chance: random.Random) -> None:
    at = _at(data, chance)
    del data[at : at + chance.choice((1, 2, 4, 16, 300))]


def _cut(data: bytearray, _: Sequence[bytes], __: Sequence[bytes], chance: random.Random) -> None:
    del data[_at(data, chance) :]


def _insert(data: bytearray, _: Sequence[bytes], words: Sequence[bytes], chance: random.Random) -> None:
    at = _at(data, chance)
    kind = chance.random()
    if kind < 0.3 and words:
        data[at:at] = chance.choice(words)
    elif kind < 0.5:
        data[at:at] = chance.choice(_DIGITS)
    elif kind < 0.7:
        data[at:at] = chance.choice(_TEXT).encode("utf-8", "surrogatepass")
    else:
        data[at:at] = chance.randbytes(chance.choice((1, 2, 8, 40)))


def _repeat(data: bytearray, _: Sequence[bytes], __: Sequence[bytes], chance: random.Random) -> None:
    at = _at(data, chance)
    part = bytes(data[at : at + chance.choice((1, 2, 8, 64))])
    data[at:at] = part * chance.choice((1, 1, 2, 30, 400))


def _move(data: bytearray, _: Sequence[bytes], __: Sequence[bytes], chance: random.Random) -> None:
    source, target, size = _at(data, chance), _at(data, chance), chance.choice((1, 4, 16, 200))
    data[target : target + size] = data[source : source + size]


def _blank(data: bytearray, _: Sequence[bytes], __: Sequence[bytes], chance: random.Random) -> None:
    at, size = _at(data, chance), chance.choice((1, 4, 16, 512))
    size = len(data[at : at + size])
    data[at : at + size] = bytes([chance.choice((0, 0xFF, 0x20))]) * size


def _splice(data: bytearray, seeds: Sequence[bytes], _: Sequence[bytes], chance: random.Random) -> None:
    other = bytearray(chance.choice(seeds))
    data[_at(data, chance) :] = other[_at(other, chance) :]


_CHANGES: Final = (_flip, _flip, _set, _set, _number, _remove, _cut, _insert, _insert, _repeat, _move, _blank, _splice)

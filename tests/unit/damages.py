"""What may happen to a file: functions that take its content and give another one."""

from __future__ import annotations

import random
from collections.abc import Callable


def empty(data: bytes) -> bytes:
    return b""


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def without_end(data: bytes) -> bytes:
    return data[:-4]


def longer(data: bytes) -> bytes:
    return data + b"\0" * 8


def junk(data: bytes) -> bytes:
    return b"\xff junk \n" * 100


def one_bit(data: bytes) -> bytes:
    place = random.Random(len(data)).randrange(8 * len(data))
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def one_byte_in_the_middle(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1 :]


def last_byte(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def a_block_of_zeros(data: bytes) -> bytes:
    start, size = len(data) // 3, min(4096, len(data) // 3)
    return data[:start] + b"\0" * size + data[start + size :]


def two_halves_exchanged(data: bytes) -> bytes:
    size = len(data) // 4
    return data[:size] + data[2 * size : 3 * size] + data[size : 2 * size] + data[3 * size :]


DAMAGES: list[Callable[[bytes], bytes]] = [
    empty, half, without_end, longer, junk, one_bit, one_byte_in_the_middle, last_byte, a_block_of_zeros,
    two_halves_exchanged,
]  # fmt: skip

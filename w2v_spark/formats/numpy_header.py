"""The header of a ``.npy`` file, read without evaluating it.

numpy reads it with Python's own parser, which fails on a damaged header in ways that have nothing to do with files.
Source: "NumPy Enhancement Proposal 1: A Simple File Format for NumPy Arrays".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

_MAGIC: Final = b"\x93NUMPY"
_LENGTH_BYTES: Final = {1: 2, 2: 4, 3: 4}  # by major version
_MAX_HEADER: Final = 65_536  # bytes; that of an array of plain numbers has about 100
_ITEM: Final = re.compile(
    r"""\s*(?P<quote>['"])(?P<key>\w{1,40})(?P=quote)\s*:\s*
    (?: (?P<quote2>['"])(?P<text>[^'"\\]{0,40})(?P=quote2)
      | (?P<truth>True|False)
      | \((?P<numbers>[\s\dL,]{0,200})\)
      | (?P<other>\[.*\]) )\s*""",
    re.VERBOSE | re.DOTALL,
)
_FLOAT: Final = re.compile(r"[<>=|]?f[248]")


class Stream(Protocol):
    """What a header is read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer at the end."""


@dataclass(frozen=True, slots=True)
class NumpyHeader:
    """What the header says.

    Attributes
    ----------
    descr : str
        The type of the numbers, as the header has it.
    fortran_order : bool
    shape : tuple of int
    """

    descr: str
    fortran_order: bool
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[np.floating] | None:
        """The type of the numbers if it is one of float16, float32 and float64."""
        return np.dtype(self.descr) if _FLOAT.fullmatch(self.descr) else None

    @property
    def type_name(self) -> str:
        """The type of the numbers for messages: ``float32``, or if it is not known as the header has it."""
        if self.dtype is not None:
            return str(self.dtype)
        known = re.fullmatch(r"[<>=|]?([biufc])(1|2|4|8|16)", self.descr)
        if known is None:
            return "object" if self.descr == "|O" else self.descr[:80]
        kind = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}[known[1]]
        return kind if kind == "bool" else f"{kind}{8 * int(known[2])}"


def read_numpy_header(stream: Stream) -> NumpyHeader:
    """Read the header, and leave the stream at the first number.

    Raises
    ------
    ValueError
        It is none, or of a version that is not known.
    """
    start = stream.read(len(_MAGIC) + 2)
    if start[: len(_MAGIC)] != _MAGIC or len(start) < len(_MAGIC) + 2:
        raise ValueError(f"it begins with {start!r}")
    size = _LENGTH_BYTES.get(start[6])
    if size is None or start[7]:
        raise ValueError(f"version {start[6]}.{start[7]} of the format")
    length = int.from_bytes(stream.read(size), "little")
    if length > _MAX_HEADER:
        raise ValueError(f"a header of {length} bytes")
    content = stream.read(length)
    if len(content) < length:
        raise ValueError(f"it ends after {len(content)} of {length} bytes")
    return _parse(content.decode("utf-8" if start[6] == 3 else "latin-1"))


def _parse(text: str) -> NumpyHeader:
    """The header out of the text of a dictionary: three keys, in any order."""
    inside = re.fullmatch(r"\s*\{(.*)\}\s*", text, re.DOTALL)
    values: dict[str, str | bool | tuple[int, ...]] = {}
    at, rest = 0, inside[1] if inside else ""
    while item := _ITEM.match(rest, at):
        values[item["key"]] = _value(item)
        at = item.end()
        if at == len(rest) or rest[at] != ",":
            break
        at += 1
    descr, order, shape = (values.get(key) for key in ("descr", "fortran_order", "shape"))
    is_whole = inside is not None and not rest[at:].strip() and len(values) == 3
    if not (is_whole and isinstance(descr, str) and isinstance(order, bool) and isinstance(shape, tuple)):
        raise ValueError(f"{text.strip()[:200]!r} does not say type, order and shape")
    return NumpyHeader(descr, order, shape)


def _value(item: re.Match[str]) -> str | bool | tuple[int, ...]:
    if item["truth"]:
        return item["truth"] == "True"
    if item["numbers"] is not None:
        parts = [part.strip().removesuffix("L") for part in item["numbers"].split(",")]  # L: as Python 2 wrote them
        return tuple(int(part) for part in (parts[:-1] if not parts[-1] else parts))
    return str(item["text"] if item["other"] is None else item["other"])

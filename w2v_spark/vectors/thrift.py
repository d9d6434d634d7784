"""Thrift's compact protocol, as the footers of Parquet files are written in it: as much as it takes to look into one.

pyarrow's accessors of a footer end the process where the footer is damaged, so a file that nobody vouches for is looked
at with this. Source: the Apache Thrift "Compact protocol encoding" specification.
"""

from __future__ import annotations

import struct
from typing import Any, Final

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_MAX_DEPTH: Final = 32  # of structs and lists within each other; Parquet has about eight
_MAX_SHIFT: Final = 63


def decode_struct(data: bytes) -> dict[int, Any]:
    """A struct as a mapping of the numbers of its fields to values.

    Structs are mappings again, lists and sets are lists, binary is bytes. Cost: about a microsecond a value.

    Raises
    ------
    ValueError
        The bytes are not a struct. What comes after it is not looked at.
    """
    try:
        return _Decoder(data).struct(0)
    except (IndexError, struct.error) as error:
        raise ValueError("it is cut off within a value") from error


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("values lie too deep within each other")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            number = number + delta if delta else self._signed()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._signed()
        if kind == _BINARY:
            return self._take(self._unsigned())
        if kind in (_LIST, _SET):
            return self._list(depth + 1)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_TRUE, _FALSE, _BYTE):  # within a list, a truth value is a byte
            return self._byte()
        if kind == _DOUBLE:
            return struct.unpack("<d", self._take(8))[0]
        raise ValueError(f"a value of kind {kind}, which Parquet does not use")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._unsigned()
        if size > len(self._data) - self._at:  # every value has a byte at least
            raise ValueError(f"a list of {size} values in {len(self._data)} bytes")
        return [self._value(head & 15, depth) for _ in range(size)]

    def _byte(self) -> int:
        value = self._data[self._at]
        self._at += 1
        return value

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ValueError(f"{size} bytes are said to follow, there are {len(taken)}")
        self._at += size
        return taken

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > _MAX_SHIFT:
                raise ValueError("a number of more than 64 bits")
        return value | byte << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)

"""Tables of numpy arrays in one file each, checked when they are read."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from w2v_spark.storage import arrays_from_bytes, damage_naming


class ArrayTable(Protocol):
    """A named tuple of arrays."""

    def check(self) -> None:
        """Raise `ValueError` where the arrays do not fit each other, or point outside."""


Table = TypeVar("Table", bound=ArrayTable)


def table_from_bytes(kind: type[Table], data: bytes, name: str) -> Table:
    """What `arrays_to_bytes` made of a table's arrays; ``name`` says in an error where the data comes from.

    Raises
    ------
    StoreError
        The data is damaged, or the table's check fails.
    """
    arrays: dict[str, Any] = arrays_from_bytes(data, name)
    with damage_naming(name):
        table = kind(**arrays)
        table.check()
    return table

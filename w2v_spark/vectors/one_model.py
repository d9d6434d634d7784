"""Tables that lie beside each other and have to be of one model."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Final, Protocol, TypeVar

from w2v_spark.errors import StoreError
from w2v_spark.redaction import hide

_OF_ONE_MODEL: Final = ("config", "plan", "corpus")  # keys of the metadata of all tables of a training
_TRIES: Final = 10
_WAIT: Final = 0.1  # seconds


class _Table(Protocol):
    @property
    def metadata(self) -> Mapping[str, str]: ...


Tables = TypeVar("Tables", bound=tuple[_Table | None, ...])


def open_tables(opened: Callable[[], Tables], place: str | PathLike[str], what: str) -> Tables:
    """Open tables until they are of one model.

    Parameters
    ----------
    opened : callable
        Opens them.
    place : str or Path
        Where they are.
    what : str
        What they are, for the message.

    Raises
    ------
    StoreError
        They are of two models. For an instant they are where a model takes the place of another one, table by table:
        that is waited for.
    """
    for _ in range(_TRIES):
        tables = opened()
        known = [table.metadata for table in tables if table is not None]
        if all(_agree(known[0], other) for other in known[1:]):
            return tables
        time.sleep(_WAIT)
    raise StoreError(f"{hide(os.fspath(place))} holds {what} of two models: make it again")


def _agree(first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    """Whether two tables say the same of how they were made, where both say it."""
    return all(first[key] == second[key] for key in _OF_ONE_MODEL if key in first and key in second)

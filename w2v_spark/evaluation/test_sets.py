"""Test sets under names, read from files, directories and installed packages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import PurePath
from typing import Any

from w2v_spark.errors import InputError, Name
from w2v_spark.evaluation.kind import Kind
from w2v_spark.evaluation.kinds import KINDS
from w2v_spark.evaluation.sources import find_set

Location = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class TestSet:
    """A test set that has been read.

    Attributes
    ----------
    kind : Kind
    name : str
        What reports and gates call it.
    file : str
        As it was given.
    content : Any
        What its kind reads and scores.
    """

    __test__ = False  # no class of tests, whatever pytest makes of the name

    kind: Kind
    name: str
    file: str
    content: Any

    @classmethod
    def read(
        cls, kind: str, location: Location, name: str | None = None, others: Iterable[str] = tuple(KINDS)
    ) -> TestSet:
        """Read it, under the name of the file without its suffix if it has no other.

        Parameters
        ----------
        kind : str
            A name in `KINDS`.
        location : str or Path
            What `find_set` finds.
        name : str, optional
        others : iterable of str
            The kinds that can be given instead.

        Raises
        ------
        InputError
            It cannot be read, or is not of that kind; where it is of another one, the error says so.
        """
        source = find_set(location)
        try:
            content = KINDS[kind].read(source)
        except InputError as error:
            for other in others:
                if other != kind and _is_read(KINDS[other], source):
                    message = f"{os.fspath(location)} holds {KINDS[other].what}, which belong to "
                    raise InputError(message, Name(other)) from error
            raise
        return cls(KINDS[kind], name or PurePath(source.name).stem, os.fspath(location), content)


def _is_read(kind: Kind, source: Any) -> bool:
    try:
        kind.read(source)
    except InputError:
        return False
    return True

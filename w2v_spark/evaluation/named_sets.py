"""Test sets under names: analogies or word pairs, read from a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import PurePath
from typing import Any

from w2v_spark.errors import InputError, Name
from w2v_spark.evaluation.analogies import Section, read_analogies
from w2v_spark.evaluation.pair_files import PairSet, read_pairs

Location = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class AnalogySet:
    """Analogy questions of a file.

    Attributes
    ----------
    name : str
        What reports and gates call it.
    file : str
    sections : tuple of Section
    """

    name: str
    file: str
    sections: tuple[Section, ...]

    @classmethod
    def read(cls, location: Location, name: str | None = None) -> AnalogySet:
        """Read it, under the name of the file without its suffix if it has no other.

        Raises
        ------
        InputError
            See `read_analogies`; of a file of word pairs it says so.
        """
        sections = _read(read_analogies, location, read_pairs, "word pairs with scores", "similarity")
        return cls(name or PurePath(location).stem, os.fspath(location), tuple(sections))


@dataclass(frozen=True, slots=True)
class SimilaritySet:
    """Word pairs of a file, with human judgements. Attributes as of `AnalogySet`, and what the file holds."""

    name: str
    file: str
    content: PairSet

    @classmethod
    def read(cls, location: Location, name: str | None = None) -> SimilaritySet:
        """Read it, under the name of the file without its suffix if it has no other.

        Raises
        ------
        InputError
            See `read_pairs`; of a file of analogies it says so.
        """
        content: PairSet = _read(read_pairs, location, read_analogies, "analogy questions", "analogies")
        return cls(name or PurePath(location).stem, os.fspath(location), content)


def _read(
    read: Callable[[Location], Any], location: Location, read_other: Callable[[Location], Any], what: str, option: str
) -> Any:
    """What the first reader gives. Where it fails and the other one does not, the error says so."""
    try:
        return read(location)
    except InputError as error:
        try:
            read_other(location)
        except InputError:
            raise error from None
        raise InputError(f"{location} holds {what}, which belong to ", Name(option)) from error

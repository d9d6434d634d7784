"""One space on a map: its words, where they are, their neighbours, and what else is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import ConfigError, printable
from w2v_spark.explore.layout import Layout, Points, Rows, nearest
from w2v_spark.explore.regions import Regions, find_regions
from w2v_spark.publishing.layout import MODEL_FILE
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.report.markup import shorten
from w2v_spark.report.words import are_ranks
from w2v_spark.storage import Directory
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.reading import open_vectors
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.tiled import normalise

NEIGHBOURS: Final = 10
"""Of each word, that a map shows."""
LONGEST: Final = 80
"""Characters of a word on a map: one may have a million."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The most frequent words of a model.

    Attributes
    ----------
    directory : Directory
        Of the result.
    shown : list of str, (n,)
        In rank order, as a page shows them: see `show`.
    plain : list of str, (n,)
        As they are.
    counts : int64, (n,)
    unit : float32, (n, D)
        Vectors of length 1, or zero.
    total : int
        V, with the words that are left out.
    is_counted : bool
        Whether counts are known: other programs' tables may have none.
    alignment : dict or None
        What ``model.json`` says of how this space was mapped onto another one, if it was.
    """

    directory: Directory
    plain: list[str]
    counts: npt.NDArray[np.int64]
    unit: Matrix
    total: int
    is_counted: bool
    alignment: dict[str, Any] | None

    @classmethod
    def read(cls, location: str | PathLike[str], most: int) -> Words:
        """The ``most`` most frequent words of a result.

        Raises
        ------
        StoreError, ConfigError
            There is no complete table of vectors, or it is damaged; or no such version.
        InputError
            A vector is not finite.
        """
        directory = open_result(location)
        table = open_vectors(directory.uri)
        counts = np.asarray(table.counts)
        rows = min(most, len(counts))
        words: list[str] = table.words.slice(0, rows).to_pylist()
        unit = normalise(RowStack([table.stack.take(np.arange(rows))]))
        return cls(directory, words, counts[:rows], unit, len(counts), not are_ranks(counts), _alignment(directory))

    def __len__(self) -> int:
        return len(self.plain)

    @property
    def shown(self) -> list[str]:
        """The words as a page shows them."""
        return [show(word) for word in self.plain]


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Words with their places.

    Attributes
    ----------
    words : Words
    layout : Layout
    ids : int32, (n, k)
        The nearest words of each, among all n, the nearest first; -1 where there are fewer.
    cosines : float32, (n, k)
    regions : list of Regions
        Coarse, then fine.
    """

    words: Words
    layout: Layout
    ids: Rows
    cosines: Matrix
    regions: Sequence[Regions]

    @classmethod
    def build(cls, words: Words, laid_out: int, like: tuple[Rows, Points] | None = None) -> Space:
        """Lay words out, find neighbours and regions.

        Parameters
        ----------
        words : Words
        laid_out : int
            How many of the first are laid out by themselves; all, where there are fewer.
        like : tuple, optional
            See `Layout.build`.

        Raises
        ------
        MissingExtra
            numba is not installed.

        Notes
        -----
        Cost: two searches for neighbours, and a layout; see `Layout.build`. Memory: ``4 n D`` bytes and the layout.
        """
        layout = Layout.build(words.unit, min(laid_out, len(words)), like)
        ids, cosines = nearest(words.unit, np.arange(len(words), dtype=np.int32), NEIGHBOURS)
        return cls(words, layout, ids, cosines, find_regions(words.unit))


def name_spaces(paths: Sequence[str]) -> list[str]:
    """What a map calls spaces: the last part of where each is, or as many parts as tell them apart."""
    parts = [path.strip("/").split("/") for path in paths]
    names: list[str] = []
    for count in range(1, max(map(len, parts)) + 1):
        names = [show("/".join(each[-count:]) or "model") for each in parts]
        if len(set(names)) == len(set(paths)):
            break
    return names


def show(text: str) -> str:
    """Text as a page shows it: cut, and control characters and turns of direction as Python writes them."""
    return printable(shorten(text, LONGEST)).replace("\n", "\\n").replace("\t", "\\t")


def check_one_length(one: Words, other: Words) -> None:
    """Refuse spaces that cannot be compared. Raises `ConfigError`."""
    if one.unit.shape[1] != other.unit.shape[1]:
        raise ConfigError(
            f"{hide(other.directory.uri)} has vectors of length {other.unit.shape[1]} and was aligned with one of "
            f"{one.unit.shape[1]}: give the two spaces that 'w2v-spark align' has brought together"
        )


def _alignment(directory: Directory) -> dict[str, Any] | None:
    if not directory.exists(MODEL_FILE):
        return None
    described = directory.read_json(MODEL_FILE).get("alignment")
    return described if isinstance(described, dict) else None

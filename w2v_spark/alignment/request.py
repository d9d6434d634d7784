"""What is asked of an alignment: two spaces and a dictionary, checked, and the map that they give."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

import numpy as np

from w2v_spark.alignment.dictionary import Dictionary, KnownPairs
from w2v_spark.alignment.fitting import Centred, center_of, check_enough, count_dimensions, fit, refine
from w2v_spark.alignment.mapping import SpaceMap
from w2v_spark.errors import ConfigError, Name
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.retraining.rotation import WordPairs
from w2v_spark.vectors.reading import VectorTable, open_vectors
from w2v_spark.vectors.translation import check_same_length

Location = str | PathLike[str]
_MOST_REFINED: Final = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Two spaces and the pairs by which one is mapped onto the other; everything is checked.

    Attributes
    ----------
    source, target : VectorTable
        The first is mapped.
    places : (str, str)
        Where they are: of a root of versions, one version.
    dictionary : Dictionary
    known : KnownPairs
    center : bool
        Scale all rows to length 1 and take off their mean before the map, in both spaces.
    refinements : int
    """

    source: VectorTable
    target: VectorTable
    places: tuple[str, str]
    dictionary: Dictionary
    known: KnownPairs
    center: bool = False
    refinements: int = 0

    @classmethod
    def build(
        cls,
        source: Location,
        target: Location,
        dictionary: Location | None = None,
        center: bool = False,
        refinements: int = 0,
    ) -> Alignment:
        """Open the tables and the dictionary.

        Parameters
        ----------
        source, target : str or Path
            What `open_vectors` opens.
        dictionary : str or Path, optional
            What `Dictionary.read` reads; without it, each word that both have stands for itself.
        center : bool
        refinements : int
            How often the map is fitted again, see `refine`.

        Raises
        ------
        ConfigError, StoreError
            ``refinements`` is not from 0 to 1,000; a table is not there.
        InputError
            The dictionary is malformed, or has too few known pairs; or the vectors differ in length.
        """
        if not 0 <= refinements <= _MOST_REFINED:
            raise ConfigError(
                Name("refine"), f" = {refinements} is not allowed: expected 0 to {_MOST_REFINED:,} times"
            )  # fmt: skip
        places = open_result(source).uri, open_result(target).uri
        tables = open_vectors(places[0]), open_vectors(places[1])
        check_same_length(tables[0].stack.shape[1], tables[1].stack.shape[1])
        words = tables[0].words, tables[1].words
        pairs = Dictionary.identical(*words) if dictionary is None else Dictionary.read(dictionary)
        known = pairs.known(*words)
        alignment = cls(*tables, places, pairs, known, center, refinements)
        check_enough(WordPairs(tables[1].stack, tables[0].stack, known.target, known.source), alignment.dim, pairs.name)
        return alignment

    @property
    def dim(self) -> int:
        """D."""
        return self.source.stack.shape[1]

    def spanned(self) -> int:
        """In how many dimensions the words of the dictionary lie, in the space in which these are fewer."""
        sides = ((self.source.stack, self.known.source), (self.target.stack, self.known.target))
        return min(count_dimensions(stack, np.unique(rows)) for stack, rows in sides)

    def describe(self) -> dict[str, Any]:
        """What ``model.json`` says of it."""
        return {
            "source": hide(self.places[0]),
            "target": hide(self.places[1]),
            "dictionary": self.dictionary.name,
            "pairs": {"given": len(self.dictionary.pairs), "known": len(self.known)},
            "center": self.center,
            "refine": self.refinements,
        }

    def fit(self) -> SpaceMap:
        """The map, and what it was fitted to."""
        centers = (center_of(self.source.stack), center_of(self.target.stack)) if self.center else None
        source, target = self.source.stack, self.target.stack
        spaces = (source, target) if centers is None else (Centred(source, centers[0]), Centred(target, centers[1]))
        rotation, first = fit(WordPairs(spaces[1], spaces[0], self.known.target, self.known.source))
        sizes = source.shape[0], target.shape[0]
        rotation, refined = (
            refine(spaces[0], spaces[1], sizes, rotation, self.refinements) if self.refinements else (rotation, [])
        )
        return SpaceMap(rotation, centers, (first, *refined))

"""What a kind of test set has to say of itself, and what scoring a set of it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources.abc import Traversable
from typing import Any, Final

from w2v_spark.evaluation.bootstrap import SEED
from w2v_spark.evaluation.samples import Sample
from w2v_spark.vectors.keyed_vectors import KeyedVectors

ANALOGY_RESTRICT: Final = 30_000
WORD_RESTRICT: Final = 300_000
"""gensim's default for pairs, and for all sets that are no analogies: some ask about rare words on purpose."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is the same for all test sets.

    Attributes
    ----------
    restrict : int
        Analogies are answered among so many of the most frequent words.
    seed : int
        Of resamples, of first centres of clusters, and of permutations.
    every_method : bool
        Whether analogies are answered by 3CosMul, too.
    """

    restrict: int = ANALOGY_RESTRICT
    seed: int = SEED
    every_method: bool = True


class Form(StrEnum):
    """How a number is shown in a table."""

    COUNT = "count"
    SHARE = "share"
    NUMBER = "number"
    CHANCE = "chance"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: which of a row's values, and how it is headed and shown."""

    key: str
    title: str
    form: Form


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What is reported of a set, or of a section of it.

    Attributes
    ----------
    name : str
    values : mapping of str to plain values
        Everything that JSON has. NaN where a number is undefined.
    samples : mapping of str to Sample
        The items behind those of the values that have intervals, and that are compared between two models.
    """

    name: str
    values: Mapping[str, Any]
    samples: Mapping[str, Sample] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What a model makes of a set.

    Attributes
    ----------
    answered : int
        Items whose words it knows; a set with none is an error.
    asked : str
        What there is in the set, in words: ``"12 questions"``.
    totals : tuple of Row
        Of the set as a whole, the most comprehensive one last. Its first sample is what gates are about.
    sections : tuple of Row
    details : mapping of str to plain values
        What JSON has of the set besides.
    """

    answered: int
    asked: str
    totals: tuple[Row, ...]
    sections: tuple[Row, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def main(self) -> Sample:
        """The items and the measure by which the set as a whole is judged."""
        return next(iter(self.totals[-1].samples.values()))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of test set: all that the command, the report and its table know of it.

    Attributes
    ----------
    name : str
        Of the option and of the list in the report.
    what : str
        What its files hold, for errors: ``"analogy questions"``.
    metavar, help : str
        Of the option.
    read : function
        From a file or directory to what `score` takes. Raises `InputError` that names file and line.
    words : function
        Among how many of the most frequent words it looks.
    score : function
        What a model makes of the content of a set.
    columns : tuple of Column
    unknown : str
        What becomes of items with words that have no vector: stated in the report.
    has_parts : bool
        Whether a set has sections, so that it gets a table of its own; else it is a row among others of its kind.
    """

    name: str
    what: str
    metavar: str
    help: str
    read: Callable[[Traversable], Any]
    words: Callable[[Settings], int]
    score: Callable[[KeyedVectors, Any, Settings], Scored]
    columns: tuple[Column, ...]
    unknown: str
    has_parts: bool = True


def among_many(settings: Settings) -> int:
    """`WORD_RESTRICT`, for `Kind.words` of sets that are no analogies."""
    return WORD_RESTRICT

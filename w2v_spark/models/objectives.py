"""Objectives: which output rows a target is scored against. Each says what it needs of weights, tables and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from w2v_spark.config import COUNTED, ModelConfig, Objective
from w2v_spark.errors import ConfigError, Name, VocabularyError
from w2v_spark.models.alias import build_alias_table, noise_probabilities
from w2v_spark.models.huffman import build_paths

if TYPE_CHECKING:
    from w2v_spark.models.tables import SamplingTables

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Noise = tuple[npt.NDArray[np.uint32], npt.NDArray[np.int32]]
Paths = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]


class OutputRows(Protocol):
    """What an objective is, for everything above the kernels."""

    matrix: ClassVar[str]
    """Name of the output matrix."""

    of_words: ClassVar[bool]
    """Whether its rows belong to words, so that they can be published."""

    curvature_floor: ClassVar[float]
    """See `training.update_statistics.UpdateStatistics`."""

    def rows(self, vocabulary: int) -> int:
        """Rows of the output matrix for V words."""

    def noise(self, counts: Counts) -> Noise:
        """See `models.alias.build_alias_table`; empty where none is drawn."""

    def paths(self, counts: Counts) -> Paths:
        """See `models.huffman.build_paths`; of no word where there is no tree."""

    def most_rows(self, tables: SamplingTables) -> int:
        """Output rows of a target, at most."""

    def scored(self, counts: Counts, kept: Numbers, tables: SamplingTables) -> Numbers:
        """Expected number of targets that each output row is scored for, of which ``kept`` stand for each word."""

    def table_bytes(self, vocabulary: int) -> int:
        """About how large the tables are that are drawn from."""


@dataclass(frozen=True, slots=True)
class NegativeSampling:
    """A target against noise words.

    Attributes
    ----------
    negatives : int
        K.
    noise_exponent : float
    """

    negatives: int
    noise_exponent: float

    matrix: ClassVar[str] = "w_out"
    of_words: ClassVar[bool] = True
    curvature_floor: ClassVar[float] = 0.0

    def rows(self, vocabulary: int) -> int:
        """See `OutputRows`: one a word."""
        return vocabulary

    def noise(self, counts: Counts) -> Noise:
        """See `OutputRows`."""
        return build_alias_table(noise_probabilities(counts, self.noise_exponent))

    def paths(self, counts: Counts) -> Paths:
        """See `OutputRows`."""
        return np.zeros(1, np.int64), np.empty(0, np.int32)

    def most_rows(self, tables: SamplingTables) -> int:
        """See `OutputRows`."""
        return self.negatives + 1

    def scored(self, counts: Counts, kept: Numbers, tables: SamplingTables) -> Numbers:
        """See `OutputRows`."""
        return np.asarray(kept + kept.sum() * self.negatives * noise_probabilities(counts, self.noise_exponent))

    def table_bytes(self, vocabulary: int) -> int:
        """See `OutputRows`."""
        return 12 * vocabulary


@dataclass(frozen=True, slots=True)
class HierarchicalSoftmax:
    """A target along the branches of the Huffman tree of the counts."""

    matrix: ClassVar[str] = "w_node"
    of_words: ClassVar[bool] = False
    curvature_floor: ClassVar[float] = 1.0

    def rows(self, vocabulary: int) -> int:
        """See `OutputRows`: one an inner node."""
        return vocabulary - 1

    def noise(self, counts: Counts) -> Noise:
        """See `OutputRows`."""
        return np.empty(0, np.uint32), np.empty(0, np.int32)

    def paths(self, counts: Counts) -> Paths:
        """See `OutputRows`. Raises `VocabularyError` for a single word."""
        if len(counts) < 2:
            raise VocabularyError(
                "the vocabulary has 1 word and hierarchical softmax needs 2; lower ", Name("vocabulary.min_count"),
                ", or set ", Name("model.objective"), " = negative_sampling",
            )  # fmt: skip
        return build_paths(counts)

    def most_rows(self, tables: SamplingTables) -> int:
        """See `OutputRows`."""
        return int(np.diff(tables.starts).max(initial=1))

    def scored(self, counts: Counts, kept: Numbers, tables: SamplingTables) -> Numbers:
        """See `OutputRows`."""
        passing = np.repeat(kept, np.diff(tables.starts))
        return np.bincount(tables.steps >> 1, passing, minlength=tables.output_rows).astype(np.float64)

    def table_bytes(self, vocabulary: int) -> int:
        """See `OutputRows`: the paths are about log2(V) long."""
        return (12 + 4 * vocabulary.bit_length()) * vocabulary


def output_rows_of(model: ModelConfig) -> OutputRows:
    """What ``model.objective`` names. The one place where the setting becomes something that acts.

    Raises `ConfigError` for those that factorise counts: nothing is scored against anything.
    """
    if model.objective in COUNTED:
        raise ConfigError(
            Name("model.objective"), f" = '{model.objective}' has no output rows: its vectors are made of counts"
        )
    if model.objective is Objective.HIERARCHICAL_SOFTMAX:
        return HierarchicalSoftmax()
    return NegativeSampling(model.negatives, model.noise_exponent)

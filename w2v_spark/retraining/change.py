"""Which words have changed most between two spaces, in units of what two seeds differ by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.errors import InputError
from w2v_spark.publishing.layout import METADATA_PREFIX
from w2v_spark.publishing.publication import Publication
from w2v_spark.retraining.comparison import Comparison
from w2v_spark.retraining.drift import DRIFT_SCHEMA, Space
from w2v_spark.retraining.noise import SeedNoise

_NOISE: Final = "noise"
CHANGE_SCHEMA: Final = DRIFT_SCHEMA.append(pa.field(_NOISE, pa.float64()))
"""`DRIFT_SCHEMA`, and how often ``1 - cosine`` holds what two seeds differ by at the word's frequency.

That is the larger of the noise at its two frequencies. The words that have changed most come first; those of one space
alone, or with a zero vector, are last.
"""
_TABLE: Final = "table"
_FORMAT: Final = {f"{METADATA_PREFIX}format_version": "1"}


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """The table of changes of two spaces, and what it was measured by.

    Attributes
    ----------
    table : pa.Table
        Of `CHANGE_SCHEMA`.
    common : int
        How many words both spaces have.
    noise : SeedNoise or None
    """

    table: pa.Table
    common: int
    noise: SeedNoise | None

    @classmethod
    def measure(
        cls, before: Space, after: Space, other_seed: Space | None, words: int, is_aligned: bool = False
    ) -> Change:
        """Compare.

        Parameters
        ----------
        before, after : Space
        other_seed : Space, optional
            What ``after`` becomes with another seed.
        words : int
            The most frequent common words, whose neighbours are compared.
        is_aligned : bool
            The two spaces, and not that of the other seed, are compared without a rotation.

        Raises
        ------
        InputError
            No word is common; or fewer than dimensions, which a rotation would bring together whatever they mean.

        Notes
        -----
        Cost: that of two rotations and of the neighbours of ``words`` words, see `fit_rotation` and `overlaps`.
        """
        compared = _compare(before, after, words, is_aligned)
        noise = None if other_seed is None else _measure_noise(after, other_seed, words)
        units = np.full(len(compared.cosines), np.nan)
        if noise is not None:
            common = compared.common
            floor = np.maximum(noise.at(before.counts)[common.old], noise.at(after.counts)[common.new])
            units = np.where(compared.has_direction, (1 - compared.cosines) / floor, np.nan)
        cosines = np.where(compared.has_direction, compared.cosines, np.nan)
        table = replace(compared, cosines=cosines).table(before, after)
        column = np.full(len(table), np.nan)
        column[compared.common.new] = units
        table = table.append_column(CHANGE_SCHEMA.field(_NOISE), pa.array(column, mask=np.isnan(column)))
        distances = np.where(table["cosine"].is_valid(), 1 - table["cosine"].fill_null(2.0).to_numpy(), -np.inf)
        order = np.argsort(-np.where(np.isnan(column), distances, column), kind="stable")
        return cls(table.take(pa.array(order)), len(compared.common), noise)

    def publish(self, output: Publication) -> None:
        """Write the table as Parquet, whole or not at all; ``output`` is checked already."""
        with output.beside() as staging:
            place = staging.child(_TABLE).create()
            path, filesystem = place.file("part-00000.parquet"), place.filesystem
            with pq.ParquetWriter(
                path, CHANGE_SCHEMA, filesystem=filesystem, compression="zstd", store_schema=False
            ) as writer:
                writer.write_table(self.table)
                writer.add_key_value_metadata(_FORMAT)
            output.replace_by(staging, _TABLE)


def _compare(before: Space, after: Space, words: int, is_aligned: bool = False) -> Comparison:
    compared = Comparison.build(before, after, words, is_aligned)
    if compared is None:
        raise InputError("no word is common to the two spaces: they cannot be compared")
    if not compared.has_direction.any():
        raise InputError("all vectors of common words are zero in one of the two spaces: they cannot be compared")
    if not is_aligned and len(compared.cosines) < len(compared.rotation):
        raise InputError(
            f"only {len(compared.cosines):,} words are common to two spaces of {len(compared.rotation):,} dimensions: "
            "a rotation fits so few whatever they mean; give spaces with more words in common"
        )
    return compared


def _measure_noise(space: Space, other_seed: Space, words: int) -> SeedNoise:
    compared = _compare(space, other_seed, words)
    counts, unnamed = space.counts[compared.common.old], (0, 0)  # a table does not say its seed
    some = compared.has_direction
    return SeedNoise.measure(counts[some], compared.cosines[some], compared.overlap, unnamed)

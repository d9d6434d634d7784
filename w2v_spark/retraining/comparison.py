"""Two versions side by side: the rotation between them, the drift table, and what both come to in a report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.retraining.drift import Common, Space, build_drift_table, describe_words, overlaps, quantiles
from w2v_spark.retraining.noise import SeedNoise, octaves_of
from w2v_spark.retraining.rotation import Rotation, WordPairs, cosines_of, fit_rotation

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The common words of two versions in both spaces, after the rotation of the new one onto the old one.

    Attributes
    ----------
    common : Common
    rotation : (D, D) float64
        See `fit_rotation`.
    cosines : (n,) float64
        Of each common word with itself.
    overlap : (<= n,) float64
        Of the most frequent ones, see `overlaps`.
    has_direction : (n,) bool
        Whether neither vector of a word is zero, of which the cosine would say nothing.
    """

    common: Common
    rotation: Rotation
    cosines: Numbers
    overlap: Numbers
    has_direction: npt.NDArray[np.bool_]

    @classmethod
    def build(cls, before: Space, after: Space, words: int, is_aligned: bool = False) -> Comparison | None:
        """Fit the rotation and compare; None where no word is common.

        Parameters
        ----------
        words : int
            The most frequent common words, whose neighbours are compared.
        is_aligned : bool
            Leave the new space as it is: it was made in the place of the old one.
        """
        common = Common.find(before.words, after.words)
        if not len(common):
            return None
        pairs = WordPairs(before.vectors, after.vectors, common.old, common.new)
        with ThreadPoolExecutor(1) as pool:  # a rotation changes no neighbour
            overlap = pool.submit(overlaps, pairs, words)
            weights = np.log1p(after.counts[common.new].astype(np.float64))
            rotation = np.eye(pairs.dim) if is_aligned else fit_rotation(pairs, weights)
            return cls(common, rotation, cosines_of(pairs, rotation), overlap.result(), pairs.scales > 0)

    def table(self, before: Space, after: Space) -> pa.Table:
        """The drift table of `DRIFT_SCHEMA`."""
        return build_drift_table(before, after, self.common, self.cosines, self.overlap)

    def report(self, table: pa.Table, after: Space, words: int, noise: SeedNoise | None) -> dict[str, Any]:
        """Words that came and went, and the drift of the most frequent common words, in seed noise where it is known.

        ``table`` is what `table` gives, which costs more than the rest.

        ``drift.noise`` is the median over these words of ``1 - cosine`` divided by what two seeds differ by at the
        word's frequency; ``by_octave`` has the same by frequency, see `octaves_of`.
        """
        counts = after.counts[self.common.new]
        distances = 1 - self.cosines
        drift: dict[str, Any] = {
            "words": min(words, len(distances)),
            "cosine": quantiles(self.cosines[:words]),
            "overlap": float(self.overlap.mean()),
        }
        if noise is not None:
            octaves = octaves_of(after.counts)[self.common.new]
            units = distances / noise.at(after.counts)[self.common.new]
            drift["noise"] = float(np.median(units[:words]))
            drift["overlap_of_two_seeds"] = noise.overlap
            drift["by_octave"] = [
                {"octave": int(k), "words": int(np.count_nonzero(octaves == k)), **quantiles(units[octaves == k])}
                for k in np.unique(octaves)
            ]
            drift["farthest"] = self._farthest(after, units, counts)
        return {"words": describe_words(table), "drift": drift}

    def _farthest(self, after: Space, units: Numbers, counts: npt.NDArray[np.int64], shown: int = 20) -> list[Any]:
        """Words that have moved most for their frequency."""
        order = np.argsort(-units, kind="stable")[:shown]
        words = after.words.take(pa.array(self.common.new[order])).to_pylist()
        return [
            {"word": word, "noise": round(float(units[row]), 2), "count": int(counts[row])}
            for word, row in zip(words, order, strict=True)
        ]

"""Seed noise: what two trainings differ by that differ in their seed alone, by how frequent a word is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_spark.config import Config
from w2v_spark.errors import StoreError
from w2v_spark.storage import Directory, damage_naming

Numbers = npt.NDArray[np.float64]
_SMALLEST = 1e-6  # of a distance: where two trainings are equal there is no noise to measure in


@dataclass(frozen=True, slots=True)
class SeedNoise:
    """How far two seeds lie apart.

    Attributes
    ----------
    octaves : tuple of int
        Words by frequency: octave ``k`` has those that are between ``2^-(k + 1)`` and ``2^-k`` of the text.
    distances : tuple of float
        The mean of 1 - cosine of the words of each octave, after a rotation.
    overlap : float
        The mean share of the ten nearest neighbours that two seeds have in common.
    seeds : tuple of int
        The two seeds.
    """

    octaves: tuple[int, ...]
    distances: tuple[float, ...]
    overlap: float
    seeds: tuple[int, int]

    @classmethod
    def measure(
        cls, counts: npt.NDArray[np.int64], cosines: Numbers, overlap: Numbers, seeds: tuple[int, int]
    ) -> SeedNoise:
        """From the cosines of the words of two trainings, (V,), and the overlaps of some of them."""
        octaves = octaves_of(counts)
        found = np.unique(octaves)
        means = [max(float(np.mean(1 - cosines[octaves == k])), _SMALLEST) for k in found]
        return cls(tuple(found.tolist()), tuple(means), float(overlap.mean()) if len(overlap) else 1.0, seeds)

    def at(self, counts: npt.NDArray[np.int64]) -> Numbers:
        """The noise of words with these counts, (n,): of their octave, between and beyond octaves of the nearest."""
        return np.asarray(np.interp(octaves_of(counts), self.octaves, self.distances))

    def write(self, directory: Directory, name: str) -> None:
        """Save as JSON."""
        directory.write_json(name, asdict(self))

    @classmethod
    def read(cls, directory: Directory, name: str) -> SeedNoise:
        """Load what `write` saved. Raises `StoreError` if it is damaged."""
        value = directory.read_json(name)
        with damage_naming(f"{directory.uri}/{name}"):
            octaves, distances = tuple(map(int, value["octaves"])), tuple(map(float, value["distances"]))
            first, second = map(int, value["seeds"])
            noise = cls(octaves, distances, float(value["overlap"]), (first, second))
        if (
            not octaves
            or len(octaves) != len(distances)
            or list(octaves) != sorted(set(octaves))
            or min(distances) <= 0
        ):
            raise StoreError(f"{directory.uri}/{name} is damaged: it has no distance for each octave")
        return noise


def octaves_of(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How often the share of each word in the text has to be doubled to make it all of the text, rounded down."""
    shares = np.maximum(counts, 1) / max(int(counts.sum()), 1)
    return np.floor(-np.log2(np.minimum(shares, 1.0))).astype(np.int64)


def noise_key(config: Config) -> str:
    """By which a configuration is known whose noise has been measured: all that counts for it, seeds apart."""
    values: dict[str, Any] = config.to_dict()
    del values["train"]["seed"], values["retrain"]["drift_words"]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

"""The nearest words to a vector, exactly, without reading all vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import ConfigError, InputError
from w2v_spark.kernels.int8_scores import LANES, score_codes
from w2v_spark.vectors.keyed_vectors import KeyedVectors

Floats = npt.NDArray[np.float32]


class Synonyms:
    """Finds nearest words by cosine.

    Notes
    -----
    Every vector is scaled to length 1 and rounded to a byte a coordinate, with a scale and a bound of the error of its
    own. A query reads the bytes, a quarter of the memory of the vectors; the words whose score may be among the
    largest, given their bounds, are scored again from the vectors themselves. So the result is that of a full search.
    Memory: V D bytes beside the vectors.
    """

    def __init__(self, vectors: KeyedVectors) -> None:
        self._vectors = vectors
        rows, dim = vectors.matrix.shape
        blocks = -(-rows // LANES)
        self._codes = np.zeros((blocks, dim, LANES), np.int8)
        self._scales = np.zeros((blocks, LANES), np.float32)
        self._errors = np.zeros((blocks, LANES), np.float32)
        self._is_word = (np.arange(blocks * LANES) < rows).reshape(blocks, LANES)
        for b in range(blocks):
            part = slice(b * LANES, min((b + 1) * LANES, rows))
            unit = vectors.matrix[part] / vectors.norms[part, None]
            scale = np.maximum(np.abs(unit).max(axis=1), np.float32(1e-30)) / np.float32(127)
            codes = np.rint(unit / scale[:, None]).astype(np.int8)
            size = len(unit)
            self._codes[b, :, :size] = codes.T
            self._scales[b, :size] = scale
            # By Cauchy and Schwarz, and a little for the rounding of the sums themselves.
            self._errors[b, :size] = np.linalg.norm(unit - scale[:, None] * codes, axis=1) + np.float32(1e-5)

    def find(self, query: str | Any, count: int) -> list[tuple[str, float]]:
        """The ``count`` words most similar to a word, which is left out, or to a vector; fewer if there are fewer.

        Parameters
        ----------
        query : str, or (D,) array-like
        count : int
            Above 0.

        Returns
        -------
        list of (word, cosine)
            The most similar first, equal ones in rank order. All cosines with a vector of zeros are 0.

        Raises
        ------
        WordNotFound, InputError, ConfigError
        """
        if count < 1:
            raise ConfigError(f"num = {count} is not allowed: the number of similar words must be above 0")
        left_out = self._vectors.index(query) if isinstance(query, str) else -1
        vector = self._vectors.matrix[left_out] if left_out >= 0 else self._checked(query)
        norm = np.sqrt(vector @ vector)
        unit: Floats = np.asarray(vector / norm if norm > 0 else vector, np.float32)
        rows = self._candidates(unit, count + (left_out >= 0))
        rows = rows[rows != left_out]
        matrix = self._vectors.matrix[rows].astype(np.float64)
        similarities = matrix @ unit.astype(np.float64) / self._vectors.norms[rows]
        best = np.lexsort((rows, -similarities))[:count]
        return [(self._vectors.words[rows[i]], float(similarities[i])) for i in best]

    def _checked(self, query: Any) -> Floats:
        vector: Floats = np.asarray(query, np.float32)
        if vector.shape != (self._vectors.dim,) or not np.isfinite(vector).all():
            raise InputError(
                f"a vector of shape {vector.shape} cannot be compared: expected {self._vectors.dim} finite numbers"
            )
        return vector

    def _candidates(self, unit: Floats, count: int) -> npt.NDArray[np.intp]:
        """Rows among which the ``count`` most similar ones certainly are."""
        if count >= len(self._vectors) // 4:
            return np.arange(len(self._vectors))
        scores = np.empty(self._scales.shape, np.float32)
        score_codes(self._codes, unit, scores)
        scores *= self._scales
        lower = np.where(self._is_word, scores - self._errors, -np.inf)
        # The count-th largest of the largest of each group is no larger than the count-th largest of all.
        groups = lower.max(axis=1) if count <= len(lower) // 2 else lower.reshape(-1)
        limit = np.partition(groups, len(groups) - count)[len(groups) - count]
        rows: npt.NDArray[np.intp] = np.flatnonzero((scores + self._errors >= limit) & self._is_word)
        return rows

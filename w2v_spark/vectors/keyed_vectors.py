"""Word vectors in memory: look-ups and nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import ConfigError, InputError, WordNotFound
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import Counts
from w2v_spark.vectors.table import read_vectors

Vector = npt.NDArray[np.float32]
Item = str | Vector
"""What a query is made of: a word or a vector of length D."""
Items = Item | Sequence[Item | tuple[Item, float]]
"""One item, or several, each perhaps with a weight: ``"king"``, ``["king", "woman"]``, ``[("king", 2.0)]``."""


class KeyedVectors:
    """Words and their vectors, in rank order. Nothing in it changes once it is built.

    Parameters
    ----------
    words : pa.StringArray or sequence of str, (V,)
        Distinct, the most frequent first.
    matrix : float32, (V, D)
        Not copied when it is float32 and C-contiguous; seen through a read-only view.
    counts : int64, (V,), optional

    Raises
    ------
    InputError
        The lengths do not agree, or the matrix is not two-dimensional.
    """

    def __init__(
        self, words: pa.StringArray | Sequence[str], matrix: npt.ArrayLike, counts: npt.ArrayLike | None = None
    ) -> None:
        view: Matrix = np.ascontiguousarray(matrix, dtype=np.float32).view()
        if view.ndim != 2 or len(view) != len(words):
            raise InputError(f"{len(words)} words and a matrix of shape {view.shape}: expected ({len(words)}, D)")
        view.flags.writeable = False  # the norms are computed once
        self._words = words
        self._matrix = view
        self._counts: Counts | None = None if counts is None else np.asarray(counts, dtype=np.int64)
        if self._counts is not None and self._counts.shape != (len(view),):
            raise InputError(f"{len(words)} words and counts of shape {self._counts.shape}: expected ({len(words)},)")

    @classmethod
    def load(cls, location: str | Path, limit: int | None = None) -> KeyedVectors:
        """Read the vector table of a run, or its ``limit`` most frequent words.

        ``location`` is the output directory of a run or a directory of Parquet files, a path or a URI. Raises
        `StoreError` if there is no complete table there, `ConfigError` if ``limit`` is below 1.
        """
        table = read_vectors(location, limit)
        return cls(table.words, table.matrix, table.counts)

    def __len__(self) -> int:
        return len(self._matrix)

    def __repr__(self) -> str:
        return f"KeyedVectors({len(self)} words x {self.dim})"

    def __contains__(self, word: object) -> bool:
        return word in self._index

    @overload
    def __getitem__(self, word: str) -> Vector: ...
    @overload
    def __getitem__(self, word: Sequence[str]) -> Matrix: ...
    def __getitem__(self, word: str | Sequence[str]) -> Vector | Matrix:
        """The vector of a word, (D,), a read-only view; or of several words, (n, D), a copy."""
        rows = self.index(word) if isinstance(word, str) else np.array([self.index(w) for w in word], dtype=np.intp)
        vectors: Vector | Matrix = self._matrix[rows]
        return vectors

    @property
    def matrix(self) -> Matrix:
        """All vectors, (V, D), read-only."""
        return self._matrix

    @property
    def counts(self) -> Counts | None:
        """Occurrences in the corpus, (V,) int64, if known."""
        return self._counts

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return int(self._matrix.shape[1])

    @cached_property
    def words(self) -> list[str]:
        """All words in rank order. Made from the Arrow array at the first look; not to be changed."""
        return self._words.to_pylist() if isinstance(self._words, pa.Array) else list(self._words)

    @cached_property
    def norms(self) -> Vector:
        """Length of every vector, (V,) float32, and 1 for a zero vector, so that its similarity to anything is 0."""
        norms: Vector = np.sqrt(np.einsum("ij,ij->i", self._matrix, self._matrix))
        norms[norms == 0] = 1
        return norms

    @cached_property
    def _index(self) -> dict[str, int]:
        # A dict, made at the first look-up, so that loading stays quick: pyarrow's index_in needs no Python strings but
        # hashes the whole vocabulary again in every call. 1 M words: 0.4 s and 130 MB, once.
        index = {word: row for row, word in enumerate(self.words)}
        if len(index) != len(self):
            raise InputError(f"the words are not distinct: {len(self) - len(index)} of {len(self)} occur before")
        return index

    def index(self, word: str) -> int:
        """Row of a word, its rank. Raises `WordNotFound`."""
        try:
            return self._index[word]
        except KeyError:
            raise WordNotFound(f"{word!r} is not among the {len(self)} words of the vocabulary") from None

    def similarity(self, first: str, second: str) -> float:
        """Cosine of two words, -1..1; 0 if either vector is zero. Raises `WordNotFound`."""
        rows = self.index(first), self.index(second)
        norms = self.norms[[*rows]]
        return float(self._matrix[rows[0]] @ self._matrix[rows[1]] / (norms[0] * norms[1]))

    def most_similar(
        self,
        positive: Items = (),
        negative: Items = (),
        topn: int = 10,
        restrict: int | None = None,
    ) -> list[tuple[str, float]]:
        """The words nearest by cosine to a weighted sum of words and vectors.

        Words count with their vector scaled to length 1, vectors as they are, as in gensim. The words asked with are
        left out of the answer.

        Parameters
        ----------
        positive, negative : str, (D,) array, or a sequence of those or of (item, weight)
            The weight is 1 for ``positive`` and -1 for ``negative``, or the one given, used as it stands.
        topn : int
            How many words; fewer come back when there are fewer.
        restrict : int, optional
            Look among the ``restrict`` most frequent words only.

        Returns
        -------
        list of (word, similarity)
            The most similar first, equal ones in rank order.

        Raises
        ------
        WordNotFound
            A word is not in the vocabulary.
        InputError
            Nothing to compare with, or a vector of another length.
        ConfigError
            ``restrict`` is below 1.

        Notes
        -----
        Cost: one matrix-vector product and a selection, O(V D). Source: 3CosAdd, Mikolov et al. 2013, "Linguistic
        Regularities in Continuous Space Word Representations", section 4.
        """
        if restrict is not None and restrict < 1:
            raise ConfigError(f"restrict = {restrict} is not allowed: expected at least 1, or None for all words")
        items = _weighted(positive, 1.0) + _weighted(negative, -1.0)
        query = self._combine(items)
        similarities = self._matrix[:restrict] @ query / self.norms[:restrict]
        asked = {self.index(item) for item, _ in items if isinstance(item, str)}
        similarities[[row for row in asked if row < len(similarities)]] = -np.inf
        rows = [row for row in _largest(similarities, topn) if row not in asked]
        return [(self.words[row], float(similarities[row])) for row in rows]

    def _combine(self, items: list[tuple[Item, float]]) -> Vector:
        """The weighted sum of words and vectors, scaled to length 1 unless it is zero, (D,) float32."""
        if not items:
            raise InputError("nothing to compare with: give at least one word or vector")
        total = np.zeros(self.dim, dtype=np.float64)
        for item, weight in items:
            total += weight * self._unit(item)
        length = np.linalg.norm(total)
        return (total / length if length > 0 else total).astype(np.float32)

    def _unit(self, item: Item) -> Vector:
        """The vector of a word scaled to length 1, or a vector as it is."""
        vector: Vector
        if isinstance(item, str):
            row = self.index(item)
            vector = self._matrix[row] / self.norms[row]
        else:
            vector = np.asarray(item, dtype=np.float32)
        if vector.shape != (self.dim,):
            raise InputError(f"a vector of shape {vector.shape} was given, expected ({self.dim},)")
        return vector


def _weighted(items: Items, weight: float) -> list[tuple[Item, float]]:
    """Every item with its own weight or the given one."""
    if isinstance(items, str) or (isinstance(items, np.ndarray) and items.ndim == 1):
        return [(items, weight)]
    return [(item[0], float(item[1])) if isinstance(item, tuple) else (item, weight) for item in items]


def _largest(values: Vector, count: int) -> npt.NDArray[np.intp]:
    """Positions of the ``count`` largest values, the largest first, equal ones in order of position. O(n)."""
    count = min(count, len(values))
    if count < 1:
        return np.empty(0, dtype=np.intp)
    threshold = np.partition(values, len(values) - count)[len(values) - count]
    candidates = np.flatnonzero(values >= threshold)  # more than count when several values equal the threshold
    return candidates[np.argsort(-values[candidates], kind="stable")[:count]]

"""Cosines between words, vectors and sets of words, and the mean of a set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.lookup import Vector, VectorLookup, lengths

Item = str | Vector
"""A word, or a vector of length D."""


def is_item(items: object) -> TypeGuard[Item]:
    """Whether this is one word or vector, and not several."""
    return isinstance(items, str) or (isinstance(items, np.ndarray) and items.ndim == 1)


class Similarities(VectorLookup):
    """Words and their vectors, and how near they are to each other."""

    def similarity(self, first: str, second: str) -> float:
        """Cosine of two words, -1..1; 0 if either vector is zero. Raises `WordNotFound`. Cost: O(D)."""
        return float(self.similarities([first], [second])[0, 0])

    def similarities(self, first: Sequence[Item], second: Sequence[Item]) -> Matrix:
        """Cosine of each word or vector of one sequence with each of another: `similarity` for many.

        Returns
        -------
        float32, (n, m)
            -1..1; 0 where either vector is zero.

        Raises
        ------
        WordNotFound
            A word is not in the vocabulary.
        InputError
            A vector of another length.

        Notes
        -----
        Cost: one matrix product (n, D) x (D, m).
        """
        cosines: Matrix = self._unit_rows(first) @ self._unit_rows(second).T
        return cosines

    def n_similarity(self, first: Sequence[str], second: Sequence[str]) -> float:
        """Cosine of the means of two sets of words, -1..1; 0 if either mean is zero.

        The vectors are not scaled before their mean is taken, and unknown words are passed over, as in gensim. Raises
        `InputError` if a set has no known word.
        """
        means = [self.mean_vector(self._known(words), pre_normalize=False) for words in (first, second)]
        return float(self.similarities(means[:1], means[1:])[0, 0])

    def distance(self, first: str, second: str) -> float:
        """1 - `similarity`, 0..2. Raises `WordNotFound`."""
        return 1 - self.similarity(first, second)

    def distances(self, word_or_vector: Item, other_words: Sequence[str] = ()) -> Vector:
        """1 - the cosine of a word or vector (D,) with other words, or with all if none are given.

        Returns
        -------
        float32, (n,) or (V,)
            0..2; 1 where either vector is zero. In the order of ``other_words``, or in rank order.

        Raises
        ------
        WordNotFound
            A word is not in the vocabulary.
        InputError
            A vector of another length.
        """
        unit = self._unit_rows([word_or_vector])[0]
        distances: Vector
        if len(other_words):
            distances = 1 - self._unit_rows(other_words) @ unit
            return distances
        distances = np.empty(len(self), dtype=np.float32)
        for place, block in self._stack.blocks():
            distances[place] = 1 - block @ unit / self.norms[place]
        return distances

    def closer_than(self, first: str, second: str) -> list[str]:
        """All words that are closer to ``first`` than ``second`` is, in rank order, without ``first`` itself.

        Raises `WordNotFound`. Cost: O(V D).
        """
        mine, other = self.index(first), self.index(second)
        distances = self.distances(first)
        return [self.word(row) for row in np.flatnonzero(distances < distances[other]).tolist() if row != mine]

    def rank(self, first: str, second: str) -> int:
        """The place of ``second`` among the words by their distance from ``first``, 1 the closest.

        Raises `WordNotFound`. Cost: O(V D).
        """
        return len(self.closer_than(first, second)) + 1

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word that is farthest, by cosine, from the mean of all, each scaled to length 1.

        Unknown words are passed over, as in gensim; of equally far ones the first by alphabet. Raises `InputError` if
        no word is known.
        """
        known = self._known(words)
        units = self._unit_rows(known)
        return min(zip((units @ self.mean_vector(known)).tolist(), known, strict=True))[1]

    def mean_vector(
        self,
        words: Item | Sequence[Item] | Matrix,
        weights: npt.ArrayLike | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> Vector:
        """The weighted mean of words and vectors.

        Parameters
        ----------
        words : str, (D,) array, or a sequence of those, such as (n, D)
        weights : (n,), optional
            One for each, 1 by default. The sum is divided by the sum of their absolute values.
        pre_normalize : bool
            Scale the vectors of words, but not vectors given, to length 1 first.
        post_normalize : bool
            Scale the mean to length 1, unless it is zero.
        ignore_missing : bool
            Pass over unknown words, and their weights; if there is nothing else, the mean is zero.

        Returns
        -------
        float32, (D,)
            Summed in float64.

        Raises
        ------
        WordNotFound
            A word is not in the vocabulary, and ``ignore_missing`` is false.
        InputError
            No words, another number of weights, or a vector of another length.
        """
        items = [words] if is_item(words) else [*words]
        scales = np.ones(len(items)) if weights is None else np.asarray(weights, dtype=np.float64)
        if not items:
            raise InputError("nothing to compare with: give at least one word or vector")
        if scales.shape != (len(items),):
            raise InputError(f"{len(items)} words and weights of shape {scales.shape}: expected a weight for each")
        total, whole = np.zeros(self.dim, dtype=np.float64), 0.0
        for item, scale in zip(items, scales.tolist(), strict=True):
            if not (ignore_missing and isinstance(item, str) and item not in self):
                total += scale * self._vector(item, pre_normalize)
                whole += abs(scale)
        length = np.linalg.norm(total) if post_normalize else whole
        return (total / length if length > 0 else total).astype(np.float32)

    get_mean_vector = mean_vector  # gensim's name

    def _known(self, words: Sequence[str]) -> list[str]:
        """The words that are in the vocabulary; `InputError` if none is."""
        known = [word for word in ([words] if isinstance(words, str) else words) if word in self]
        if not known:
            raise InputError(f"none of the words {words!r} is in the vocabulary: give at least one that is")
        return known

    def _unit_rows(self, items: Sequence[Item] | Matrix) -> Matrix:
        """Words and vectors scaled to length 1, but zero vectors, (n, D) float32."""
        rows: Matrix = np.empty((len(items), self.dim), dtype=np.float32)
        for number, item in enumerate(items):
            rows[number] = self._vector(item, scaled=False)
        return rows / lengths(rows)[:, None]

    def _vector(self, item: Item, scaled: bool) -> Vector:
        """The vector of a word, scaled to length 1 or not, or a vector as it is, (D,) float32."""
        if isinstance(item, str):
            vector = self[item]
            return vector / lengths(vector[None]) if scaled else vector
        try:
            vector = np.asarray(item, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(f"{item!r} is neither a word nor a vector of length {self.dim}") from error
        if vector.shape != (self.dim,):
            raise InputError(f"a vector of shape {vector.shape} was given, expected ({self.dim},)")
        return vector

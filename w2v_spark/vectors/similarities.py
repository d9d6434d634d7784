"""Cosines of words and vectors: the part of `KeyedVectors` that compares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from w2v_spark.errors import InputError, Name
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.items import Item, Key, Vector
from w2v_spark.vectors.nearest_words import NearestWords


class Similarities(NearestWords):
    """Compares what is in ``_content``."""

    def similarity(self, first: Key, second: Key) -> float:
        """Cosine of two words, -1..1; 0 if either vector is zero. Cost: O(D)."""
        return float(self.similarities([first], [second])[0, 0])

    def similarities(self, first: Sequence[Item], second: Sequence[Item]) -> Matrix:
        """Cosine of each word or vector of one sequence with each of another, (n, m) float32, by one matrix product."""
        cosines: Matrix = self._content.unit_rows(first) @ self._content.unit_rows(second).T
        return cosines

    def n_similarity(self, first: Sequence[Key], second: Sequence[Key]) -> float:
        """Cosine of the means of two sets of words, -1..1; 0 if either mean is zero.

        The vectors are not scaled before their mean is taken, and unknown words are passed over, as in gensim. Raises
        `InputError` if a set has no known word.
        """
        means = [self._content.mean(self._content.known(words), pre_normalize=False) for words in (first, second)]
        return float(self.similarities(means[:1], means[1:])[0, 0])

    def distance(self, first: Key, second: Key) -> float:
        """1 - `similarity`, 0..2."""
        return 1 - self.similarity(first, second)

    def distances(self, word_or_vector: Item, other_words: Sequence[Key] = ()) -> Vector:
        """1 - the cosine of a word or vector (D,) with other words, or with all if none are given.

        Returns
        -------
        float32, (n,) or (V,)
            0..2; 1 where either vector is zero. In the order of ``other_words``, or in rank order.
        """
        unit = self._content.unit_rows([word_or_vector])[0]
        distances: Vector
        if len(other_words):
            distances = 1 - self._content.unit_rows(other_words) @ unit
            return distances
        distances = np.empty(len(self._content.stack), dtype=np.float32)
        for place, batch in self._content.stack.batches():
            distances[place] = 1 - batch @ unit / self._content.norms[place]
        return distances

    def closer_than(self, first: Key, second: Key) -> list[str]:
        """All words that are closer to ``first`` than ``second`` is, in rank order, without ``first``. Cost: O(V D)."""
        index = self._content.index
        mine, other = (None if self._content.outside(key) is not None else index.row(key) for key in (first, second))
        distances = self.distances(first)
        limit = self.distance(first, second) if other is None else distances[other]
        return [index.word(row) for row in np.flatnonzero(distances < limit).tolist() if row != mine]

    def rank(self, first: Key, second: Key) -> int:
        """The place of ``second`` among the words by their distance from ``first``, 1 the closest. Cost: O(V D)."""
        return len(self.closer_than(first, second)) + 1

    def most_similar_to_given(self, key: Key, keys: Sequence[Key]) -> Key:
        """The one of ``keys`` that is most similar to ``key``, the first of equal ones."""
        if not len(keys):
            raise InputError("nothing to choose from: give at least one word")
        return keys[int(np.argmax(self.similarities([key], keys)[0]))]

    def relative_cosine_similarity(self, first: Key, second: Key, topn: int = 10) -> float:
        """The similarity of two words as a fraction of the sum of those of the ``topn`` words nearest to the first.

        Above 1 / ``topn`` for synonyms, as a rule. Raises `InputError` if there are no nearest words. Source:
        Leeuwenberg et al. 2016, "A Minimally Supervised Approach for Synonym Extraction with Word Embeddings",
        equation 1.
        """
        nearest = self.similar_by_key(first, topn)
        if not nearest:
            raise InputError("no relative similarity without any nearest word: ", Name("topn"), f" = {topn}")
        return self.similarity(first, second) / sum(similarity for _, similarity in nearest)

    def doesnt_match(self, words: Sequence[Key]) -> Key:
        """The word that is farthest, by cosine, from the mean of all, each scaled to length 1.

        Unknown words are passed over, as in gensim; of equally far ones the first by alphabet. Raises `InputError` if
        no word is known.
        """
        known = self._content.known(words)
        cosines = (self._content.unit_rows(known) @ self._content.mean(known)).tolist()
        return min(zip(cosines, map(str, known), known, strict=True))[2]

"""Word vectors and the words nearest to what is asked; similarities and look-ups come with the classes below.

Methods have the names that gensim gives them, and the same results; where they differ, docs/reference/differences.md
says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.lookup import Vector
from w2v_spark.vectors.search import Items, Query, Rule, add, check_limits, find_best, multiply, pair_up, weighted
from w2v_spark.vectors.similarities import Item, Similarities

Answer = list[tuple[str, float]]
"""Words with their scores, the best first, equal ones in rank order."""


class KeyedVectors(Similarities):
    """Words and their vectors, in rank order. Nothing in it changes once it is built.

    Parameters
    ----------
    words : pa.StringArray or sequence of str, (V,)
        Distinct, the most frequent first.
    matrix : float32, (V, D), or Stack
        Not copied when it is float32 and C-contiguous; seen through a read-only view.
    counts : int64, (V,), optional

    Raises
    ------
    InputError
        The lengths do not agree, or the matrix is not two-dimensional.
    """

    def most_similar(
        self, positive: Items = (), negative: Items = (), topn: int = 10, restrict: int | None = None
    ) -> Answer:
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
            ``restrict`` is below 1, or ``topn`` is no number.

        Notes
        -----
        Cost: one matrix-vector product and a selection, O(V D). Source: 3CosAdd, Mikolov et al. 2013, "Linguistic
        Regularities in Continuous Space Word Representations", section 4.
        """
        return self.most_similar_batch([positive], [negative], topn, restrict)[0]

    def most_similar_batch(
        self,
        positive: Sequence[Items] | Matrix,
        negative: Sequence[Items] | Matrix = (),
        topn: int = 10,
        restrict: int | None = None,
    ) -> list[Answer]:
        """`most_similar` for many queries, with one matrix product for all.

        Parameters
        ----------
        positive, negative : sequence of n entries
            For each query what `most_similar` takes: ``["king", "queen"]`` asks twice, ``[["king", "woman"]]`` with
            ``[["man"]]`` once. A matrix (n, D) is a query a row. No ``negative`` at all is none for each.
        topn, restrict
            As in `most_similar`.

        Returns
        -------
        list of n answers
            Equal to those of `most_similar`, but for the rounding of the product.

        Raises
        ------
        WordNotFound, InputError, ConfigError
            As `most_similar`; also `InputError` if the lengths do not agree.

        Notes
        -----
        Cost: one float32 product (n, D) x (D, V); 256 MiB of scores at most are held at a time.
        """
        return self._answer(self._sum_query, add, pair_up(positive, negative), topn, restrict)

    def most_similar_cosmul(
        self, positive: Items = (), negative: Items = (), topn: int = 10, restrict: int | None = None
    ) -> Answer:
        """The words whose cosines with all positive items are high, and low with all negative ones: 3CosMul.

        The score is the product of the positive cosines over the product of the negative ones plus 1e-6, after
        cosines have been moved from -1..1 to 0..1. One large cosine weighs less in it than in `most_similar`.

        Parameters
        ----------
        positive, negative : str, (D,) array, or a sequence of those
            Words and vectors, all scaled to length 1. Weights have no meaning here.
        topn, restrict
            As in `most_similar`.

        Returns
        -------
        list of (word, score)
            The highest score first, equal ones in rank order; a score is above 1 for some.

        Raises
        ------
        WordNotFound, ConfigError
            As `most_similar`.
        InputError
            No positive item, an item with a weight, or a vector of another length.

        Notes
        -----
        Cost: one matrix product, O(V D) an item. Source: Levy and Goldberg 2014, "Linguistic Regularities in Sparse
        and Explicit Word Representations", equation 4 and footnote 7.
        """
        return self.most_similar_cosmul_batch([positive], [negative], topn, restrict)[0]

    def most_similar_cosmul_batch(
        self,
        positive: Sequence[Items] | Matrix,
        negative: Sequence[Items] | Matrix = (),
        topn: int = 10,
        restrict: int | None = None,
    ) -> list[Answer]:
        """`most_similar_cosmul` for many queries, with one matrix product for all.

        Entries and cost are those of `most_similar_batch`, errors those of `most_similar_cosmul`.
        """
        return self._answer(self._product_query, multiply, pair_up(positive, negative), topn, restrict)

    def similar_by_word(self, word: str, topn: int = 10, restrict: int | None = None) -> Answer:
        """The words nearest to a word: `most_similar` with that word alone."""
        return self.most_similar(word, (), topn, restrict)

    def similar_by_vector(self, vector: Vector, topn: int = 10, restrict: int | None = None) -> Answer:
        """The words nearest to a vector, (D,): `most_similar` with that vector alone."""
        return self.most_similar([self._vector(vector, scaled=False)], (), topn, restrict)

    def _answer(
        self,
        ask: Callable[[Items, Items], Query],
        rule: Rule,
        pairs: list[tuple[Items, Items]],
        topn: int,
        restrict: int | None,
    ) -> list[Answer]:
        check_limits(topn, restrict)
        queries = [ask(*pair) for pair in pairs]
        found = find_best(self._stack, self.norms, queries, rule, topn, restrict)
        return [[(self.word(row), score) for row, score in best] for best in found]

    def _sum_query(self, positive: Items, negative: Items) -> Query:
        items = weighted(positive, 1.0) + weighted(negative, -1.0)
        words, weights = [item for item, _ in items], [weight for _, weight in items]
        mean = self.mean_vector(words, weights, post_normalize=True, ignore_missing=False)
        return Query(mean[None], 1, self._rows_of(words))

    def _product_query(self, positive: Items, negative: Items) -> Query:
        items = weighted(positive, math.nan) + weighted(negative, math.nan)
        words, positives = [item for item, _ in items], len(weighted(positive, 1.0))
        if not positives:
            raise InputError("nothing to compare with: give at least one positive word or vector")
        if not all(math.isnan(weight) for _, weight in items):
            raise InputError(f"{items!r} has weights, which mean nothing to a product: use most_similar")
        return Query(self._unit_rows(words), positives, self._rows_of(words))

    def _rows_of(self, items: Iterable[Item]) -> frozenset[int]:
        """Rows of the words among some words and vectors."""
        return frozenset(self.index(item) for item in items if isinstance(item, str))

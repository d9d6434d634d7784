"""The words nearest to what is asked: the part of `KeyedVectors` that searches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import numpy as np

from w2v_spark.errors import ConfigError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.items import Items, Key, Vector, pair_up
from w2v_spark.vectors.search.choice import Search
from w2v_spark.vectors.search.query import Best, Query, check_limits
from w2v_spark.vectors.word_vectors import WordVectors

Answer = list[tuple[str, float]]
"""Words with their scores, the best first, equal ones in rank order."""
Limit = int | None


class NearestWords:
    """Searches; what it searches is in ``_content``."""

    _content: WordVectors

    def most_similar(
        self, positive: Items = (), negative: Items = (), topn: int = 10, *,
        restrict_vocab: Limit = None, restrict: Limit = None,
    ) -> Answer:  # fmt: skip
        """The words nearest by cosine to a weighted sum of words and vectors.

        Words count with their vector scaled to length 1, vectors as they are, as in gensim. The words asked with are
        left out of the answer.

        Parameters
        ----------
        positive, negative : str, (D,) array, or a sequence of those or of (item, weight)
            The weight is 1 for ``positive`` and -1 for ``negative``, or the one given, used as it stands.
        topn : int
            How many words; fewer come back when there are fewer.
        restrict_vocab, restrict : int, optional
            Look among so many of the most frequent words only: gensim's name and a shorter one.

        Returns
        -------
        list of (word, similarity)
            The most similar first, by cosines in float64; equal ones in rank order.

        Raises
        ------
        WordNotFound
            A word is not in the vocabulary.
        InputError
            Nothing to compare with, or a vector of another length.
        ConfigError
            ``restrict_vocab`` is below 1, or ``topn`` is no number.

        Notes
        -----
        Cost: one matrix-vector product and a selection, O(V D); or what `prepare_search` says. Source: 3CosAdd,
        Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word Representations", section 4.
        """
        return self.most_similar_batch([positive], [negative], topn, restrict_vocab, restrict)[0]

    def most_similar_batch(
        self, positive: Sequence[Items] | Matrix, negative: Sequence[Items] | Matrix = (), topn: int = 10,
        restrict_vocab: Limit = None, restrict: Limit = None,
    ) -> list[Answer]:  # fmt: skip
        """`most_similar` for many queries, with the same answers, by one matrix product (n, D) x (D, V) for all.

        ``positive`` and ``negative`` have an entry for each of n queries, what `most_similar` takes: ``["king",
        "queen"]`` asks twice, ``[["king", "woman"]]`` with ``[["man"]]`` once. A matrix (n, D) is a query a row.
        Without ``negative``, no query has any. Raises `InputError` also if the lengths do not agree. At most 256 MiB
        of scores are held at a time.
        """
        pairs = pair_up(positive, negative)
        return self._answer(self._content.sum_query, self._search.nearest, pairs, topn, restrict_vocab, restrict)

    def most_similar_cosmul(
        self, positive: Items = (), negative: Items = (), topn: int = 10,
        restrict_vocab: Limit = None, restrict: Limit = None,
    ) -> Answer:  # fmt: skip
        """The words whose cosines with all positive items are high, and low with all negative ones: 3CosMul.

        The score is the product of the positive cosines over the product of the negative ones plus 1e-6, after
        cosines have been moved from -1..1 to 0..1; so a score may be above 1. One large cosine weighs less in it than
        in `most_similar`, whose parameters and errors these are, but that words and vectors are all scaled to length
        1, and that there must be a positive one and no weights (`InputError`). Cost: one matrix product, O(V D) an
        item. Source: Levy and Goldberg 2014, "Linguistic Regularities in Sparse and Explicit Word Representations",
        equation 4 and footnote 7.
        """
        return self.most_similar_cosmul_batch([positive], [negative], topn, restrict_vocab, restrict)[0]

    def most_similar_cosmul_batch(
        self, positive: Sequence[Items] | Matrix, negative: Sequence[Items] | Matrix = (), topn: int = 10,
        restrict_vocab: Limit = None, restrict: Limit = None,
    ) -> list[Answer]:  # fmt: skip
        """`most_similar_cosmul` for many queries; entries and cost are those of `most_similar_batch`."""
        pairs = pair_up(positive, negative)
        ask, search = self._content.product_query, self._search.best_products
        return self._answer(ask, search, pairs, topn, restrict_vocab, restrict)

    def similar_by_key(
        self, key: Key, topn: int = 10, restrict_vocab: Limit = None, restrict: Limit = None
    ) -> Answer:  # fmt: skip
        """The words nearest to a word: `most_similar` with that word alone."""
        return self.most_similar([key], (), topn, restrict_vocab=restrict_vocab, restrict=restrict)

    similar_by_word = similar_by_key  # gensim's other name

    def similar_by_vector(
        self, vector: Vector, topn: int = 10, restrict_vocab: Limit = None, restrict: Limit = None
    ) -> Answer:
        """The words nearest to a vector, (D,): `most_similar` with that vector alone."""
        return self.most_similar([np.asarray(vector)], (), topn, restrict_vocab=restrict_vocab, restrict=restrict)

    def prepare_search(self) -> None:
        """Get ready for many single queries by `most_similar` now, and not after some of them. Answers do not change.

        Does nothing where numba is not installed, or the words are few. Cost: a pass over the vectors, about a second
        for a million, and V D bytes of memory; a query then reads V D bytes in place of 4 V D.
        """
        self._search.prepare()

    @property
    def search_strategy(self) -> str:
        """What answers single queries now: ``"full"`` (numpy), or ``"reranked"`` (int8 scores, compiled by numba)."""
        return self._search.strategy

    @cached_property
    def _search(self) -> Search:
        return Search(self._content.stack, self._content.norms)

    def _answer(
        self, ask: Callable[[Items, Items], Query], search: Callable[[Sequence[Query], int, Limit], Iterable[Best]],
        pairs: list[tuple[Items, Items]], topn: int, restrict_vocab: Limit, restrict: Limit,
    ) -> list[Answer]:  # fmt: skip
        if restrict is not None and restrict_vocab not in (None, restrict):
            raise ConfigError(f"restrict_vocab = {restrict_vocab} and restrict = {restrict} are one setting: give one")
        limit = restrict if restrict_vocab is None else restrict_vocab
        check_limits(topn, limit)
        queries = [ask(*pair) for pair in pairs]
        if topn < 1:
            return [[] for _ in queries]
        return [
            [(self._content.index.word(row), score) for row, score in best] for best in search(queries, topn, limit)
        ]

"""Words and vectors together, as `KeyedVectors` computes with them: items to vectors, means, and queries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.items import Item, Items, Key, Vector, is_item, is_key, weighted
from w2v_spark.vectors.row_stack import RowStack, lengths
from w2v_spark.vectors.search.query import Query
from w2v_spark.vectors.stream import Batch, Counts, VectorStream, rank_counts
from w2v_spark.vectors.subword_vectors import SubwordVectors
from w2v_spark.vectors.word_index import WordIndex


class WordVectors:
    """Words, their vectors, and their counts if known. Parameters and errors are those of `KeyedVectors`."""

    def __init__(
        self,
        words: pa.StringArray | Sequence[str],
        matrix: npt.ArrayLike | RowStack,
        counts: npt.ArrayLike | None,
        subwords: SubwordVectors | None = None,
    ) -> None:
        self.subwords = subwords
        self.index = WordIndex(words)
        self.stack = matrix if isinstance(matrix, RowStack) else _to_stack(matrix, len(words))
        self.counts: Counts | None = None if counts is None else np.asarray(counts, dtype=np.int64)
        if len(self.stack) != len(words):
            raise InputError(f"{len(words)} words and a matrix of shape {self.stack.shape}: expected ({len(words)}, D)")
        if self.counts is not None and self.counts.shape != (len(words),):
            raise InputError(f"{len(words)} words and counts of shape {self.counts.shape}: expected ({len(words)},)")

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return self.stack.shape[1]

    @cached_property
    def norms(self) -> Vector:
        """Length of every vector, (V,) float32, and 1 for a zero vector."""
        return self.stack.lengths()

    def vector(self, item: Item, scaled: bool = False) -> Vector:
        """The vector of a word, scaled to length 1 or not, or a vector as it is, (D,) float32."""
        if is_key(item):
            own: Vector | None = self.outside(item)
            if own is None:
                own = self.stack.row(self.row(item))
            return own / lengths(own[None]) if scaled else own
        try:
            vector = np.asarray(item, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(f"{item!r} is neither a word nor a vector of length {self.dim}") from error
        if vector.shape != (self.dim,):
            raise InputError(f"a vector of shape {vector.shape} was given, expected ({self.dim},)")
        return vector

    def find(self, key: Key) -> int | None:
        """The row of a word; where n-grams answer for others, also of one that is in the vocabulary in lower case."""
        row = self.index.find(key)
        if row is None and self.subwords is not None and isinstance(key, str):
            row = self.index.find(self.subwords.as_read(key))
        return row

    def row(self, key: Key) -> int:
        """The same; `WordNotFound` where there is none."""
        row = self.find(key)
        return self.index.row(key) if row is None else row

    def outside(self, key: Key) -> Vector | None:
        """The vector that its n-grams give a word outside the vocabulary, (D,); None for all else."""
        if self.subwords is None or not isinstance(key, str) or len(key.split()) != 1 or self.find(key) is not None:
            return None
        return self.subwords.vector(key)

    def has(self, key: Key) -> bool:
        """Whether a key has a vector."""
        return self.find(key) is not None or self.outside(key) is not None

    def unit_rows(self, items: Sequence[Item] | Matrix) -> Matrix:
        """Words and vectors scaled to length 1, but zero vectors, (n, D) float32."""
        rows: Matrix = np.empty((len(items), self.dim), dtype=np.float32)
        for number, item in enumerate(items):
            rows[number] = self.vector(item)
        return rows / lengths(rows)[:, None]

    def known(self, words: Key | Sequence[Key]) -> list[Key]:
        """The words that are in the vocabulary; `InputError` if none is."""
        known = [word for word in ([words] if is_key(words) else words) if self.has(word)]
        if not known:
            raise InputError(f"none of the words {words!r} is in the vocabulary: give at least one that is")
        return known

    def mean(
        self,
        words: Item | Sequence[Item] | Matrix,
        weights: npt.ArrayLike | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> Vector:
        """The weighted mean of words and vectors: `KeyedVectors.mean_vector`."""
        items = [words] if is_key(words) or is_item(words) else [*words]
        scales = np.ones(len(items)) if weights is None else np.asarray(weights, dtype=np.float64)
        if not items:
            raise InputError("nothing to compare with: give at least one word or vector")
        if scales.shape != (len(items),):
            raise InputError(f"{len(items)} words and weights of shape {scales.shape}: expected a weight for each")
        total, whole = np.zeros(self.dim, dtype=np.float64), 0.0
        for item, scale in zip(items, scales.tolist(), strict=True):
            if not (ignore_missing and is_key(item) and not self.has(item)):
                total += scale * self.vector(item, pre_normalize)
                whole += abs(scale)
        length = np.linalg.norm(total) if post_normalize else whole
        return (total / length if length > 0 else total).astype(np.float32)

    def sum_query(self, positive: Items, negative: Items) -> Query:
        """What 3CosAdd compares with all rows: one weighted mean."""
        items = weighted(positive, 1.0) + weighted(negative, -1.0)
        words, weights = [item for item, _ in items], [weight for _, weight in items]
        mean = self.mean(words, weights, post_normalize=True, ignore_missing=False)
        return Query(mean[None], 1, self._rows_of(words))

    def product_query(self, positive: Items, negative: Items) -> Query:
        """What 3CosMul compares with all rows: each word and vector."""
        items = weighted(positive, math.nan) + weighted(negative, math.nan)
        words, positives = [item for item, _ in items], len(weighted(positive, 1.0))
        if not positives:
            raise InputError("nothing to compare with: give at least one positive word or vector")
        if not all(math.isnan(weight) for _, weight in items):
            raise InputError(f"{items!r} has weights, which mean nothing to a product: use most_similar")
        return Query(self.unit_rows(words), positives, self._rows_of(words))

    def _rows_of(self, items: Iterable[Item]) -> frozenset[int]:
        """Rows of the words among some words and vectors."""
        rows = (self.find(item) for item in items if is_key(item))
        return frozenset(row for row in rows if row is not None)

    def stream(self, prefix: str = "") -> VectorStream:
        """All rows in batches, the words with a prefix; counts that are not known are V - rank."""

        def batches() -> Iterator[Batch]:
            for place, matrix in self.stack.batches():
                words = [prefix + self.index.word(row) for row in range(place.start, place.stop)]
                guess = rank_counts(len(self.stack), place.start, len(words))
                yield Batch(pa.array(words, pa.string()), matrix, guess if self.counts is None else self.counts[place])

        return VectorStream(len(self.stack), batches())


def _to_stack(matrix: npt.ArrayLike, rows: int) -> RowStack:
    content: Matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    if content.ndim != 2:
        raise InputError(f"{rows} words and a matrix of shape {content.shape}: expected ({rows}, D)")
    return RowStack([content])

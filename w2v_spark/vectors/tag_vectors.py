"""Tags of documents, such as a speaker or a month, and what is near to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from w2v_spark.errors import IdNotFound, InputError
from w2v_spark.vectors.document_index import DocumentAnswer
from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.labelled_rows import LabelledRows
from w2v_spark.vectors.nearest_words import Answer
from w2v_spark.vectors.row_vectors import RowVectors, as_vector
from w2v_spark.vectors.stream import Counts

TagKey = tuple[str, str]
"""The name of a tag and one of its values: ``("party", "Labour")``."""
TagAnswer = list[tuple[TagKey, float]]
"""Tags with their cosines, the nearest first, equal ones in order of the rows."""


class TagVectors:
    """The tags of documents. Where a tag is asked for, it is a pair of its name and its value.

    Unless something else is said, an unknown tag raises `IdNotFound`, and what is no such pair, or a vector of another
    length, `InputError`.

    Parameters
    ----------
    rows : LabelledRows
    nearest_documents : callable
        The documents nearest to a vector: ``(vector, topn)``.
    nearest_words : callable
        The same of words.
    """

    def __init__(
        self,
        rows: LabelledRows,
        nearest_documents: Callable[[Vector, int], DocumentAnswer],
        nearest_words: Callable[[Vector, int], Answer],
    ) -> None:
        self._labels = rows.labels
        self._vectors = RowVectors(rows.stack)
        self._nearest_documents = nearest_documents
        self._nearest_words = nearest_words

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[TagKey]:
        return iter(self.keys)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} values of {', '.join(self.names)} x {self.dim})"

    def __contains__(self, key: object) -> bool:
        return self._checked(key) in self._rows

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return self._vectors.dim

    @cached_property
    def keys(self) -> list[TagKey]:
        """All tags in the order of their rows; not to be changed."""
        columns = (self._labels[name].to_pylist() for name in ("tag", "value"))
        return list(zip(*columns, strict=True))

    @cached_property
    def names(self) -> list[str]:
        """The names of the tags, each once."""
        names: list[str] = self._labels["tag"].unique().to_pylist()
        return names

    @property
    def documents(self) -> Counts:
        """How many documents have the tag, (n,) int64."""
        counts: Counts = self._labels["documents"].to_numpy()
        return counts

    @property
    def tokens(self) -> Counts:
        """How many words of the vocabulary these have, (n,) int64."""
        counts: Counts = self._labels["tokens"].to_numpy()
        return counts

    @cached_property
    def _rows(self) -> Mapping[TagKey, int]:
        return {key: row for row, key in enumerate(self.keys)}

    def index(self, key: TagKey) -> int:
        """The row of a tag, from 0."""
        row = self._rows.get(self._checked(key))
        if row is None:
            raise IdNotFound(f"{key!r} is not among the {len(self)} tags; their names are {', '.join(self.names)}")
        return row

    def __getitem__(self, key: TagKey) -> Vector:
        """The vector of a tag, (D,), read-only."""
        return self.vector(key)

    def vector(self, key: TagKey, norm: bool = False) -> Vector:
        """The vector of a tag, (D,), read-only; with ``norm`` scaled to length 1, unless it is zero."""
        row = self.index(key)
        return self._vectors.unit(row) if norm else self._vectors.vector(row)

    def most_similar(self, item: TagKey | Vector, topn: int = 10, name: str | None = None) -> TagAnswer:
        """The tags nearest by cosine to a tag, without that one, or to a vector (D,).

        Parameters
        ----------
        item : pair of str, or (D,) array
        topn : int
        name : str, optional
            Tags of this name only, as ``"month"``.
        """
        own = () if isinstance(item, np.ndarray) else (self.index(item),)
        others: list[int] = []
        if name is not None:
            if name not in self.names:
                raise IdNotFound(f"no tag is called {name!r}; the names are {', '.join(self.names)}")
            others = [row for row, (other, _) in enumerate(self.keys) if other != name]
        best = self._vectors.nearest(self._vector_of(item), topn, {*own, *others})
        return [(self.keys[row], cosine) for row, cosine in best]

    def nearest_documents(self, item: TagKey | Vector, topn: int = 10) -> DocumentAnswer:
        """The documents nearest by cosine to a tag or a vector, as `DocumentVectors.most_similar` gives them."""
        return self._nearest_documents(self._vector_of(item), topn)

    def nearest_words(self, item: TagKey | Vector, topn: int = 10) -> Answer:
        """The words nearest by cosine to a tag or a vector."""
        return self._nearest_words(self._vector_of(item), topn)

    def _vector_of(self, item: TagKey | Vector) -> Vector:
        return as_vector(item, self.dim) if isinstance(item, np.ndarray) else self.vector(item)

    def _checked(self, key: Any) -> TagKey:
        if isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, str) for part in key):
            return key
        raise InputError(f"{key!r} is no tag: expected a pair of its name and its value, as in ('month', '2024-01')")

"""Document vectors: look-ups by id, and the documents, words and tags nearest to what is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from os import PathLike
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import InputError, StoreError
from w2v_spark.extras import require
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.document_index import DocumentAnswer, DocumentIndex
from w2v_spark.vectors.document_model import open_model
from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.labelled_rows import LabelledRows
from w2v_spark.vectors.nearest_words import Answer
from w2v_spark.vectors.row_vectors import RowVectors, Term, as_vector, scaled, weighted_sum
from w2v_spark.vectors.stream import Counts
from w2v_spark.vectors.tag_vectors import TagAnswer, TagKey, TagVectors

__all__ = ["DocumentAnswer", "DocumentVectors"]


class DocumentVectors:
    """Documents and their vectors. What it holds does not change once it is built.

    An id is a value of the type that the input gave its ids: where they are numbers, ``"7"`` is an `InputError`, and
    where they are strings, ``7`` is. Unless something else is said, an unknown id raises `IdNotFound`, and a vector of
    another length `InputError`. A vector is always an array of numpy.

    Parameters
    ----------
    documents : LabelledRows
    words : KeyedVectors, optional
    tags : LabelledRows, optional
    model : str or Path, optional
        Where the model is that texts are compared by.

    Raises
    ------
    InputError
        Vectors of documents, words and tags are not of one length.
    """

    def __init__(
        self,
        documents: LabelledRows,
        words: KeyedVectors | None = None,
        tags: LabelledRows | None = None,
        model: str | PathLike[str] | None = None,
    ) -> None:
        self._rows, self._model = documents, model
        self._index = DocumentIndex(documents.labels["id"], documents.without["id"])
        self._vectors = RowVectors(documents.stack)
        self._words = words
        self._tags = None if tags is None else TagVectors(tags, self._documents_near, self.nearest_words)
        for name, dim in (("words", words and words.dim), ("tags", self._tags and self._tags.dim)):
            if dim not in (None, self.dim):
                raise InputError(f"documents have vectors of length {self.dim}, {name} of {dim}: expected one length")

    @classmethod
    def load(cls, location: str | PathLike[str], model: str | PathLike[str] | None = None) -> Self:
        """Open the documents of a model, with its words and tags.

        On a local or mounted disk the vectors stay in their files, which are mapped: a query reads what it touches, and
        processes share what has been read. Ids and numbers of tokens are read. Do not cut or write over the files
        meanwhile; deleting and replacing them is safe. From elsewhere the vectors are read.

        Parameters
        ----------
        location : str or Path
            The output directory of a training or an inference, a root of versions, whose current one is opened and
            kept, or ``ROOT@version``: a path or a URI.
        model : str or Path, optional
            Where words and tags come from: for documents that were inferred, the model that they were inferred with.
            By default it is ``location``.

        Raises
        ------
        StoreError
            There is no complete table of documents there, or no complete model.

        Notes
        -----
        Cost: ids and tokens, words and counts; if vectors cannot be mapped, 4 N D bytes more.
        """
        tables = open_model(location, model)
        words = tables.words
        keyed = None if words is None else KeyedVectors(words.words, words.stack, words.counts)
        return cls(tables.documents, keyed, tables.tags, location if model is None else model)

    # Documents

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[Any]:
        return (scalar.as_py() for scalar in self.ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} documents x {self.dim})"

    def __contains__(self, key: object) -> bool:
        """Whether a document has a vector. `InputError` if ids are of another type."""
        return self._index.find(key) is not None

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return self._vectors.dim

    @property
    def ids(self) -> pa.ChunkedArray:
        """Ids of all documents that have a vector, (N,), in the order of the rows."""
        return self._index.ids

    @property
    def without_vector(self) -> pa.ChunkedArray:
        """Ids of the documents that have none, since none of their words is in the vocabulary."""
        return self._index.without

    @property
    def tokens(self) -> Counts:
        """Words of the vocabulary in each document that has a vector, (N,) int64."""
        tokens: Counts = self._rows.labels["tokens"].to_numpy()
        return tokens

    @property
    def metadata(self) -> dict[str, str]:
        """What the files say of themselves: ``config``, ``plan`` and others, as JSON."""
        return dict(self._rows.metadata)

    def index(self, key: Any) -> int:
        """The row of a document, from 0. Cost: a pass over the ids."""
        return self._index.row(key)

    def id(self, row: int) -> Any:
        """The id of a row, from 0 to N - 1."""
        return self._index.id(row)

    def __getitem__(self, keys: Any) -> Vector | Matrix:
        """The vector of a document, (D,), read-only; or of a list of several, (n, D), a copy, by one pass."""
        return self.take(self._index.rows(keys)) if isinstance(keys, list) else self.vector(keys)

    def vector(self, key: Any, norm: bool = False) -> Vector:
        """The vector of a document, (D,), read-only; with ``norm`` scaled to length 1, unless it is zero."""
        row = self._index.row(key)
        return self._vectors.unit(row) if norm else self._vectors.vector(row)

    def take(self, rows: npt.ArrayLike) -> Matrix:
        """The vectors of some rows, each from 0 to N - 1, as a copy, (n, D) float32."""
        return self._vectors.stack.take(rows)

    # What else the model has

    @property
    def words(self) -> KeyedVectors:
        """The words of the model. Raises `StoreError` if there are none beside the documents."""
        if self._words is None:
            raise StoreError("there are no words beside these documents: load them with the model that has them")
        return self._words

    @property
    def has_words(self) -> bool:
        """Whether there are words."""
        return self._words is not None

    @property
    def tags(self) -> TagVectors:
        """The tags of the model. Raises `StoreError` if it has none."""
        if self._tags is None:
            raise StoreError("there are no tags beside these documents: the model was trained without any")
        return self._tags

    @property
    def has_tags(self) -> bool:
        """Whether the model has tags."""
        return self._tags is not None

    # What is near

    def most_similar(
        self, positive: Any = (), negative: Any = (), topn: int = 10, *, words: str | Sequence[str] = (),
        negative_words: str | Sequence[str] = (), tags: TagKey | Sequence[TagKey] = (),
    ) -> DocumentAnswer:  # fmt: skip
        """The documents nearest by cosine to a weighted sum of documents, vectors, words and tags.

        Documents, words and tags count with their vectors scaled to length 1, vectors that are given as they are. The
        documents asked with are left out of the answer.

        Parameters
        ----------
        positive, negative : id, (D,) array, or a list of those or of (id or array, weight)
            The weight is 1 for ``positive`` and -1 for ``negative``, or the one given, used as it stands.
        topn : int
            How many documents; fewer come back when there are fewer.
        words, negative_words : str, or a sequence of them
        tags : pair of str, or a sequence of them

        Returns
        -------
        list of (id, similarity)
            The most similar first, by cosines in float64; equal ones in order of the rows.

        Raises
        ------
        IdNotFound, WordNotFound
            A document or a tag, or a word is not known.
        InputError
            Nothing to compare with, an id of another type, or a vector of another length.
        ConfigError
            ``topn`` is no number.

        Notes
        -----
        Cost: one pass over the vectors, O(N D); the first query takes another one.
        """
        rows: list[int] = []
        terms = [*self._terms(positive, 1.0, rows), *self._terms(negative, -1.0, rows)]
        terms += [(self._word(word), 1.0) for word in _listed(words)]
        terms += [(self._word(word), -1.0) for word in _listed(negative_words)]
        terms += [(self.tags.vector(tag, norm=True), 1.0) for tag in _tags(tags)]
        return self._documents_near(weighted_sum(terms, self.dim), topn, rows)

    def similar_by_text(self, text: str | Sequence[str], topn: int = 10) -> DocumentAnswer:
        """The documents nearest by cosine to a text, or to a list of words, whose vector is inferred.

        Raises
        ------
        InputError
            The model knows no word of it.
        MissingExtra
            The extra ``train`` is not installed, which infers.
        """
        return self._documents_near(self.infer(text), topn)

    def infer(self, text: str | Sequence[str]) -> Vector:
        """The vector of a text, or of a list of words, (D,), the same each time. Raises as `similar_by_text` does."""
        vector: Vector = self._inference.infer([text])[0]
        if np.isnan(vector[0]):
            raise InputError("the text has no word that the model knows, so it has no vector")
        return vector

    @cached_property
    def _inference(self) -> Any:
        require("train")
        from w2v_spark.inference.document_inference import DocumentInference

        if self._model is None:
            raise StoreError("it is not known which model these documents are of: open them with DocumentVectors.load")
        return DocumentInference.load(self._model)

    def nearest_words(self, item: Any, topn: int = 10) -> Answer:
        """The words nearest by cosine to a document or to a vector (D,), as `KeyedVectors.most_similar` gives them."""
        return self.words.similar_by_vector(scaled(self._vector_of(item)), topn)

    def nearest_tags(self, item: Any, topn: int = 10, name: str | None = None) -> TagAnswer:
        """The tags nearest by cosine to a document or to a vector (D,); with ``name`` only those of that name."""
        return self.tags.most_similar(self._vector_of(item), topn, name)

    def similarity(self, first: Any, second: Any) -> float:
        """Cosine of two documents or vectors, -1..1; 0 if either vector is zero."""
        units = [scaled(self._vector_of(item)).astype(np.float64) for item in (first, second)]
        return float(units[0] @ units[1])

    def _documents_near(self, vector: Vector, topn: int, leave_out: Sequence[int] = ()) -> DocumentAnswer:
        return [(self._index.id(row), cosine) for row, cosine in self._vectors.nearest(vector, topn, leave_out)]

    def _vector_of(self, item: Any) -> Vector:
        return as_vector(item, self.dim) if isinstance(item, np.ndarray) else self.vector(item)

    def _terms(self, items: Any, weight: float, rows: list[int]) -> Iterator[Term]:
        """Vectors and weights of documents and vectors; the rows of the documents are added to ``rows``."""
        is_several = isinstance(items, (list, tuple)) or (isinstance(items, np.ndarray) and items.ndim == 2)
        for item in items if is_several else [items]:
            key, own = item if isinstance(item, tuple) else (item, weight)
            if isinstance(key, np.ndarray):
                yield as_vector(key, self.dim), float(own)
            else:
                rows.append(self._index.row(key))
                yield self._vectors.unit(rows[-1]), float(own)

    def _word(self, word: str) -> Vector:
        if not isinstance(word, str):
            raise InputError(f"{word!r} is no word: expected a string")
        return self.words.get_vector(word, norm=True)


def _listed(words: str | Sequence[str]) -> Sequence[str]:
    return [words] if isinstance(words, str) else list(words)


def _tags(tags: Any) -> Sequence[TagKey]:
    """One tag, which is a pair of strings, or several."""
    is_one = isinstance(tags, tuple) and len(tags) == 2 and all(isinstance(part, str) for part in tags)
    return [tags] if is_one else list(tags)

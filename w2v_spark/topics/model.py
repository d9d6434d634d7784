"""Topics in Python: their words and documents, search among them, and topics of new vectors."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from w2v_spark.errors import ConfigError, InputError, Name, StoreError
from w2v_spark.storage import Directory, damage_naming, errors_naming
from w2v_spark.topics.assignment import assign_rows
from w2v_spark.topics.centroids import to_unit
from w2v_spark.topics.tables import DOCUMENT_TOPICS, leaf_rows, read_topics, to_matrix
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors


class TopicModel:
    """What ``w2v-spark topics`` has published; made by `load`.

    Attributes
    ----------
    table : pa.Table
        All topics, see docs/reference/files.md: those that were found, and those that merging has made of them.
    described : dict
        What ``topics.json`` says.
    """

    def __init__(self, directory: Directory, table: pa.Table, described: dict[str, Any]) -> None:
        self.table, self.described = table, described
        self._documents = directory.child(DOCUMENT_TOPICS)
        self._parts = [info.path for info in self._documents.list() if info.extension == "parquet"]
        self._leaves = leaf_rows(table)
        try:
            self._vectors = to_matrix(self._leaves["vector"], int(described["dim"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{directory.uri}/topics.json is damaged: {error!r}") from error
        self._ids = self._leaves["id"].to_numpy().astype(np.int32)
        self._rows = {id: row for row, id in enumerate(table["id"].to_pylist())}

    @classmethod
    def load(cls, location: str | PathLike[str]) -> Self:
        """Open a result by path or URI.

        Raises
        ------
        StoreError
            There is no complete result, or it is damaged, or it holds documents alone (``--assign``).
        """
        return cls(*read_topics(fspath(location)))

    def __len__(self) -> int:
        """T, how many topics were found."""
        return len(self._ids)

    def __repr__(self) -> str:
        return f"TopicModel({len(self)} topics of {self.described.get('documents', {}).get('total', '?')} documents)"

    @property
    def ids(self) -> list[int]:
        """The numbers of the topics that were found."""
        return [int(id) for id in self._ids]

    @property
    def vectors(self) -> Matrix:
        """Theirs, (T, D) float32, of length 1."""
        return self._vectors

    def title(self, topic: int) -> str:
        """What a topic is called. Raises `InputError` if there is no topic of that number."""
        return str(self._value("title", topic))

    def size(self, topic: int) -> int:
        """How many documents a topic has. Raises `InputError` if there is no topic of that number."""
        return int(self._value("size", topic))

    def words(self, topic: int, topn: int | None = None) -> list[tuple[str, float]]:
        """The nearest words of a topic with their similarities. Raises `InputError` if there is no such topic."""
        return [(entry["word"], entry["similarity"]) for entry in self._value("words", topic)[:topn]]

    def documents(self, topic: int, topn: int | None = 10) -> list[tuple[Any, float]]:
        """The documents of a topic, the most similar first, equal ones by id.

        Parameters
        ----------
        topic : int
            One that was found, or one that merging has made.
        topn : int, optional
            None for all.

        Notes
        -----
        Cost: as many as the table of topics lists are there at once; for more the table of documents is read, a file
        at a time. Raises `StoreError` where another result has taken the place of this one.
        """
        listed = self._value("documents", topic)
        if topn is not None and topn <= len(listed):
            return [(entry["document"], entry["similarity"]) for entry in listed[:topn]]
        first, last = self._value("first_leaf", topic), self._value("last_leaf", topic)
        places = self._leaves["first_leaf"].to_numpy()
        below = pa.array(self._ids[(places >= first) & (places <= last)])
        found = pa.concat_tables([self._read_part(path, below) for path in self._parts])
        found = found.sort_by([("similarity", "descending"), ("document", "ascending")]).slice(0, topn)
        return list(zip(found["document"].to_pylist(), found["similarity"].to_pylist(), strict=True))

    def level(self, topics: int) -> dict[int, int]:
        """The tree cut where ``topics`` of them are left: to each topic that was found, the one that it belongs to.

        Raises
        ------
        ConfigError
            ``topics`` is below 1 or above T.
        """
        if not 1 <= topics <= len(self):
            raise ConfigError(Name("topics"), f" = {topics} is not allowed: expected 1 to {len(self)}")
        level, above = self.table["level"].to_numpy(), self.table["parent_level"].to_numpy()
        there = self.table.filter(pa.array((above < topics) & (topics <= level)))
        order = np.argsort(there["first_leaf"].to_numpy())
        firsts = there["first_leaf"].to_numpy()[order]
        places = np.searchsorted(firsts, self._leaves["first_leaf"].to_numpy(), side="right") - 1
        owners = there["id"].to_numpy()[order][places]
        return {int(leaf): int(owner) for leaf, owner in zip(self._ids, owners, strict=True)}

    def search(
        self, words: str | Sequence[str] | npt.ArrayLike, topn: int = 5, vectors: KeyedVectors | None = None
    ) -> list[tuple[int, float]]:
        """The topics nearest to words or to a vector.

        Parameters
        ----------
        words : str, sequence of str or (D,) array
            Several words are their mean; a vector may be that of a document.
        topn : int
        vectors : KeyedVectors, optional
            Of the model; without them they are opened where the topics were made from.

        Returns
        -------
        list of (topic, similarity)
            The most similar first, equal ones in the order of the table.

        Raises
        ------
        WordNotFound
            A word has no vector.
        InputError
            The vector has another length, or there is none for nothing.
        """
        query = self._query(words, vectors)
        similarities = self._vectors.astype(np.float64) @ query
        order = np.argsort(-similarities, kind="stable")[:topn]
        return [(int(self._ids[row]), float(similarities[row])) for row in order]

    def assign(self, vectors: npt.ArrayLike) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """The nearest topic of each vector, such as those that documents were inferred to have.

        Parameters
        ----------
        vectors : float32, (n, D)
            Of any length. A vector of zeros, or one that is not finite, has no topic.

        Returns
        -------
        int32, (n,)
            Numbers of topics; -1 for none.
        float32, (n,)
            Cosines; NaN for none.

        Raises
        ------
        InputError
            The vectors are not (n, D).
        MissingExtra
            numba is not installed.

        Notes
        -----
        The same topics and similarities, to the bit, as in the table of documents.
        """
        rows = np.asarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self._vectors.shape[1]:
            raise InputError(f"vectors of shape {rows.shape} were given, expected (n, {self._vectors.shape[1]})")
        topics = np.full(len(rows), -1, dtype=np.int32)
        similarities = np.full(len(rows), np.nan, dtype=np.float32)
        known = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
        if len(self) and known.any():
            nearest, cosines = assign_rows(to_unit(rows[known].astype(np.float64)), self._vectors)
            topics[known], similarities[known] = self._ids[nearest], cosines
        return topics, similarities

    def _value(self, column: str, topic: int) -> Any:
        row = self._rows.get(topic)
        if row is None:
            shown = ", ".join(map(str, self.ids[:10])) or "none"
            raise InputError(f"there is no topic {topic!r}; those that were found begin with {shown}")
        return self.table[column][row].as_py()

    def _query(self, words: str | Sequence[str] | npt.ArrayLike, vectors: KeyedVectors | None) -> Any:
        asked = [words] if isinstance(words, str) else words
        if isinstance(asked, (list, tuple)) and all(isinstance(word, str) for word in asked):
            if not asked:
                raise InputError("nothing to search topics by: give at least one word, or a vector")
            words_of_model = vectors or KeyedVectors.load(self.described["model"]["location"])
            row = words_of_model.mean_vector(list(asked), ignore_missing=False).astype(np.float64)[None]
        else:
            row = np.atleast_2d(np.asarray(asked, dtype=np.float64))
        if row.shape != (1, self._vectors.shape[1]):
            raise InputError(f"a vector of shape {np.shape(asked)} was given, expected ({self._vectors.shape[1]},)")
        return to_unit(row)[0].astype(np.float64)

    def _read_part(self, path: str, topics: pa.Array) -> pa.Table:
        """Documents of one file that have one of these topics."""
        with errors_naming(path), damage_naming(path):
            part = pq.read_table(path, filesystem=self._documents.filesystem)
            return part.filter(pc.is_in(part["topic"], topics))

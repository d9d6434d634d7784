"""Words and their vectors: which row a word has, and which vector a row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import InputError, WordNotFound
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.reading import open_vectors
from w2v_spark.vectors.row_stack import Stack
from w2v_spark.vectors.stream import Counts

Vector = npt.NDArray[np.float32]


class VectorLookup:
    """Words and their vectors, in rank order. The parameters are those of `KeyedVectors`."""

    def __init__(
        self,
        words: pa.StringArray | Sequence[str],
        matrix: npt.ArrayLike | Stack,
        counts: npt.ArrayLike | None = None,
    ) -> None:
        stack = matrix if isinstance(matrix, Stack) else _to_stack(matrix, len(words))
        if len(stack) != len(words):
            raise InputError(f"{len(words)} words and a matrix of shape {stack.shape}: expected ({len(words)}, D)")
        self._words = words
        self._stack = stack
        self._counts: Counts | None = None if counts is None else np.asarray(counts, dtype=np.int64)
        if self._counts is not None and self._counts.shape != (len(stack),):
            raise InputError(f"{len(words)} words and counts of shape {self._counts.shape}: expected ({len(words)},)")

    @classmethod
    def load(cls, location: str | Path, limit: int | None = None) -> Self:
        """Open the vector table of a run, or its ``limit`` most frequent words.

        On a local or mounted disk the vectors of a table that this package wrote stay in their files, which are
        mapped into memory: a query reads what it touches, processes share what has been read, and the memory is the
        system's to take back. Do not cut or write over the files meanwhile; deleting and replacing them is safe. From
        elsewhere, from tables that another program wrote and from vectors shorter than 16 the vectors are read.

        Parameters
        ----------
        location : str or Path
            The output directory of a run or a directory of Parquet files, a path or a URI.
        limit : int, optional

        Raises
        ------
        StoreError
            There is no complete table there.
        ConfigError
            ``limit`` is below 1.

        Notes
        -----
        Cost: words and counts, about 80 MB for a million words; if the vectors cannot be mapped, 4 V D bytes more.
        """
        table = open_vectors(location, limit)
        return cls(table.words, table.stack, table.counts)

    def __len__(self) -> int:
        return len(self._stack)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} words x {self.dim})"

    def __contains__(self, word: object) -> bool:
        return word in self._index

    @overload
    def __getitem__(self, word: str) -> Vector: ...
    @overload
    def __getitem__(self, word: Sequence[str]) -> Matrix: ...
    def __getitem__(self, word: str | Sequence[str]) -> Vector | Matrix:
        """The vector of a word, (D,), read-only; or of several words, (n, D), a copy. Raises `WordNotFound`."""
        return self._stack.row(self.index(word)) if isinstance(word, str) else self.take([self.index(w) for w in word])

    def take(self, rows: npt.ArrayLike) -> Matrix:
        """The vectors of some rows, each from 0 to V - 1, as a copy, (n, D) float32."""
        return self._stack.take(rows)

    @cached_property
    def matrix(self) -> Matrix:
        """All vectors, (V, D) float32, read-only. Of a mapped table a copy of 4 V D bytes, made at the first look."""
        return self._stack.to_matrix()

    @property
    def counts(self) -> Counts | None:
        """Occurrences in the corpus, (V,) int64, if known."""
        return self._counts

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return self._stack.shape[1]

    @cached_property
    def words(self) -> list[str]:
        """All words in rank order. Made from the Arrow array at the first look; not to be changed."""
        return self._words.to_pylist() if isinstance(self._words, pa.Array) else list(self._words)

    @cached_property
    def norms(self) -> Vector:
        """Length of every vector, (V,) float32, and 1 for a zero vector, so that its similarity to anything is 0."""
        norms: Vector = np.empty(len(self), dtype=np.float32)
        for place, block in self._stack.blocks():
            norms[place] = lengths(block)
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
        """Row of a word, its rank from 0. Raises `WordNotFound`."""
        try:
            return self._index[word]
        except KeyError:
            raise WordNotFound(f"{word!r} is not among the {len(self)} words of the vocabulary") from None

    def word(self, row: int) -> str:
        """The word of a row, from 0 to V - 1; does not make the list of all."""
        word: str = self._words[row].as_py() if isinstance(self._words, pa.Array) else self._words[row]
        return word


def lengths(matrix: Matrix) -> Vector:
    """Length of every row, (n,) float32, and 1 for a zero row."""
    norms: Vector = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    norms[norms == 0] = 1
    return norms


def _to_stack(matrix: npt.ArrayLike, rows: int) -> Stack:
    content: Matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    if content.ndim != 2:
        raise InputError(f"{rows} words and a matrix of shape {content.shape}: expected ({rows}, D)")
    return Stack([content])

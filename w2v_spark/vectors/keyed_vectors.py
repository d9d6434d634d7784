"""Word vectors: look-ups, similarities, and the words nearest to what is asked.

Methods have the names that gensim gives them, and the same results; where they differ, docs/reference/differences.md
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import Any, Self, TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.concept_forms import NOT_FOUND, ConceptForms, FoundVector
from w2v_spark.vectors.items import Item, Key, Vector, is_key
from w2v_spark.vectors.nearest_words import Answer
from w2v_spark.vectors.one_model import open_tables
from w2v_spark.vectors.reading import VectorTable, open_vectors
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.stream import Counts
from w2v_spark.vectors.subword_vectors import SubwordVectors
from w2v_spark.vectors.translation import Translations
from w2v_spark.vectors.word_vectors import WordVectors

__all__ = ["Answer", "KeyedVectors"]

Default = TypeVar("Default")


class KeyedVectors(Translations):
    """Words and their vectors, in rank order. What it holds does not change once it is built.

    Where a word is asked for, the number of its row does as well. Unless something else is said, an unknown word
    raises `WordNotFound`, and a vector of another length `InputError`.

    Parameters
    ----------
    words : pa.StringArray or sequence of str, (V,)
        Distinct, the most frequent first.
    matrix : float32, (V, D), or RowStack
        Not copied when it is float32 and C-contiguous; seen through a read-only view.
    counts : int64, (V,), optional
    forms : ConceptForms, optional
        Of the dictionary that was applied to the text, for `vector_of`.
    subwords : SubwordVectors, optional
        The n-grams of a model that has them: then a word outside the vocabulary has a vector wherever vectors are asked
        for, if it has a known n-gram. It has no row, and is in no answer.

    Raises
    ------
    InputError
        The lengths do not agree, or the matrix is not two-dimensional.
    """

    def __init__(
        self,
        words: pa.StringArray | Sequence[str],
        matrix: npt.ArrayLike | RowStack,
        counts: npt.ArrayLike | None = None,
        forms: ConceptForms | None = None,
        subwords: SubwordVectors | None = None,
    ) -> None:
        self._content = WordVectors(words, matrix, counts, subwords)
        self._forms = forms

    @classmethod
    def load(cls, location: str | PathLike[str], limit: int | None = None) -> Self:
        """Open the vector table of a run, or its ``limit`` most frequent words.

        On a local or mounted disk the vectors of a table that this package wrote stay in their files, which are
        mapped into memory: a query reads what it touches, processes share what has been read, and the memory is the
        system's to take back. Do not cut or write over the files meanwhile; deleting and replacing them is safe. From
        elsewhere, from tables that another program wrote and from vectors shorter than 16 the vectors are read.

        Parameters
        ----------
        location : str or Path
            The output directory of a run, a root of versions, whose current one is opened and kept, or
            ``ROOT@version``, a directory of Parquet files, or the one Parquet file of a table: a path or a URI.
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

        def opened() -> tuple[VectorTable, SubwordVectors | None]:
            return open_vectors(location, limit), SubwordVectors.read(location)

        table, subwords = open_tables(opened, location, "words and n-grams")
        forms = ConceptForms.read(location)
        return cls(table.words, table.stack, table.counts, forms, subwords)

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """For pickle and copies: words, vectors and counts in memory, 4 V D bytes, wherever the vectors lie now."""
        content = self._content
        given = content.index.given, content.stack.to_matrix(), content.counts
        return type(self), (*given, self._forms, content.subwords)

    # Words and rows

    def __len__(self) -> int:
        return len(self._content.stack)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} words x {self.dim})"

    def __contains__(self, key: object) -> bool:
        return is_key(key) and self._content.index.find(key) is not None

    @property
    def words(self) -> list[str]:
        """All words in rank order. Made from the Arrow array at the first look; not to be changed."""
        return self._content.index.words

    @property
    def index_to_key(self) -> list[str]:
        """All words in rank order: gensim's name of `words`."""
        return self.words

    @property
    def key_to_index(self) -> Mapping[str, int]:
        """The row of each word, read-only. Made at the first look: 130 MB for a million words."""
        return self._content.index.rows

    def index(self, key: Key) -> int:
        """Row of a word, its rank from 0."""
        return self._content.index.row(key)

    def get_index(self, key: Key, default: Default | None = None) -> int | Default:
        """Row of a word; of an unknown one the default, unless that is None."""
        row = self._content.index.find(key)
        if row is None:
            return self.index(key) if default is None else default
        return row

    def word(self, row: int) -> str:
        """The word of a row, from 0 to V - 1; does not make the list of all."""
        return self._content.index.word(row)

    @property
    def counts(self) -> Counts | None:
        """Occurrences in the corpus, (V,) int64, if known."""
        return self._content.counts

    def get_vecattr(self, key: Key, attr: str) -> int:
        """The ``"count"`` of a word: how often it occurs in the corpus. Raises `InputError` if that is not known."""
        if attr != "count" or self.counts is None:
            raise InputError(f"{attr!r} of words is not known: only 'count' may be, where there are counts")
        return int(self.counts[self.index(key)])

    # Vectors

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return self._content.dim

    @property
    def vector_size(self) -> int:
        """Length D of a vector: gensim's name of `dim`."""
        return self._content.dim

    @cached_property
    def matrix(self) -> Matrix:
        """All vectors, (V, D) float32, read-only.

        Of vectors in memory a view. Of a mapped table, whose vectors lie in pieces and unaligned, a copy of 4 V D
        bytes, made at the first look and kept; `take`, ``[words]`` and all other methods do without it.
        """
        return self._content.stack.to_matrix()

    @property
    def vectors(self) -> Matrix:
        """All vectors: gensim's name of `matrix`, at the same cost."""
        return self.matrix

    @property
    def norms(self) -> Vector:
        """Length of every vector, (V,) float32, and 1 for a zero vector, so that its similarity to anything is 0."""
        return self._content.norms

    @overload
    def __getitem__(self, keys: Key) -> Vector: ...
    @overload
    def __getitem__(self, keys: Sequence[Key] | npt.NDArray[Any]) -> Matrix: ...
    def __getitem__(self, keys: Key | Sequence[Key] | npt.NDArray[Any]) -> Vector | Matrix:
        """The vector of a word, (D,), read-only; or of several words, (n, D), a copy."""
        if is_key(keys):
            return self.get_vector(keys)
        if any(self._content.outside(key) is not None for key in keys):
            return np.stack([self.get_vector(key) for key in keys])
        return self.take([self._content.row(key) for key in keys])

    def get_vector(self, key: Key, norm: bool = False) -> Vector:
        """The vector of a word, (D,), read-only; with ``norm`` scaled to length 1, unless it is zero."""
        vector = self._content.vector(key, scaled=norm)
        vector.flags.writeable = False
        return vector

    def vector_of(self, text: str) -> FoundVector:
        """The vector of a word, of a form of the dictionary, or of n-grams, and which of them it is.

        Parameters
        ----------
        text : str
            A word of the vocabulary, a phrase with blanks in the place of ``_``, or else a form, one word or several.

        Returns
        -------
        FoundVector
            ``(vector, source, word)``, all None where there is none of them. A word comes before a form, and a form
            before n-grams, which only a text without blanks has.
        """
        for word in (text, "_".join(text.split())):
            if (row := self._content.find(word)) is not None:
                return FoundVector(self.get_vector(word), "word", self.word(row))
        concept = self.concept_of(text)
        if concept is not None and concept in self:
            return FoundVector(self.get_vector(concept), "dictionary", concept)
        outside = self._content.outside(text)
        return NOT_FOUND if outside is None else FoundVector(outside, "subwords", None)

    def concept_of(self, text: str) -> str | None:
        """What the dictionary of the model puts in the place of a form, one word or several; None if it is none."""
        return None if self._forms is None else self._forms.find(text)

    @property
    def subwords(self) -> SubwordVectors | None:
        """The n-grams of the model, if it has any."""
        return self._content.subwords

    def take(self, rows: npt.ArrayLike) -> Matrix:
        """The vectors of some rows, each from 0 to V - 1, as a copy, (n, D) float32."""
        return self._content.stack.take(rows)

    def vectors_for_all(
        self, keys: Iterable[Key], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> KeyedVectors:
        """A copy of those of the given words that are known, each once, in the order given.

        As in gensim, without ``allow_inference`` the number of a row is no key, and words outside the vocabulary have
        no vectors by their n-grams; and counts come along with ``copy_vecattrs``, where all words have one.
        """
        if allow_inference and self.subwords is not None:
            known = [key for key in keys if self._content.has(key)]
            words = list(dict.fromkeys(key if isinstance(key, str) else self.word(int(key)) for key in known))
            if any(word not in self for word in words):
                return KeyedVectors(words, self[words])
            keys = words
        found = (self._content.index.find(key) for key in keys if allow_inference or isinstance(key, str))
        rows = list(dict.fromkeys(row for row in found if row is not None))
        counts = self.counts[rows] if copy_vecattrs and self.counts is not None else None
        return KeyedVectors([self.word(row) for row in rows], self.take(rows), counts)

    def mean_vector(
        self,
        words: Item | Sequence[Item] | Matrix,
        weights: npt.ArrayLike | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> Vector:
        """The weighted mean of words and vectors, (D,) float32, summed in float64.

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

        Raises
        ------
        WordNotFound
            A word is not in the vocabulary, and ``ignore_missing`` is false.
        InputError
            No words, another number of weights, or a vector of another length.
        """
        return self._content.mean(words, weights, pre_normalize, post_normalize, ignore_missing)

    get_mean_vector = mean_vector  # gensim's name

    # What rooms above this one do with vectors: imported when it is asked for.

    def evaluate_word_pairs(
        self, pairs: str | PathLike[str], delimiter: str | None = None, encoding: str = "utf8",
        restrict_vocab: int = 300_000, case_insensitive: bool = True, dummy4unknown: bool = False,
    ) -> tuple[tuple[float, float], tuple[float, float], float]:  # fmt: skip
        """Pearson's and Spearman's correlation with human judgements, with p-values, and the percentage unknown.

        Without ``delimiter`` it is found out; `w2v_spark.evaluation.pair_files.read_pairs` says how files may look.
        Pairs with an unknown word are left out, or have the similarity 0 with ``dummy4unknown``.
        """
        from w2v_spark.evaluation.like_gensim import word_pairs

        return word_pairs(self, pairs, delimiter, encoding, restrict_vocab, case_insensitive, dummy4unknown)

    def evaluate_word_analogies(
        self, analogies: str | PathLike[str], restrict_vocab: int = 300_000, case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[float, list[dict[str, Any]]]:  # fmt: skip
        """The fraction of analogy questions answered right, and a dict for each section and for all together.

        A dict has the name under ``"section"``, and the questions, as they stand in the file, under ``"correct"`` and
        ``"incorrect"``. Those with an unknown word are left out, or incorrect with ``dummy4unknown``.
        """
        from w2v_spark.evaluation.like_gensim import word_analogies

        return word_analogies(self, analogies, restrict_vocab, case_insensitive, dummy4unknown)

    def save_word2vec_format(
        self, fname: str | PathLike[str], fvocab: str | PathLike[str] | None = None, binary: bool = False,
        write_header: bool = True, prefix: str = "",
    ) -> None:  # fmt: skip
        """Write word2vec's text or binary format in rank order, and with ``fvocab`` the counts beside it.

        Files appear when they are complete; names ending in ``.gz`` are compressed. Raises `InputError` if a word has
        white space, a number is not finite, or ``fvocab`` is asked for and no counts are known.
        """
        from w2v_spark.formats.saving import save_word2vec

        if fvocab is not None and self.counts is None:
            raise InputError(f"{fvocab}: the counts of the words are not known")
        save_word2vec(self._content.stream(prefix), fname, fvocab, binary, write_header)

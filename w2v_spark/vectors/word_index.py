"""Words in rank order, and the row of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from w2v_spark.errors import InputError, WordNotFound
from w2v_spark.vectors.items import Key


class WordIndex:
    """Which row a word has, and which word a row.

    Parameters
    ----------
    words : pa.StringArray or sequence of str, (V,)
        Distinct, in rank order. Python strings are made of an Arrow array only when they are needed.
    """

    def __init__(self, words: pa.StringArray | Sequence[str]) -> None:
        self._words = words

    @property
    def given(self) -> pa.StringArray | Sequence[str]:
        """All words, as they were given."""
        return self._words

    def __len__(self) -> int:
        return len(self._words)

    @cached_property
    def words(self) -> list[str]:
        """All words, made at the first look; not to be changed."""
        return self._words.to_pylist() if isinstance(self._words, pa.Array) else list(self._words)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each word, made at the first look; read-only. `InputError` if a word occurs twice."""
        # A dict, made at the first look-up, so that loading stays quick: pyarrow's index_in needs no Python strings but
        # hashes the whole vocabulary again in every call. 1 M words: 0.4 s and 130 MB, once.
        rows = {word: row for row, word in enumerate(self.words)}
        if len(rows) != len(self):
            raise InputError(f"the words are not distinct: {len(self) - len(rows)} of {len(self)} occur before")
        return MappingProxyType(rows)

    def find(self, key: Key) -> int | None:
        """The row of a key: of a word, or a number from 0 to V - 1 itself. None if there is none."""
        if isinstance(key, (int, np.integer)):
            return int(key) if 0 <= key < len(self) else None
        return self.rows.get(key)

    def row(self, key: Key) -> int:
        """The same, but `WordNotFound` if there is none."""
        row = self.find(key)
        if row is None:
            raise WordNotFound(f"{key!r} is not among the {len(self)} words of the vocabulary")
        return row

    def word(self, row: int) -> str:
        """The word of a row, from 0 to V - 1; does not make the list of all."""
        word: str = self._words[row].as_py() if isinstance(self._words, pa.Array) else self._words[row]
        return word

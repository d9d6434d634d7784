"""Vectors of words outside the vocabulary, as the means of those of their n-grams."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from typing import Any, Final

import pyarrow as pa

from w2v_spark.config import Config, ModelConfig, TextConfig
from w2v_spark.config.choices import Normalize
from w2v_spark.publishing.layout import NGRAMS
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import damage_naming
from w2v_spark.vectors.items import Vector
from w2v_spark.vectors.labelled_rows import open_rows, read_rows
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.table_format import NGRAM_TABLE

_ALL: Final = 2**62


class SubwordVectors:
    """The n-grams of a model and their vectors.

    Parameters
    ----------
    labels : pa.Table, (B,)
        The columns of the table of n-grams but the vectors.
    stack : RowStack, (B, D)
    model : ModelConfig
        Says which runs of letters are n-grams.
    text : TextConfig
        Says how words are read.
    metadata : mapping of str to str, optional
        What the files of the table say of the model.
    """

    def __init__(
        self,
        labels: pa.Table,
        stack: RowStack,
        model: ModelConfig,
        text: TextConfig | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.labels, self.stack, self.model = labels, stack, model
        self._text, self.metadata = text or TextConfig(), dict(metadata or {})

    def __len__(self) -> int:
        return len(self.labels)

    def __reduce__(self) -> tuple[type[SubwordVectors], tuple[Any, ...]]:
        return SubwordVectors, (self.labels, self.stack, self.model, self._text, self.metadata)

    @classmethod
    def read(cls, location: str | PathLike[str], mapped: bool = True) -> SubwordVectors | None:
        """Those of a result; None where it has none. Raises `StoreError` where they are damaged.

        Vectors stay in their files if they can, as those of words do; or all are read, if they are not to be mapped.
        """
        directory = open_result(location)
        if not directory.child(NGRAMS).exists():
            return None
        table = open_rows(directory.uri, NGRAM_TABLE) if mapped else read_rows(directory.uri, NGRAM_TABLE, 0, _ALL)
        with damage_naming(f"{directory.uri}/{NGRAMS}"):
            config = json.loads(table.metadata["config"])
            model = ModelConfig(**{name: config["model"][name] for name in ("min_n", "max_n", "bucket")})
            read = {"text": {name: config["text"][name] for name in ("tokenizer", "normalize", "lowercase")}}
            return cls(table.labels, table.stack, model, Config.from_dict(read).text, table.metadata)

    @property
    def ngrams(self) -> pa.Array:
        """Strings, or the numbers of buckets, (B,)."""
        return self.labels["ngram"].combine_chunks()

    @cached_property
    def _rows(self) -> Mapping[str | int, int]:
        return {ngram: row for row, ngram in enumerate(self.ngrams.to_pylist())}

    def as_read(self, word: str) -> str:
        """A word as it would be read from text: in its normal form, and in lower case if that is."""
        form = self._text.normalize
        if form is not Normalize.NONE:
            word = unicodedata.normalize("NFC" if form is Normalize.NFC else "NFKC", word)
        return word.lower() if self._text.lowers else word

    def vector(self, word: str) -> Vector | None:
        """The mean of the vectors of a word's n-grams, (D,) float32; None if it has none of them."""
        bucket, found = self.model.bucket, ngrams_of(self.as_read(word), self.model.min_n, self.model.max_n)
        named = {bucket_of(ngram, bucket) for ngram in found} if bucket else found
        rows = sorted(self._rows[name] for name in named if name in self._rows)
        if not rows:
            return None
        mean: Vector = self.stack.take(rows).mean(axis=0)
        return mean


def ngrams_of(word: str, min_n: int, max_n: int) -> set[str]:
    """The n-grams of a word, as `kernels.ngrams` has them."""
    marked = f"<{word}>"
    end = len(marked)
    found = {marked[i : i + n] for n in range(min_n, max_n + 1) for i in range(end - n + 1)}
    return found - {"<", ">"} | ({marked[i] for i in range(1, end - 1)} if min_n == 1 else set())


def bucket_of(ngram: str, buckets: int) -> int:
    """The number that fastText gives an n-gram: FNV-1a of its bytes, which have a sign there."""
    key = 2166136261
    for byte in ngram.encode(errors="ignore"):
        key = (key ^ (byte | 0xFFFFFF00 if byte > 127 else byte)) * 16777619 & 0xFFFFFFFF
    return key % buckets

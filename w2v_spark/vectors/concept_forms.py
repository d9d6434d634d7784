"""The dictionary of a result, as those need it who look vectors up."""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.publishing.layout import DICTIONARY
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import damage_naming, errors_naming
from w2v_spark.vectors.items import Vector


class FoundVector(NamedTuple):
    """An answer of `KeyedVectors.vector_of`.

    Attributes
    ----------
    vector : (D,) float32, or None
        Read-only.
    source : str or None
        What has answered: ``"word"`` or ``"dictionary"``.
    word : str or None
        Whose vector it is: the word itself, or the concept that the text is a form of.
    """

    vector: Vector | None
    source: str | None
    word: str | None


NOT_FOUND = FoundVector(None, None, None)


class ConceptForms:
    """Forms and their concepts.

    Parameters
    ----------
    table : pa.Table
        With the columns of ``dictionary.parquet``.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __reduce__(self) -> tuple[type[ConceptForms], tuple[pa.Table]]:
        return ConceptForms, (self._table,)

    @classmethod
    def read(cls, location: str | PathLike[str]) -> ConceptForms | None:
        """Those of a result; None where it has no dictionary. Raises `StoreError` where that is damaged."""
        directory = open_result(location)
        if not directory.exists(DICTIONARY):
            return None
        shown = f"{directory.uri}/{DICTIONARY}"
        with damage_naming(shown), errors_naming(shown):
            table = pq.read_table(pa.BufferReader(directory.read_bytes(DICTIONARY)))
            return cls(table.select(["form", "words", "concept"]))

    @cached_property
    def _concepts(self) -> dict[str, str]:
        """By what may be asked for: forms as they were given, and their words with blanks between them."""
        forms, words, concepts = (self._table[name].to_pylist() for name in ("form", "words", "concept"))
        as_given = dict(zip(forms, concepts, strict=True))
        return as_given | {" ".join(read): concept for read, concept in zip(words, concepts, strict=True)}

    def find(self, text: str) -> str | None:
        """The concept of a form: as it is, with single blanks, or in lower case; None if it is no form."""
        plain = " ".join(text.split())
        tried = (self._concepts.get(way) for way in (text, plain, plain.lower()))
        return next((concept for concept in tried if concept is not None), None)

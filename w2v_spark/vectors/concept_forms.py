"""The dictionary of a result, as those need it who look vectors up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.config import TextConfig
from w2v_spark.publishing.layout import DICTIONARY, METADATA_PREFIX
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
        What has answered: ``"word"``, ``"dictionary"`` or ``"subwords"``.
    word : str or None
        Whose vector it is: the word itself, or the concept that the text is a form of; None for that of n-grams.
    """

    vector: Vector | None
    source: str | None
    word: str | None


def _lowers(metadata: Mapping[bytes, bytes]) -> bool:
    """By the configuration that a file says it was made with."""
    text = json.loads(metadata.get(f"{METADATA_PREFIX}config".encode(), b"{}")).get("text", {})
    return TextConfig(**{key: text[key] for key in ("tokenizer", "lowercase") if key in text}).lowers


NOT_FOUND = FoundVector(None, None, None)


class ConceptForms:
    """Forms and their concepts.

    Parameters
    ----------
    table : pa.Table
        With the columns of ``dictionary.parquet``.
    lowers : bool
        Whether text is read in lower case.
    """

    def __init__(self, table: pa.Table, lowers: bool = True) -> None:
        self._table, self._lowers = table, lowers

    def __reduce__(self) -> tuple[type[ConceptForms], tuple[pa.Table, bool]]:
        return ConceptForms, (self._table, self._lowers)

    @classmethod
    def read(cls, location: str | PathLike[str]) -> ConceptForms | None:
        """Those of a result; None where it has no dictionary. Raises `StoreError` where that is damaged."""
        directory = open_result(location)
        if not directory.exists(DICTIONARY):
            return None
        shown = f"{directory.uri}/{DICTIONARY}"
        with damage_naming(shown), errors_naming(shown):
            table = pq.read_table(pa.BufferReader(directory.read_bytes(DICTIONARY)))
            return cls(table.select(["form", "words", "concept"]), _lowers(table.schema.metadata or {}))

    @cached_property
    def _concepts(self) -> dict[str, str]:
        """By what may be asked for: forms as they were given, and their words with blanks between them."""
        forms, words, concepts = (self._table[name].to_pylist() for name in ("form", "words", "concept"))
        as_given = dict(zip(forms, concepts, strict=True))
        return as_given | {" ".join(read): concept for read, concept in zip(words, concepts, strict=True)}

    def find(self, text: str) -> str | None:
        """The concept of a form: as it is, or as text is read, with single blanks; None if it is no form."""
        plain = " ".join(text.split())
        ways = (text, plain, plain.lower()) if self._lowers else (text, plain)
        tried = (self._concepts.get(way) for way in ways)
        return next((concept for concept in tried if concept is not None), None)

"""The tables of a model of documents, opened together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from os import PathLike
from typing import Final

from pyarrow import fs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import TAGS, VECTORS
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import Directory
from w2v_spark.vectors.labelled_rows import LabelledRows, open_rows
from w2v_spark.vectors.reading import VectorTable, open_vectors
from w2v_spark.vectors.table_format import DOCUMENT_TABLE, TAG_TABLE

_OF_ONE_MODEL: Final = ("config", "plan", "corpus")  # keys of the metadata of all tables of a training
_TRIES: Final = 10
_WAIT: Final = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class ModelTables:
    """The tables of a model of documents.

    Attributes
    ----------
    documents : LabelledRows
    words : VectorTable, optional
    tags : LabelledRows, optional
    """

    documents: LabelledRows
    words: VectorTable | None
    tags: LabelledRows | None


def open_model(location: str | PathLike[str], model: str | PathLike[str] | None = None) -> ModelTables:
    """Open documents, and the words and tags beside them or of another result.

    Parameters
    ----------
    location : str or Path
        Where the documents are.
    model : str or Path, optional
        Where words and tags are, if not there.

    Raises
    ------
    StoreError
        There are no complete documents or no complete model, or documents and words are of two models. For an instant
        they are where a model takes the place of another one, table by table: that is waited for.
    """
    place = open_result(location)
    if model is not None:
        other = open_result(model)
        words, tags = _open_others(other)
        if words is None:
            raise StoreError(f"{other.uri} holds no model (no {VECTORS} there): give the directory of a training")
        return ModelTables(open_rows(place.uri, DOCUMENT_TABLE), words, tags)
    for _ in range(_TRIES):
        documents = open_rows(place.uri, DOCUMENT_TABLE)
        words, tags = _open_others(place)
        if all(_are_of_one_model(documents, other) for other in (words, tags) if other is not None):
            return ModelTables(documents, words, tags)
        time.sleep(_WAIT)
    raise StoreError(f"{place.uri} holds documents of one model, and words or tags of another: make it again")


def _open_others(place: Directory) -> tuple[VectorTable | None, LabelledRows | None]:
    """Words and tags, where they are."""
    there = {info.base_name for info in place.list() if info.type == fs.FileType.Directory}
    words = open_vectors(place.uri) if VECTORS in there else None
    return words, open_rows(place.uri, TAG_TABLE) if TAGS in there else None


def _are_of_one_model(documents: LabelledRows, other: VectorTable | LabelledRows) -> bool:
    """Whether two tables say the same of how they were made, where both say it."""
    first, second = documents.metadata, other.metadata
    return all(first[key] == second[key] for key in _OF_ONE_MODEL if key in first and key in second)

"""The tables of a model of documents, opened together."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from pyarrow import fs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.description import run_of
from w2v_spark.publishing.layout import TAGS, VECTORS
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import Directory
from w2v_spark.vectors.labelled_rows import LabelledRows, open_rows
from w2v_spark.vectors.one_model import open_tables
from w2v_spark.vectors.reading import VectorTable, open_vectors
from w2v_spark.vectors.table_format import DOCUMENT_TABLE, TAG_TABLE


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
        made, made_there = run_of(place), run_of(other)
        if made and made_there and made != made_there:
            raise StoreError(
                f"the documents of {place.uri} are of another model (run {made}) than {other.uri} (run {made_there}), "
                "and vectors of two models cannot be compared: give the model that has inferred them"
            )
        return ModelTables(open_rows(place.uri, DOCUMENT_TABLE), words, tags)

    def opened() -> tuple[LabelledRows, VectorTable | None, LabelledRows | None]:
        return (open_rows(place.uri, DOCUMENT_TABLE), *_open_others(place))

    return ModelTables(*open_tables(opened, place.uri, "documents, words and tags"))


def _open_others(place: Directory) -> tuple[VectorTable | None, LabelledRows | None]:
    """Words and tags, where they are."""
    there = {info.base_name for info in place.list() if info.type == fs.FileType.Directory}
    words = open_vectors(place.uri) if VECTORS in there else None
    return words, open_rows(place.uri, TAG_TABLE) if TAGS in there else None

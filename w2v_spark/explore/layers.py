"""What lies on a map beside words: topics, documents, and how far words have drifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from w2v_spark.errors import InputError, StoreError
from w2v_spark.explore.layout import NEIGHBOURS, Points, Rows, nearest, place_between
from w2v_spark.explore.space import Space, Words, show
from w2v_spark.publishing.layout import DOCUMENTS, DRIFT
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.retraining.drift import DRIFT_SCHEMA
from w2v_spark.storage import Directory, damage_naming, errors_naming
from w2v_spark.topics.model import TopicModel
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.labelled_rows import open_rows
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.tiled import normalise
from w2v_spark.vectors.table_format import DOCUMENT_TABLE

_TOPIC_WORDS: Final = 8
_DRIFT_COLUMNS: Final = {name: DRIFT_SCHEMA.field(name).type for name in ("word", "cosine")}


@dataclass(frozen=True, slots=True, eq=False)
class Topics:
    """Topics on a map.

    Attributes
    ----------
    model : TopicModel
    points : float64, (T, 2)
    of_words : int32, (n,)
        The nearest topic of each word by its place in ``model.ids``; -1 for none.
    """

    model: TopicModel
    points: Points
    of_words: Rows

    @classmethod
    def place(cls, model: TopicModel, space: Space) -> Topics:
        """Topics between the words nearest to them."""
        points = _between_words(model.vectors, space)
        return cls(model, points, cls._rows(model, space.words.unit))

    def of(self, unit: Matrix) -> Rows:
        """The nearest topic of each row, as in ``of_words``."""
        return self._rows(self.model, unit)

    @staticmethod
    def _rows(model: TopicModel, unit: Matrix) -> Rows:
        ids, _ = model.assign(unit)
        places = {topic: row for row, topic in enumerate(model.ids)}
        return np.array([places.get(int(topic), -1) for topic in ids], dtype=np.int32)

    def describe(self) -> list[dict[str, Any]]:
        """A dict for each topic, for the page."""
        return [
            {
                "id": topic,
                "title": show(self.model.title(topic)),
                "size": self.model.size(topic),
                "words": [show(word) for word, _ in self.model.words(topic, _TOPIC_WORDS)],
                "place": [round(float(value), 5) for value in place],
            }
            for topic, place in zip(self.model.ids, self.points, strict=True)
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """A sample of the documents of a model.

    Attributes
    ----------
    titles : list of str, (m,)
        Their ids, as a page shows them.
    points : float64, (m, 2)
    ids : int32, (m, k)
        The nearest words of each.
    cosines : float32, (m, k)
    topics : int32, (m,)
        As `Topics.of`; -1 for none.
    total : int
        How many documents with a vector the model has.
    """

    titles: list[str]
    points: Points
    ids: Rows
    cosines: Matrix
    topics: Rows
    total: int

    @classmethod
    def sample(cls, space: Space, most: int, topics: Topics | None) -> Documents | None:
        """Documents at equal distances in the table, between the words nearest to them; None where there are none.

        Raises
        ------
        StoreError
            The table is damaged.
        """
        directory = space.words.directory
        if most < 1 or not directory.exists(DOCUMENTS):
            return None
        rows = open_rows(directory.uri, DOCUMENT_TABLE)
        total = len(rows.stack)
        if not total:
            return None
        chosen = np.unique(np.linspace(0, total - 1, min(most, total)).round().astype(np.int64))
        _check_length("documents", rows.stack.take(chosen[:1]), space.words)
        unit = normalise(RowStack([rows.stack.take(chosen)]))
        ids, cosines = _nearest_words(unit, space)
        titles = [show(str(id)) for id in rows.labels["id"].take(chosen).to_pylist()]
        own = np.full(len(unit), -1, dtype=np.int32) if topics is None else topics.of(unit)
        shown = slice(None, space.ids.shape[1] or None)
        points = place_between(space.layout.points, ids, cosines)
        return cls(titles, points, ids[:, shown], cosines[:, shown], own, total)


def read_topics(words: Words, location: str | PathLike[str]) -> TopicModel:
    """Topics that ``w2v-spark topics`` has found.

    Raises
    ------
    StoreError
        There is no result of topics.
    InputError
        Its vectors have another length.
    """
    model = TopicModel.load(location)
    _check_length("topics", model.vectors, words)
    return model


def read_drift(words: Words, location: str | PathLike[str] | None) -> npt.NDArray[np.float32] | None:
    """How far words have moved, ``1 - cosine``, (n,), NaN where it is not known; None where there is no table.

    Parameters
    ----------
    words : Words
    location : str or Path, optional
        What ``w2v-spark drift`` has written; without it, what a version has beside its vectors.

    Raises
    ------
    StoreError
        There is no table of drift at ``location``, or it is damaged.
    InputError
        It is of other words.
    """
    directory = words.directory.child(DRIFT) if location is None else open_result(location)
    if not directory.exists():
        if location is None:
            return None
        raise StoreError(f"{hide(directory.uri)} does not exist: give what 'w2v-spark drift' has written")
    cosines = _read_cosines(directory)
    drift = np.array([cosines.get(word, np.nan) for word in words.plain], dtype=np.float64)
    if location is not None and np.isnan(drift).all():
        raise InputError(
            f"{hide(directory.uri)} knows how far none of the words of {hide(words.directory.uri)} has moved: give "
            "what 'w2v-spark drift' has written of this model"
        )
    return (1 - drift).astype(np.float32)


def _read_cosines(directory: Directory) -> Mapping[str, float]:
    is_folder = directory.filesystem.get_file_info(directory.path).type == pafs.FileType.Directory
    parts = [info.path for info in directory.list() if info.extension == "parquet"] if is_folder else []
    if not parts:
        raise StoreError(f"{hide(directory.uri)} holds no table of drift: give what 'w2v-spark drift' has written")
    cosines: dict[str, float] = {}
    for path in parts:
        with errors_naming(path), damage_naming(path):
            table = pq.read_table(path, filesystem=directory.filesystem)
        for name, kind in _DRIFT_COLUMNS.items():
            if name not in table.column_names:
                raise StoreError(f"{hide(path)} has no column {name!r}: it is no table of drift")
            if (found := table.schema.field(name).type) != kind:
                raise StoreError(
                    f"{hide(path)} has a column {name!r} of {found}, and not of {kind}: it is no table of drift"
                )
        known = table.filter(table["cosine"].is_valid())
        cosines.update(zip(known["word"].to_pylist(), known["cosine"].to_pylist(), strict=True))
    return cosines


def _between_words(unit: Matrix, space: Space) -> Points:
    return place_between(space.layout.points, *_nearest_words(unit, space))


def _nearest_words(unit: Matrix, space: Space) -> tuple[Rows, Matrix]:
    rows = np.arange(len(unit), dtype=np.int32)
    return nearest(unit, rows, NEIGHBOURS, space.layout.laid_out, space.words.unit)


def _check_length(what: str, vectors: Matrix, words: Words) -> None:
    if vectors.shape[1] != words.unit.shape[1]:
        raise InputError(
            f"the {what} have vectors of length {vectors.shape[1]}, the words of {words.unit.shape[1]}: they are "
            "of two models; give those of one"
        )

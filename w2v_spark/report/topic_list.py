"""The topics of a model in a report."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from w2v_spark.errors import StoreError
from w2v_spark.report.markup import Markup, element, escape, join, many, number, percent, show_word, table, whole
from w2v_spark.storage import Directory
from w2v_spark.topics.tables import TOPICS_FILE, leaf_rows, read_topics

SHOWN: Final = 40
WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic.

    Attributes
    ----------
    id, size : int
        Its number, and how many documents have it.
    words : tuple of str
        The nearest ones.
    npmi : float, optional
    """

    id: int
    size: int
    words: tuple[str, ...]
    npmi: float | None


@dataclass(frozen=True, slots=True)
class Topics:
    """What ``w2v-spark topics`` has found.

    Attributes
    ----------
    count, documents : int
        How many topics, and documents that have one.
    largest : tuple of Topic
        Those with most documents.
    measures : mapping
        What ``topics.json`` says of all together.
    """

    count: int
    documents: int
    largest: tuple[Topic, ...]
    measures: Mapping[str, Any]

    @classmethod
    def read(cls, location: str | PathLike[str]) -> Topics:
        """Of a result of ``w2v-spark topics``. Raises `StoreError` if there is none, or it is damaged."""
        directory, rows, described = read_topics(fspath(location))
        leaves = leaf_rows(rows)
        order = np.argsort(-leaves["size"].to_numpy(), kind="stable")
        largest = [
            Topic(row["id"], row["size"], tuple(entry["word"] for entry in row["words"][:WORDS]), row["npmi"])
            for row in leaves.take(order[:SHOWN]).to_pylist()
        ]
        measures = described.get("measures")
        if not isinstance(described.get("documents"), dict):
            raise StoreError(f"{directory.uri}/{TOPICS_FILE} is damaged: it has no documents")
        total = int(pc.sum(leaves["size"]).as_py() or 0)
        return cls(len(leaves), total, tuple(largest), measures if isinstance(measures, dict) else {})


def find_topics(model: Directory, run: str) -> str | None:
    """A result of ``w2v-spark topics`` beside a model, ``topics`` or ``MODEL-topics``, that was made of it, if any.

    Parameters
    ----------
    model : Directory
    run : str
        The identity of the run that made it.
    """
    place = model.uri.rstrip("/")
    parent, name = posixpath.split(place)
    for beside in (f"{name}-topics", "topics"):
        directory = Directory.open(posixpath.join(parent, beside))
        if not directory.exists(TOPICS_FILE):
            continue
        try:
            made_of = directory.read_json(TOPICS_FILE).get("model")
        except StoreError:  # nobody has asked for it
            continue
        if isinstance(made_of, dict) and made_of.get("run") == run:
            return directory.uri
    return None


def topics_section(topics: Topics) -> Markup:
    """The largest topics by their words."""
    parts: list[str] = [element("p", f"{many(topics.count, 'topic')} of {many(topics.documents, 'document')}.")]
    if topics.count > len(topics.largest):
        parts.append(element("p", f"The {len(topics.largest)} with most documents:"))
    rows = []
    for each in topics.largest:
        words = Markup(escape(", ").join(map(show_word, each.words)))
        share = percent(each.size / max(topics.documents, 1))
        rows.append(
            (str(each.id), element("div", words, class_="sentence"), whole(each.size), share, number(each.npmi, 2))
        )
    parts.append(table(("Topic", "Words", "Documents", "Share", "NPMI"), rows, words=2))
    return join(parts)

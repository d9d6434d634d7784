"""Documents and tags in a report: some of them, and what is nearest to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from w2v_spark.publishing.layout import DOCUMENTS
from w2v_spark.report.markup import Markup, element, join, many, show_word, whole
from w2v_spark.storage import Directory
from w2v_spark.vectors.document_vectors import DocumentVectors

SAMPLES: Final = 9
NEIGHBOURS: Final = 5


@dataclass(frozen=True, slots=True)
class Near:
    """A document or a tag, and what is near to it.

    Attributes
    ----------
    name, note : str
    groups : tuple of (str, tuple of (str, float))
        What the neighbours are, and these with their cosines.
    """

    name: str
    note: str
    groups: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """The documents and the tags of a model.

    Attributes
    ----------
    documents, tags : int
        How many there are.
    of_documents, of_tags : tuple of Near
    """

    documents: int
    tags: int
    of_documents: tuple[Near, ...]
    of_tags: tuple[Near, ...]

    @classmethod
    def read(cls, directory: Directory) -> Labelled | None:
        """Of a complete result; None for one without documents.

        Notes
        -----
        Cost: O(N D) for each of `SAMPLES` documents. Memory: ids; and the vectors where they cannot be mapped.
        """
        if not directory.exists(DOCUMENTS):
            return None
        vectors = DocumentVectors.load(directory.uri)
        tags = len(vectors.tags) if vectors.has_tags else 0
        return cls(
            len(vectors),
            tags,
            tuple(_of_document(vectors, row) for row in _even(len(vectors))),
            tuple(_of_tag(vectors, row) for row in (_by_size(vectors) if tags else ())),
        )


def _even(count: int) -> list[int]:
    """Rows at even distances."""
    return [int(row) for row in np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).astype(int))]


def _by_size(vectors: DocumentVectors) -> list[int]:
    """Tags from that of most documents to that of fewest, at even distances."""
    order = np.argsort(-vectors.tags.documents, kind="stable")
    return [int(order[place]) for place in _even(len(order))]


def _of_document(vectors: DocumentVectors, row: int) -> Near:
    key, vector = vectors.id(row), vectors.take([row])[0]  # several may have one id
    answer = vectors.most_similar([vector], topn=NEIGHBOURS + 1)
    own = next((place for place, (other, _) in enumerate(answer) if other == key), NEIGHBOURS)
    groups = [("documents", _shown(answer[:own] + answer[own + 1 :]))]
    if (words := _words(vectors)) is not None:
        groups.append(("words", _shown(words.similar_by_vector(vector, NEIGHBOURS))))
    return Near(str(key), many(int(vectors.tokens[row]), "word"), tuple(groups))


def _of_tag(vectors: DocumentVectors, row: int) -> Near:
    tags = vectors.tags
    key = tags.keys[row]
    groups = [("tags", _shown((" = ".join(tag), cosine) for tag, cosine in tags.most_similar(key, NEIGHBOURS)))]
    if (words := _words(vectors)) is not None:
        groups.append(("words", _shown(words.similar_by_vector(tags.vector(key, norm=True), NEIGHBOURS))))
    return Near(" = ".join(key), many(int(tags.documents[row]), "document"), tuple(groups))


def _words(vectors: DocumentVectors) -> Any:
    return vectors.words if vectors.has_words else None


def _shown(answer: Iterable[tuple[Any, float]]) -> tuple[tuple[str, float], ...]:
    return tuple((str(key), float(cosine)) for key, cosine in answer)


def labelled_part(labelled: Labelled) -> Markup:
    """What is near to some documents and tags, for the section of neighbours."""
    parts: list[str] = []
    for title, samples, count, told in (
        ("Documents", labelled.of_documents, labelled.documents, "by their place in the table"),
        ("Tags", labelled.of_tags, labelled.tags, "from that of most documents to that of fewest"),
    ):
        if samples:
            note = f"{len(samples)} of {whole(count)}, chosen {told}, with the cosine of what is nearest."
            items = join(map(_item, samples))
            parts += [element("h3", title), element("p", note), element("ul", items, class_="samples")]
    return join(parts)


def _item(near: Near) -> Markup:
    parts: list[str] = [element("b", show_word(near.name)), element("small", near.note)]
    for what, found in near.groups:
        rows = (element("li", join([show_word(name), element("span", f"{cosine:.2f}")])) for name, cosine in found)
        parts += [element("small", f"nearest {what}"), element("ol", join(rows))]
    return element("li", join(parts))

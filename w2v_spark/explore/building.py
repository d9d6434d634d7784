"""From models to a map: the steps one below the other."""

from __future__ import annotations

from typing import Any

from w2v_spark.explore.exports import render_atlas, render_projector
from w2v_spark.explore.layers import Documents, Topics, read_drift, read_topics
from w2v_spark.explore.links import choose_link, link
from w2v_spark.explore.request import Asked, Export
from w2v_spark.explore.site import Layers, Map
from w2v_spark.explore.space import Space, Words
from w2v_spark.redaction import hide
from w2v_spark.vectors.reading import open_vectors


def build_map(asked: Asked) -> Map:
    """A map, in memory.

    Raises
    ------
    StoreError, ConfigError, InputError
        A model or another result is none, or is damaged; the two have no words in common; or their vectors, where they
        have to, are not of one length.
    MissingExtra
        numba is not installed.

    Notes
    -----
    Cost: see `Space.build`, for each of the two models. Memory: ``4 n D`` bytes, and what is written.
    """
    asked.check()
    most = asked.words + asked.placed
    words = Words.read(asked.model, most)
    other = None if asked.beside is None else Words.read(asked.beside, most)
    kind = None if other is None else asked.link or choose_link(words, other)
    found = None if asked.topics is None else read_topics(words, asked.topics)  # refused before the work
    drift = read_drift(words, asked.drift)
    links = None if other is None or kind is None else link(words, other, kind)
    space = Space.build(words, asked.words)
    topics = None if found is None else Topics.place(found, space)
    layers = [Layers(drift, topics, Documents.sample(space, asked.documents, topics))]
    spaces = [space]
    if other is not None and links is not None:
        like = links[1][: min(asked.words, len(other))], space.layout.points
        second = Space.build(other, asked.words, like)
        spaces.append(second)
        layers.append(Layers(read_drift(other, None), None, Documents.sample(second, asked.documents, None)))
    return Map(spaces, layers, links, kind)


def render_export(asked: Asked, kind: Export) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of an export, and what ``map.json`` says of it. Raises as `build_map` does."""
    asked.check()
    words = Words.read(asked.model, asked.words)
    described = {"model": hide(words.directory.uri), "words": len(words), "of": words.total, "chosen": "by rank"}
    if kind is Export.PROJECTOR:
        table = open_vectors(words.directory.uri, asked.words)
        return render_projector(words, table.matrix), described
    space = Space.build(words, asked.words)
    return render_atlas(space), {**described, "layout": space.layout.method}


def describe_map(built: Map) -> dict[str, Any]:
    """What ``map.json`` says of a map."""
    return {
        "link": built.link,
        "spaces": [
            {
                "model": hide(space.words.directory.uri),
                "words": len(space.words),
                "of": space.words.total,
                "laid_out": space.layout.laid_out,
                "layout": space.layout.method,
            }
            for space in built.spaces
        ],
    }

"""Outlier detection: whether the word that does not belong to a group is the one that is least like the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.evaluation.correlation import Values
from w2v_spark.evaluation.kind import WORD_RESTRICT, Column, Form, Kind, Row, Scored, Settings, among_many
from w2v_spark.evaluation.samples import Known, Means, Sample, Shares, value_of
from w2v_spark.evaluation.sources import Source, as_file, stem, text_files_in
from w2v_spark.evaluation.text_files import read_blocks, read_words
from w2v_spark.evaluation.word_lookup import VectorLookup
from w2v_spark.vectors.keyed_vectors import KeyedVectors


@dataclass(frozen=True, slots=True)
class Topic:
    """A group of words that belong together, and words of which each is an outlier: a question each."""

    name: str
    group: tuple[str, ...]
    outliers: tuple[str, ...]


def read_outliers(source: Source) -> tuple[Topic, ...]:
    """Read topics as the 8-8-8 set has them: a file each, or a directory of ``.txt`` files.

    A word a line: the group, a blank line, and the outliers. Lines that begin with ``#`` are passed over.

    Raises
    ------
    InputError
        It cannot be read, or a file is otherwise. The message names file and line.
    """
    place = as_file(source)
    return tuple(_read_topic(file) for file in (text_files_in(place) if place.is_dir() else [place]))


def _read_topic(file: Source) -> Topic:
    blocks = read_blocks(file, "#")
    words = [read_words(file, block) for block in blocks]
    if len(words) != 2:
        number = blocks[2][0][0] if len(blocks) > 2 else (blocks or [[(1, "")]])[-1][-1][0]
        raise InputError(
            f"{file}, line {number}: expected a group of words, one blank line and outliers, found {len(words)} groups"
        )
    group, outliers = words
    if len(group) < 2:
        raise InputError(f"{file}, line {blocks[0][0][0]}: expected two words or more before the blank line")
    if common := sorted(set(group) & set(outliers)):
        raise InputError(f"{file}: {common[0]!r} is both a word of the group and an outlier")
    return Topic(stem(as_file(file)), group, outliers)


def positions(group: Values, outliers: Values) -> Values:
    """The place of each outlier, (n,), among the words of a group and itself, by compactness: 0 to the group's size.

    Parameters
    ----------
    group, outliers : float64, (g, D) and (n, D)
        Vectors of length 1, or zero.

    Returns
    -------
    float64, (n,)
        How many words of the group are more like the others than the outlier is: all, if it is detected.

    Notes
    -----
    The compactness of a word is the mean similarity of all pairs of the others; words are in the order of it, and who
    leaves the most compact group is the outlier. That is the order of the mean similarities of words with the others,
    downwards. A word that is as like the others as the outlier counts against it. Source: Camacho-Collados and Navigli
    2016, "Find the word that does not belong", section 2.1.
    """
    within = group @ group.T
    np.fill_diagonal(within, 0)
    cosines = group @ outliers.T
    own, others = cosines.sum(axis=0), within.sum(axis=1)[:, None] + cosines
    found: Values = (others > own + 1e-12).sum(axis=0).astype(np.float64)
    return found


def _score(vectors: KeyedVectors, topics: Sequence[Topic], settings: Settings) -> Scored:
    lookup = VectorLookup(vectors, WORD_RESTRICT)
    sections, places, everywhere, unknown = [], [], [], 0
    for topic in topics:
        group, of_group = lookup.units(topic.group)
        found, known = lookup.units(topic.outliers)
        unknown += int((~of_group).sum())
        if len(group) < 2 or 2 * len(group) < len(topic.group):
            found, known = found[:0], np.zeros_like(known)
        position = np.zeros(len(known))
        position[known] = positions(group, found) / max(1, len(group))
        sections.append(_row(topic.name, position, known))
        places.append(position)
        everywhere.append(known)
    total = _row("total", np.concatenate(places), np.concatenate(everywhere))
    details = {"restrict": WORD_RESTRICT, "unknown_words_of_groups": unknown}
    asked = f"{sum(map(len, everywhere))} questions"
    return Scored(total.values["answered"], asked, (total,), tuple(sections), details)


def _row(name: str, position: Values, known: Known) -> Row:
    detected = Shares((position == 1).astype(np.float64), known)
    samples: dict[str, Sample] = {"accuracy": detected, "opp": Means(position, known)}
    values = {key: value_of(sample) for key, sample in samples.items()} | {
        "detected": int((position[known] == 1).sum()),
        "answered": int(known.sum()),
        "skipped": int((~known).sum()),
    }
    return Row(name, values, samples)


OUTLIERS: Final = Kind(
    name="outliers",
    what="groups of words with outliers",
    metavar="PATH",
    help="groups of words and outliers, as the 8-8-8 set is published: a file, or a directory of files",
    read=read_outliers,
    words=among_many,
    score=_score,
    columns=(
        Column("accuracy", "accuracy", Form.SHARE),
        Column("opp", "OPP", Form.SHARE),
        Column("answered", "answered", Form.COUNT),
        Column("skipped", "skipped", Form.COUNT),
    ),
    unknown=(
        "questions about an unknown outlier are skipped; unknown words are left out of their group, and a group of "
        "which less than half is known is skipped"
    ),
)

"""Categorisation: whether clusters of vectors are the categories that people put the words into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.evaluation.clusters import STARTS, VMeasures, in_majority, spherical_k_means
from w2v_spark.evaluation.kind import WORD_RESTRICT, Column, Form, Kind, Row, Scored, Settings, among_many
from w2v_spark.evaluation.samples import Sample, Shares, value_of
from w2v_spark.evaluation.sources import Source, as_file, stem, text_files_in
from w2v_spark.evaluation.text_files import read_blocks, read_lines, read_words
from w2v_spark.evaluation.word_lookup import VectorLookup
from w2v_spark.vectors.keyed_vectors import KeyedVectors

_PROTOCOL: Final = (
    f"unit vectors, spherical k-means with as many clusters as categories, the best of {STARTS} starts; intervals "
    "resample words and leave clusters as they are"
)


@dataclass(frozen=True, slots=True)
class Categories:
    """Words with a category each.

    Attributes
    ----------
    words : tuple of (word, category)
    ambiguous : int
        Words that were left out since they stand in several categories.
    place : str
        Where they are from, for messages.
    """

    words: tuple[tuple[str, str], ...]
    ambiguous: int
    place: str


def read_categories(source: Source) -> Categories:
    """Read a directory with a ``.txt`` file a category and a word a line, or a file of lines ``word<TAB>category``.

    Blanks will do for the tab. Blank lines at the ends of files and lines that begin with ``#`` are passed over.

    Raises
    ------
    InputError
        It cannot be read, has fewer than two categories, or a line has other fields. The message names file and line.
    """
    place = as_file(source)
    pairs = list(dict.fromkeys(_of_files(place) if place.is_dir() else _of_lines(place)))
    homes: dict[str, int] = {}
    for word, _ in pairs:
        homes[word] = homes.get(word, 0) + 1
    words = tuple((word, category) for word, category in pairs if homes[word] == 1)
    if len({category for _, category in words}) < 2:
        raise InputError(f"{place}: expected words of two categories or more")
    return Categories(words, sum(count > 1 for count in homes.values()), str(place))


def _of_files(directory: Source) -> Iterable[tuple[str, str]]:
    for file in text_files_in(as_file(directory)):
        blocks = read_blocks(file, "#")
        if len(blocks) > 1:
            number, line = blocks[1][0]
            raise InputError(f"{file}, line {number}: expected no blank line before {line[:80]!r}: a file, a category")
        for block in blocks:
            yield from ((word, stem(file)) for word in read_words(file, block))


def _of_lines(file: Source) -> Iterable[tuple[str, str]]:
    for number, line in read_lines(file, "#"):
        fields = [field.strip() for field in line.split("\t")] if "\t" in line.strip() else line.split()
        if len(fields) != 2 or not all(fields):
            raise InputError(f"{file}, line {number}: expected a word, a tab and its category, found {line[:80]!r}")
        yield fields[0], fields[1]


def _score(vectors: KeyedVectors, categories: Categories, settings: Settings) -> Scored:
    unit, known = VectorLookup(vectors, WORD_RESTRICT).units(word for word, _ in categories.words)
    details = {"restrict": WORD_RESTRICT, "ambiguous": categories.ambiguous, "protocol": _PROTOCOL}
    asked, names = f"{len(known)} words", [category for _, category in categories.words]
    row = Row("", {})
    if known.any():
        kept, classes_of_known = np.unique(np.array(names)[known], return_inverse=True)
        if len(kept) < 2:
            raise InputError(
                f"{categories.place}: the vectors know words of {str(kept[0])!r} only, expected of two categories or "
                "more: one is found whatever the vectors are; give a set in their language, written as they are"
            )
        classes, clusters = (np.zeros(len(known), dtype=np.intp) for _ in range(2))
        classes[known] = classes_of_known
        clusters[known] = spherical_k_means(unit, len(kept), settings.seed)
        right = np.zeros(len(known))
        right[known] = in_majority(classes[known], clusters[known])
        samples: dict[str, Sample] = {"purity": Shares(right, known), "v_measure": VMeasures(classes, clusters, known)}
        values = {key: value_of(sample) for key, sample in samples.items()} | {
            "coverage": float(known.mean()),
            "categories": len(kept),
            "categories_without_words": len(set(names)) - len(kept),
            "words": int(known.sum()),
            "skipped": int((~known).sum()),
        }
        row = Row("", values, samples)
    return Scored(int(known.sum()), asked, (row,), details=details)


CATEGORIES: Final = Kind(
    name="categories",
    what="words with categories",
    metavar="PATH",
    help="words with a category each: a directory with a file of words a category, or lines of word and category",
    read=read_categories,
    words=among_many,
    score=_score,
    columns=(
        Column("purity", "purity", Form.NUMBER),
        Column("v_measure", "V-measure", Form.NUMBER),
        Column("coverage", "coverage", Form.SHARE),
        Column("categories", "categories", Form.COUNT),
        Column("words", "words", Form.COUNT),
    ),
    unknown="unknown words, and words of several categories, are in no cluster; coverage is the share of known words",
    has_parts=False,
)

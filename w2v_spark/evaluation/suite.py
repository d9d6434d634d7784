"""Test sets of all kinds on one or two vector tables, and the report. Needs neither Spark nor Java nor a compiler."""

from __future__ import annotations

import math
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

from w2v_spark.errors import ConfigError, InputError, Name
from w2v_spark.evaluation.bootstrap import LEVEL, RESAMPLES, compare, estimate, finite
from w2v_spark.evaluation.kind import Row, Scored, Settings
from w2v_spark.evaluation.kinds import KINDS
from w2v_spark.evaluation.mcnemar import mcnemar
from w2v_spark.evaluation.samples import Sample, Shares
from w2v_spark.evaluation.test_sets import TestSet
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory
from w2v_spark.vectors.keyed_vectors import KeyedVectors

Report = dict[str, Any]
Location = str | PathLike[str]


def evaluate(
    vectors: Location,
    sets: Mapping[str, Sequence[Location]],
    against: Location | None = None,
    settings: Settings | None = None,
) -> Report:
    """Run all evaluations asked for; the report is plain values, ready for JSON.

    Parameters
    ----------
    vectors : str or Path
        What `KeyedVectors.load` opens.
    sets : mapping of str to sequence of str or Path
        By kinds of `KINDS`, the files that `TestSet.read` reads: ``{"analogies": ["questions-words.txt"]}``.
    against : str or Path, optional
        Vectors to compare with, over the items that both answer.
    settings : Settings, optional

    Raises
    ------
    ConfigError, InputError, StoreError
        A setting or a file is not usable, before any evaluation; or `InputError` if vectors do not know the words of a
        single item of a set.
    """
    settings = settings or Settings()
    if not any(sets.values()):
        raise ConfigError("nothing to evaluate: give ", *_listed(list(KINDS)))
    if settings.restrict < 1:
        raise ConfigError(Name("restrict"), f" = {settings.restrict} is not allowed: expected at least 1 word")
    if settings.seed < 0:
        raise ConfigError(Name("seed"), f" = {settings.seed} is not allowed: expected 0 or more")
    read = [TestSet.read(kind, location) for kind in KINDS for location in sets.get(kind, ())]
    found, described = [], []
    for location in (vectors, *([] if against is None else [against])):
        words, about = _open(location, max(one.kind.words(settings) for one in read))
        found.append([_score(words, one, settings, about["vectors"]) for one in read])
        described.append(about)
    report: Report = {**described[0], "seed": settings.seed, "resamples": RESAMPLES, "level": LEVEL}
    if against is not None:
        report["against"] = described[1]
    report |= {"unknown": {name: KINDS[name].unknown for name in KINDS if sets.get(name)}}
    report |= {name: [] for name in KINDS}
    for one, *scored in zip(read, *found, strict=True):
        report[one.kind.name].append(_describe(one, scored, settings.seed))
    return report


def _listed(names: Sequence[str]) -> Iterator[str | Name]:
    """Names of options for a message: a, b or c."""
    for place, name in enumerate(names):
        yield Name(name)
        yield {len(names) - 1: "", len(names) - 2: " or "}.get(place, ", ")


def _open(location: Location, limit: int) -> tuple[KeyedVectors, Report]:
    """The most frequent words of a table, and what the report says of it."""
    opened = open_result(location)
    words = KeyedVectors.load(opened.uri, limit=limit)
    about: Report = {"vectors": hide(os.fspath(location)), "words_read": len(words), "dim": words.dim}
    about["subwords"] = words.subwords is not None
    if opened.uri != Directory.open(location).uri:
        about["version"] = posixpath.basename(opened.path)
    return words, about


def _score(words: KeyedVectors, one: TestSet, settings: Settings, place: str) -> Scored:
    scored = one.kind.score(words, one.content, settings)
    if not scored.answered:
        count, examples = min(one.kind.words(settings), len(words)), ", ".join(map(repr, words.words[:3]))
        raise InputError(
            f"{one.file}: none of its {scored.asked} has only words among the {count} most frequent ones of "
            f"{place}, such as {examples}; give a set in their language, written as they are"
        )
    return scored


def _describe(one: TestSet, scored: Sequence[Scored], seed: int) -> Report:
    """What the report has of a set."""
    first = scored[0]
    totals = [_row(rows, seed) for rows in zip(*(each.totals for each in scored), strict=True)]
    report = {"file": one.file, "name": one.name, **first.details}
    if not one.kind.has_parts:
        return report | {key: value for key, value in totals[0].items() if key != "name"}
    report |= {row["name"]: row for row in totals}
    sections = zip(*(each.sections for each in scored), strict=True)
    return report | {"sections": [_row(rows, seed) for rows in sections]}


def _row(rows: tuple[Row, ...], seed: int) -> Report:
    """Values with intervals and, of two models, those of the other one and the comparison."""
    row, *others = rows
    report = {"name": row.name, **_plain(row.values)}
    if row.samples:
        estimates = {key: estimate(sample, seed) for key, sample in row.samples.items()}
        report["intervals"] = {key: [finite(end) for end in found.interval] for key, found in estimates.items()}
    for other in others:
        report["against"] = _plain(other.values)
        paired = {key: _paired(sample, other.samples[key], seed) for key, sample in row.samples.items()}
        report |= {"paired": paired} if paired else {}
    return report


def _paired(sample: Sample, other: Sample, seed: int) -> Report:
    found = compare(sample, other, seed).to_dict()
    if isinstance(sample, Shares) and isinstance(other, Shares):
        found["mcnemar"] = mcnemar(sample, other).to_dict()
    return found


def _plain(values: Mapping[str, Any]) -> Report:
    """Values without NaN, which JSON does not have."""
    return {key: finite(value) if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in values.items()}  # fmt: skip

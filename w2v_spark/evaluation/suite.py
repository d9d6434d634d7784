"""Analogies and similarity of one vector table, and the report on them. Needs neither Spark nor Java nor a compiler."""

from __future__ import annotations

import json
import math
import os
import posixpath
from collections.abc import Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any, Final

from pyarrow import fs

from w2v_spark.errors import ConfigError, InputError, Name, StoreError
from w2v_spark.evaluation.analogies import Score, evaluate_analogies
from w2v_spark.evaluation.named_sets import AnalogySet, SimilaritySet
from w2v_spark.evaluation.similarity import evaluate_similarity
from w2v_spark.locations import follow_link, is_special
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory
from w2v_spark.vectors.keyed_vectors import KeyedVectors

Report = dict[str, Any]
Location = str | PathLike[str]

ANALOGY_RESTRICT: Final = 30_000
SIMILARITY_RESTRICT: Final = 300_000  # gensim's default: these sets ask about rare words on purpose


def evaluate(
    vectors: Location,
    analogies: Location | None = None,
    similarity: Sequence[Location] = (),
    restrict: int = ANALOGY_RESTRICT,
) -> Report:
    """Run all evaluations asked for; the report is plain values, ready for JSON.

    Parameters
    ----------
    vectors : str or Path
        What `KeyedVectors.load` opens.
    analogies : str or Path, optional
        What `read_analogies` reads.
    similarity : sequence of str or Path
        What `read_pairs` reads.
    restrict : int
        Analogies are answered among so many of the most frequent words; similarity looks among
        `SIMILARITY_RESTRICT`.

    Raises
    ------
    ConfigError, InputError, StoreError
        A setting or a file is not usable, before any evaluation; or `InputError` if the vectors do not know the words
        of a single question or pair of a set.
    """
    if analogies is None and not similarity:
        raise ConfigError("nothing to evaluate: give ", Name("analogies"), ", ", Name("similarity"), " or both")
    if restrict < 1:
        raise ConfigError(Name("restrict"), f" = {restrict} is not allowed: expected at least 1 word")
    questions = None if analogies is None else AnalogySet.read(analogies)
    pair_sets = [SimilaritySet.read(path) for path in similarity]
    limit = max(restrict if questions else 0, SIMILARITY_RESTRICT if pair_sets else 0)
    opened = open_result(vectors)
    words = KeyedVectors.load(opened.uri, limit=limit)
    report: Report = {"vectors": hide(os.fspath(vectors)), "words_read": len(words), "dim": words.dim}
    if opened.uri != Directory.open(vectors).uri:
        report["version"] = posixpath.basename(opened.path)
    if questions is not None:
        report["analogies"] = _answer(words, questions, restrict)
    report["similarity"] = [_correlate(words, pairs) for pairs in pair_sets]
    return report


def _answer(words: KeyedVectors, questions: AnalogySet, restrict: int) -> Report:
    result = evaluate_analogies(words, questions.sections, restrict)
    if not result.total.answered:
        raise answers_nothing(questions.file, f"{result.total.skipped} questions", min(restrict, len(words)), words)
    totals = {score.name: _score(score) for score in (result.total, result.semantic, result.syntactic)}
    scores = [_score(score) for score in result.sections]
    return {"file": questions.file, "restrict": restrict, **totals, "sections": scores}


def _correlate(words: KeyedVectors, pairs: SimilaritySet) -> Report:
    content = pairs.content
    result = evaluate_similarity(words, content.pairs, SIMILARITY_RESTRICT, tagged=content.tagged)
    if not result.pairs:
        count = min(SIMILARITY_RESTRICT, len(words))
        raise answers_nothing(pairs.file, f"{result.skipped} pairs ({content.read_as})", count, words)
    numbers = {key: _finite(value) for key, value in asdict(result).items()}
    return {"file": pairs.file, "read_as": content.read_as, "restrict": SIMILARITY_RESTRICT, **numbers}


def answers_nothing(file: str, what: str, count: int, words: KeyedVectors) -> InputError:
    """The error that vectors know nothing of what a test set asks, among so many of their words."""
    examples = ", ".join(map(repr, words.words[:3]))
    return InputError(
        f"{file}: none of its {what} has only words among the {count} most frequent ones of the vectors, such as "
        f"{examples}; give a set in their language, written as they are"
    )


def _score(score: Score) -> Report:
    return {**asdict(score), "accuracy": score.accuracy}


def _finite(value: float) -> float | None:
    """NaN is not JSON."""
    return value if math.isfinite(value) else None


def check_report_place(location: Location) -> None:
    """Refuse, before work starts, a place at which no file can be made.

    Raises
    ------
    ConfigError
        It is a directory, the directory above it does not exist, or there is a file that is no such report.
    """
    parent, name = _split(location)
    kind = parent.filesystem.get_file_info(parent.file(name)).type
    if not name or kind == fs.FileType.Directory or not parent.exists():
        raise ConfigError(Name("output"), f" {location} is not a file in an existing directory")
    if kind == fs.FileType.File and not _is_report(parent, name):
        raise ConfigError(Name("output"), f" {location} exists and is no report of evaluate; choose another file")


def _is_report(parent: Directory, name: str) -> bool:
    """Whether a file is what `write_report` has made of what `evaluate` gives."""
    try:
        return parent.read_json(name).keys() >= {"vectors", "words_read", "dim", "similarity"}
    except StoreError:
        return False


def write_report(report: Report, location: Location) -> None:
    """Write a report as JSON, whole or not at all; a device or a pipe, such as ``/dev/stdout``, gets it as it is."""
    parent, name = _split(location)
    if parent.is_local and is_special(parent.file(name)):
        Path(parent.file(name)).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        parent.write_json(name, report)


def _split(location: Location) -> tuple[Directory, str]:
    """The directory above a file, by path or URI, and the file's name."""
    text = follow_link(location)
    return Directory.open(posixpath.dirname(text)), posixpath.basename(text)


def format_report(report: Report) -> str:
    """The report as text for a terminal."""
    lines = [f"{report['vectors']}: {report['words_read']:,} words read, D = {report['dim']}"]
    if "analogies" in report:
        analogies = report["analogies"]
        lines += ["", f"{Path(analogies['file']).name} (the {analogies['restrict']:,} most frequent words)"]
        lines.append(f"{'':<30}{'accuracy':>10}{'correct':>10}{'answered':>10}{'skipped':>10}")
        for row in [*analogies["sections"], *(analogies[name] for name in ("semantic", "syntactic", "total"))]:
            accuracy = f"{100 * row['accuracy']:.2f} %" if row["answered"] else "-"
            lines.append(
                f"{row['name']:<30}{accuracy:>10}{row['correct']:>10}{row['answered']:>10}{row['skipped']:>10}"
            )
    if report["similarity"]:
        lines += ["", f"{'':<30}{'spearman':>10}{'pearson':>10}{'pairs':>10}{'skipped':>10}"]
        for row in report["similarity"]:
            spearman, pearson = ("-" if row[key] is None else f"{row[key]:.4f}" for key in ("spearman", "pearson"))
            lines.append(
                f"{Path(row['file']).name:<30}{spearman:>10}{pearson:>10}{row['pairs']:>10}{row['skipped']:>10}"
            )
            lines.append(f"  ({row['read_as']})")
    return "\n".join(lines)

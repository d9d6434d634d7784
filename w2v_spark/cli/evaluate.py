"""``w2v-spark evaluate``: word analogies and human judgements of similarity. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from w2v_spark.errors import ConfigError
from w2v_spark.evaluation.analogies import Score, evaluate_analogies, read_analogies
from w2v_spark.evaluation.similarity import evaluate_similarity, read_pairs
from w2v_spark.vectors.keyed_vectors import KeyedVectors

Report = dict[str, Any]
SIMILARITY_RESTRICT = 300_000  # gensim's default: these sets ask about rare words on purpose

EXAMPLE: Final = "w2v-spark evaluate --vectors vectors --analogies questions-words.txt --similarity wordsim353.txt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--vectors", required=True, metavar="DIR", help="output directory of a run: a path or a URI")
    parser.add_argument("--analogies", metavar="FILE", help="questions in Google's format")
    parser.add_argument(
        "--similarity",
        metavar="FILE",
        nargs="+",
        action="extend",
        default=[],
        help="'word word score' lines, separated by tabs, commas or spaces",
    )
    parser.add_argument(
        "--restrict",
        type=int,
        default=30_000,
        metavar="N",
        help=f"analogies among the N most frequent words (%(default)s); similarity uses {SIMILARITY_RESTRICT}",
    )
    parser.add_argument("--output", metavar="JSON", type=Path, help="write all numbers here as well")


def run(options: argparse.Namespace) -> int:
    """Evaluate, and print the report."""
    if options.output is not None and (options.output.is_dir() or not options.output.absolute().parent.is_dir()):
        raise ConfigError(f"--output {options.output} is not a file in an existing directory")
    report = evaluate(options.vectors, options.analogies, options.similarity, options.restrict)
    if options.output is not None:
        _write_json(options.output, report)
    print(format_report(report))
    return 0


def evaluate(vectors: str, analogies: str | None, similarity: Sequence[str], restrict: int = 30_000) -> Report:
    """Run all evaluations asked for; the report is plain values, ready for JSON.

    Raises `ConfigError`, `InputError` or `StoreError` before any evaluation if a setting or a file is not usable.
    """
    if analogies is None and not similarity:
        raise ConfigError("nothing to evaluate: give --analogies, --similarity or both")
    if restrict < 1:
        raise ConfigError(f"--restrict {restrict} is not allowed: expected at least 1 word")
    sections = read_analogies(analogies) if analogies is not None else []
    pair_sets = [(path, read_pairs(path)) for path in similarity]
    limit = max(restrict if sections else 0, SIMILARITY_RESTRICT if pair_sets else 0)
    words = KeyedVectors.load(vectors, limit=limit)
    report: Report = {"vectors": vectors, "words_read": len(words), "dim": words.dim}
    if analogies is not None:
        result = evaluate_analogies(words, sections, restrict)
        report["analogies"] = {
            "file": analogies,
            "restrict": restrict,
            **{score.name: _score(score) for score in (result.total, result.semantic, result.syntactic)},
            "sections": [_score(score) for score in result.sections],
        }
    report["similarity"] = [
        {"file": path, "restrict": SIMILARITY_RESTRICT}
        | {key: _finite(value) for key, value in asdict(evaluate_similarity(words, pairs, SIMILARITY_RESTRICT)).items()}
        for path, pairs in pair_sets
    ]
    return report


def _score(score: Score) -> Report:
    return {**asdict(score), "accuracy": score.accuracy}


def _finite(value: float) -> float | None:
    """NaN is not JSON."""
    return value if math.isfinite(value) else None


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
    return "\n".join(lines)


def _write_json(path: Path, report: Report) -> None:
    """Write under a name of its own and move in place, so that no reader meets half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

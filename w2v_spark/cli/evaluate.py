"""``w2v-spark evaluate``: word analogies and human judgements of similarity. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
from typing import Final

from w2v_spark.evaluation.suite import (
    ANALOGY_RESTRICT,
    SIMILARITY_RESTRICT,
    check_report_place,
    evaluate,
    format_report,
    write_report,
)

EXAMPLE: Final = "w2v-spark evaluate --vectors model --analogies questions-words.txt --similarity wordsim353.txt"


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
        help="pairs of words with a score each, as SimLex-999, WordSim-353, MEN and others are published",
    )
    parser.add_argument(
        "--restrict",
        type=int,
        default=ANALOGY_RESTRICT,
        metavar="N",
        help=f"analogies among the N most frequent words (%(default)s); similarity uses {SIMILARITY_RESTRICT}",
    )
    parser.add_argument("--output", metavar="JSON", help="write all numbers here as well")


def run(options: argparse.Namespace) -> int:
    """Evaluate, and print the report."""
    if options.output is not None:
        check_report_place(options.output)
    report = evaluate(options.vectors, options.analogies, options.similarity, options.restrict)
    if options.output is not None:
        write_report(report, options.output)
    print(format_report(report))
    return 0

"""``w2v-spark evaluate``: test sets of all kinds on one or two models. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
from typing import Final

from w2v_spark.evaluation.kind import ANALOGY_RESTRICT, WORD_RESTRICT, Settings
from w2v_spark.evaluation.kinds import KINDS
from w2v_spark.evaluation.report_files import check_report_place, write_report
from w2v_spark.evaluation.report_table import format_report
from w2v_spark.evaluation.suite import evaluate

EXAMPLE: Final = (
    "w2v-spark evaluate --vectors model --analogies questions-words.txt --similarity wordsim353.txt\n"
    "w2v-spark evaluate --vectors model --against other --categories semcat --weat flowers-insects.json"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--vectors", required=True, metavar="DIR", help="output directory of a run: a path or a URI")
    parser.add_argument("--against", metavar="DIR", help="other vectors, compared on the items that both answer")
    for kind in KINDS.values():
        parser.add_argument(
            f"--{kind.name}", metavar=kind.metavar, nargs="+", action="extend", default=[], help=kind.help
        )
    parser.add_argument(
        "--restrict",
        type=int,
        default=ANALOGY_RESTRICT,
        metavar="N",
        help=f"analogies among the N most frequent words (%(default)s); other sets use {WORD_RESTRICT}",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of resamples, clusters and permutations (%(default)s)"
    )
    parser.add_argument("--output", metavar="JSON", help="write all numbers here as well")


def run(options: argparse.Namespace) -> int:
    """Evaluate, and print the report."""
    if options.output is not None:
        check_report_place(options.output)
    sets = {name: getattr(options, name) for name in KINDS}
    report = evaluate(options.vectors, sets, options.against, Settings(options.restrict, options.seed))
    if options.output is not None:
        write_report(report, options.output)
    print(format_report(report))
    return 0

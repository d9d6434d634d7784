"""Evaluate a vector table on word analogies and human similarity judgements. Needs neither Spark nor Java.

Example: ``python jobs/evaluate.py --vectors DIR --analogies questions-words.txt --similarity wordsim353.txt``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from w2v_spark.errors import W2VError
from w2v_spark.evaluation.suite import (
    ANALOGY_RESTRICT,
    SIMILARITY_RESTRICT,
    check_report_place,
    evaluate,
    format_report,
    write_report,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job. Returns the exit code: 0, or 2 after one line on standard error that says what is wrong."""
    args = _parse(argv)
    try:
        if args.output is not None:
            check_report_place(args.output)
        report = evaluate(args.vectors, args.analogies, args.similarity, args.restrict)
        if args.output is not None:
            write_report(report, args.output)
    except W2VError as error:
        print(f"error: {error.render(lambda key: f'--{key}')}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2
    print(format_report(report))
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="evaluate.py", description=(__doc__ or "").partition("\n")[0], allow_abbrev=False
    )
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
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

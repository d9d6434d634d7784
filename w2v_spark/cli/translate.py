"""``w2v-spark translate``: best translations of words as a table, or how many of a dictionary are right."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from w2v_spark.cli.neighbours import format_summary, read_word_file
from w2v_spark.errors import ConfigError, Name
from w2v_spark.evaluation.report_files import check_report_place, write_report
from w2v_spark.extras import require
from w2v_spark.publishing.layout import MODEL_FILE, TARGET, Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.run.progress import Progress
from w2v_spark.storage import Directory
from w2v_spark.vectors.search.csls import Measure

if TYPE_CHECKING:
    from w2v_spark.alignment.precision import Report

EXAMPLE: Final = (
    "w2v-spark translate --source aligned --target french --output translations\n"
    "w2v-spark translate --source aligned --target french --dictionary en-fr.test.txt"
)
_REPORT_KEYS: Final = frozenset({"source", "target", "dictionary", "words"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--source", required=True, metavar="DIR", help="vectors that 'w2v-spark align' has mapped")
    parser.add_argument("--target", required=True, metavar="DIR", help="vectors of the space they were mapped onto")
    parser.add_argument("--output", metavar="DIR", help="where the table of translations goes; needs Spark")
    parser.add_argument("--topn", type=int, default=5, metavar="N", help="translations a word (default 5)")
    parser.add_argument(
        "--measure", choices=[*Measure], default=Measure.CSLS.value, help="by which they are ranked (default csls)"
    )
    parser.add_argument("--words", metavar="FILE", help="only for these words, a word a line (default: all words)")
    parser.add_argument("--skip-unknown", action="store_true", help="leave out words that have no vector")
    parser.add_argument(
        "--dictionary", metavar="FILE", help="print how many words of a test dictionary are translated right"
    )
    parser.add_argument("--report", metavar="JSON", help="with --dictionary: write all numbers here as well")
    parser.add_argument("--overwrite", action="store_true", help="replace the table in the output directory")
    parser.add_argument("--quiet", action="store_true", help="print errors and warnings, and what is right, only")


def run(options: argparse.Namespace) -> int:
    """Write the table, print what is right, or both."""
    check_options(options)
    require("train" if options.output is None else "spark")
    if options.report is not None:
        check_report_place(options.report, _REPORT_KEYS, Name("report"))
    progress = Progress(quiet=options.quiet)
    if (target := centred_target(options.source)) not in (None, open_result(options.target).uri):
        progress.warn(
            f"the mean of both spaces was taken off for --source {options.source}: compare with {target}, not with "
            f"--target {options.target}"
        )
    if options.output is not None:
        _write_table(options, progress)
    if options.dictionary is not None:
        _evaluate(options)
    return 0


def check_options(options: argparse.Namespace) -> None:
    """Refuse options without what they belong to. Raises `ConfigError`."""
    if options.output is None and options.dictionary is None:
        raise ConfigError("nothing to do: give ", Name("output"), ", ", Name("dictionary"), " or both")
    if options.report is not None and options.dictionary is None:
        raise ConfigError(Name("report"), " goes with ", Name("dictionary"))
    if options.topn < 1:
        raise ConfigError(Name("topn"), f" = {options.topn} is not allowed: expected at least 1")
    for name, value in (("words", options.words), ("skip-unknown", options.skip_unknown or None)):
        if value is not None and options.output is None:
            raise ConfigError(Name(name), " is about the table of ", Name("output"), ", which is not given")


def centred_target(source: str) -> str | None:
    """The table that ``w2v-spark align --center`` has written for vectors to be compared with; None for any others."""
    directory = open_result(source)
    if not directory.exists(MODEL_FILE):
        return None
    alignment = directory.read_json(MODEL_FILE).get("alignment")
    is_centred = isinstance(alignment, dict) and bool(alignment.get("center"))
    return directory.child(TARGET).uri if is_centred else None


def _write_table(options: argparse.Namespace, progress: Progress) -> None:
    from w2v_spark.spark.neighbours import write_neighbour_table
    from w2v_spark.spark.session import get_session
    from w2v_spark.vectors.neighbour_request import Request

    words = None if options.words is None else read_word_file(options.words)
    asked = Request.build(
        options.source, options.topn, words, skip_unknown=options.skip_unknown, among_vectors=options.target
    )
    request = asked.between_spaces(Measure(options.measure))
    target = Publication(Directory.open(options.output), Kind.NEIGHBOURS, options.overwrite)
    for side, name in ((request.of, "source"), (request.among, "target")):
        target.check([side.files.directory], Name(name))
    if request.skipped:
        progress.warn(f"{request.skipped:,} words are not in the vocabulary and are left out")
    seconds = write_neighbour_table(get_session(), request, target, progress)
    if not options.quiet:
        print(hide(format_summary(request, seconds, target.directory.uri)))


def _evaluate(options: argparse.Namespace) -> None:
    from w2v_spark.alignment.dictionary import Dictionary
    from w2v_spark.alignment.precision import evaluate_translations, format_precision
    from w2v_spark.vectors.reading import open_vectors

    dictionary = Dictionary.read(options.dictionary)
    found = evaluate_translations(open_vectors(options.source), open_vectors(options.target), dictionary)
    report: Report = {"source": hide(options.source), "target": hide(options.target), **found}
    if options.report is not None:
        write_report(report, options.report)
    print(hide(format_precision(report)))

"""``w2v-spark phrases``: find the phrases of a text, without a training."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final

from w2v_spark.cli.input_options import add_input_arguments, build_input
from w2v_spark.config import Config
from w2v_spark.errors import ConfigError, Name
from w2v_spark.extras import require
from w2v_spark.publishing.layout import PHRASES, Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory

if TYPE_CHECKING:
    from w2v_spark.spark.phrases import PhrasesFound

EXAMPLE: Final = "w2v-spark phrases --input 'texts/*.txt.gz' --output phrases --set phrases.passes=2"
_SHOWN: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    add_input_arguments(parser, tags=False)
    parser.add_argument("--output", required=True, metavar="DIR", help="where the table of phrases goes")
    parser.add_argument(
        "--config", metavar="FILE|PRESET", help="the configuration: a file, or a preset: laptop, cluster or quality"
    )
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one key")
    parser.add_argument("--overwrite", action="store_true", help="replace the table in the output directory")
    parser.add_argument("--quiet", action="store_true", help="print errors and warnings only")


def run(options: argparse.Namespace) -> int:
    """Write the table, and print a summary."""
    column = [] if options.column is None else [f"text.column={json.dumps(options.column, ensure_ascii=False)}"]
    config = Config.load(options.config, [*column, *options.set])
    if not config.phrases.passes:
        raise ConfigError(
            Name("phrases.passes"), " = 0 finds no phrases; give ", Name("set"),
            " phrases.passes=1 for phrases of two words, or 2 for up to four",
        )  # fmt: skip
    require("spark")
    from w2v_spark.phrases.units import load_units
    from w2v_spark.publishing.occupancy import occupied
    from w2v_spark.run.progress import Progress
    from w2v_spark.spark.java import check_working_directory
    from w2v_spark.spark.phrases import find_phrases
    from w2v_spark.spark.session import get_session

    check_working_directory()
    source = build_input(options, config.text.column)
    target = Publication(Directory.open(options.output), Kind.PHRASES, options.overwrite)
    target.check(source.locations)
    source.check()
    progress = Progress(quiet=options.quiet)
    units = load_units(config, progress.warn)
    with occupied(target.directory, "phrases", progress.warn):
        try:
            found = find_phrases(get_session(), source, config, units, target, progress)
        finally:
            target.run.delete()  # there is nothing to go on with
    if not options.quiet:
        print(hide(format_summary(found, f"{target.directory.uri}/{PHRASES}")))
    return 0


def format_summary(found: PhrasesFound, table: str) -> str:
    """The table at the end of a run, and the most frequent phrases."""
    rows = [
        ("documents", f"{found.documents:,}"),
        ("words", f"{found.tokens:,}"),
        ("phrases", f"{len(found.table):,}"),
        ("joined", f"{found.joined:,} words of the text are phrases"),
        *((stage, f"{seconds:.1f} s") for stage, seconds in found.seconds.items()),
        ("table", table),
    ]
    lines = [f"{name:<16}{value}" for name, value in rows]
    first = found.table.table.sort_by([("count", "descending"), ("phrase", "ascending")]).slice(0, _SHOWN)
    lines += ["", "Most frequent"] if len(first) else []
    lines += [f"{row['count']:>12,}  {row['phrase']}  ({row['score']:.4g})" for row in first.to_pylist()]
    return "\n".join(lines)

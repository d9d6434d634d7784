"""``w2v-spark report``: a page about a model. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
import posixpath
from typing import Final

from w2v_spark.errors import ConfigError, Name
from w2v_spark.formats.output_files import OutputFiles, check_output
from w2v_spark.locations import follow_link, is_special
from w2v_spark.publishing.layout import is_page
from w2v_spark.redaction import hide
from w2v_spark.report.page import build_report
from w2v_spark.storage import Directory

EXAMPLE: Final = "w2v-spark report --model model --output report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="output directory of a run, or a version: a path or a URI"
    )
    parser.add_argument("--output", required=True, metavar="FILE", help="the page, one HTML file")
    parser.add_argument(
        "--evaluation",
        metavar="JSON",
        help="show what this file says, which 'evaluate --output' or 'translate --report' has written",
    )
    parser.add_argument(
        "--topics", metavar="DIR",
        help="show the topics of this directory (default: MODEL-topics or topics beside the model, if made of it)",
    )  # fmt: skip
    parser.add_argument(
        "--drift", metavar="DIR", help="show the words that changed most, by this output of 'w2v-spark drift'"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a report that exists; nothing else is")


def run(options: argparse.Namespace) -> int:
    """Write the page, and print where it is."""
    check_place(options.output, options.overwrite)
    page = build_report(options.model, options.evaluation, options.topics, options.drift)
    with OutputFiles() as files:
        files.create(options.output).write(page.encode("utf-8"))
    print(hide(f"{options.output}: a report on {options.model}"))
    return 0


def check_place(location: str, overwrite: bool) -> None:
    """Refuse, before work starts, a place where no page can be made, or where something else lies.

    Raises
    ------
    ConfigError
        There is a file that is no report, or one that is and ``overwrite`` is false; or see `check_output`.
    """
    place = Directory.open(follow_link(location))
    is_file = place.filesystem.get_file_info(place.path).is_file and not (place.is_local and is_special(place.path))
    if is_file and not is_page(_head(place)):
        raise ConfigError(Name("output"), f" {location} exists and is no report; choose another file")
    check_output("output", location, overwrite)


def _head(file: Directory) -> bytes:
    """How a file begins."""
    folder, name = posixpath.split(file.path)
    return Directory(folder, file.filesystem, folder).read_range(name, 0, 1000)

"""``w2v-spark neighbours``: write the nearest neighbours of words, documents or tags as a table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from w2v_spark.errors import InputError
from w2v_spark.extras import require
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory

if TYPE_CHECKING:
    from w2v_spark.vectors.neighbour_request import Request

EXAMPLE: Final = "w2v-spark neighbours --vectors model --output neighbours --topn 20"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument(
        "--vectors", required=True, metavar="DIR", help="output directory of a training run: a path or a URI"
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="where the table of neighbours goes")
    for option, what in (("--of", "whose rows get neighbours"), ("--among", "among whose rows neighbours are")):
        kinds = ("words", "documents", "tags")
        parser.add_argument(option, choices=kinds, default="words", help=f"{what} (default words)")
    parser.add_argument(
        "--among-vectors", metavar="DIR", help="where the table of --among is, if not in --vectors: another model"
    )
    parser.add_argument("--topn", type=int, default=10, metavar="N", help="neighbours a row (default 10)")
    parser.add_argument("--words", metavar="FILE", help="only for these words, a word a line (default: all words)")
    parser.add_argument("--ids", metavar="FILE", help="only for these documents, an id a line (default: all)")
    parser.add_argument("--skip-unknown", action="store_true", help="leave out words or ids that have no vector")
    parser.add_argument("--restrict", type=int, metavar="N", help="neighbours among the N most frequent words only")
    parser.add_argument("--overwrite", action="store_true", help="replace the table in the output directory")
    parser.add_argument("--quiet", action="store_true", help="print errors and warnings only")


def run(options: argparse.Namespace) -> int:
    """Write the table, and print a summary."""
    require("spark")
    from w2v_spark.run.progress import Progress
    from w2v_spark.spark.neighbours import write_neighbour_table
    from w2v_spark.spark.session import get_session
    from w2v_spark.vectors.neighbour_request import Request

    words = None if options.words is None else read_word_file(options.words)
    ids = None if options.ids is None else read_id_file(options.ids)
    request = Request.build(
        options.vectors, options.topn, words, options.restrict, options.skip_unknown, options.of, options.among,
        options.among_vectors, ids,
    )  # fmt: skip
    target = Publication(Directory.open(options.output), Kind.NEIGHBOURS, options.overwrite)
    for side in (request.of, request.among):
        target.check([side.files.directory], f"the {side.table.name}")
    progress = Progress(quiet=options.quiet)
    if request.skipped:
        lacking = "words are not in the vocabulary" if ids is None else "ids have no vector"
        progress.warn(f"{request.skipped:,} {lacking} and are left out")
    seconds = write_neighbour_table(get_session(), request, target, progress)
    if not options.quiet:
        print(hide(format_summary(request, seconds, target.directory.uri)))
    return 0


def read_word_file(path: str) -> list[str]:
    """The words of a UTF-8 file, a word a line; blank lines are passed over.

    Raises
    ------
    InputError
        The file cannot be read or is not UTF-8.
    """
    return [word for line in _read_lines("words", path) if (word := line.strip())]


def read_id_file(path: str) -> list[str]:
    """The ids of a UTF-8 file, an id a line, blanks and all; empty lines are passed over. Raises `InputError` too."""
    return [id for line in _read_lines("ids", path) if (id := line.removesuffix("\r"))]


def _read_lines(option: str, path: str) -> list[str]:
    try:
        return Path(path).read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise InputError(f"--{option} {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--{option} {path} is not UTF-8 text: {error}") from error


def format_summary(request: Request, seconds: dict[str, float], table: str) -> str:
    """The table at the end of a run."""
    noun = request.of.kind.removesuffix("s")
    rows = [
        (request.of.kind, f"{request.rows:,}"),
        ("neighbours", f"{request.topn:,} a {noun}, among {request.candidates:,} {request.among.kind}"),
        *((stage, f"{taken:.1f} s") for stage, taken in seconds.items()),
        ("table", table),
    ]
    return "\n".join(f"{name:<16}{value}" for name, value in rows)

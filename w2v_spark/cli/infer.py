"""``w2v-spark infer``: vectors of documents that a model has not seen."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final

from w2v_spark.cli.input_options import add_input_arguments, build_input
from w2v_spark.config import Config
from w2v_spark.errors import ConfigError, Name
from w2v_spark.extras import require
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory

if TYPE_CHECKING:
    from w2v_spark.spark.infer import Inferred

EXAMPLE: Final = "w2v-spark infer --model model --input 'new/*.parquet' --id name --output inferred"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument(
        "--model", required=True, metavar="DIR", help="a model of documents: output directory or root of versions"
    )
    add_input_arguments(parser, tags=False)
    parser.add_argument("--output", required=True, metavar="DIR", help="where the table of documents goes")
    parser.add_argument(
        "--set", action="append", default=[], metavar="infer.KEY=VALUE", help="change one key of [infer]"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is in the output directory")
    parser.add_argument("--quiet", action="store_true", help="print errors and warnings only")


def run(options: argparse.Namespace) -> int:
    """Write the table, and print a summary."""
    require("spark")
    from w2v_spark.inference.document_inference import open_model
    from w2v_spark.publishing.occupancy import occupied
    from w2v_spark.run.progress import Progress
    from w2v_spark.spark.infer import infer
    from w2v_spark.spark.java import check_working_directory
    from w2v_spark.spark.session import get_session
    from w2v_spark.text.user_tokenizer import other_tokenizer

    check_working_directory()
    opened = open_model(options.model)
    before = opened.description.config
    column = [] if options.column is None else [f"text.column={json.dumps(options.column, ensure_ascii=False)}"]
    config = Config.load(None, [*column, *options.set], before)
    if others := [each for each in options.set if not each.strip().startswith("infer.")]:
        raise ConfigError(Name("set"), f" {others[0]!r} changes the model, which is trained: expected infer.KEY=VALUE")
    source = build_input(options, config.text.column)
    target = Publication(Directory.open(options.output), Kind.DOCUMENTS, options.overwrite)
    target.check([*source.locations, options.model])
    source.check()
    progress = Progress(quiet=options.quiet)
    for warning in other_tokenizer(config.text, opened.description.packages):
        progress.warn(warning)
    with occupied(target.directory, "infer", progress.warn):
        try:
            inferred = infer(get_session(), source, opened, config, target, progress)
        finally:
            target.run.delete()  # there is nothing to go on with
    if inferred.without:
        progress.warn(
            f"{inferred.without:,} of {inferred.documents:,} documents have no word that the model knows: their "
            "vectors are null"
        )
    if not options.quiet:
        print(hide(format_summary(inferred, f"{target.directory.uri}/documents")))
    return 0


def format_summary(inferred: Inferred, table: str) -> str:
    """The table at the end of a run."""
    rows = [
        ("documents", f"{inferred.documents:,}"),
        ("known words", f"{inferred.tokens:,}"),
        ("without vector", f"{inferred.without:,}"),
        *((stage, f"{seconds:.1f} s") for stage, seconds in inferred.seconds.items()),
        ("table", table),
    ]
    return "\n".join(f"{name:<16}{value}" for name, value in rows)

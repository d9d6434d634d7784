"""The options that say what to read, for every command that reads documents."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from w2v_spark.errors import ConfigError, Name

if TYPE_CHECKING:
    from w2v_spark.spark.source import Input


def add_input_arguments(parser: argparse.ArgumentParser, tags: bool = True) -> None:
    """Add what says what to read; `build_input` takes it."""
    parser.add_argument(
        "--input",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="files, directories or globs, local or by URI",
    )
    parser.add_argument("--table", metavar="CATALOG.SCHEMA.NAME", help="a table instead of files")
    parser.add_argument("--sql", metavar="SELECT...", help="the rows of a query instead of files")
    parser.add_argument(
        "--format",
        help="of the files, any that this Spark reads: text (a line is a document), parquet, csv, delta, ...; fasta or "
        "fastq (a record is a document) "
        "(default: by the names of the files)",
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="for Spark's reader; may be repeated"
    )
    parser.add_argument(
        "--secret-option", action="append", default=[], metavar="KEY=FILE",
        help="the same with a value that a file holds: a password is then in no list of processes and no result",
    )  # fmt: skip
    parser.add_argument("--column", help="the column with the documents: text, or an array of words or items")
    parser.add_argument("--id", metavar="NAME", help="the column with the documents' names")
    if tags:
        parser.add_argument(
            "--tag", action="append", default=[], metavar="NAME",
            help="a column with tags that documents share, a string or an array of strings, each value of which gets a "
            "vector too; may be repeated",
        )  # fmt: skip
    parser.add_argument("--where", metavar="CONDITION", help="read only these rows, for example \"dt >= '2026-01-01'\"")
    parser.add_argument("--encoding", metavar="NAME", help="of text, such as latin-1 or utf-16 (default utf-8)")
    parser.add_argument(
        "--max-invalid",
        type=float,
        metavar="SHARE",
        help="stop if more of the input than this share is no text, or malformed lines (default 0.01)",
    )


def build_input(options: argparse.Namespace, column: str) -> Input:
    """The input that the options of `add_input_arguments` name.

    Parameters
    ----------
    column : str
        The setting ``text.column``.

    Raises
    ------
    ConfigError
        An option for Spark's reader is no key and value, or a file of a secret one cannot be read.
    """
    given, secrets = _pairs("option", options.option), _pairs("secret_option", options.secret_option)
    from w2v_spark.spark.malformed import MAX_INVALID
    from w2v_spark.spark.source import Input

    return Input(
        tuple(dict.fromkeys(options.input)),
        options.table,
        options.sql,
        options.format,
        given,
        secrets,
        column,
        options.id,
        tuple(getattr(options, "tag", ())),
        options.where,
        options.encoding,
        MAX_INVALID if options.max_invalid is None else options.max_invalid,
    )


def _pairs(name: str, items: Sequence[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in items]
    if wrong := [key for key, equals, _ in pairs if not (key and equals)]:
        raise ConfigError(Name(name), f" {wrong[0]!r} is not of the form key=value")
    return {key: value for key, _, value in pairs}

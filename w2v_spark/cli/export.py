"""``w2v-spark export``: a vector table in the format of another program. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
from typing import Final

from w2v_spark.errors import ConfigError, Name
from w2v_spark.formats.exporting import check_export, export_vectors
from w2v_spark.formats.formats import Format, VectorFile, default_vocabulary, guess_format
from w2v_spark.formats.parquet_columns import ParquetColumns, Shape
from w2v_spark.redaction import hide

EXAMPLE: Final = "w2v-spark export --vectors model --output vectors.bin"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--vectors", required=True, metavar="DIR", help="output directory of a run: a path or a URI")
    parser.add_argument("--output", required=True, metavar="FILE", help="a path or a URI; .gz is compressed")
    parser.add_argument("--format", choices=[*Format], help="to write (default: what the suffix of the output says)")
    parser.add_argument("--limit", type=int, metavar="N", help="the N most frequent words only")
    parser.add_argument("--counts", metavar="FILE", help="write 'word count' lines here as well; not for parquet")
    parser.add_argument("--no-header", action="store_true", help="word2vec-text without its first line, as GloVe's")
    parser.add_argument(
        "--vocabulary", metavar="FILE", help="numpy: the words, a line each (the output's name with .vocab.txt)"
    )
    parser.add_argument("--word-column", metavar="NAME", help="parquet (default word)")
    parser.add_argument(
        "--vector-column", metavar="NAME", help="parquet; with --shape columns what their names begin with (vector)"
    )
    parser.add_argument("--count-column", metavar="NAME", help="parquet; without it there are no counts")
    parser.add_argument("--shape", choices=[*Shape], help="parquet: list, fixed-size list, or a column a number (list)")
    parser.add_argument("--double", action="store_true", help="parquet: float64 instead of float32")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def run(args: argparse.Namespace) -> int:
    """Write the files, and print what is in them."""
    if args.limit is not None and args.limit < 1:
        raise ConfigError(Name("limit"), f" {args.limit} is not allowed: expected at least 1 word")
    file = _file(args)
    check_export(args.vectors, file, args.overwrite)
    rows = export_vectors(args.vectors, file, args.limit)
    print(hide(f"{', '.join(file.files)}: {rows:,} words, {file.format}"))
    return 0


def _file(args: argparse.Namespace) -> VectorFile:
    """What the options say about the file. Raises `ConfigError`."""
    kind = Format(args.format) if args.format else guess_format(args.output)
    columns = {"word": args.word_column, "vector": args.vector_column, "count": args.count_column}
    given = {name: value for name, value in columns.items() if value is not None}
    for name in ("word_column", "vector_column", "count_column", "shape", "double"):
        if getattr(args, name) and kind is not Format.PARQUET:
            raise ConfigError(Name(name.replace("_", "-")), f" is for parquet, not for {kind}")
    written = ParquetColumns(**given, shape=Shape(args.shape or Shape.LIST), double=args.double)
    vocabulary = args.vocabulary
    if kind is Format.NUMPY and vocabulary is None:
        vocabulary = default_vocabulary(args.output)
    return VectorFile(args.output, kind, not args.no_header, vocabulary, args.counts, written)

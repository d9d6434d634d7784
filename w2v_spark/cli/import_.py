"""``w2v-spark import``: a vector table of another program's vectors. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
from typing import Final

from w2v_spark.errors import ConfigError, Name
from w2v_spark.formats.formats import Format, VectorFile, default_vocabulary
from w2v_spark.formats.importing import check_import, import_vectors
from w2v_spark.formats.lenience import Duplicates, Lenience, Mended, UnicodeErrors
from w2v_spark.formats.opening import find_format
from w2v_spark.formats.parquet_columns import ParquetColumns
from w2v_spark.publishing.description import describe_packages
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory

EXAMPLE: Final = "w2v-spark import --input GoogleNews-vectors-negative300.bin.gz --output google"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument(
        "--input",
        required=True,
        metavar="FILE",
        help="a path or a URI, compressed (gzip, bzip2, xz, zstd, lz4, zip) or not; of Parquet also a directory",
    )
    parser.add_argument("--member", metavar="NAME", help="which file of a zip archive, if there are several")
    parser.add_argument("--output", required=True, metavar="DIR", help="where the vector table goes")
    parser.add_argument(
        "--format",
        choices=[*Format],
        help="of the file (default: what its suffix says, else its first bytes)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="the first N rows of the file only")
    parser.add_argument(
        "--counts", metavar="FILE", help="'word count' lines in the order of the vectors; not for parquet"
    )
    parser.add_argument("--no-header", action="store_true", help="word2vec-text without its first line, as GloVe's")
    parser.add_argument(
        "--unicode-errors",
        choices=[*UnicodeErrors],
        default=UnicodeErrors.STRICT,
        help="words that are not UTF-8: an error, or without the bytes that are wrong, or with U+FFFD (%(default)s)",
    )
    parser.add_argument(
        "--duplicates",
        choices=[*Duplicates],
        default=Duplicates.ERROR,
        help="what to do with a word that occurs again: stop, or take its first row and no other (default %(default)s)",
    )
    parser.add_argument(
        "--skip-malformed",
        action="store_true",
        help="leave out rows that cannot be read, and take all that are there, whatever the header announces",
    )
    parser.add_argument(
        "--vocabulary", metavar="FILE", help="numpy: the words, a line each (the input's name with .vocab.txt)"
    )
    parser.add_argument("--word-column", metavar="NAME", help="parquet (default word)")
    parser.add_argument(
        "--vector-column", metavar="NAME", help="parquet: the column, or what columns of numbers begin with (vector)"
    )
    parser.add_argument("--count-column", metavar="NAME", help="parquet; without it counts become V - rank")
    parser.add_argument("--overwrite", action="store_true", help="replace the table that is in the output directory")


def run(args: argparse.Namespace) -> int:
    """Write the table, and print what is in it."""
    if args.limit is not None and args.limit < 1:
        raise ConfigError(Name("limit"), f" {args.limit} is not allowed: expected at least 1 word")
    file = _file(args)
    output = Directory.open(args.output)
    check_import(output, args.overwrite, file)
    model = import_vectors(file, output, args.limit, _lenience(args), describe_packages("numpy", "pyarrow"))
    print(f"{hide(args.output)}: {model['vocabulary_size']:,} words, D = {model['dim']}")
    for line in Mended(**model["import"]["mended"]).lines():
        print(line)
    if not model["counts_fall"]:
        print("the counts do not fall from word to word: options that take the most frequent words take the first")
    return 0


def _file(args: argparse.Namespace) -> VectorFile:
    """What the options say about the file. Raises `ConfigError`."""
    kind = Format(args.format) if args.format else find_format(args.input, args.member)
    columns = {"word": args.word_column, "vector": args.vector_column, "count": args.count_column}
    given = {name: value for name, value in columns.items() if value is not None}
    for name in given:
        if kind is not Format.PARQUET:
            raise ConfigError(Name(f"{name}-column"), f" is for parquet, not for {kind}")
    if args.unicode_errors != "strict" and kind is Format.PARQUET:
        raise ConfigError(Name("unicode-errors"), f" {args.unicode_errors} is not for parquet, whose strings are UTF-8")
    vocabulary = args.vocabulary
    if kind is Format.NUMPY and vocabulary is None:
        vocabulary = default_vocabulary(args.input)
    return VectorFile(
        args.input, kind, not args.no_header, vocabulary, args.counts, ParquetColumns(**given), args.member
    )


def _lenience(args: argparse.Namespace) -> Lenience:
    return Lenience(args.duplicates, args.skip_malformed, args.unicode_errors)

"""Write a vector table in the format of another program. Needs neither Spark nor Java.

Example: ``python jobs/export.py --vectors DIR --output vectors.bin``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from w2v_spark.errors import ConfigError, Name, W2VError
from w2v_spark.formats.exporting import check_export, export_vectors
from w2v_spark.formats.formats import Format, VectorFile, default_vocabulary, guess_format
from w2v_spark.formats.parquet_columns import ParquetColumns, Shape


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job. Returns the exit code: 0, or 2 after one line on standard error that says what is wrong."""
    args = _parse(argv)
    try:
        if args.limit is not None and args.limit < 1:
            raise ConfigError(Name("limit"), f" {args.limit} is not allowed: expected at least 1 word")
        file = _file(args)
        check_export(args.vectors, file, args.overwrite)
        rows = export_vectors(args.vectors, file, args.limit)
    except W2VError as error:
        print(f"error: {error.render(lambda key: f'--{key}')}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return 2
    print(f"{', '.join(file.files)}: {rows:,} words, {file.format}")
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="export.py", description=(__doc__ or "").partition("\n")[0], allow_abbrev=False
    )
    add_export_arguments(parser)
    return parser.parse_args(argv)


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """All options of an export."""
    parser.add_argument("--vectors", required=True, metavar="DIR", help="output directory of a run: a path or a URI")
    parser.add_argument("--output", required=True, metavar="FILE", help="a path or a URI; .gz is compressed")
    parser.add_argument("--format", choices=[*Format], help="what the name's suffix says, unless given")
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


if __name__ == "__main__":
    sys.exit(main())

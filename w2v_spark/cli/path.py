"""What ``spark-submit`` needs of an installed package: the path of a file that it can run, and a zip for executors."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from w2v_spark.cli.package_zip import write_package_zip

EXAMPLE: Final = """\
w2v-spark path --zip w2v_spark.zip
spark-submit --py-files w2v_spark.zip $(w2v-spark path) train --input texts --output model"""
ENTRY: Final = Path(__file__).parent / "submit" / "w2v_spark_job.py"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument(
        "--zip",
        metavar="FILE.zip",
        help="write the package to this file and print its path: for --py-files, where executors lack the package",
    )


def run(options: argparse.Namespace) -> int:
    """Print the path."""
    print(ENTRY if options.zip is None else write_package_zip(options.zip))
    return 0

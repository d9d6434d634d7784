"""Train word vectors: ``spark-submit jobs/train.py --input PATH... --output DIR``, or with plain ``python``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from w2v_spark.config import Config
from w2v_spark.errors import DivergedError, W2VError
from w2v_spark.publishing.layout import VECTORS
from w2v_spark.spark.session import get_session
from w2v_spark.spark.source import FORMATS, Input
from w2v_spark.spark.spark_errors import SPARK_ERRORS, root_cause
from w2v_spark.spark.train import Output, train
from w2v_spark.storage import Directory
from w2v_spark.training.history import Progress


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; 0 after success, 2 when something given is not usable, 1 when training failed."""
    options = _parse(argv)
    try:
        column = [] if options.column is None else [f"text.column={json.dumps(options.column, ensure_ascii=False)}"]
        config = Config.load(options.config, [*column, *options.set])
        if options.print_config:
            print(config.to_toml(), end="")
            return 0
        source = Input(tuple(dict.fromkeys(options.input)), options.format, config.text.column)
        output = Output(Directory.open(options.output), options.overwrite, options.resume, options.keep_run)
        source.check()
        output.check(source)
        progress = Progress(quiet=options.quiet)
        model = train(get_session(threads=config.train.threads), source, config, output, progress)
        if not options.quiet:
            print(format_summary(model, output.directory.child(VECTORS).uri))
        return 0
    except W2VError as error:
        return _fail(str(error), 1 if isinstance(error, DivergedError) else 2)
    except SPARK_ERRORS as error:
        return _fail(f"Spark failed: {root_cause(error)}", 1)
    except OSError as error:
        return _fail(str(error), 1)


def _fail(message: str, code: int) -> int:
    print(f"error: {' '.join(message.splitlines())}", file=sys.stderr)
    return code


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="train.py", description="Train word vectors on Spark.", allow_abbrev=False)
    parser.add_argument(
        "--input",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH",
        help="files, directories or globs, local or by URI",
    )
    parser.add_argument("--output", metavar="DIR", help="where the vector table goes")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="of the input; a line of text is a document, .gz and .bz2 are read as they are (default text)",
    )
    parser.add_argument("--column", help="the column with the documents, a string or an array<string> of words")
    parser.add_argument("--config", metavar="FILE.toml", help="the configuration: a file, or a preset's name")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one key")
    parser.add_argument("--print-config", action="store_true", help="show the resolved configuration and stop")
    parser.add_argument("--overwrite", action="store_true", help="replace what is in the output directory")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument("--keep-run", action="store_true", help="keep the run directory after success")
    parser.add_argument("--quiet", action="store_true", help="print errors only")  # fmt: skip
    options = parser.parse_args(argv)
    if not options.print_config and not (options.input and options.output):
        parser.error("--input and --output are needed")
    return options


def format_summary(model: dict[str, Any], table: str) -> str:
    """The table at the end of a run."""
    corpus, plan, seconds = model["corpus"], model["plan"], model["timings"]
    words = corpus["kept_tokens"] * plan["epochs"]
    rows = [
        ("documents", f"{corpus['documents']:,}"),
        ("words", f"{corpus['tokens']:,}"),
        ("vocabulary", f"{corpus['vocabulary_size']:,} words"),
        ("vectors", f"{model['config']['model']['dim']} dimensions"),
        ("shards x rounds", f"{plan['shards']} x {plan['rounds']}"),
        *((stage, f"{seconds[stage]:.1f} s") for stage in ("count", "encode", "train", "publish") if stage in seconds),
        ("total", f"{seconds['total']:.1f} s"),
        ("training speed", f"{words / seconds['rounds']:,.0f} words/s"),
        ("table", table),
    ]
    return "\n".join(f"{name:<16}{value}" for name, value in rows)


if __name__ == "__main__":
    sys.exit(main())

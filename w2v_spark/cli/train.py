"""``w2v-spark train``: train word vectors on Spark."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from w2v_spark.cli.gate_options import add_gate_arguments, build_gates
from w2v_spark.cli.input_options import add_input_arguments, build_input
from w2v_spark.config import Config
from w2v_spark.errors import ConfigError, Name, NothingNew
from w2v_spark.extras import require
from w2v_spark.publishing.versions import VersionRoot, table_path
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory

if TYPE_CHECKING:
    from w2v_spark.publishing.description import ModelDescription
    from w2v_spark.spark.origin import Origin
    from w2v_spark.spark.output import Destination
    from w2v_spark.spark.source import Input

EXAMPLE: Final = "w2v-spark train --input 'texts/*.txt.gz' --output model --set model.dim=200"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    add_input_arguments(parser)
    parser.add_argument("--output", metavar="DIR", help="where the vector table goes")
    parser.add_argument("--publish", metavar="ROOT", help="in place of it: a root of versions, which gets a new one")
    add_gate_arguments(parser)
    add_run_arguments(parser)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of every command that trains."""
    parser.add_argument(
        "--publish-table",
        metavar="NAME",
        help="and a table that follows it: catalog.schema.name, or delta:PATH for one of Delta without Spark's",
    )
    parser.add_argument(
        "--config", metavar="FILE|PRESET", help="the configuration: a file, or a preset: laptop, cluster or quality"
    )
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one key")
    parser.add_argument("--print-config", action="store_true", help="show the resolved configuration and stop")
    parser.add_argument("--overwrite", action="store_true", help="replace what is in the output directory")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument("--keep-run", action="store_true", help="keep the run directory after success")
    parser.add_argument("--skip-report", action="store_true", help="write no page about the model beside it")
    parser.add_argument("--force", action="store_true", help="train although memory is certain to be too small")
    parser.add_argument("--events", metavar="FILE", help="append what happens to a file, a line of JSON an event")
    parser.add_argument("--quiet", action="store_true", help="print errors and warnings only")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Train, and print a summary."""
    column = [] if options.column is None else [f"text.column={json.dumps(options.column, ensure_ascii=False)}"]
    config = Config.load(options.config, [*column, *options.set])
    if options.print_config:
        print(config.to_toml(), end="")
        return 0
    if (options.output is None) == (options.publish is None):
        joined, what = ("or", "is needed") if options.output is None else ("and", "are two places; give one of them")
        raise ConfigError(
            Name("output"), f" {joined} ", Name("publish"), f" {what}; see: w2v-spark train --help"
        )  # fmt: skip

    if options.publish_table is not None and options.publish is None:
        raise ConfigError(Name("publish-table"), " follows a root of versions: give ", Name("publish"), " too")

    require("spark")
    from w2v_spark.spark.java import check_working_directory
    from w2v_spark.spark.output import Output, VersionedOutput

    check_working_directory()
    source = build_input(options, config.text.column)
    output = (
        Output(Directory.open(options.output), **choices_of(options))
        if options.publish is None
        else VersionedOutput(VersionRoot.open(options.publish), **choices_of(options))
    )
    output.check(source)  # before a look at files: whether one overlaps the other matters most
    source.check()
    return train_and_report("train", options, source, config, output)


def choices_of(options: argparse.Namespace) -> dict[str, Any]:
    """Those of `add_run_arguments` that a `Destination` is told."""
    given = {name: getattr(options, name) for name in ("overwrite", "resume", "keep_run", "force")}
    return {**given, "page": not options.skip_report}


def train_and_report(
    command: str,
    options: argparse.Namespace,
    source: Input,
    config: Config,
    output: Destination,
    origin: Origin | None = None,
    measures_drift: bool = False,
) -> int:
    """Train, with what all commands that train have in common, and print a summary; the exit code."""
    from w2v_spark.cli.watched import watched
    from w2v_spark.publishing.occupancy import occupied
    from w2v_spark.run.events import Events
    from w2v_spark.run.progress import Progress
    from w2v_spark.run.stopping import Stopping
    from w2v_spark.spark.catalog import check_table, follow_root
    from w2v_spark.spark.ending import end_spark
    from w2v_spark.spark.source import is_small
    from w2v_spark.spark.spark_errors import quiet_connections, translated_errors
    from w2v_spark.spark.starting import StartingSession, starts_java

    gates = build_gates(options, config, measures_drift=measures_drift)
    progress = Progress(quiet=options.quiet, events=Events(options.events), stopping=Stopping(end_spark))
    with (
        quiet_connections(),  # until all is tidied up: Java may have been ended by then
        progress.stopping.handled(),
        watched(progress, command, output.home.uri),
        occupied(output.home, command, progress.warn) as lock,
    ):
        if starts_java():
            progress.say("starting Spark ...")
        with (
            progress.stopping.start(),
            translated_errors(),
            StartingSession(config.train.threads, origin is None and is_small(source)) as starting,
        ):
            # What is imported here takes as long as Java takes to start.
            from w2v_spark.phrases.units import load_units
            from w2v_spark.spark.gate_check import GateCheck
            from w2v_spark.spark.origin import Scratch
            from w2v_spark.spark.train import train
            from w2v_spark.spark.warm_up import warm_driver
            from w2v_spark.text.characters import build_character_table

            gate = None if gates is None else GateCheck(gates)
            if origin is None:
                origin = Scratch(load_units(config, progress.warn))
            build_character_table(config.text)  # kept
            warm_driver()
            session = starting.result()
        if options.publish_table is not None:
            check_table(session, options.publish_table, VersionRoot(output.home), progress.warn)
        try:
            model = train(session, source, config, replace(output, lock=lock), progress, origin, gate)
        except NothingNew as nothing:
            progress.say(f"nothing to do: {nothing}")
            model = None
        if options.publish_table is not None:
            follow_root(session, options.publish_table, VersionRoot(output.home))
    if model is not None and not options.quiet:
        print(hide(format_summary(model, table_path(output.home.uri))))
    return 0


def format_summary(model: ModelDescription, table: str) -> str:
    """The table at the end of a run."""
    return "\n".join(f"{name:<16}{value}" for name, value in model.summary_rows(table))

"""``w2v-spark retrain``: make the next version of word vectors of the one before and of new text, on Spark."""

from __future__ import annotations

import argparse
import json
from typing import Final

from w2v_spark.cli.gate_options import add_gate_arguments
from w2v_spark.cli.input_options import add_input_arguments, build_input
from w2v_spark.cli.train import add_run_arguments, choices_of, train_and_report
from w2v_spark.config import Config
from w2v_spark.errors import EmptyInput
from w2v_spark.extras import require
from w2v_spark.publishing.layout import NOISE
from w2v_spark.publishing.versions import VersionRoot, split_version

EXAMPLE: Final = "w2v-spark retrain --from vectors --input texts/2026-12-01 --replay 0.2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    add_input_arguments(parser)
    parser.add_argument(
        "--from", dest="start", required=True, metavar="ROOT[@VERSION]", help="the version to go on from"
    )
    parser.add_argument("--publish", metavar="ROOT", help="where the new version goes (default: the root of --from)")
    parser.add_argument("--replay", type=float, metavar="SHARE", help="of the older text to train on again")
    parser.add_argument(
        "--skip-noise", action="store_true",
        help="do not measure what two seeds differ by, which takes a second training once a configuration",
    )  # fmt: skip
    add_gate_arguments(parser)
    add_run_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Train, publish a version, and print a summary."""
    require("spark")
    from w2v_spark.run.directory import RunDirectory
    from w2v_spark.run.manifest import Run
    from w2v_spark.spark.java import check_working_directory
    from w2v_spark.spark.output import VersionedOutput
    from w2v_spark.spark.retraining import Parent, Retraining

    check_working_directory()
    place, version = split_version(options.start)
    root, origin = VersionRoot.open(options.publish or place), VersionRoot.open(place)
    state = RunDirectory(root.run)
    if options.resume and version is None and state.has_run():  # CURRENT may have moved on meanwhile
        version = Run.read(state.directory).input.get("parent")
    id_ = origin.require(version)
    parent = Parent.open(id_, origin.directory(id_))
    config = _configure(parent.model.config, options)
    if options.print_config:
        print(config.to_toml(), end="")
        return 0
    parent.check(config)
    source = build_input(options, config.text.column)
    output = VersionedOutput(root, **choices_of(options))
    output.check(source)
    try:
        source.check()
    except EmptyInput as nothing:
        if not options.quiet:
            print(f"nothing to do: {nothing}")
        return 0
    noise = None if options.skip_noise else root.root.child(NOISE)
    retraining = Retraining(parent, config, noise)
    return train_and_report("retrain", options, source, config, output, retraining, measures_drift=noise is not None)


def _configure(before: Config, options: argparse.Namespace) -> Config:
    """The configuration of the version before, with what the command line changes."""
    column = [] if options.column is None else [f"text.column={json.dumps(options.column, ensure_ascii=False)}"]
    replay = [] if options.replay is None else [f"retrain.replay={options.replay}"]
    return Config.load(options.config, [*column, *options.set, *replay], before)

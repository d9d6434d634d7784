"""The options that say what a version has to pass, for every command that publishes one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from w2v_spark.config import COUNTED, Config
from w2v_spark.errors import ConfigError, Name

if TYPE_CHECKING:
    from w2v_spark.evaluation.gate_set import GateSet


def add_gate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a version has to pass; `build_gates` takes it."""
    for name, metavar, text in (
        ("--gate", "CONDITION", "publish only if this holds, such as 'analogies >= 0.5' or 'tokens >= 0.8 incumbent'"),
        ("--analogies", "[NAME=]FILE", "questions in Google's format, to measure the version by"),
        ("--similarity", "[NAME=]FILE", "pairs of words with a score each, to measure the version by"),
        ("--gate-sql", "SELECT...", "publish only if this returns no row; over vectors, incumbent and drift"),
    ):
        parser.add_argument(
            name, action="append", nargs="+" if "FILE" in metavar else None, default=[], metavar=metavar,
            help=f"{text}; may be repeated",
        )  # fmt: skip


def build_gates(options: argparse.Namespace, config: Config, measures_drift: bool = False) -> GateSet | None:
    """What the options of `add_gate_arguments` say, read and checked; None where nothing is given.

    Raises
    ------
    ConfigError, InputError
        See `GateSet.build`; or nothing is published as a version.
    """
    given = [name for name in ("gate", "analogies", "similarity", "gate_sql") if getattr(options, name)]
    if given and getattr(options, "output", None) is not None:
        raise ConfigError(
            Name(given[0]), " decides what readers of versions are led to; give ", Name("publish"), " in the place of ",
            Name("output"), ", or evaluate the result afterwards",
        )  # fmt: skip
    if not given:
        return None
    from w2v_spark.evaluation.gate_set import GateSet  # with all that evaluates, which the others do without
    from w2v_spark.models.architectures import input_rows_of

    files = {name: [file for group in getattr(options, name) for file in group] for name in ("analogies", "similarity")}
    return GateSet.build(
        options.gate, files["analogies"], files["similarity"], options.gate_sql, config.train.held_out, measures_drift,
        input_rows_of(config.model).documents, config.model.objective in COUNTED,
    )  # fmt: skip

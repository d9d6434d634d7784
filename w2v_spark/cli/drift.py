"""``w2v-spark drift``: which words have changed most between two models. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from w2v_spark.errors import ConfigError, Name
from w2v_spark.extras import require
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.redaction import hide
from w2v_spark.report.markup import shorten
from w2v_spark.storage import Directory

if TYPE_CHECKING:
    from w2v_spark.retraining.change import Change
    from w2v_spark.retraining.drift import Space

EXAMPLE: Final = "w2v-spark drift --before 2000s --after 2010s --other-seed 2010s-seed-2 --output changes"
_COMPARED: Final = 10_000
_SHOWN: Final = 20
_LONGEST: Final = 60  # characters of a word in a terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--before", required=True, metavar="DIR", help="vectors of the first period: a path or a URI")
    parser.add_argument("--after", required=True, metavar="DIR", help="vectors of the second one")
    parser.add_argument(
        "--other-seed", metavar="DIR",
        help="what --after becomes with another train.seed: changes are given in units of how far the two lie apart",
    )  # fmt: skip
    parser.add_argument(
        "--aligned", action="store_true",
        help="the two spaces are one, as those of a frozen matrix are: compare them without a rotation",
    )  # fmt: skip
    parser.add_argument(
        "--words", type=int, default=_COMPARED, metavar="N",
        help="compare the ten nearest neighbours of the N most frequent common words (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--output", required=True, metavar="DIR", help="where the table goes")
    parser.add_argument("--overwrite", action="store_true", help="replace the table in the output directory")
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def run(options: argparse.Namespace) -> int:
    """Write the table, and print the words that have changed most."""
    require("train")
    if options.words < 1:
        raise ConfigError(Name("words"), f" = {options.words} is not allowed: expected at least 1 word")
    from w2v_spark.retraining.change import Change

    output = Publication(Directory.open(options.output), Kind.DRIFT, options.overwrite)
    places = {"before": options.before, "after": options.after, "other-seed": options.other_seed}
    given = {name: place for name, place in places.items() if place is not None}
    for name, place in given.items():
        output.check([place], Name(name))
    spaces = _open_spaces(given)
    change = Change.measure(
        spaces["before"], spaces["after"], spaces.get("other-seed"), options.words, options.aligned
    )  # fmt: skip
    change.publish(output)
    if not options.quiet:
        print(hide(format_change(change, output.directory.uri)))
    return 0


def _open_spaces(places: dict[str, str]) -> dict[str, Space]:
    """The words and vectors of some tables, of one length. Raises `ConfigError`, `StoreError`."""
    from w2v_spark.retraining.drift import Space
    from w2v_spark.vectors.reading import open_vectors

    spaces, lengths = {}, {}
    for name, place in places.items():
        table = open_vectors(place)
        spaces[name], lengths[name] = Space(table.words, table.counts, table.stack), table.stack.shape[1]
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ConfigError(f"the spaces differ in dimension: {shown}; compare vectors of one length")
    return spaces


def format_change(change: Change, place: str) -> str:
    """What came of it, and the words that have changed most, as text for a terminal."""
    lines = [f"{'common words':<14}{change.common:,}", f"{'table':<14}{place}"]
    if change.noise is not None:
        noise = f"1 - cosine of {change.noise.distances[0]:.4f} (frequent) to {change.noise.distances[-1]:.4f} (rare)"
        lines.insert(1, f"{'seed noise':<14}{noise} words, {change.noise.overlap:.1%} of ten neighbours the same")
    lines += ["", f"{'':<24}{'noise':>8}{'cosine':>8}{'count before':>14}{'after':>12}"]
    for row in change.table.filter(change.table["cosine"].is_valid()).slice(0, _SHOWN).to_pylist():
        units = "-" if row["noise"] is None else f"{row['noise']:.1f}"
        word = shorten(row["word"] if row["word"].isprintable() else repr(row["word"]), _LONGEST)
        lines.append(f"{word:<24}{units:>8}{row['cosine']:>8.3f}{row['count_before']:>14,}{row['count_after']:>12,}")
    return "\n".join(lines)

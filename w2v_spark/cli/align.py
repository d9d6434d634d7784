"""``w2v-spark align``: map one space onto another by a dictionary. Needs neither Spark nor Java."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from w2v_spark.errors import ConfigError, Name
from w2v_spark.extras import require
from w2v_spark.publishing.description import describe_packages
from w2v_spark.publishing.layout import TARGET, Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory

if TYPE_CHECKING:
    from w2v_spark.alignment.mapping import SpaceMap
    from w2v_spark.alignment.request import Alignment

EXAMPLE: Final = (
    "w2v-spark align --source english --target french --dictionary en-fr.txt --refine 5 --output aligned\n"
    "w2v-spark align --source 2010s --target 2000s --identical --output aligned"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--source", required=True, metavar="DIR", help="vectors that are mapped: a path or a URI")
    parser.add_argument("--target", required=True, metavar="DIR", help="vectors of the space that they are mapped onto")
    parser.add_argument(
        "--dictionary", metavar="FILE", help="a word and its translation a line, with white space between them"
    )
    parser.add_argument("--identical", action="store_true", help="take words that both have for their own translation")
    parser.add_argument(
        "--center", action="store_true", help="scale vectors to length 1 and take off their mean, in both spaces, first"
    )
    parser.add_argument(
        "--refine", type=int, default=0, metavar="N",
        help="fit the map N times more, to the pairs that are each other's best (default 0; MUSE has 5)",
    )  # fmt: skip
    parser.add_argument("--output", required=True, metavar="DIR", help="where the mapped vectors and the map go")
    parser.add_argument("--overwrite", action="store_true", help="replace the result in the output directory")


def run(options: argparse.Namespace) -> int:
    """Write the mapped table, and print what the map was fitted to."""
    require("train")
    if options.identical == (options.dictionary is not None):
        given = "both are" if options.identical else "neither is"
        raise ConfigError(Name("dictionary"), " and ", Name("identical"), f": {given} given, expected one of them")
    from w2v_spark.alignment.mapping import publish_mapped
    from w2v_spark.alignment.request import Alignment

    output = Publication(Directory.open(options.output), Kind.VECTORS, options.overwrite)
    output.check([options.source], Name("source"))
    output.check_place([options.target], Name("target"))
    alignment = Alignment.build(
        options.source, options.target, options.dictionary, options.center, options.refine
    )  # fmt: skip
    space_map = alignment.fit()
    packages = describe_packages("numpy", "pyarrow")
    publish_mapped(alignment.source, alignment.target, space_map, alignment.describe(), packages, output)
    print(hide(format_summary(alignment, space_map, output.directory.uri)))
    return 0


def format_summary(alignment: Alignment, space_map: SpaceMap, place: str) -> str:
    """What came of it, as text for a terminal."""
    first, refined = space_map.fitted[0], space_map.fitted[1:]
    unknown = f", {alignment.known.unknown:,} others have a word without a vector" if alignment.known.unknown else ""
    rows = [
        ("mapped", f"{len(alignment.source.words):,} words, D = {alignment.dim}"),
        ("dictionary", f"{alignment.dictionary.name}: {first.pairs:,} pairs{unknown}"),
        ("mean cosine", f"{first.cosine:.4f} of these pairs"),
        *(("refined", f"by {each.pairs:,} pairs, mean cosine {each.cosine:.4f}") for each in refined),
        ("table", place),
    ]
    if (spanned := alignment.spanned()) < alignment.dim:
        text = f"the words of the dictionary lie in {spanned} of {alignment.dim} dimensions: in the others the map is "
        rows.insert(-1, ("WARNING", f"{text}any; give a larger dictionary, or look for equal and zero vectors"))
    if len(refined) < alignment.refinements:
        rows.insert(-1, ("WARNING", f"refined {len(refined)} times only: fewer pairs were found than dimensions"))
    if space_map.centers is not None:
        rows.append(("target", f"{place}/{TARGET}: compare with this table, whose mean was taken off as well"))
    return "\n".join(f"{name:<14}{value}" for name, value in rows)

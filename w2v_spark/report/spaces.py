"""What a report says of vectors that were mapped onto another space, and of translations."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from w2v_spark.report.markup import Markup, element, join, mapping, number, percent, sequence, settings_list, table


def alignment_section(alignment: Mapping[str, Any]) -> Markup:
    """What the map was fitted to, by what ``model.json`` says."""
    pairs = mapping(alignment.get("pairs"))
    rows = [
        ("Mapped", str(alignment.get("source", "–"))),
        ("Onto", str(alignment.get("target", "–"))),
        ("Dictionary", posixpath.basename(str(alignment.get("dictionary", "–")))),
        ("Pairs", f"{number(pairs.get('known'))} known of {number(pairs.get('given'))}"),
        ("Centred", "yes" if alignment.get("center") else "no"),
    ]
    steps = [mapping(each) for each in sequence(alignment.get("fitted"))]
    found = [
        ("dictionary" if not at else f"refinement {at}", number(each.get("pairs")), number(each.get("cosine")))
        for at, each in enumerate(steps)
    ]
    note = "Each step fits the map to pairs of words: the mean cosine of a pair after it."
    parts: list[str] = [settings_list(rows)]
    if found:
        parts += [element("p", note), table(("Fitted to", "Pairs", "Mean cosine"), found)]
    return join(parts)


def is_precision(report: Mapping[str, Any]) -> bool:
    """Whether a file is what ``w2v-spark translate --report`` has written."""
    return "dictionary" in report and any(isinstance(report.get(name), dict) for name in ("csls", "cosine"))


def precision_part(report: Mapping[str, Any]) -> Markup:
    """How many words of a test dictionary are translated right."""
    words = mapping(report.get("words"))
    coverage = words.get("coverage")
    covered = f", coverage {percent(coverage)}" if isinstance(coverage, int | float) else ""
    name = posixpath.basename(str(report["dictionary"]))
    told = f"{name}: {number(words.get('asked'))} of {number(words.get('given'))} words asked{covered}."
    rows = []
    for measure in ("csls", "cosine"):
        for top, value in mapping(report.get(measure)).items():
            found = mapping(value)
            share, ends = found.get("share"), sequence(found.get("interval"))
            if isinstance(share, int | float):
                low_high = " to ".join(percent(end) for end in ends if isinstance(end, int | float))
                rows.append((measure, top.upper(), percent(share), low_high, number(found.get("right"))))
    parts = [element("h3", "Translations"), element("p", told)]
    return join([*parts, table(("Measure", "", "Right", "95 %", "Words"), rows, words=2)])

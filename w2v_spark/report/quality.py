"""The sections of a report on quality and drift: what ``report.json`` of a version and an evaluation say.

Both may have been written by another version of this program, so whatever is missing is left out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from w2v_spark.report.changes import changes_part
from w2v_spark.report.charts import LineChart, axis
from w2v_spark.report.content import Content
from w2v_spark.report.markup import (
    Markup,
    element,
    escape,
    join,
    mapping,
    number,
    percent,
    sequence,
    settings_list,
    show_word,
    table,
    whole,
)
from w2v_spark.report.sections import figure
from w2v_spark.report.spaces import is_precision, precision_part

_ASKED: Final = ("answered", "pairs", "items", "queries", "words")
"""What an evaluation may call the number of questions that it has answered."""


def quality_section(content: Content) -> Markup:
    """Test sets, alone and against the version before, and gates."""
    parts: list[str] = []
    measures, gates = mapping(content.version.get("measures")), sequence(content.version.get("gates"))
    incumbent = content.version.get("incumbent", content.version.get("parent"))
    if measures:
        parts.append(element("h3", "Against the previous version"))
        before = f"Compared with {incumbent}." if incumbent else "There was no version before to compare with."
        parts.append(element("p", before))
        head = ("Measure", "This", "Previous", "Difference", "Noise", "Items")
        parts.append(table(head, [_measure(name, mapping(value)) for name, value in measures.items()]))
    if gates:
        parts.append(element("h3", "Gates"))
        rows = [
            (str(gate.get("gate", "")), "passed" if gate.get("passed") else "not passed",
             element("div", str(gate.get("reason", "")), class_="sentence"))
            for gate in map(mapping, gates)
        ]  # fmt: skip
        parts.append(table(("Gate", "Verdict", "Reason"), rows, words=3))
    if is_precision(content.evaluation):
        parts.append(precision_part(content.evaluation))
    elif content.evaluation:
        parts.append(element("h3", "Test sets"))
        vectors = content.evaluation.get("vectors", "vectors that the file does not name")
        parts.append(element("p", f"Measured on {vectors}."))
        found = list(evaluated(content.evaluation))
        names = ("Test set", "Kind", "Result", "Answered", "Left out")
        parts.append(table(names, found, words=3) if found else element("p", "The evaluation has no test set."))
    if not parts:
        parts.append(
            element(
                "p",
                "Nothing was measured. A version is measured on test sets when it is published, and the JSON file of "
                "'w2v-spark evaluate' can be given to this report.",
            )
        )
    return join(parts)


def _measure(name: str, measure: Mapping[str, Any]) -> tuple[str, ...]:
    paired = mapping(measure.get("paired"))
    this, before = (paired.get(key, measure.get(key)) for key in ("candidate", "incumbent"))
    difference = paired.get("difference")
    if difference is None and all(isinstance(value, int | float) for value in (this, before)):
        difference = this - before
    shown = number(difference)
    signed = f"+{shown}" if isinstance(difference, int | float) and difference > 0 else shown
    return name, number(this), number(before), signed, number(paired.get("noise"), 2), number(paired.get("items"))


def evaluated(report: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """A row a test set: its name, the kind, the measures, and how many questions were answered and left out.

    A kind is an object, or a list of objects, with the numbers in it or in its ``total``.
    """
    for kind, value in report.items():
        for each in map(mapping, value if isinstance(value, list) else [value]):
            total = mapping(each.get("total")) or each
            scores = [(name, score) for name, score in total.items() if isinstance(score, float) and "p_" not in name]
            if not scores:
                continue
            name = posixpath.basename(str(each.get("file") or each.get("name") or kind))
            answered = next((total[key] for key in _ASKED if isinstance(total.get(key), int)), None)
            shown = ", ".join(f"{name.replace('_', ' ')} {number(score)}" for name, score in scores)
            yield name, kind, shown, number(answered), number(total.get("skipped"))


def drift_section(content: Content) -> Markup:
    """What has moved since the version before."""
    drift, words = mapping(content.version.get("drift")), mapping(content.version.get("words"))
    if not drift and not words and content.changes is not None:
        return changes_part(content.changes)
    if not drift and not words:
        return element("p", "Drift is measured between versions that 'w2v-spark retrain' makes: there is nothing here.")
    cosine = mapping(drift.get("cosine"))
    rows = []
    if "noise" in drift:
        rows.append(("Moved by", f"{number(drift['noise'], 3)} times what two seeds differ by (1 is no drift)"))
    if cosine:
        low, middle, high = (number(cosine.get(name), 3) for name in ("q10", "q50", "q90"))
        rows.append(("Cosine with before", f"{middle} at the median, a tenth of the words below {low}, above {high}"))
    if isinstance(drift.get("overlap"), int | float):
        two = drift.get("overlap_of_two_seeds")
        seeds = f"; {percent(two)} between two seeds" if isinstance(two, int | float) else ""
        rows.append(("Neighbours that stayed", f"{percent(drift['overlap'])} of ten{seeds}"))
    if isinstance(words.get("kept"), int):
        rows.append(("Words that stayed", whole(words["kept"])))
    parts: list[str] = [settings_list(rows)] if rows else []
    parts += [_moved_words(title, mapping(words.get(name))) for name, title in (("came", "came"), ("went", "went"))]
    octaves = [mapping(each) for each in sequence(drift.get("by_octave"))]
    octaves = [each for each in octaves if all(isinstance(each.get(key), int | float) for key in ("octave", "q50"))]
    if octaves:
        parts.append(_by_frequency(octaves))
    farthest = [mapping(each) for each in sequence(drift.get("farthest"))]
    if farthest:
        shown = [
            (show_word(str(each.get("word", ""))), number(each.get("noise"), 3), number(each.get("count")))
            for each in farthest
        ]
        parts += [element("h3", "Words that have moved farthest")]
        parts.append(table(("Word", "Times two seeds", "Occurrences"), shown))
    if content.changes is not None:
        parts.append(changes_part(content.changes))
    return join(parts)


def _moved_words(verb: str, group: Mapping[str, Any]) -> Markup:
    words = sequence(group.get("most_frequent"))
    share = group.get("share_of_tokens")
    if not words or not isinstance(share, int | float):
        return Markup()
    shown = Markup(", ".join(show_word(str(word)) for word in words))
    head = f"{number(group.get('words'))} words {verb}, {percent(share)} of the text; the most frequent: "
    return element("p", Markup(escape(head) + shown))


def _by_frequency(octaves: list[Mapping[str, Any]]) -> Markup:
    rows = sorted(octaves, key=lambda each: float(each["octave"]))
    chart = LineChart(
        "octaves",
        "Drift by how frequent words are",
        "The median movement of words, in units of what two seeds differ by, from frequent words to rare ones.",
        axis("Share of the text, 2^-k, k"),
        axis("Times two seeds", from_zero=True),
        [(float(each["octave"]), float(each["q50"])) for each in rows],
    )
    numbers = table(
        ("k", "Words", "q10", "Median", "q90"),
        [tuple(number(each.get(key), 3) for key in ("octave", "words", "q10", "q50", "q90")) for each in rows],
        words=0,
    )
    return figure("Drift by frequency", "Frequent words at the left. 1 is what another seed would do.", chart, numbers)

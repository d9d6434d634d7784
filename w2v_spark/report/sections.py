"""The sections of a report on corpus, training, neighbours and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from w2v_spark.config import COUNTED, Config
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.redaction import hide
from w2v_spark.report.advice import unknown_share
from w2v_spark.report.charts import BarChart, LineChart, axis
from w2v_spark.report.content import Content, Round
from w2v_spark.report.counted import counted_rows, describe_steps
from w2v_spark.report.markup import (
    Markup,
    details,
    duration,
    element,
    join,
    many,
    mapping,
    percent,
    settings_list,
    show_word,
    size,
    table,
    whole,
)
from w2v_spark.report.near import labelled_part
from w2v_spark.report.words import Sample, Words

_ROWS: Final = 24  # of a table of numbers below a chart
_STAGES: Final = ("count", "tags", "phrases", "encode", "train", "align", "noise", "gate", "publish")


def figure(caption: str, note: str, chart: LineChart | BarChart, numbers: Markup) -> Markup:
    """A chart with what it shows, and its numbers below."""
    return element(
        "figure",
        join([element("figcaption", caption), element("p", note), chart.draw(), details("Numbers", numbers)]),
    )


def pair(figures: Sequence[Markup]) -> Markup:
    """Charts beside each other where there is room."""
    return element("div", join(figures), class_="pair")


def corpus_section(content: Content) -> Markup:
    """What the text is like."""
    parts: list[str] = []
    if content.described is not None:
        parts.append(settings_list(_corpus_rows(content, content.described)))
    words = content.words
    if words is None:
        parts.append(element("p", "This model has no vectors of words."))
    elif not words.tokens:
        parts.append(element("p", "How often words occur is not known, so there is no plot of their counts."))
    else:
        parts.append(pair([_zipf(words), _coverage(content, words)]))
    return join(parts)


def _corpus_rows(content: Content, described: ModelDescription) -> list[tuple[str, str]]:
    seen, kept = described.counted, described.encoded
    rows = [
        ("Documents", whole(seen.documents)),
        ("Sentences", whole(seen.sentences)),
        ("Words", f"{whole(seen.tokens)}, {whole(seen.distinct_words)} different ones"),
        ("Vocabulary", f"{whole(kept.vocabulary_size)} words with {described.config.vocabulary.min_count} or more"),
    ]
    if (share := unknown_share(content)) is not None:
        rows.append(("Outside of it", f"{percent(share)} of the text"))
    if seen.bytes:
        rows.append(("Size of the text", f"{size(seen.bytes)} in UTF-8"))
    optional = [
        ("Documents with vectors", kept.kept_documents), ("Values of tags", kept.tags), ("N-grams", kept.ngrams),
        ("Overlong words dropped", seen.overlong_words), ("Invalid bytes replaced", seen.invalid_bytes),
        ("Sequences", seen.sequences_cut), ("Letters", seen.letters), ("Foreign letters", seen.foreign_letters),
    ]  # fmt: skip
    rows += [(name, whole(value)) for name, value in optional if value]
    source = mapping(described.input.get("source"))
    places = source.get("paths") or [source.get("table") or source.get("sql")]
    if isinstance(places, list) and any(places):
        shown = [hide(str(place)) for place in places[:3] if place]
        rows.append(("Read from", ", ".join(shown) + (f" and {len(places) - 3} more" if len(places) > 3 else "")))
    return rows


def _zipf(words: Words) -> Markup:
    most = words.curve[0][1]
    chart = LineChart(
        "zipf",
        "How often words occur, by rank",
        f"On logarithmic axes: from {whole(most)} for the most frequent word to {whole(words.curve[-1][1])} for the "
        f"last of {whole(words.size)}.",
        axis("Rank of the word", log=True),
        axis("Occurrences", log=True),
        words.curve,
        guide=[(rank, most / rank) for rank, _ in words.curve],
        labels=words.marks,
    )
    picked = thin(words.curve)
    return figure(
        "How often words occur",
        "Natural text runs near the dashed line, where the word of rank r occurs 1/r times as often as the first "
        "(Zipf's law). Steps and plateaus come from text that repeats itself.",
        chart,
        table(("Rank", "Occurrences"), [(whole(rank), whole(count)) for rank, count in picked], words=0),
    )


def _coverage(content: Content, words: Words) -> Markup:
    share = unknown_share(content)
    described = content.described
    is_whole = share is not None and described is not None and words.tokens == described.encoded.kept_tokens
    total = described.counted.tokens if is_whole and described is not None else words.tokens
    of = "the text" if is_whole else "the words in the vocabulary"
    rows = [(str(each.min_count), whole(each.words), percent(each.tokens / total)) for each in words.thresholds]
    if is_whole and described is not None and words.thresholds[0].min_count > 1:
        rows.insert(0, ("1", whole(described.counted.distinct_words), "100 %"))
    points = [(each.min_count, 100 * each.tokens / total) for each in words.thresholds]
    chart = LineChart(
        "coverage",
        f"Share of {of} by min_count",
        f"From {points[0][1]:.1f} % at {points[0][0]} to {points[-1][1]:.1f} % at {points[-1][0]}.",
        axis("vocabulary.min_count", log=True),
        axis(f"% of {of}", from_zero=True),
        points,
    )
    return figure(
        "What a vocabulary covers",
        f"The share of {of} that is left if only words with so many occurrences or more are kept.",
        chart,
        table(("min_count", "Words", "Share"), rows, words=0),
    )


def training_section(content: Content) -> Markup:
    """Loss, learning rate and speed by round, and where the time went."""
    described, rounds = content.described, content.rounds
    if described is None:
        known = "were mapped, not trained" if content.aligned else "come from another program"
        return element("p", f"These vectors {known}: nothing is known here of their training.")
    is_counted = described.config.model.objective in COUNTED
    parts: list[str] = [settings_list(counted_rows(described) if is_counted else _training_rows(described, rounds))]
    figures = []
    if content.steps:
        figures = [figure(*describe_steps(content.steps))]
    elif rounds:
        trained = [each for each in rounds if each.pairs]
        figures = [_by_round("loss", trained)] if trained else []
        figures += [_by_round("learning_rate", rounds), _by_round("words_per_second", rounds)]
    else:
        parts.append(element("p", "This model has no history (history.json): what its rounds did is not known."))
    figures.append(_stages(described))
    parts.append(pair(figures))
    return join(parts)


def _training_rows(described: ModelDescription, rounds: Sequence[Round]) -> list[tuple[str, str]]:
    plan, model = described.plan, described.config.model
    rows = [
        ("Model", f"{model.architecture}, {model.objective}, {model.dim} dimensions, window {model.window}"),
        ("Plan", f"{many(plan.epochs, 'epoch')}, {many(plan.shards, 'shard')}, {many(plan.rounds, 'round')}"),
        ("Learning rate", f"{plan.learning_rate:g} to {plan.min_learning_rate:g}"),
        ("Subsampling", f"{plan.sample:g}"),
    ]
    if rounds:
        tokens, seconds = rounds[-1].end, sum(each.seconds.get("total", 0.0) for each in rounds)
        rows.append(("Speed", f"{whole(tokens / max(seconds, 1e-3))} words/s over all rounds"))
    return rows


_CURVES: Final = {
    "loss": ("Loss", "Loss, nats a pair", "The mean loss of a pair of words, as they are read. It should fall, and "
             "flatten in the end. After many epochs of little text, and in a retraining, it may rise by some percent "
             "as the learning rate falls: at a high rate vectors follow the page that is being read.", False, "{:.3f}"),
    "learning_rate": ("Learning rate", "Learning rate", "It falls linearly, to its end.", True, "{:.2g}"),
    "words_per_second": ("Speed", "Words/s", "Words over the time of each round, reading, writing and merging "
                         "included. Early rounds are short, so they are slow.", True, "{:,.0f}"),
}  # fmt: skip


def _by_round(name: str, rounds: Sequence[Round]) -> Markup:
    caption, unit, note, from_zero, form = _CURVES[name]
    points = [(each.end / 1e6, float(getattr(each, name))) for each in rounds]
    chart = LineChart(
        name.replace("_", "-"),
        f"{caption} by words trained",
        f"From {form.format(points[0][1])} in the first of {len(points)} rounds to {form.format(points[-1][1])}.",
        axis("Words trained, millions", from_zero=True),
        axis(unit, from_zero=from_zero),
        points,
        show=form.format,
    )
    rows = [
        (str(each.number + 1), whole(each.end), form.format(value))
        for each, (_, value) in thin(list(zip(rounds, points, strict=True)))
    ]
    return figure(caption, note, chart, table(("Round", "Words trained", unit), rows, words=0))


def _stages(described: ModelDescription) -> Markup:
    timings = described.timings
    known = [(stage, timings[stage]) for stage in _STAGES if stage in timings]
    total = timings.get("total", sum(seconds for _, seconds in known))
    rest = total - sum(seconds for _, seconds in known)
    bars = [*known, *([("other", rest)] if rest > 0.05 else [])]
    shown = [(name, seconds, f"{duration(seconds)} · {percent(seconds / (total or 1))}") for name, seconds in bars]
    chart = BarChart("stages", "Time by stage", f"Of {duration(total)} altogether.", shown)
    rows = [(name, f"{seconds:,.1f}") for name, seconds in [*bars, ("total", total)]]
    note = f"{duration(total)} altogether, from when Spark is there. Other is what lies between the stages."
    return figure("Time by stage", note, chart, table(("Stage", "Seconds"), rows))


def neighbours_section(content: Content) -> Markup:
    """Words from frequent to rare, and those nearest to them."""
    labelled = [] if content.labelled is None else [labelled_part(content.labelled)]
    if content.words is None:
        return join([element("p", "This model has no vectors of words."), *labelled])
    if not content.words.samples:
        return element("p", "No words were compared. 'w2v-spark report' does that for every model.")
    note = (
        "Words spread over the vocabulary from frequent to rare, chosen by rank and not by how good they look, with "
        "the cosine of the nearest. Neighbours of rare words are often worse."
    )
    is_known = content.words.tokens > 0
    items = join(_sample(each, is_known) for each in content.words.samples)
    parts: list[str] = [element("p", note), element("ul", items, class_="samples")]
    return join([*parts, *labelled])


def _sample(sample: Sample, is_known: bool) -> Markup:
    nearest = join(
        element("li", join([show_word(word), element("span", f"{cosine:.2f}")])) for word, cosine in sample.nearest
    )
    count = f", {whole(sample.count)} times" if is_known else ""
    head = [element("b", show_word(sample.word)), element("small", f"rank {whole(sample.rank)}{count}")]
    return element("li", join([*head, element("ol", nearest)]))


def settings_section(described: ModelDescription) -> Markup:
    """The settings that differ from their defaults, and what it was made with."""
    rows = []
    for section in fields(Config):
        given, default = getattr(described.config, section.name), getattr(Config(), section.name)
        for key in fields(given):
            value: Any = getattr(given, key.name)
            if value != getattr(default, key.name):
                rows.append((f"{section.name}.{key.name}", hide(str(value))))
    changed = settings_list(rows) if rows else element("p", "All settings are the defaults.")
    versions = ", ".join(f"{name} {version}" for name, version in described.packages.items())
    return join([element("p", "Settings other than the defaults:"), changed, element("p", versions, class_="soft")])


def thin(rows: Sequence[Any], most: int = _ROWS) -> list[Any]:
    """Up to so many rows at even distances, the first and the last among them."""
    if len(rows) <= most:
        return list(rows)
    return [rows[at * (len(rows) - 1) // (most - 1)] for at in range(most)]

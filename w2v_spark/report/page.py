"""The whole page of a report: one HTML file that loads nothing, runs nothing and fits a phone and paper."""

from __future__ import annotations

from os import PathLike
from typing import Final

import w2v_spark
from w2v_spark.config import COUNTED
from w2v_spark.publishing.layout import PAGE_MARK
from w2v_spark.report.advice import Advice, advise
from w2v_spark.report.content import Content
from w2v_spark.report.markup import Markup, brief, element, escape, join, shorten, whole
from w2v_spark.report.quality import drift_section, quality_section
from w2v_spark.report.sections import corpus_section, neighbours_section, settings_section, training_section
from w2v_spark.report.spaces import alignment_section
from w2v_spark.report.style import STYLE
from w2v_spark.report.topic_list import topics_section

# The page needs nothing of the network; this lets browsers refuse whatever else a mistake might let in.
_POLICY: Final = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
_NAME: Final = 80  # characters of the title


def build_report(
    location: str | PathLike[str],
    evaluation: str | PathLike[str] | None = None,
    topics: str | PathLike[str] | None = None,
    drift: str | PathLike[str] | None = None,
) -> str:
    """A report on a result, as one HTML page that needs no network.

    Parameters
    ----------
    location : str or Path
        The output directory of a training or an import, a root of versions, or ``ROOT@version``: a path or a URI.
    evaluation : str or Path, optional
        A file that ``w2v-spark evaluate --output`` or ``translate --report`` has written.
    topics, drift : str or Path, optional
        Results of ``w2v-spark topics`` and ``drift``, see `Content.read`.

    Returns
    -------
    str
        The same for the same files. To be written as UTF-8.

    Raises
    ------
    StoreError, ConfigError
        See `Content.read`.
    """
    return render(Content.read(location, evaluation, topics, drift))


def render(content: Content) -> str:
    """The page."""
    warnings = advise(content)
    sections = [
        ("warnings", "Warnings", _warnings(warnings)),
        ("corpus", "Corpus", corpus_section(content)),
        ("training", "Training", training_section(content)),
        ("quality", "Quality", quality_section(content)),
        ("neighbours", "Neighbours", neighbours_section(content)),
        ("drift", "Drift", drift_section(content)),
    ]
    if content.topics is not None:
        sections.insert(-1, ("topics", "Topics", topics_section(content.topics)))
    if content.aligned:
        sections.insert(1, ("alignment", "Alignment", alignment_section(content.aligned)))
    if content.described is not None:
        sections.append(("settings", "Settings", settings_section(content.described)))
    body = join(element("section", join([element("h2", title), inner]), id=name) for name, title, inner in sections)
    title = shorten(content.name, _NAME) or "model"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            PAGE_MARK,
            _POLICY,
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            element("title", f"{title} – w2v-spark report"),
            f"<style>{STYLE}</style></head>",
            "<body>",
            element("header", _header(content, title, [(name, label) for name, label, _ in sections])),
            element("main", body),
            element("footer", f"Written by w2v-spark {w2v_spark.__version__}."),
            "</body></html>\n",
        ]
    )


def _header(content: Content, title: str, sections: list[tuple[str, str]]) -> Markup:
    links = (Markup(f'<a href="#{name}">{escape(label)}</a>') for name, label in sections)
    tiles = [element("div", Markup(element("dt", name) + element("dd", value))) for name, value in _tiles(content)]
    return join(
        [
            element("h1", Markup(f"<bdi>{escape(title)}</bdi>")),
            element("p", _subtitle(content), class_="soft"),
            element("dl", join(tiles), class_="tiles"),
            element("nav", join(links)),
        ]
    )


def _subtitle(content: Content) -> str:
    parts = []
    if content.described is not None:
        model = content.described.config.model
        objective = model.objective.replace("_", " ")
        what = objective if model.objective in COUNTED else f"{model.architecture} with {objective}"
        parts.append(f"{what}, made by w2v-spark")
    elif content.aligned:
        parts.append("Vectors that were mapped onto another space by w2v-spark align")
    else:
        parts.append("Vectors of another program")
    if "state" in content.version:
        parts.append(f"version, {content.version['state']}")
    if content.version.get("parent"):
        parts.append(f"after {content.version['parent']}")
    return "; ".join(parts)


def _tiles(content: Content) -> list[tuple[str, str]]:
    described, words, rounds = content.described, content.words, content.rounds
    tiles = []
    if described is not None:
        tiles += [
            ("Documents", _short(described.counted.documents)),
            ("Words of text", _short(described.counted.tokens)),
        ]
    if words is not None:
        tiles += [("Vocabulary", _short(words.size)), ("Dimensions", str(words.dim))]
    if rounds:
        seconds = sum(each.seconds.get("total", 0.0) for each in rounds)
        tiles += [("Loss at the end", f"{each.loss:.3f}") for each in rounds[-1:] if each.pairs]
        tiles.append(("Words/s", brief(rounds[-1].end / max(seconds, 1e-3))))
    return tiles


def _short(count: int) -> str:
    """A number of things in the least room."""
    return whole(count) if count < 10_000 else brief(count)


def _warnings(warnings: tuple[Advice, ...]) -> Markup:
    if not warnings:
        return element("p", "Nothing looks wrong.")
    return join(
        element("div", join([element("strong", each.what), each.remedy]), class_="warning") for each in warnings
    )

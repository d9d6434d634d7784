"""Pieces of HTML, and numbers as readers write them. Whatever comes from a model passes through `escape`."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from w2v_spark.errors import printable

LONGEST: Final = 40
"""Characters of a word that are shown: one may have a million."""

_UNITS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


class Markup(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """Text as HTML, for elements and attributes; control characters are shown as Python writes them."""
    return text if isinstance(text, Markup) else Markup(html.escape(printable(text)))


def shorten(text: str, most: int = LONGEST) -> str:
    """The beginning of a text, with an ellipsis where something is left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def show_word(text: str, most: int = LONGEST) -> Markup:
    """A word of the vocabulary. It is kept apart from its surroundings, since it may run from right to left."""
    return Markup(f"<bdi>{escape(shorten(text, most))}</bdi>")


def element(tag: str, content: str, **attributes: str) -> Markup:
    """An element; ``class_`` is the attribute ``class``, and other lines below are dashes."""
    given = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return Markup(f"<{tag}{given}>{escape(content)}</{tag}>")


def join(parts: Iterable[str]) -> Markup:
    """Pieces of HTML or text one behind the other."""
    return Markup("\n".join(map(escape, parts)))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> Markup:
    """A table that scrolls by itself where it is wider than the page.

    Parameters
    ----------
    words : int
        How many of the first columns are text; the others are numbers, which stand at the right.
    """

    def row(tag: str, cells: Sequence[str]) -> Markup:
        shown = (element(tag, cell, class_="t" if at < words else "n") for at, cell in enumerate(cells))
        return element("tr", Markup("".join(shown)))

    inner = join([element("thead", row("th", head)), element("tbody", join(row("td", cells) for cells in rows))])
    return element("div", element("table", inner), class_="scroll", tabindex="0")


def details(summary: str, content: str) -> Markup:
    """What is shown when it is asked for."""
    return element("details", join([element("summary", summary), content]))


def whole(value: float) -> str:
    """A number of things: ``1,234,567``."""
    return f"{value:,.0f}"


def brief(value: float) -> str:
    """A number of any size in some characters: ``1.2M``, ``0.025``."""
    for size, unit in _UNITS:
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}" if abs(value) < 999.5 * size else f"{value / size:,.0f}{unit}"
    return f"{value:.3g}"


def many(count: int, noun: str) -> str:
    """So many things: ``1 shard``, ``1,200 rounds``."""
    return f"{whole(count)} {noun}{'s' * (count != 1)}"


def size(count: int) -> str:
    """Bytes: ``28.8 MB``."""
    shown = brief(count)
    return f"{shown[:-1]} {shown[-1]}B" if shown[-1].isalpha() else f"{shown} B"


def percent(share: float) -> str:
    """A share, 0..1, in per cent, with three digits; only nothing is ``0 %``, and only all is ``100 %``."""
    hundredth = 100 * share
    if 99.95 <= hundredth < 100:
        return "> 99.9 %"
    return f"{hundredth:.3g} %" if hundredth < 10 else f"{hundredth:.1f} %" if hundredth < 100 else f"{hundredth:.0f} %"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours: ``12.3 s``, ``4 min 05 s``, ``3 h 20 min``."""
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def number(value: Any, digits: int = 4) -> str:
    """A number that may be missing: a dash in its place; whole ones with commas, others with so many digits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "–"
    return whole(value) if isinstance(value, int) else f"{value:.{digits}g}"


def settings_list(rows: Sequence[tuple[str, str]]) -> Markup:
    """Names, and what they are set to."""
    return element(
        "dl", join(Markup(element("dt", name) + element("dd", value)) for name, value in rows), class_="settings"
    )


def sequence(value: Any) -> Sequence[Any]:
    """A list of a file that may have been written by another version of this program; empty for anything else."""
    return value if isinstance(value, list) else []


def mapping(value: Any) -> Mapping[str, Any]:
    """The same of an object."""
    return value if isinstance(value, dict) else {}

"""Line and bar charts as inline SVG, in the colours of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from w2v_spark.report.markup import Markup, brief, element, escape, join, shorten
from w2v_spark.report.scales import Axis, Scale

Point = tuple[float, float]

_WIDTH: Final = 400
_HEIGHT: Final = 264
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 380, 34, 218  # of the plot within the picture
_LABEL: Final = 14  # characters of a word beside a point
_BAR: Final = 30  # height of a bar with its distance from the next
_BAR_LEFT, _BAR_RIGHT = 76, 236  # of the longest bar: names stand before it and values behind


@dataclass(frozen=True, slots=True)
class LineChart:
    """A line of points.

    Attributes
    ----------
    name : str
        Distinct on the page, of letters.
    title, description : str
        For readers, and for programs that read aloud.
    x, y : Axis
    points : sequence of (float, float)
        By rising x; at least one.
    guide : sequence of (float, float)
        A dashed line to compare with.
    labels : sequence of (float, float, str)
        Points with a word beside them.
    show : callable
        How the value of the last point is written beside it; None leaves it out.
    """

    name: str
    title: str
    description: str
    x: Axis
    y: Axis
    points: Sequence[Point]
    guide: Sequence[Point] = ()
    labels: Sequence[tuple[float, float, str]] = ()
    show: Callable[[float], str] | None = None

    def draw(self) -> Markup:
        """The chart as SVG."""
        x = Scale.fit(self.x, [point[0] for point in self.points], _LEFT, _RIGHT)
        y = Scale.fit(self.y, [point[1] for point in self.points], _BOTTOM, _TOP).rounded()
        parts = [_grid(x, y), _names(self.x, self.y)]
        if len(self.guide) > 1:
            parts.append(_path(_within(self.guide, y), x, y, "guide"))
        parts.append(_path(self.points, x, y, "line"))
        parts += [_marker(x.place(px), y.place(py), word) for px, py, word in self.labels]
        if self.show is not None:
            last_x, last_y = self.points[-1]
            parts.append(_last(x.place(last_x), y.place(last_y), self.show(last_y)))
        return _picture(self.name, self.title, self.description, _HEIGHT, parts)


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars one below the other, each with its name and its value in words.

    Attributes
    ----------
    name, title, description : str
        As those of `LineChart`.
    bars : sequence of (str, float, str)
        Name, length, which is not below 0, and the value as text.
    """

    name: str
    title: str
    description: str
    bars: Sequence[tuple[str, float, str]]

    def draw(self) -> Markup:
        """The chart as SVG."""
        longest = max((value for _, value, _ in self.bars), default=0.0) or 1.0
        parts = []
        for row, (name, value, shown) in enumerate(self.bars):
            top = row * _BAR + 4
            width = max(value / longest * (_BAR_RIGHT - _BAR_LEFT), 1.0)
            parts.append(_text(_BAR_LEFT - 8, top + 15, name, "end"))
            parts.append(
                Markup(f'<rect class="bar" x="{_BAR_LEFT}" y="{top}" width="{width:.1f}" height="20" rx="2"/>')
            )
            parts.append(_text(_BAR_LEFT + 6 + width, top + 15, shown, "start", "muted"))
        return _picture(self.name, self.title, self.description, len(self.bars) * _BAR + 6, parts)


def _picture(name: str, title: str, description: str, height: int, parts: Sequence[str]) -> Markup:
    heads = [element("title", title, id=f"{name}-title"), element("desc", description, id=f"{name}-desc")]
    return element(
        "svg",
        join([*heads, *parts]),
        viewBox=f"0 0 {_WIDTH} {height}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def _grid(x: Scale, y: Scale) -> Markup:
    lines = [f"M{_LEFT} {y.place(at):.1f}H{_RIGHT}" for at in y.ticks()]
    lines += [f"M{x.place(at):.1f} {_BOTTOM}v4" for at in x.ticks()]
    parts = [Markup(f'<path class="grid" d="{"".join(lines)}"/>')]
    parts += [_text(_LEFT - 6, y.place(at) + 4, y.axis.show(at), "end", "muted") for at in y.ticks()]
    parts += [_text(x.place(at), _BOTTOM + 19, x.axis.show(at), "middle", "muted") for at in x.ticks()]
    return join(parts)


def _names(x: Axis, y: Axis) -> Markup:
    right = _text(_RIGHT, _HEIGHT - 8, x.name, "end")
    return join([_text(4, 16, y.name, "start"), right])


def _path(points: Sequence[Point], x: Scale, y: Scale, kind: str) -> Markup:
    if len(points) == 1:
        return Markup(f'<circle class="dot" cx="{x.place(points[0][0]):.1f}" cy="{y.place(points[0][1]):.1f}" r="3"/>')
    places = " ".join(f"{x.place(px):.1f},{y.place(py):.1f}" for px, py in points)
    return Markup(f'<polyline class="{kind}" points="{places}"/>')


def _within(points: Sequence[Point], y: Scale) -> Sequence[Point]:
    """Without what lies below or above the plot."""
    return [point for point in points if y.low <= point[1] <= y.high]


def _marker(x: float, y: float, word: str) -> Markup:
    """A point with its word on the side where there is more room."""
    dot = f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    is_left = x < (_LEFT + _RIGHT) / 2
    label = _text(x + 7 if is_left else x - 7, y - 5 if is_left else y + 13, shorten(word, _LABEL),
                  "start" if is_left else "end", "word")  # fmt: skip
    return join([Markup(dot), label])


def _last(x: float, y: float, value: str) -> Markup:
    dot = f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    return join([Markup(dot), _text(x, y - 9 if y > _TOP + 14 else y + 18, value, "end", "value")])


def _text(x: float, y: float, text: str, anchor: str, kind: str = "name") -> Markup:
    place = f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
    return Markup(f"{place}{escape(text)}</text>")


def axis(name: str, log: bool = False, from_zero: bool = False, show: Callable[[float], str] = brief) -> Axis:
    """An axis whose numbers are written in few characters."""
    return Axis(name, show, log, from_zero)

"""The page of a map: HTML, and what it has to know before it reads the arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from w2v_spark.explore.arrays import embed_json
from w2v_spark.report.markup import escape, shorten
from w2v_spark.report.style import DARK, LIGHT

SCRIPTS: Final = (
    "data.js", "colours.js", "view.js", "points.js", "labels.js", "pointers.js", "pane.js", "search.js",
    "analogies.js", "panel.js", "main.js",
)  # fmt: skip
"""In the order in which they are run."""
STYLE: Final = "map.css"
MARK: Final = '<meta name="generator" content="w2v-spark explore">'
# Nothing comes from elsewhere, and no script but those in the folder runs, whatever a mistake might let in.
_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
)
_TITLE: Final = 80


def render_page(manifest: Mapping[str, Any]) -> str:
    """``index.html``, to be written as UTF-8.

    Parameters
    ----------
    manifest : mapping
        Has ``title``; the scripts read the rest of it.
    """
    title = escape(shorten(str(manifest["title"]), _TITLE))
    body = _asset("page.html").decode("utf-8")
    scripts = "\n".join(f'<script src="assets/{name}"></script>' for name in SCRIPTS)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            MARK,
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<link rel="icon" href="data:,">',
            f"<title>{title} – map of words</title>",
            f'<link rel="stylesheet" href="assets/{STYLE}"></head>',
            "<body>",
            body.strip(),
            f'<script type="application/json" id="manifest">{embed_json(manifest)}</script>',
            scripts,
            "</body></html>\n",
        ]
    )


def asset_files() -> Iterator[tuple[str, bytes]]:
    """Names and contents of the scripts and the style of a page."""
    for name in SCRIPTS:
        yield name, _asset(name)
    palette = f":root {{{LIGHT}}}\n@media (prefers-color-scheme: dark) {{ :root {{{DARK}}} }}\n"
    yield STYLE, palette.encode() + _asset(STYLE)


def _asset(name: str) -> bytes:
    return (files("w2v_spark.explore") / "assets" / name).read_bytes()

"""Write the tables of options in docs/reference/commands.md from the parsers of the commands.

``python -m tools.command_tables`` does it; ``tests/unit/test_docs.py`` fails where that is due.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final

from w2v_spark.cli.parsers import build_command_parser

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "docs" / "reference" / "commands.md"

_MARKED: Final = re.compile(r"(<!-- options: begin (\w+) -->\n).*?(<!-- options: end -->)", re.DOTALL)


def render_table(command: str) -> str:
    """A Markdown table with a row for each option of a command, in the order of its ``--help``."""
    parser = build_command_parser(command)
    options = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    rows = [(f"`{_usage(option)}`", _meaning(parser, option)) for option in options]
    return "".join(f"| {name} | {meaning} |\n" for name, meaning in [("option", "meaning"), ("---", "---"), *rows])


def fill(document: str) -> str:
    """The text of a document with the tables of today between its marks."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{render_table(found[2])}\n{found[3]}", document)


def _usage(option: argparse.Action) -> str:
    """An option as users write it: ``--input PATH...``."""
    if not option.option_strings:
        return f"{option.metavar}{'...' if option.nargs == '*' else ''}"
    name = option.option_strings[-1]
    if option.nargs == 0:
        return name
    value = option.metavar or option.dest.upper()
    return f"{name} {value}{'...' if option.nargs == '+' else ''}"


def _meaning(parser: argparse.ArgumentParser, option: argparse.Action) -> str:
    """What ``--help`` says about an option, with what else ``--help`` shows of it."""
    text = parser._get_formatter()._expand_help(option).replace("|", "\\|").strip()
    notes = []
    if option.choices is not None:
        notes.append(f"one of {', '.join(f'`{choice}`' for choice in option.choices)}")
    if option.required and option.nargs != "*":
        notes.append("needed")
    return "; ".join([text, *notes])


def main() -> None:
    """Bring the document up to date."""
    DOCUMENT.write_text(fill(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

"""The report of an evaluation as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from w2v_spark.evaluation.kind import Column, Form, Kind
from w2v_spark.evaluation.kinds import KINDS

Report = Mapping[str, Any]
WIDTH: Final = 100


def format_report(report: Report) -> str:
    """The report of `w2v_spark.evaluation.suite.evaluate` as tables, for 100 columns where names are not long."""
    lines = [_model(report)]
    if "against" in report:
        lines.append(f"against {_model(report['against'])}")
    lines.append(
        f"[a, b] is the {report['level']:.0%} interval of a bootstrap over items ({report['resamples']:,} resamples, "
        f"seed {report['seed']})"
    )
    for kind in KINDS.values():
        sets = report[kind.name]
        for group in ([one] for one in sets) if kind.has_parts else ([sets] if sets else []):
            lines += ["", *_format_sets(kind, group, report)]
    return "\n".join(lines)


def _model(report: Report) -> str:
    more = "; words outside the vocabulary by their n-grams, but in analogies" if report["subwords"] else ""
    return f"{report['vectors']}: {report['words_read']:,} words read, D = {report['dim']}{more}"


def _format_sets(kind: Kind, sets: Sequence[Report], report: Report) -> list[str]:
    """The table of one set with parts, or of several without."""
    if kind.has_parts:
        (one,) = sets
        title = f"{kind.name}: {PurePath(one['file']).name}"
        totals = [value for key, value in one.items() if isinstance(value, Mapping)]
        rows = [*one["sections"], *totals]
        compared = totals or one["sections"]
    else:
        title, totals = kind.name, []
        rows = compared = [{**one, "name": PurePath(one["file"]).name} for one in sets]
    lines = [f"{title} (among the {sets[0]['restrict']:,} most frequent words)"]
    lines += _grid([["", *_titles(kind, rows)], *([_name(row), *_cells(kind, row, rows)] for row in rows)], totals)
    if "against" in report:
        lines += _compare(kind, compared)
    notes = [f"{row['name']}: {row['read_as']}" for row in rows if "read_as" in row]
    notes += [sets[0]["protocol"]] if "protocol" in sets[0] else []
    for note in (*notes, report["unknown"][kind.name]):
        lines += textwrap.wrap(note, WIDTH, initial_indent="  (", subsequent_indent="   ", break_long_words=False)
        lines[-1] += ")"
    return lines


def _name(row: Report) -> str:
    """In one line: names in JSON may have several."""
    return " ".join(row["name"].split())


def _titles(kind: Kind, rows: Sequence[Report]) -> list[str]:
    return [title for column in kind.columns for title in [column.title, *([""] * _has_interval(column, rows))]]


def _cells(kind: Kind, row: Report, rows: Sequence[Report]) -> list[str]:
    cells = []
    for column in kind.columns:
        cells.append(_show(row.get(column.key), column.form) if _is_answered(row) else _show_empty(row, column))
        if _has_interval(column, rows):
            cells.append(_show_interval(row.get("intervals", {}).get(column.key), column.form))
    return cells


def _has_interval(column: Column, rows: Sequence[Report]) -> bool:
    return any(column.key in row.get("intervals", {}) for row in rows)


def _is_answered(row: Report) -> bool:
    return bool(row.get("answered", True))


def _show_empty(row: Report, column: Column) -> str:
    return _show(row[column.key] if column.form is Form.COUNT else None, column.form)


def _compare(kind: Kind, rows: Sequence[Report]) -> list[str]:
    """A line for each measure of the two models: both values, and the difference on the items that both answer."""
    table = [["", "this", "against", "difference", "", "items", "McNemar p"]]
    for row in rows:
        paired = row.get("paired", {})
        for column in kind.columns:
            if column.key in paired:
                found = paired[column.key]
                one, other, difference = found["candidate"], found["incumbent"], found["difference"]
                chance = found.get("mcnemar", {}).get("p")
                more = [_show_interval(found["interval"], column.form, "+"), f"{found['items']:,}"]
            elif not paired and column is kind.columns[0]:
                one, other, chance = row[column.key], row["against"][column.key], None
                difference, more = None if one is None or other is None else one - other, ["", ""]
            else:
                continue
            numbers = [_show(one, column.form), _show(other, column.form), _show(difference, column.form, "+"), *more]
            p = "" if chance is None else _show(chance, Form.CHANCE)
            table.append([f"{_name(row)} {column.title}", *numbers, p])
    used = [place for place in range(len(table[0])) if place < 4 or any(line[place] for line in table[1:])]
    return ["", *_grid([[line[place] for place in used] for line in table], [])]


def _grid(table: Sequence[Sequence[str]], totals: Sequence[Report]) -> list[str]:
    """Cells in columns, the first to the left, with a line above the totals."""
    widths = [max(len(line[place]) for line in table) for place in range(len(table[0]))]
    lines = [f"{name:<{widths[0]}}" + "".join(map(_pad, cells, widths[1:])) for name, *cells in table]
    if totals and len(totals) < len(table) - 1:
        lines.insert(len(lines) - len(totals), "-" * max(map(len, lines)))
    return [line.rstrip() for line in lines]


def _pad(cell: str, width: int) -> str:
    return f" {cell:<{width}}" if cell.startswith("[") else f"  {cell:>{width}}" if width else ""


def _show(value: float | None, form: Form, sign: str = "") -> str:
    if value is None:
        return "-"
    if form is Form.COUNT:
        return f"{value:,}"
    if form is Form.CHANCE:
        return f"{value:.4f}" if value >= 0.0001 else f"{value:.0e}"
    return f"{100 * value:{sign}.2f} %" if form is Form.SHARE else f"{value:{sign}.4f}"


def _show_interval(ends: Sequence[float | None] | None, form: Form, sign: str = "") -> str:
    if ends is None:
        return ""
    shown = [f"{100 * end:{sign}.1f}" if form is Form.SHARE else f"{end:{sign}.3f}" for end in ends if end is not None]
    return f"[{', '.join(shown)}]" if shown else ""

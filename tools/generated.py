"""Write what is made from the table of settings: tables of the documentation, and the types of Params.

``make generated`` runs it; ``tests/unit/test_generated.py`` fails where that is due.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from w2v_spark.config import SETTINGS, Entry
from w2v_spark.ml.param_table import DOCUMENT_PARAMS, PARAMS, ParamEntry

ROOT: Final = Path(__file__).resolve().parents[1]
STUB: Final = ROOT / "w2v_spark" / "ml" / "params.pyi"
DOCUMENTS: Final = (ROOT / "docs" / "reference" / "configuration.md", ROOT / "docs" / "guide" / "estimator.md")

_MARKED: Final = re.compile(r"(<!-- settings: begin (\w+) -->\n).*?(<!-- settings: end -->)", re.DOTALL)
_SPARKS: Final = ("inputCol", "outputCol")  # Params that Spark declares, with their getters
_LARGE: Final = 1 << 31


def render_tables() -> dict[str, str]:
    """Markdown tables by the name that stands in the marks of a document.

    ``text``, ``vocabulary``, ``model`` and ``train`` are the sections of a configuration, ``mllib_params`` the Params
    that `pyspark.ml.feature.Word2Vec` has as well, ``own_params`` all others, and ``document_params`` those that
    `Doc2Vec` alone has.
    """
    tables = {section: _section_table(entries) for section, entries in groupby(SETTINGS, lambda each: each.section)}
    is_mllibs = {name: bool(param.entry and param.entry.setting.mllib_default) for name, param in PARAMS.items()}
    tables["mllib_params"] = _table(
        ("Param", "key", "MLlib's default", "ours", "note"),
        (_mllib_row(param, param.entry) for name, param in PARAMS.items() if is_mllibs[name] and param.entry),
    )
    tables["own_params"] = _table(
        ("Param", "key", "default", "meaning"),
        (_own_row(param) for name, param in PARAMS.items() if not is_mllibs[name] and name not in _SPARKS),
    )
    tables["document_params"] = _table(
        ("Param", "key", "default", "meaning"),
        (_own_row(param) for name, param in DOCUMENT_PARAMS.items() if name not in PARAMS),
    )
    return tables


def fill(document: str) -> str:
    """The text of a document with the tables of today between its marks."""
    tables = render_tables()
    return _MARKED.sub(lambda found: f"{found[1]}\n{tables[found[2]]}\n{found[3]}", document)


def render_stub() -> str:
    """The types of what `w2v_spark.ml.params` makes."""
    return "\n".join(
        [
            "# Written by `make generated` from the table of settings; do not edit.",
            "import os",
            "from typing import Self, TypedDict",
            "",
            "from pyspark.ml.param import Param",
            "from pyspark.ml.param.shared import HasInputCol, HasMaxIter, HasOutputCol, HasSeed, HasStepSize",
            "",
            *_stub_of("Keywords", "Word2Vec", PARAMS),
            *_stub_of("DocumentKeywords", "Doc2Vec", DOCUMENT_PARAMS),
        ]
    )


def _stub_of(keywords: str, owner: str, table: dict[str, ParamEntry]) -> list[str]:
    own = {name: param for name, param in table.items() if name not in _SPARKS}
    return [
        f"class {keywords}(TypedDict, total=False):",
        *(f"    {name}: {_type(param)} | None" for name, param in table.items()),
        "",
        f"class {owner}Params(HasStepSize, HasMaxIter, HasSeed, HasInputCol, HasOutputCol):",
        *(f"    {name}: Param[{_value_type(param)}]" for name, param in own.items()),
        "    def __init__(self) -> None: ...",
        *(f"    def get{param.accessor}(self) -> {_value_type(param)}: ..." for param in own.values()),
        "",
        f"class {owner}Setters({owner}Params):",
        *(f"    def set{param.accessor}(self, value: {_type(param)}) -> Self: ..." for param in table.values()),
        "",
    ]


def write_all() -> None:
    """Bring all files up to date."""
    STUB.write_text(render_stub(), encoding="utf-8")
    for path in DOCUMENTS:
        path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8")


def _section_table(entries: Iterable[Entry]) -> str:
    names = ("key", "default", "range", "meaning", "gensim", "MLlib", "C program")
    return _table(names, map(_setting_row, entries))


def _setting_row(entry: Entry) -> list[str]:
    known = entry.setting
    return [
        f"`{entry.name}`", _code(entry.default), _range(entry), known.help, known.gensim, known.mllib, known.c_program,
    ]  # fmt: skip


def _mllib_row(param: ParamEntry, entry: Entry) -> list[str]:
    return [
        f"`{param.name}`", f"`{entry.name}`", entry.setting.mllib_default, _code(param.default),
        entry.setting.param_note,
    ]  # fmt: skip


def _own_row(param: ParamEntry) -> list[str]:
    if param.entry is None:
        return [f"`{param.name}`", "", "" if param.default is None else _code(param.default), param.help]
    note = param.entry.setting.param_note
    return [
        f"`{param.name}`", f"`{param.entry.name}`", _code(param.default), "; ".join(filter(None, (param.help, note))),
    ]  # fmt: skip


def _range(entry: Entry) -> str:
    known = entry.setting
    parts = [_code(entry.word)] if entry.word else []
    if entry.value_type is bool:
        parts = ["`true`", "`false`", *parts]
    elif entry.choices:
        parts = [*map(_code, entry.choices), *parts]
    elif entry.value_type is str:
        parts = ["any name"]
    elif known.low is None:
        parts.append(f"above {_number(known.above)}, to {_number(known.high)}")
    else:
        parts.append(f"{_number(known.low)} to {_number(known.high)}")
    return ", ".join(filter(None, [*parts, known.limit]))


def _number(value: Any) -> str:
    """A bound; large ones as powers of two."""
    if not isinstance(value, int) or value < _LARGE - 1:
        return f"{value:,g}" if isinstance(value, float) else f"{value:,}"
    power = value.bit_length()
    return f"2^{power} - 1" if value == 2**power - 1 else f"2^{power - 1}"


def _code(value: Any) -> str:
    return f"`{json.dumps(value)}`"


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in _lines([*names], rows))


def _lines(names: list[str], rows: Iterable[Iterable[str]]) -> Iterator[list[str]]:
    yield names
    yield ["---"] * len(names)
    for row in rows:
        yield [*row]


def _type(param: ParamEntry) -> str:
    """What a setter takes."""
    return "str | os.PathLike[str]" if param.type is Path else _value_type(param)


def _value_type(param: ParamEntry) -> str:
    """What a getter returns."""
    names: dict[type, str] = {Path: "str", list: "list[str]", tuple: "int | list[int]"}
    name = names.get(param.type, param.type.__name__)
    return f"{name} | None" if param.default is None and param.name not in _SPARKS else name


if __name__ == "__main__":
    write_all()

"""The documents say what the code does, where that can be checked, and point to what exists."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.unit.test_layers import BASE, CORE, MAY_IMPORT
from tools.command_tables import fill
from w2v_spark.cli.parsers import COMMANDS, build_command_parser
from w2v_spark.config import Config

DOCS = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [
    ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "benchmarks").rglob("*.md")),
    *DOCS,
]  # fmt: skip
SOURCES = [
    path
    for folder in ("w2v_spark", "tests", "benchmarks", "tools", "jobs", "conf", "docker")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix in {".py", ".pyi", ".toml", ".conf", ".properties", ""}
] + [ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / "docker-compose.yml"]
KEYS = [
    (f"{section.name}.{key.name}", key.default)
    for section in dataclasses.fields(Config)
    for key in dataclasses.fields(getattr(Config(), section.name))
]
EACH_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(document: Path) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def rows(name: str) -> dict[str, list[str]]:
    """Rows of all tables of a document by their first cell, without back-quotes."""
    lines = [line for line in read(name).splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return {cells[0].strip("`"): cells for cells in table}


def anchors(document: Path) -> set[str]:
    """The fragments of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("key", "default"), KEYS, ids=[key for key, _ in KEYS])
def test_every_key_is_documented_with_its_default(key: str, default: object) -> None:
    row = rows("docs/reference/configuration.md")[key]
    assert row[1] == f"`{json.dumps(default)}`"
    if isinstance(default, StrEnum):
        assert row[2] == ", ".join(f"`{json.dumps(member.value)}`" for member in type(default))


def test_no_key_is_documented_that_does_not_exist() -> None:
    names = rows("docs/reference/configuration.md")
    assert {
        name for name in names if re.match(r"(text|phrases|vocabulary|model|train|counts|retrain|infer)\.", name)
    } == {key for key, _ in KEYS}


def test_the_tables_of_options_are_those_of_the_commands() -> None:
    document = read("docs/reference/commands.md")
    assert fill(document) == document, "run: python -m tools.command_tables"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_section_with_its_options(command: str) -> None:
    section = read("docs/reference/commands.md").split(f"\n## {command}\n")[1].split("\n## ")[0]
    assert re.findall(r"<!-- options: begin (\w+) -->", section) == [command]


def commands_of(document: Path) -> Iterator[list[str]]:
    """What stands behind ``w2v-spark`` in the blocks of a document, word by word, as a shell would cut it."""
    text = document.read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        lines = re.sub(r"\$\(w2v-spark path[^)]*\)", "$PATH", block.replace("\\\n", " ")).splitlines()
        while lines:
            line = lines.pop(0)
            while line.count('"') % 2 and lines:  # a query over several lines
                line += "\n" + lines.pop(0)
            if not re.match(r"w2v-spark |spark-submit .*\$PATH ", line):
                continue
            words = shlex.split(re.sub(r"\s# .*|\s{2,}#.*", "", line))
            first = 0 if words[0] == "w2v-spark" else len(words) - 1 - words[::-1].index("$PATH")
            words = words[first + 1 :]
            end = next((n for n, word in enumerate(words) if re.fullmatch(r"\d?>|;|&&|\||.*;", word)), len(words))
            yield words[:end]


COMMAND_LINES = [(path, words) for path in DOCUMENTS for words in commands_of(path)]


@pytest.mark.parametrize(
    ("document", "words"), COMMAND_LINES, ids=[f"{path.name}: {' '.join(words)[:60]}" for path, words in COMMAND_LINES]
)
def test_command_lines_have_options_that_exist(document: Path, words: list[str]) -> None:
    if "--help" not in words:
        build_command_parser(words[0]).parse_all(words[1:])


def test_command_lines_are_found() -> None:
    assert len(COMMAND_LINES) > 30
    assert {words[0] for _, words in COMMAND_LINES} >= COMMANDS.keys()


def test_the_rooms_are_those_that_the_test_of_layers_knows() -> None:
    table = read("docs/design/architecture.md").split("| room |")[1].split("\n\n")[0]
    shown = {cells[0].strip(" `"): cells[2].strip() for cells in (row.split("|")[1:] for row in table.splitlines()[2:])}
    assert shown == {room: render_rooms(allowed) for room, allowed in MAY_IMPORT.items()}


def render_rooms(allowed: set[str]) -> str:
    """The rooms that one may import, as the table has them."""
    word, known = next(((w, group) for w, group in (("core", CORE), ("base", BASE)) if group <= allowed), ("", set()))
    return ", ".join([word] * bool(word) + [f"`{room}`" for room in sorted(allowed - known)]) or "nothing"


@EACH_DOCUMENT
def test_links_point_to_what_exists(document: Path) -> None:
    text = prose(document)
    targets = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE)
    wrong = []
    for target in targets:
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, fragment = target.partition("#")
        file = document.parent / name if name else document
        if not file.exists() or (fragment and file.suffix == ".md" and fragment not in anchors(file)):
            wrong.append(target)
    assert wrong == []


@EACH_DOCUMENT
def test_files_of_the_project_that_are_named_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(
        r"(?<![\w/.])(?:docs|conf|jobs|tests|tools|w2v_spark|benchmarks)/[\w/.-]*\w\.(?:py|md|toml|conf|json)", text
    )
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_documents_that_the_code_names_exist() -> None:
    named = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in SOURCES
        for name in re.findall(r"\bdocs/[\w/-]+\.(?:md|svg)", path.read_text(encoding="utf-8"))
    }
    assert sorted((path, name) for path, name in named if not (ROOT / name).is_file()) == []
    assert len(named) > 10


def test_every_dependency_says_what_it_is_for() -> None:
    """Beside it, or above the group; those for development are known to whoever develops."""
    lines = read("pyproject.toml").split("\ndependencies = [")[1].split("\ndev = [")[0].splitlines()
    bare, group_comment = [], False
    for line in lines[1:]:
        if line.startswith(('    "', "java = ")) and "#" not in line and not group_comment:
            bare.append(line.strip())
        elif not line.startswith(("    ", "]")):
            group_comment = line.startswith("#") or (group_comment and line.endswith("= ["))
    assert bare == []
    assert sum('"' in line for line in lines) > 8


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_index_names_every_document(document: Path) -> None:
    if document.name != "README.md":
        assert f"]({document.relative_to(ROOT / 'docs').as_posix()})" in read("docs/README.md")


def test_every_test_that_a_document_names_exists() -> None:
    known = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    known |= {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    for document in DOCUMENTS:
        named = set(re.findall(r"\btest_\w+", document.read_text(encoding="utf-8")))
        assert named <= known, document.name
    assert "::test_" not in read("docs/reference/differences.md")  # test_differences.py has them

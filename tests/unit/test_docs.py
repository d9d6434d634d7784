"""The documents say what the code does, where that can be checked, and point to files that exist."""

from __future__ import annotations

import dataclasses
import json
import re
from enum import StrEnum
from pathlib import Path

import pytest

from tests.conftest import ROOT
from w2v_spark.cli.parsers import COMMANDS, build_command_parser
from w2v_spark.config import Config

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
KEYS = [
    (f"{section.name}.{key.name}", key.default)
    for section in dataclasses.fields(Config)
    for key in dataclasses.fields(getattr(Config(), section.name))
]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(name: str) -> dict[str, list[str]]:
    """Rows of all tables of a document by their first cell, without back-quotes."""
    lines = [line for line in read(name).splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return {cells[0].strip("`"): cells for cells in table}


@pytest.mark.parametrize(("key", "default"), KEYS, ids=[key for key, _ in KEYS])
def test_every_key_is_documented_with_its_default(key: str, default: object) -> None:
    row = rows("docs/configuration.md")[key]
    assert row[1] == f"`{json.dumps(default)}`"
    if isinstance(default, StrEnum):
        assert row[2] == ", ".join(f"`{json.dumps(member.value)}`" for member in type(default))


def test_no_key_is_documented_that_does_not_exist() -> None:
    documented = {name for name in rows("docs/configuration.md") if re.match(r"(text|vocabulary|model|train)\.", name)}
    assert documented == {key for key, _ in KEYS}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented(command: str) -> None:
    section = read("docs/configuration.md").split(f"## w2v-spark {command}\n")[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE))
    actions = build_command_parser(command)._actions
    assert documented == {action.option_strings[-1] for action in actions} - {"--help"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_point_to_files_that_exist(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE)
    relative = [target.partition("#")[0] for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:|#", target)]
    assert [target for target in relative if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_of_the_project_that_are_named_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(
        r"(?<![\w/.])(?:docs|conf|jobs|tests|w2v_spark|benchmarks)/[\w/.-]*\w\.(?:py|md|toml|conf)", text
    )
    assert [name for name in named if not (ROOT / name).is_file()] == []


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
    assert len(re.findall(r"\btest_\w+", read("docs/deviations.md"))) > 30


def test_deviations_name_tests_of_the_file_they_name() -> None:
    """``test_file.py::test_name``, and ``::test_name`` for a further test of the file named last."""
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    missing, file = [], ""
    for name, test in re.findall(r"`(test_\w+\.py)?::(test_\w+)`", read("docs/deviations.md")):
        file = name or file
        if f"def {test}(" not in files.get(file, ""):
            missing.append(f"{file}::{test}")
    assert missing == []

"""Any bytes give a result or one of our errors: a short piece of what ``make fuzz`` does, the same every time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.fuzz import engine
from tests.fuzz.__main__ import main
from tests.fuzz.mutations import mutate
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS
from tests.fuzz.vector_targets import MATRIX, seal
from w2v_spark.config.configuration import SETTINGS

INPUTS = 200  # of each target


def fuzz(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, whose end is seen."""
    command = [sys.executable, "-m", "tests.fuzz", "--engine", "mutations", "--directory", str(directory), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_target_holds_for_a_while(tmp_path: Path) -> None:
    done = fuzz(tmp_path, "--inputs", str(INPUTS), "--run", "all")
    assert done.returncode == 0, done.stderr[-3000:]
    assert [path.read_text()[:2000] for path in sorted(tmp_path.rglob("finding-*.txt"))] == []
    for name in TARGETS:
        tally = engine.read_tally(tmp_path / name)
        assert tally.inputs >= INPUTS
        assert 0 < tally.accepted < tally.inputs + 1


@pytest.mark.parametrize("name", [*TARGETS])
def test_seeds_are_accepted(name: str) -> None:
    """Most of them: what is refused at once teaches a fuzzer little."""
    target = TARGETS[name]
    seeds = target.seeds()
    assert sum(map(target.accepts, seeds)) > len(seeds) / 2


def test_targets_leave_the_clock_alone() -> None:
    """They are imported beside other tests, whose threads would spin if sleeping took no time."""
    assert time.sleep.__module__ == "time"


def test_what_is_found_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: bytes) -> None:
        if b"z" in data:
            raise KeyError("not ours")

    target = Target(lambda: [b"abc", b"xyz"], fails)
    engine.run_mutations(target, tmp_path, 60, 50, 1)
    (found,) = tmp_path.glob("finding-*.txt")
    assert found.read_text().startswith("KeyError test_fuzz.py")
    assert b"z" in found.with_suffix("").read_bytes()
    assert engine.read_tally(tmp_path).inputs == 52


def test_targets_run_in_processes_whose_end_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = fuzz(tmp_path, "--inputs", "20", "--seconds", "30", "--jobs", "1", "analogies")
    assert (done.returncode, done.stdout.count("analogies")) == (0, 2), done.stdout + done.stderr
    monkeypatch.setattr(sys, "executable", str(tmp_path / "abort"))
    (tmp_path / "abort").write_text("#!/bin/sh\necho last words\nkill -ABRT $$\n")
    (tmp_path / "abort").chmod(0o755)
    arguments = ["--inputs", "20", "--seconds", "30", "--jobs", "1", "--directory", str(tmp_path), "analogies"]
    assert main(arguments) == 1
    (found,) = (tmp_path / "analogies").glob("finding-*.txt")
    assert found.read_text() == "the process ended with -6 #0\n\nlast words\n"


def test_mutations_are_the_same_every_time() -> None:
    seeds = TARGETS["analogies"].seeds()
    first, second = (
        [mutate(seeds, (b"x",), chance) for _ in range(50)] for chance in (random.Random(3), random.Random(3))
    )
    assert first == second
    assert len(set(first)) > 40


def test_sealing_makes_a_table_whole() -> None:
    """The fuzzer's own forgery is good: what it changes in the numbers is read."""
    content = TARGETS["forged-table"].seeds()[0]
    place = content.index(MATRIX[5].tobytes())
    forged = content[:place] + MATRIX[6].tobytes() + content[place + len(MATRIX[6].tobytes()) :]
    assert not TARGETS["other-table"].accepts(forged)
    assert TARGETS["other-table"].accepts(seal(forged))
    assert seal(content) == content


_NUMBERS = st.one_of(st.integers(), st.integers(10**300, 10**400), st.floats())
_PLAIN = st.one_of(st.none(), st.booleans(), _NUMBERS, st.text(), st.lists(st.integers(), max_size=2))
_KEYS = st.sampled_from([f"{entry.section}.{entry.key}" for entry in SETTINGS] + ["train.x", "x.y", "train"])


@given(st.dictionaries(_KEYS, _PLAIN, max_size=6))
def test_settings_of_any_kind_give_a_configuration_or_our_error(values: dict[str, Any]) -> None:
    sections: dict[str, Any] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        if key:
            if isinstance(sections.setdefault(section, {}), dict):
                sections[section][key] = value
        else:
            sections[section] = value
    TARGETS["configuration"].accepts(b"\x02" + json.dumps(sections).encode())


@given(st.dictionaries(_KEYS, st.text(max_size=40), min_size=1, max_size=1))
def test_any_override_gives_a_configuration_or_our_error(values: dict[str, str]) -> None:
    ((name, value),) = values.items()
    TARGETS["configuration"].accepts(b"\x01" + f"{name}={value}".encode("utf-8", "surrogatepass"))


_FIELD = st.one_of(st.text(max_size=8), st.floats().map(repr), st.sampled_from(["", '"', "a b", "1,5", "nan", "word1"]))


@given(st.sampled_from("\t;, "), st.lists(st.lists(_FIELD, min_size=1, max_size=6), max_size=6), st.integers(0, 4))
def test_any_lines_of_fields_are_pairs_or_our_error(mark: str, lines: list[list[str]], delimiter: int) -> None:
    text = "\n".join(mark.join(fields) for fields in lines)
    TARGETS["pair-files"].accepts(bytes([delimiter]) + text.encode("utf-8", "surrogatepass"))


_NUMBER = st.one_of(
    st.floats(width=32).map(repr), st.integers().map(str), st.sampled_from(["1e39", "inf", "0x1", "1_0", "", "-"])
)


@given(
    st.tuples(st.integers(-1, 9), st.integers(-1, 9)),
    st.lists(st.tuples(st.text(max_size=6), st.lists(_NUMBER, max_size=4)), max_size=6),
    st.integers(0, 255),
)
def test_any_lines_of_numbers_are_vectors_or_our_error(
    header: tuple[int, int], rows: list[tuple[str, list[str]]], options: int
) -> None:
    lines = [" ".join(map(str, header)), *(" ".join([word, *numbers]) for word, numbers in rows)]
    TARGETS["import-text"].accepts(bytes([options]) + "\n".join(lines).encode("utf-8", "surrogatepass"))

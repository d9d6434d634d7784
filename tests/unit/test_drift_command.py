"""``w2v-spark drift``: which words have changed most between two models, in units of seed noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.commands import drift
from tests.unit.vector_files import make_table

V, D = 400, 10
WORDS = [f"w{row}" for row in range(V)]
CHANGED = 150


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three spaces: ``before``; ``after``, in which one word has moved; and ``seed``, which is ``after`` once more.

    Rare words are noisier than frequent ones.
    """
    random = np.random.default_rng(5)
    points = random.standard_normal((V, D))
    shaken = 0.05 + 0.5 * np.arange(V)[:, None] / V

    def space(name: str, moved: bool) -> None:
        rows = points + shaken * random.standard_normal((V, D))
        if moved:
            rows[CHANGED] = -points[CHANGED]
        turn = np.linalg.qr(random.standard_normal((D, D)))[0]
        make_table(tmp_path / name, WORDS, (rows @ turn).astype(np.float32))

    for name, moved in (("before", False), ("after", True), ("seed", True)):
        space(name, moved)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(place: str = "out") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pq.read_table(place).to_pylist()
    return rows


def test_the_word_that_has_changed_comes_first(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drift(["--before", "before", "--after", "after", "--other-seed", "seed", "--output", "out"]) == 0
    rows = table()
    assert rows[0]["word"] == f"w{CHANGED}"
    assert rows[0]["noise"] > 5 * rows[1]["noise"]  # type: ignore[operator]
    assert [row["noise"] for row in rows] == sorted((row["noise"] for row in rows), reverse=True)  # type: ignore[type-var]
    assert np.median([row["noise"] for row in rows]) == pytest.approx(1, abs=0.3), "the others are as seeds are"
    assert len(rows) == V
    shown = capsys.readouterr().out
    assert f"w{CHANGED}" in shown
    assert "seed noise" in shown
    assert sorted(path.name.split("-")[0] for path in (here / "out").iterdir()) == ["_SUCCESS", "part"]


def test_units_are_those_of_the_rarer_side(here: Path) -> None:
    """Words of another order have other frequencies: each of the two ends is the rarest word of one of the spaces."""
    make_table(here / "reordered", WORDS[::-1], np.random.default_rng(1).standard_normal((V, D)).astype(np.float32))
    assert drift(["--before", "reordered", "--after", "after", "--other-seed", "seed", "--output", "out"]) == 0
    rows = {row["word"]: row for row in table()}
    units = {name: (1 - rows[name]["cosine"]) / rows[name]["noise"] for name in ("w0", "w200", f"w{V - 1}")}  # type: ignore[operator]
    assert units["w0"] == pytest.approx(units[f"w{V - 1}"])
    assert units["w200"] < units["w0"]


def test_without_another_seed_the_cosine_decides(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_table(
        here / "fewer", [*WORDS[:50], "new"], np.random.default_rng(1).standard_normal((51, D)).astype(np.float32)
    )
    assert drift(["--before", "before", "--after", "fewer", "--output", "out"]) == 0
    rows = table()
    assert all(row["noise"] is None for row in rows)
    cosines = [row["cosine"] for row in rows[:50]]
    assert cosines == sorted(cosines)  # type: ignore[type-var]
    assert all(row["cosine"] is None for row in rows[50:])
    assert {row["word"] for row in rows[50:]} == {"new", *WORDS[50:]}


def test_zero_vectors_have_not_changed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = np.random.default_rng(4).standard_normal((V, D)).astype(np.float32)
    rows[:30] = 0
    make_table(here / "zeros", WORDS, rows)
    assert drift(["--before", "zeros", "--after", "zeros", "--other-seed", "zeros", "--output", "out"]) == 0
    assert [row["word"] for row in table()[-30:]] == WORDS[:30]
    assert {(row["cosine"], row["noise"]) for row in table()[-30:]} == {(None, None)}
    assert "1 - cosine of 0.0000 (frequent)" in capsys.readouterr().out


def test_long_and_hostile_words_stay_in_their_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["x" * 5000, "a\nb", "\x1b[31mred", *WORDS[3:]]
    rows = np.random.default_rng(2).standard_normal((V, D)).astype(np.float32)
    make_table(here / "one", words, rows)
    rows[:3] *= -1
    make_table(here / "two", words, rows)
    assert drift(["--before", "one", "--after", "two", "--aligned", "--output", "out"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("x" * 50, r"'a\nb'", r"'\x1b[31mred'"))
    assert max(map(len, shown.splitlines())) < 120
    assert {len(line) for line in shown.splitlines()[-10:]} == {66}, "columns stand below each other"


def test_spaces_that_are_one_are_not_turned(here: Path) -> None:
    for name, options in (("turned", ""), ("aligned", "--aligned")):
        assert drift(f"--before before --after before --output {name} {options}".split()) == 0
        assert drift(f"--before before --after after --output {name} --overwrite {options}".split()) == 0
    turned, aligned = (np.median([row["cosine"] for row in table(name)]) for name in ("turned", "aligned"))
    assert turned > 0.8
    assert abs(aligned) < 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--before before --after wide --output out", "the spaces differ in dimension: before 10, after 11"),
        ("--before before --after few --output out", "only 9 words are common to two spaces of 10 dimensions"),
        ("--before before --after after --other-seed few --output out", "only 9 words are common to two spaces"),
        ("--before before --after zero --output out", "all vectors of common words are zero in one of the two spaces"),
        ("--before before --after other --output out", "no word is common to the two spaces"),
        ("--before before --after after --output out --words 0", "--words = 0 is not allowed"),
        ("--before before --after after --output before", "lies within"),
        ("--before before --after after --output taken", "--output"),
        ("--before before --after nothing --output out", "nothing does not exist"),
    ],
)
def test_what_is_refused(here: Path, capsys: pytest.CaptureFixture[str], options: str, message: str) -> None:
    make_table(here / "wide", WORDS, np.ones((V, D + 1), np.float32))
    make_table(here / "zero", WORDS, np.zeros((V, D), np.float32))
    make_table(here / "few", WORDS[:9], np.eye(9, D, dtype=np.float32))
    make_table(here / "other", [word.upper() for word in WORDS], np.ones((V, D), np.float32))
    (here / "taken").mkdir()
    (here / "taken" / "thesis.txt").write_text("mine")
    assert drift(options.split()) == 2
    assert message in capsys.readouterr().err
    assert not (here / "out").exists()

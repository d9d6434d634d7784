"""What the benchmark of the quality of phrases reads, has gensim join, and judges by."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import bench_phrase_quality, gensim_phrases
from benchmarks.bench_phrase_quality import OURS, THEIRS, compare_titles, judge, write_passages


def test_passages_have_a_name_and_the_sentences_about_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "One begins. Two is about St. Louis in May. Three follows it. Four is far away.",
        "Nothing is here. Nor is it there.",
        "ST. LOUIS again. Five is near.\nSix is not. Seven has St. Louis.",
    ]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")

    def passages(most: int) -> list[str]:
        monkeypatch.setattr(bench_phrase_quality, "PASSAGES", most)
        path = write_passages([tmp_path / "a.parquet"], {"St._Louis", "Paris"}, tmp_path / "out.parquet")
        return [text.replace("\n", " | ") for text in pq.read_table(path)["text"].to_pylist()]

    about = "One begins. | Two is about St. Louis in May. | Three follows it."
    assert passages(1) == [about]
    assert passages(2) == [about, "ST. LOUIS again. | Five is near."]
    assert passages(9)[1].endswith("Seven has St. Louis.")
    assert len(passages(9)) == 2


def test_gensim_joins_phrases_of_phrases(tmp_path: Path) -> None:
    """Whose second pass has longer phrases only."""
    lines = ["x{0} new york city y{0}", "new york z{0}", "u{0} v{0} w{0} x{1}"]
    text = "\n".join(line.format(n, n + 1) for n in range(60) for line in lines) + "\n"
    (tmp_path / "text").write_text(text)
    command = ["--text", str(tmp_path / "text"), "--min-count", "5", "--thresholds", "1", "0.5"]
    assert gensim_phrases.main([*command, "--joined", str(tmp_path / "j.txt"), "--report", str(tmp_path / "r")]) == 0
    first, second = (one["phrases"] for one in json.loads((tmp_path / "r").read_text())["passes"])
    assert sorted(first) == ["new_york", "york_city"]  # of which the latter is never joined
    assert second == ["new_york_city"]
    assert (tmp_path / "j.txt").read_text().splitlines()[:2] == ["x0 new_york_city y0", "new_york z0"]


def test_titles_are_counted_among_as_many_phrases(tmp_path: Path) -> None:
    pq.write_table(pa.table({"title": ["New York", "Paris", "Sea (album)"], "text": [""] * 3}), tmp_path / "a.parquet")
    (row,) = compare_titles([["new_york", "of_the"]], [["of_the", "new_york", "in_a"]], tmp_path)
    assert (row[OURS], row[THEIRS], row["phrases"], row["found_gensim"]) == (0.5, 0.5, 2, 3)
    assert row["in_common"] == pytest.approx(2 / 3)


def test_the_promise_is_about_titles_accuracy_and_coverage() -> None:
    shares = {"gensim": [{OURS: 0.2, THEIRS: 0.1}, {OURS: 0.1, THEIRS: 0.2}]}
    rows = {
        OURS: [{"accuracy": 9.0, "coverage": 30.0}],
        THEIRS: [{"accuracy": 10.0, "coverage": 40.0}, {"accuracy": 12.0, "coverage": 40.0}],
    }
    assert [target.passed for target in judge(shares, rows)] == [True, False, True, False]

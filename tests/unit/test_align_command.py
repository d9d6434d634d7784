"""``w2v-spark align`` and what ``w2v-spark translate`` says of a test dictionary: files and errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.commands import align, translate
from tests.naive import translation as naive
from tests.unit.translated_spaces import D, make_spaces
from tests.unit.vector_files import make_table
from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.storage import Directory
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.neighbour_request import Request
from w2v_spark.vectors.search.csls import Measure

LEARNED = range(60)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with two spaces and their dictionaries."""
    spaces = make_spaces(shaken=0.5)
    spaces.write(tmp_path)
    spaces.dictionary(tmp_path / "learn.txt", LEARNED)
    spaces.dictionary(tmp_path / "test.txt", range(60, 300))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(command: str, arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The message of a command that must not succeed or leave anything behind."""
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert {"align": align, "translate": translate}[command](arguments.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before
    return printed.err


BOTH = "--source english --target french --output out"


def test_the_mapped_table_and_the_map(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert align(f"{BOTH} --dictionary learn.txt".split()) == 0
    assert "learn.txt: 60 pairs" in capsys.readouterr().out
    source, target, mapped = (KeyedVectors.load(name) for name in ("english", "french", "out"))
    w = naive.procrustes(source.matrix[:60], target.matrix[:60])
    np.testing.assert_allclose(np.load("out/rotation.npy"), w.T, rtol=0, atol=1e-10)
    np.testing.assert_allclose(mapped.matrix, source.matrix.astype(np.float64) @ w.T, rtol=0, atol=1e-5)
    assert mapped.words == source.words
    np.testing.assert_array_equal(mapped.counts, source.counts)
    assert sorted(path.name for path in (here / "out").iterdir()) == [
        "_SUCCESS", "model.json", "rotation.npy", "vectors",
    ]  # fmt: skip
    described = json.loads((here / "out" / "model.json").read_text())["alignment"]
    assert described["pairs"] == {"given": 60, "known": 60}
    assert [fitted["pairs"] for fitted in described["fitted"]] == [60]
    with pytest.raises(StoreError, match="vectors that were mapped into another space, not a training"):
        ModelDescription.read(Directory.open("out"))


def test_the_same_bytes_again(here: Path) -> None:
    contents = []
    for name in ("a", "b"):
        arguments = f"--source english --target french --dictionary learn.txt --refine 3 --center --output {name}"
        assert align(arguments.split()) == 0
        files = sorted(path for path in (here / name).rglob("*") if path.is_file())
        contents.append([(str(path.relative_to(here / name)), path.read_bytes()) for path in files])
    assert contents[0] == contents[1]


def test_a_centred_map_and_the_target_as_it_was(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, warned in (("", False), ("--center", True)):
        assert align(f"{BOTH} --dictionary learn.txt --overwrite {options}".split()) == 0
        for target in ("french", "out/target") if warned else ("french",):
            assert translate(f"--source out --target {target} --dictionary test.txt --quiet".split()) == 0
            error = capsys.readouterr().err
            assert ("compare with" in error and "out/target, not with --target french" in error) == (
                warned and target == "french"
            )


def test_a_centred_map_is_compared_with_the_centred_target(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert align(f"{BOTH} --dictionary learn.txt --center".split()) == 0
    assert "out/target: compare with this table" in capsys.readouterr().out
    unit = [naive.unit(KeyedVectors.load(name).matrix) for name in ("english", "french")]
    centred = [rows - rows.mean(axis=0) for rows in unit]
    w = naive.procrustes(*(rows[:60] for rows in centred))
    np.testing.assert_allclose(KeyedVectors.load("out").matrix, centred[0] @ w.T, rtol=0, atol=1e-5)
    np.testing.assert_allclose(KeyedVectors.load("out/target").matrix, centred[1], rtol=0, atol=1e-5)
    assert translate(["--source", "out", "--target", "out/target", "--dictionary", "test.txt"]) == 0
    # Another map takes the place of this one, and nothing of it is left.
    assert align(f"{BOTH} --dictionary learn.txt --overwrite".split()) == 0
    assert not (here / "out" / "target").exists()


def test_words_that_both_have_and_refinement(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spaces = make_spaces()
    for name, matrix in (("old", spaces.source), ("new", spaces.target[:300])):
        make_table(here / name, [f"w{row}" for row in range(300)], matrix)
    assert align(["--source", "new", "--target", "old", "--identical", "--refine", "2", "--output", "out"]) == 0
    shown = capsys.readouterr().out
    assert "identical words: 300 pairs" in shown
    assert shown.count("refined") == 2
    similarities = naive.unit(KeyedVectors.load("out").matrix) * naive.unit(spaces.source)
    assert similarities.sum(axis=1).mean() > 0.9


def test_precision_is_printed_and_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert align(f"{BOTH} --dictionary learn.txt".split()) == 0
    with (here / "test.txt").open("a") as file:
        file.write("nobody nowhere\n")
    capsys.readouterr()
    assert (
        translate(["--source", "out", "--target", "french", "--dictionary", "test.txt", "--report", "report.json"]) == 0
    )
    shown, report = capsys.readouterr().out, json.loads((here / "report.json").read_text())
    assert "240 of 241 words asked (coverage 99.6%), 240 of 241 pairs known" in shown
    source, target = KeyedVectors.load("out").matrix, KeyedVectors.load("french").matrix
    share, _ = naive.precision(naive.csls(source, target), [(row, row) for row in range(60, 300)], 5)
    assert report["csls"]["p@5"]["share"] == share
    low, high = report["csls"]["p@5"]["interval"]
    assert low < share < high
    assert f"{100 * share:.2f} %  {100 * low:.1f} to {100 * high:.1f}" in shown
    assert (
        translate(["--source", "out", "--target", "french", "--dictionary", "test.txt", "--report", "report.json"]) == 0
    )


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no pairs of words"),
        (
            "one two\nthree\n",
            "line 2: expected a word and its translation with white space between them, found 'three'",
        ),
        ("a b c\n", "line 1: expected a word and its translation"),
        ("chat cat\nchien dog\n", "of its 2 pairs none has two known words; the source has words like 'e0', 'e1'"),
        ("e1 cat\n", "of its 1 pairs none has two known words; the target has words like 'f0', 'f1'"),
        ("e1 f1\ne2 f2\n", "has 2 pairs of different known words for 8 dimensions"),
        ("".join(f"e1 f{row}\n" for row in range(20)), "has 1 pairs of different known words for 8 dimensions"),
    ],
)
def test_dictionaries(here: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    (here / "bad.txt").write_text(text)
    assert message in refused("align", f"{BOTH} --dictionary bad.txt", capsys)


def test_a_dictionary_that_is_not_there_or_no_text(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing.txt cannot be read" in refused("align", f"{BOTH} --dictionary nothing.txt", capsys)
    (here / "bad.txt").write_bytes(b"e1 f1\ne2 f\xff\n")
    error = refused("align", f"{BOTH} --dictionary bad.txt", capsys)
    assert "bad.txt, line 2 is not UTF-8 (invalid start byte at byte 11 of the file); save" in error


def test_pairs_of_unknown_words_are_left_out_and_counted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (here / "learn.txt").open("a") as file:
        file.write("\nnobody f1\r\ne1 nowhere\ne1   f1\n")
    assert align(f"{BOTH} --dictionary learn.txt".split()) == 0
    assert "60 pairs, 2 others have a word without a vector" in capsys.readouterr().out


@pytest.mark.parametrize(("rows", "spanned"), [(np.zeros((340, D)), 0), (np.ones((340, D)), 1), (np.eye(340, D), 8)])
def test_pairs_that_leave_the_map_open(
    here: Path, capsys: pytest.CaptureFixture[str], rows: Matrix, spanned: int
) -> None:
    make_table(here / "flat", [f"f{row}" for row in range(340)], rows.astype(np.float32))
    assert align(["--source", "english", "--target", "flat", "--dictionary", "learn.txt", "--output", "out"]) == 0
    said = f"WARNING       the words of the dictionary lie in {spanned} of 8 dimensions: in the others the map is any"
    assert (said in capsys.readouterr().out) == (spanned < D)


def test_spaces_of_two_dimensions(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_table(here / "wide", [f"f{row}" for row in range(9)], np.ones((9, D + 1), np.float32))
    error = refused("align", "--source english --target wide --output out --dictionary learn.txt", capsys)
    assert "the source has vectors of length 8, the target of 9" in error
    error = refused("translate", "--source english --target wide --dictionary test.txt", capsys)
    assert "the source has vectors of length 8, the target of 9" in error


def test_an_output_that_exists(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "out").mkdir()
    (here / "out" / "thesis.txt").write_text("mine")
    assert "--output" in (error := refused("align", f"{BOTH} --dictionary learn.txt", capsys))
    assert "exists; choose another directory, or give --overwrite" in error
    assert "holds 'thesis.txt'" in refused("align", f"{BOTH} --dictionary learn.txt --overwrite", capsys)
    (here / "out" / "thesis.txt").rename(here / "out" / "rotation.npy")
    assert "holds 'rotation.npy'" in refused("align", f"{BOTH} --dictionary learn.txt --overwrite", capsys)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "--dictionary and --identical: neither is given"),
        ("--identical --dictionary learn.txt", "--dictionary and --identical: both are given"),
        ("--identical", "no word is in both vocabularies"),
        ("--dictionary learn.txt --refine -1", "--refine = -1 is not allowed"),
    ],
)
def test_options_of_align(here: Path, capsys: pytest.CaptureFixture[str], options: str, message: str) -> None:
    assert message in refused("align", f"{BOTH} {options}", capsys)


@pytest.mark.parametrize("place", ["english/out", "french/out"])
def test_an_output_within_an_input(here: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    arguments = f"--source english --target french --dictionary learn.txt --output {place}"
    assert "lies within" in refused("align", arguments, capsys)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "nothing to do: give --output, --dictionary or both"),
        ("--output out --report r.json", "--report goes with --dictionary"),
        ("--dictionary test.txt --words learn.txt", "--words is about the table of --output"),
        ("--dictionary test.txt --skip-unknown", "--skip-unknown is about the table of --output"),
        ("--dictionary test.txt --report test.txt", "--report test.txt exists and is no report of this command"),
        ("--dictionary nothing.txt", "nothing.txt cannot be read"),
        ("--dictionary test.txt --topn 0", "--topn = 0 is not allowed: expected at least 1"),
        ("--dictionary test.txt --measure l2", "invalid choice: 'l2', expected one of csls, cosine"),
    ],
)
def test_options_of_translate(here: Path, capsys: pytest.CaptureFixture[str], options: str, message: str) -> None:
    assert message in refused("translate", f"--source english --target french {options}", capsys)


def test_all_words_of_the_target_are_candidates(here: Path) -> None:
    request = Request.build("english", 1, restrict=3, among_vectors="french")
    with pytest.raises(ConfigError, match="restrict does not go with two spaces"):
        request.between_spaces(Measure.CSLS)

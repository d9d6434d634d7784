"""Where test sets come from: paths and installed packages; and that a set of another kind is recognised."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from w2v_spark.errors import InputError
from w2v_spark.evaluation.kinds import KINDS
from w2v_spark.evaluation.test_sets import TestSet


@pytest.fixture(params=["directory", "zip"])
def package(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with sets in it, as a directory and as a zip file on the path."""
    name = f"my_sets_{request.param}"
    files = {
        f"{name}/__init__.py": "",
        f"{name}/german/q.txt": ": orte\nBerlin Deutschland Paris Frankreich\n",
        f"{name}/pairs.tsv": "a\tb\t1\nc\td\t2\n",
        f"{name}/groups/one.txt": "a\nb\n",
        f"{name}/groups/two.txt": "c\n",
    }
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "sets.zip", "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
        monkeypatch.syspath_prepend(str(tmp_path / "sets.zip"))
    else:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_sets_of_a_package(package: str) -> None:
    questions = TestSet.read("analogies", f"{package}:german/q.txt")
    assert (questions.name, questions.file) == ("q", f"{package}:german/q.txt")
    assert questions.content[0].questions == (("Berlin", "Deutschland", "Paris", "Frankreich"),)
    assert TestSet.read("similarity", f"{package}:pairs.tsv", "mine").name == "mine"
    groups = TestSet.read("categories", f"{package}:groups").content
    assert groups.words == (("a", "one"), ("b", "one"), ("c", "two"))


def test_what_a_package_does_not_hold(package: str) -> None:
    with pytest.raises(
        InputError, match=rf"{package}:absent.txt: .* holds no absent.txt; it holds german, groups, pairs.tsv"
    ):
        TestSet.read("analogies", f"{package}:absent.txt")
    with pytest.raises(InputError, match=r"pairs\.tsv holds word pairs with scores"):
        TestSet.read("analogies", f"{package}:pairs.tsv")


def test_what_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_such_package_here", "json.decoder", "os.path"):
        with pytest.raises(
            InputError, match=f"{name}:x.txt: there is no such file, and no package {name} can be imported"
        ):
            TestSet.read("analogies", f"{name}:x.txt")
    monkeypatch.chdir(tmp_path)
    Path("json:q.txt").write_text(": s\na b c d\n")
    assert TestSet.read("analogies", "json:q.txt").name == "json:q"


def test_sets_that_gensim_comes_with() -> None:
    name = "gensim.test.test_data"
    questions = TestSet.read("analogies", f"{name}:questions-words.txt")
    assert sum(len(section.questions) for section in questions.content) == 19_544
    assert len(TestSet.read("similarity", f"{name}:wordsim353.tsv").content.pairs) == 353


FILES = {
    "analogies": ": s\na b c d\n",
    "similarity": "a\tb\t1\nc\td\t2\n",
    "categories": "a\tx\nb\ty\n",
    "outliers": "a\nb\n\nc\n",
    "weat": '{"X": ["a", "b", "c", "d"], "Y": ["e", "f", "g", "h"], "A": ["i", "j"], "B": ["k", "l"]}',
    "rnd": '{"X": ["a", "b"], "A": ["i", "j", "k", "l"], "B": ["m", "n", "o", "p"]}',
}


@pytest.mark.parametrize("kind", FILES)
def test_a_set_of_another_kind_is_recognised(tmp_path: Path, kind: str) -> None:
    assert FILES.keys() == KINDS.keys()
    (tmp_path / "set").write_text(FILES[kind])
    assert TestSet.read(kind, tmp_path / "set").kind is KINDS[kind]
    for other in KINDS.keys() - {kind}:
        with pytest.raises(InputError, match=rf"set holds {KINDS[kind].what}, which belong to {kind}"):
            TestSet.read(other, tmp_path / "set")
    if kind not in ("analogies", "similarity"):
        with pytest.raises(InputError, match="set"):
            TestSet.read("analogies", tmp_path / "set", others=("analogies", "similarity"))

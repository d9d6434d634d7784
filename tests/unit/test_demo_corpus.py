"""The demo's corpus: finds documentation, survives any source file, repeats nothing and never changes its order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy
import pyarrow.parquet as pq
import pytest

from w2v_spark.cli.demo.corpus import (
    LIBRARIES,
    MARK,
    MIN_WORDS,
    Passage,
    collect,
    read_passages,
    source_roots,
    write_corpus,
)
from w2v_spark.errors import ConfigError

SENTENCE = "This is a text of more than six words about {}."


def make_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def texts_of(root: Path) -> list[str]:
    return [passage.text for passage in collect({"lib": root}, workers=1)]


def test_roots_are_the_standard_library_and_what_is_installed() -> None:
    roots = source_roots()
    assert next(iter(roots)) == "python"
    assert roots["numpy"] == Path(numpy.__file__).parent
    assert set(roots) <= {"python", *LIBRARIES}
    assert all(root.is_dir() for root in roots.values())


def test_finds_real_docstrings() -> None:
    root = Path(numpy.__file__).parent / "linalg"
    passages = list(collect({"numpy.linalg": root}, workers=1))
    assert any("Compute the inverse of a matrix" in passage.text for passage in passages)
    assert {passage.source for passage in passages} == {"numpy.linalg"}
    assert "numpy.linalg._linalg" in {passage.module for passage in passages}


def test_takes_docstrings_literals_and_comments_in_the_order_of_the_file(tmp_path: Path) -> None:
    code = f'''\
"""{SENTENCE.format("modules")}"""

#: {SENTENCE.format("comments").replace(" about", chr(10) + "#: about")}
HELP = """
    {SENTENCE.format("help")}
        Indented."""

class Thing:
    """{SENTENCE.format("classes")}"""

    async def method(self):
        """Too short."""
        # Too short as well.
'''
    assert texts_of(make_tree(tmp_path, {"a.py": code})) == [
        SENTENCE.format("modules"),
        SENTENCE.format("help") + "\n    Indented.",
        SENTENCE.format("classes"),
        SENTENCE.format("comments").replace(" about", "\nabout"),
    ]


def test_reads_cython_and_headers(tmp_path: Path) -> None:
    files = {
        "a.pyx": f'cdef class X:\n    """{SENTENCE.format("cython")}"""\n    # {SENTENCE.format("its comments")}\n',
        "b.h": f"/// {SENTENCE.format('slashes')}\nint x;\n/* {SENTENCE.format('stars')}\n * And more. */\n",
    }
    assert texts_of(make_tree(tmp_path, files)) == [
        SENTENCE.format("cython"),
        SENTENCE.format("its comments"),
        SENTENCE.format("slashes"),
        SENTENCE.format("stars") + "\nAnd more.",
    ]


def test_takes_only_comments_from_tests(tmp_path: Path) -> None:
    code = f'"""{SENTENCE.format("docstrings")}"""\n# {SENTENCE.format("comments")}\n'
    assert texts_of(make_tree(tmp_path / "tests", {"a.py": code})) != [SENTENCE.format("comments")]  # outside the root
    assert texts_of(make_tree(tmp_path, {"tests/a.py": code})) == [SENTENCE.format("comments")]


def test_leaves_out_installed_packages(tmp_path: Path) -> None:
    code = f'"""{SENTENCE.format("anything")}"""'
    assert texts_of(make_tree(tmp_path, {"site-packages/a.py": code, "dist-packages/b.py": code})) == []


@pytest.mark.parametrize(
    "content",
    [
        b"def broken(:\n# %s\n" % SENTENCE.encode(),
        b'"""caf\xe9"""\n# %s\n' % SENTENCE.encode(),
        b"# -*- coding: no-such-codec -*-\n\n# %s\n" % SENTENCE.encode(),
        b"\xef\xbb\xbf# %s\n" % SENTENCE.encode(),
        b"x = 1\x00\n# %s\n" % SENTENCE.encode(),
        b"x = " + b"(" * 100_000 + b"\n# %s\n" % SENTENCE.encode(),
        b"x = '\\d'\n# %s\r\n" % SENTENCE.encode(),
    ],
    ids=["syntax", "latin-1", "codec", "byte-order mark", "null", "nesting", "invalid escape"],
)
@pytest.mark.filterwarnings("error")
def test_survives_odd_files(tmp_path: Path, content: bytes) -> None:
    assert texts_of(make_tree(tmp_path, {"odd.py": content})) == [SENTENCE]


def test_survives_unreadable_and_empty_files(tmp_path: Path) -> None:
    make_tree(tmp_path, {"empty.py": "", "directory.py/readme.txt": ""})
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")
    assert texts_of(tmp_path) == []
    assert read_passages(tmp_path, tmp_path / "gone.py", "lib") == []


def test_keeps_a_text_once(tmp_path: Path) -> None:
    copied = (
        f'class A:\n    """{SENTENCE.format("a")}\n    More."""\nclass B:\n  """{SENTENCE.format("a")}\n  More."""\n'
    )
    tree = make_tree(tmp_path, {"x/a.py": copied, "y/b.py": copied})
    passages = list(collect({"one": tree / "x", "two": tree / "y"}, workers=1))
    assert [(passage.source, passage.module) for passage in passages] == [("one", "one.a")]


def test_is_deterministic_whatever_the_number_of_workers() -> None:
    root = Path(numpy.__file__).parent / "lib"
    one, again, two = (list(collect({"numpy": root}, workers=workers)) for workers in (1, 1, 2))
    assert one == again == two
    keys = [" ".join(passage.text.split()) for passage in one]
    assert len(keys) == len(set(keys)) > 100


def test_writes_a_dataset_that_replaces_an_earlier_one(tmp_path: Path) -> None:
    write_corpus([Passage("a", "a.b", f"old {n}") for n in range(99)], tmp_path)
    passages = [Passage("numpy", f"numpy.m{n}", f"one two {n}") for n in range(10)] + [Passage("python", "os", "ü 中")]
    summary = write_corpus(passages, tmp_path)
    assert [Passage(**row) for row in pq.read_table(tmp_path).to_pylist()] == passages
    assert summary.passages == {"numpy": 10, "python": 1}
    assert summary.words == {"numpy": 30, "python": 2}


def test_replaces_nothing_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "part-00000.parquet").write_text("mine")
    with pytest.raises(ConfigError, match=f"output {tmp_path.parent} holds {tmp_path.name}, which no demo has written"):
        write_corpus([Passage("a", "a.b", "new")], tmp_path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"]
    (tmp_path / "part-00000.parquet").unlink()
    write_corpus([Passage("a", "a.b", "new")], tmp_path)
    assert (tmp_path / MARK).is_file()


def test_writes_an_empty_dataset(tmp_path: Path) -> None:
    write_corpus([], tmp_path)
    assert pq.read_table(tmp_path).column_names == ["source", "module", "text"]


def test_short_passages_are_left_out(tmp_path: Path) -> None:
    exact, short = " ".join("w" * MIN_WORDS), " ".join("w" * (MIN_WORDS - 1))
    assert texts_of(make_tree(tmp_path, {"a.py": f'a = "{exact}"\nb = "{short}"\n'})) == [exact]

"""What works with numpy and pyarrow alone, and that what does not says what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from tests.conftest import ROOT
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.table import write_vectors

EXTRAS = ["numba", "llvmlite", "threadpoolctl", "tqdm", "pandas", "pyspark", "py4j", "scipy", "gensim"]
WORDS = [f"w{row}" for row in range(2000)]
MATRIX = np.random.default_rng(0).standard_normal((len(WORDS), 20)).astype(np.float32)

PROGRAM = """
import json, sys
from pathlib import Path

import w2v_spark
from w2v_spark import Config, KeyedVectors, TopicModel
from w2v_spark.evaluation.report_table import format_report
from w2v_spark.evaluation.suite import evaluate
from w2v_spark.formats.exporting import export_vectors
from w2v_spark.formats.formats import VectorFile, guess_format
from w2v_spark.vectors.search import choice

Config()
choice.MIN_ROWS = 100  # or the words would be too few for the other strategy
place = Path(sys.argv[1])
vectors = KeyedVectors.load(place / "vectors")
nearest = [vectors.most_similar("w3", topn=5) for _ in range(15)]
assert nearest.count(nearest[0]) == 15
vectors.prepare_search()
kinds = ("analogies", "similarity", "categories", "outliers", "weat", "rnd")
report = evaluate(place, {kind: list(place.glob(f"{kind}.*")) for kind in kinds}, against=place)
vectors.evaluate_word_pairs(place / "similarity.txt")
vectors.evaluate_word_analogies(place / "analogies.txt")
vectors.save_word2vec_format(place / "saved.bin", binary=True)
for name in ("v.txt", "v.bin", "v.npy", "v.parquet"):
    words = str(place / "words.txt") if name == "v.npy" else None
    file = VectorFile(str(place / name), guess_format(name), vocabulary=words)
    assert export_vectors(str(place), file) == len(vectors)
format_report(report)
print(json.dumps({
    "nearest": nearest[0],
    "batch": vectors.most_similar_batch([["w3", "w5"], "w8"], [["w9"], ()]),
    "cosmul": vectors.most_similar_cosmul(["w3", "w5"], "w9"),
    "strategy": vectors.search_strategy,
    "report": report,
    "imported": sorted(name for name in sys.modules if sys.modules[name] is not None),
}))
"""


BLOCK = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":  # pyarrow stumbles over a None among the modules
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in %r:
    if name == "pandas":
        sys.meta_path.insert(0, Missing())
    else:
        sys.modules[name] = None
"""


def run(program: str, *arguments: str, blocked: list[str]) -> subprocess.CompletedProcess[str]:
    """A Python in which some libraries cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", BLOCK % (blocked,) + program, *arguments],
        env={"PATH": "/nonexistent", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    counts = np.arange(len(WORDS), 0, -1)
    write_vectors(fs.LocalFileSystem(), str(tmp_path / "vectors"), pa.array(WORDS), counts, [MATRIX], {})
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "analogies.txt").write_text(": s\nw1 w2 w3 w4\nW5 w6 w7 w8\n")
    (tmp_path / "similarity.txt").write_text("w1 w2 1\nw3 w4 2\nw5 W6 3\n")
    (tmp_path / "categories.txt").write_text("".join(f"w{row}\tc{row % 3}\n" for row in range(30)))
    (tmp_path / "outliers.txt").write_text("w1\nw2\nw3\n\nw4\nw5\n")
    sets = {key: [f"w{10 * place + row}" for row in range(8)] for place, key in enumerate("XYAB")}
    (tmp_path / "weat.json").write_text(json.dumps(sets))
    (tmp_path / "rnd.json").write_text(json.dumps({key: sets[key] for key in "XAB"}))
    return tmp_path


def test_vectors_evaluation_and_export_need_numpy_and_pyarrow_only(place: Path) -> None:
    done = run(PROGRAM, str(place), blocked=EXTRAS)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["strategy"] == "full"
    assert not {name.partition(".")[0] for name in result["imported"]} & set(EXTRAS)

    vectors = KeyedVectors(WORDS, MATRIX)  # here with a compiler
    for key, ref in {
        "nearest": vectors.most_similar("w3", topn=5),
        "batch": vectors.most_similar_batch([["w3", "w5"], "w8"], [["w9"], ()]),
    }.items():
        assert result[key] == json.loads(json.dumps(ref))
    assert [word for word, _ in result["cosmul"]] == [w for w, _ in vectors.most_similar_cosmul(["w3", "w5"], "w9")]
    assert result["report"]["similarity"][0]["pairs"] == 3
    assert result["report"]["weat"][0]["sections"][0]["permutations"] == 12_870
    assert (place / "saved.bin").read_bytes() == (place / "v.bin").read_bytes()
    np.testing.assert_array_equal(np.load(place / "v.npy"), MATRIX)


def test_with_a_compiler_the_answers_are_the_same(place: Path) -> None:
    done = run(PROGRAM, str(place), blocked=["pyspark"])
    assert (done.returncode, done.stderr) == (0, "")
    result, plain = json.loads(done.stdout), json.loads(run(PROGRAM, str(place), blocked=EXTRAS).stdout)
    assert result.pop("strategy") == "reranked"
    assert plain.pop("strategy") == "full"
    assert result.pop("imported") != plain.pop("imported")
    assert result == plain


def test_all_nearest_neighbours_say_what_they_need() -> None:
    program = (
        "import numpy as np\nfrom w2v_spark.vectors.search.tiled import find_neighbours\n"
        "next(find_neighbours(np.ones((2, 2), np.float32), np.arange(2), 1))"
    )
    done = run(program, blocked=EXTRAS)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "a search for the neighbours of all words: numba is not installed; run: pip install 'w2v-spark[train]'"
    )

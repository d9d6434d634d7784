"""The jobs that export and import vectors: every format through both, their errors, and their memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from gensim.models import KeyedVectors as GensimVectors

from tests.commands import export, import_vectors
from tests.conftest import ROOT
from tests.unit.vector_files import awkward_matrix, make_table, same_bits
from w2v_spark.errors import StoreError
from w2v_spark.formats.exporting import check_export, export_vectors
from w2v_spark.formats.formats import Format, VectorFile
from w2v_spark.formats.importing import import_vectors as import_to_table
from w2v_spark.publishing.layout import mark
from w2v_spark.storage import Directory
from w2v_spark.vectors.keyed_vectors import KeyedVectors

V, D = 60, 5
WORDS = [f"wört{i}" for i in range(V)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a finished run in ``run``."""
    make_table(tmp_path / "run", WORDS, awkward_matrix(V, D))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(job: Callable[[list[str]], int], arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The message of a job that must not succeed or leave anything behind."""
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert job(arguments.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before
    return printed.err


@pytest.mark.parametrize(
    ("name", "options", "how_to_read"),
    [
        ("v.txt", "", ""),
        ("v.vec", "", ""),
        ("v.txt.gz", "--counts c", "--counts c"),
        ("v.glove", "--format word2vec-text --no-header", "--format word2vec-text --no-header"),
        ("v.bin", "--counts c.gz", "--counts c.gz"),
        ("v.bin.gz", "", ""),
        ("v.npy", "", ""),
        ("v.npy", "--vocabulary names --counts c", "--vocabulary names --counts c"),
        ("v.parquet", "", ""),
        ("v.parquet", "--word-column w --count-column n", "--word-column w --count-column n"),
        ("v.parquet", "--shape columns --vector-column e --double", "--vector-column e"),
        ("v.parquet", "--shape fixed", ""),
    ],
)
@pytest.mark.parametrize("limit", [None, 7])
def test_out_and_in(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, options: str, how_to_read: str, limit: int | None
) -> None:
    arguments = f"--vectors run --output {name} {options}" + (f" --limit {limit}" if limit else "")
    assert export(arguments.split()) == 0
    rows = limit or V
    assert f"{name}" in (printed := capsys.readouterr().out)
    assert f": {rows} words" in printed
    assert import_vectors(f"--input {name} --output back {how_to_read}".split()) == 0
    assert capsys.readouterr().out == f"back: {rows} words, D = {D}\n"
    back = KeyedVectors.load("back")
    assert back.words == WORDS[:limit]
    assert same_bits(back.matrix, awkward_matrix(V, D)[:limit])
    known = "count" in options
    assert back.counts is not None
    assert back.counts.tolist() == ([(V - i) * 10 for i in range(rows)] if known else list(range(rows, 0, -1)))
    assert sorted(path.name for path in (here / "back").iterdir()) == ["_SUCCESS", "model.json", "vectors"]
    assert not [path for path in here.iterdir() if path.name.startswith(".")]


def test_gensim_there_and_back(here: Path) -> None:
    assert export(["--vectors", "run", "--output", "v.bin", "--counts", "c"]) == 0
    theirs = GensimVectors.load_word2vec_format("v.bin", "c", binary=True)
    theirs.save("native.kv")
    GensimVectors.load("native.kv").save_word2vec_format("again.txt", "again.counts")
    assert import_vectors(["--input", "again.txt", "--counts", "again.counts", "--output", "back"]) == 0
    first, second = KeyedVectors.load("run"), KeyedVectors.load("back")
    assert first.words == second.words
    assert same_bits(first.matrix, second.matrix)
    np.testing.assert_array_equal(first.counts, second.counts)


def test_model_json_and_metadata(here: Path) -> None:
    assert export(["--vectors", "run", "--output", "v.bin"]) == 0
    assert import_vectors(["--input", "v.bin", "--output", "back", "--limit", "9"]) == 0
    model = json.loads((here / "back" / "model.json").read_text())
    assert model["import"] == {
        "files": ["v.bin"],
        "member": None,
        "format": "word2vec-binary",
        "limit": 9,
        "mended": {},
    }
    assert (model["vocabulary_size"], model["dim"], model["counts_fall"]) == (9, D, True)
    metadata = pq.read_metadata(next((here / "back" / "vectors").iterdir())).metadata
    assert json.loads(metadata[b"w2v.import"]) == {"file": "v.bin", "format": "word2vec-binary"}
    assert metadata[b"w2v.vocabulary_size"] == b"9"


def test_counts_that_do_not_fall(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "v.txt").write_text("2 1\na 1\nb 2\n")
    (here / "c").write_text("a 1\nb 2\n")
    assert import_vectors(["--input", "v.txt", "--counts", "c", "--output", "back"]) == 0
    assert "the counts do not fall" in capsys.readouterr().out
    assert json.loads((here / "back" / "model.json").read_text())["counts_fall"] is False


def test_what_was_mended_is_printed_and_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "v.vec").write_bytes(b"9 1\na 1\na 2\nb x\nnew york 3\nc\xff 4\n")
    lenient = ["--duplicates", "first", "--skip-malformed", "--unicode-errors", "replace"]
    assert import_vectors(["--input", "v.vec", "--output", "back", *lenient]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "back: 3 words, D = 1",
        "rows left out because they are malformed: 1",
        "rows left out because their word has occurred before: 1",
        "words changed because they are not UTF-8: 1",
        "words with spaces, which are what comes before the last D fields of their lines: 1",
        "rows announced by the header, which is wrong: 9",
    ]
    mended = {"malformed": 1, "duplicates": 1, "not_unicode": 1, "with_spaces": 1, "announced": 9}
    assert json.loads((here / "back" / "model.json").read_text())["import"]["mended"] == mended
    back = KeyedVectors.load("back")
    assert (back.words, back.matrix.tolist()) == (["a", "new york", "c\ufffd"], [[1], [3], [4]])


def test_a_file_of_an_archive(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile("glove.6B.zip", "w") as archive:
        archive.writestr("glove.1d.txt", "a 1\nb 2\n")
        archive.writestr("glove.2d.txt", "a 1 2\n")
    arguments = "--input glove.6B.zip --output back --no-header"
    assert "of 2 files, glove.1d.txt, glove.2d.txt: name one with --member" in refused_but_for_times(arguments, capsys)
    assert import_vectors([*arguments.split(), "--member", "glove.1d.txt"]) == 0
    assert KeyedVectors.load("back").words == ["a", "b"]
    described = json.loads((here / "back" / "model.json").read_text())["import"]
    assert (described["files"], described["member"]) == (["glove.6B.zip"], "glove.1d.txt")


def test_paths_may_be_path_objects(here: Path) -> None:
    file = VectorFile(here / "v.npy", Format.NUMPY, vocabulary=here / "names", counts=here / "counts")
    check_export(here / "run", file)
    assert export_vectors(here / "run", file) == V
    import_to_table(file, Directory.open(here / "back"))
    assert KeyedVectors.load(here / "back").words == WORDS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--vectors run --output v.dat", "says no format; give --format"),
        ("--vectors run --output v.txt --limit 0", "--limit 0"),
        ("--vectors run --output no/v.txt", "--output no/v.txt is not a file in an existing directory"),
        ("--vectors run --output run --format numpy", "--output run is not a file"),
        ("--vectors run --output there.txt", "there.txt exists; choose another file, or give --overwrite"),
        ("--vectors run --output v.bin --counts there.txt", "--counts there.txt exists"),
        ("--vectors run --output v.npy --vocabulary there.txt", "--vocabulary there.txt exists"),
        ("--vectors run --output v.npy --vocabulary v.npy", "must be different files"),
        ("--vectors run --output run/vectors/part-1.parquet", "lies within --vectors run"),
        ("--vectors absent --output v.txt", "absent"),
        ("--vectors s9://x/y --output v.txt", "s9://x/y"),
        ("--vectors run --output v.bin --no-header", "--no-header is for word2vec-text"),
        ("--vectors run --output v.bin --vocabulary x", "--vocabulary is for numpy"),
        ("--vectors run --output v.parquet --counts x", "--counts is for the other formats"),
        ("--vectors run --output v.bin --shape list", "--shape is for parquet, not for word2vec-binary"),
        ("--vectors run --output v.parquet --word-column vector", "a name of its own for each"),
        ("--vectors run --output v.npy.gz --format numpy", "numpy is not written as .gz"),
        ("--vectors run --output v.txt.bz2", "--output v.txt.bz2: files are written as they are, or compressed as .gz"),
        ("--vectors run --output v.bin --counts c.zip", "--counts c.zip: files are written as they are"),
        ("--vectors spaces --output v.txt --counts c", "spaces, rank 1: the word 'new york' holds white space"),
        ("--vectors twice --output v.bin", "twice, rank 2: the word 'a' has occurred before (twice, rank 0)"),
        ("--vectors spaces --output v.bin", "spaces, rank 1: the word 'new york' holds white space"),
    ],
)
def test_exports_that_are_refused(here: Path, capsys: pytest.CaptureFixture[str], arguments: str, message: str) -> None:
    make_table(here / "spaces", ["old", "new york"], awkward_matrix(2, D))
    make_table(here / "twice", ["a", "b", "a"], awkward_matrix(3, D))
    (here / "there.txt").write_text("old")
    assert message in refused(export, arguments, capsys)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--input v.dat --output out", "v.dat says no format; give --format"),
        ("--input absent.dat --output out", "absent.dat cannot be read"),
        ("--input v.txt --output out --limit 0", "--limit 0"),
        ("--input absent.txt --output out", "absent.txt cannot be read"),
        ("--input v.txt --output run", "run exists; choose another directory, or give --overwrite"),
        ("--input v.txt --output v.txt/x", "v.txt is a file"),
        ("--input v.txt --output training --overwrite", "holds the run of a training job"),
        ("--input v.txt --output out --word-column x", "--word-column is for parquet, not for word2vec-text"),
        ("--input v.bin --output out --no-header", "--no-header is for word2vec-text"),
        ("--input v.npy --output out", "v.npy cannot be read"),
        ("--input v.parquet --output out --unicode-errors ignore", "is not for parquet"),
        ("--input v.parquet --output out", "neither a Parquet file nor a directory"),
        ("--input v.txt --output out", "v.txt, line 3: number 1 of the vector is nan"),
        ("--input v.txt --output out", "; --skip-malformed leaves such rows out"),
        (
            "--input v.txt --output out --no-header",
            "is a header 'V D', and the lines that follow have 1 numbers",
        ),
        ("--input v.txt --output out --member x", "--member x is for a zip archive, and v.txt is not one"),
        ("--input v.txt --output run --overwrite", "v.txt, line 3: number 1 of the vector is nan"),
        (
            "--input twice.txt --output out",
            "before (twice.txt, line 2); --duplicates first keeps the first",
        ),
        ("--input twice.txt --output run --overwrite", "twice.txt, line 3: the word 'a' has occurred before"),
        ("--input v.txt --format word2vec-binary --output out", "v.txt, line 1"),
    ],
)
def test_imports_that_are_refused(here: Path, capsys: pytest.CaptureFixture[str], arguments: str, message: str) -> None:
    (here / "v.txt").write_text("2 1\na 1\nb nan\n")
    (here / "v.dat").write_text("2 1\na 1\nb nan\n")
    (here / "twice.txt").write_text("2 1\na 1\na 2\n")
    (here / "training" / "_run").mkdir(parents=True)
    (here / "training" / "_run" / "run.json").write_text('{"identity": "x", "plan": {}}')
    run_itself = (here / "run").stat()
    assert message in refused_but_for_times(arguments, capsys)
    assert KeyedVectors.load("run").words == WORDS
    assert (here / "run").stat().st_ino == run_itself.st_ino


def refused_but_for_times(arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `refused` does; but work below an output that is there changes the directory's time."""
    before = sorted(Path().rglob("*"))
    assert import_vectors(arguments.split()) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err[:7], printed.err.count("\n")) == ("", "error: ", 1)
    assert sorted(Path().rglob("*")) == before
    return printed.err


def test_a_pipe_and_a_link_stay_what_they_are(here: Path) -> None:
    arguments = ["--vectors", "run", "--format", "word2vec-text", "--overwrite", "--output"]
    assert export([*arguments, f"{here}/plain.txt"]) == 0
    (here / "link.txt").symlink_to("target.txt")
    assert export([*arguments, f"{here}/link.txt"]) == 0
    assert (here / "link.txt").is_symlink()
    os.mkfifo(here / "pipe")
    with ThreadPoolExecutor() as pool:
        reading = pool.submit((here / "pipe").read_bytes)
        assert export([*arguments, f"{here}/pipe"]) == 0
    assert (here / "pipe").is_fifo()
    assert reading.result() == (here / "target.txt").read_bytes() == (here / "plain.txt").read_bytes()


def test_overwrite(here: Path) -> None:
    (here / "run" / "history.json").write_text('{"rounds": []}')
    (here / "v.txt").write_text("1 2\nnew 1 2\n")
    assert import_vectors(["--input", "v.txt", "--output", "run", "--overwrite"]) == 0
    assert KeyedVectors.load("run").words == ["new"]
    names = sorted(path.name for path in (here / "run").iterdir() if path.suffix != ".old")
    assert names == ["_SUCCESS", "model.json", "vectors"]
    assert export(["--vectors", "run", "--output", "v.txt", "--overwrite"]) == 0
    assert (here / "v.txt").read_text() == "1 2\nnew 1 2\n"


def test_an_import_that_replaces_a_table_never_leaves_a_reader_without_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after each step of moving in place, readers see the old table or the new."""
    (here / "v.txt").write_text("1 2\nnew 1 2\n")
    seen: list[list[str]] = []

    def watched(directory: Directory, name: str, target: Directory, other: str) -> None:
        seen.append(KeyedVectors.load("run").words)
        original(directory, name, target, other)
        seen.append(KeyedVectors.load("run").words)

    original = Directory.exchange
    monkeypatch.setattr(Directory, "exchange", watched)
    assert import_vectors(["--input", "v.txt", "--output", "run", "--overwrite"]) == 0
    assert seen == [WORDS, ["new"]]


def test_a_killed_import_is_no_table_and_can_be_started_again(here: Path) -> None:
    """What a kill leaves lies in a directory that no reader looks at."""
    (here / "v.txt").write_text("1 2\nnew 1 2\n")
    mark(Directory.open("out/_run"))
    (here / "run").rename(here / "out" / "_run" / "publish")
    with pytest.raises(StoreError, match="holds no vector table"):
        KeyedVectors.load("out")
    assert import_vectors(["--input", "v.txt", "--output", "out", "--overwrite"]) == 0
    assert sorted(path.name for path in (here / "out").iterdir()) == ["_SUCCESS", "model.json", "vectors"]


def test_the_table_is_read_by_the_evaluation(here: Path) -> None:
    (here / "v.txt").write_text("".join(f"wört{i} {i} 1\n" for i in range(V)))
    assert import_vectors(["--input", "v.txt", "--no-header", "--output", "back"]) == 0
    (here / "pairs.txt").write_text("wört1 wört2 1\nwört3 wört4 2\nwört5 wört6 3\n")
    done = run_job("evaluate", "--vectors back --similarity pairs.txt", here)
    assert "60 words read" in done


def run_job(job: str, arguments: str, directory: Path) -> str:
    """Standard output of a command without PySpark, numba and Java; then its peak memory in KiB."""
    code = (
        "import sys; sys.modules['pyspark'] = sys.modules['numba'] = None\n"
        "from w2v_spark.cli.main import main; code = main()\n"
        "from pathlib import Path\n"
        "status = Path('/proc/self/status')\n"  # getrusage would give the peak of the parent, if that is larger
        "print(status.read_text().split('VmHWM:')[1].split()[0] if status.exists() else 0); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, job, *arguments.split()],
        cwd=directory,
        env={"PATH": "/nonexistent", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_commands_need_no_spark_and_their_memory_does_not_grow_with_the_file(here: Path) -> None:
    """A binary of 400 MB goes in and out; with its matrix in memory the peak would be beyond 540 MB."""
    rows, dim = 330_000, 300
    block = np.zeros(10_000, dtype=[("word", "S9"), ("vector", "<f4", dim)])
    with (here / "large.bin").open("wb") as file:
        file.write(f"{rows} {dim}\n".encode())
        for start in range(0, rows, len(block)):
            block["word"] = np.char.add(np.char.zfill(np.arange(start, start + len(block)).astype("S8"), 8), b" ")
            block["vector"][:, ::7] = start
            file.write(block.tobytes())
    assert (here / "large.bin").stat().st_size > 398e6
    printed = run_job("import", "--input large.bin --output large", here)
    assert "330,000 words, D = 300" in printed
    reading = int(printed.split()[-1]) / 1024
    writing = int(run_job("export", "--vectors large --output again.bin", here).split()[-1]) / 1024
    print(f"peak memory: {reading:.0f} MiB to import, {writing:.0f} MiB to export")
    assert max(reading, writing) < 480
    with (here / "large.bin").open("rb") as first, (here / "again.bin").open("rb") as second:
        while chunk := first.read(1 << 24):
            assert chunk == second.read(1 << 24)
        assert not second.read(1)

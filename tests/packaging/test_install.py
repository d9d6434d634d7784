"""The wheel alone, with each set of extras in an environment of its own, gives commands that work.

Needs a registry of packages; some 450 MB are installed. Not part of ``make test``.
"""

from __future__ import annotations

import os
import random
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.packaging.environments import Environment, build_wheel
from w2v_spark.spark.java import find_java_home

SETTINGS = ("vocabulary.min_count=1", "model.dim=8", "train.epochs=1", "train.rounds=2", "train.shards=2")
QUICK = [item for setting in SETTINGS for item in ("--set", setting)]
WORDS = [first + second for first in "bdfgklmn" for second in "aeiou"]
TRAIN_LIBRARIES = {"numba", "llvmlite", "threadpoolctl", "tqdm", "pandas"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory outside the checkout with a text in it."""
    directory = tmp_path_factory.mktemp("work")
    draw = random.Random(1)
    lines = (" ".join(draw.choices(WORDS, k=20)) for _ in range(200))
    (directory / "text.txt").write_text("".join(f"{line}\n" for line in lines))
    return directory


@pytest.fixture(scope="module")
def spark(wheel: Path, work: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment.make(tmp_path_factory.mktemp("spark"), wheel, "spark", work)


@pytest.fixture(scope="module")
def java() -> dict[str, str]:
    """A Java that Spark starts on, for the environments that bring none."""
    home = find_java_home()
    return {} if home is None else {"JAVA_HOME": str(home)}


def words_of(environment: Environment, vectors: str) -> int:
    code = f"from w2v_spark import KeyedVectors; print(len(KeyedVectors.load({vectors!r})))"
    return int(environment.succeed("python", "-c", code))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    files = (path for path in (ROOT / "w2v_spark").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt"))
        assert archive.read(metadata).decode().split() == [
            "[console_scripts]", "w2v-spark", "=", "w2v_spark.cli.main:entry_point",
        ]  # fmt: skip
    assert held == {path.relative_to(ROOT).as_posix() for path in files}


def test_the_base_reads_evaluates_and_converts_vectors(wheel: Path, work: Path, tmp_path: Path) -> None:
    base = Environment.make(tmp_path / "base", wheel, "", work)
    assert base.packages() == {"numpy", "pyarrow", "w2v-spark"}
    (work / "vectors.txt").write_text("a 1 0\nb 1 0.1\nc 0 1\nd 0.1 1\n")
    (work / "pairs.txt").write_text("a\tb\t9\na\tc\t1\nb\tc\t2\n")

    assert "4 words" in base.succeed("w2v-spark", "import", "--input", "vectors.txt", "--no-header", "--output", "in")
    assert "4 words" in base.succeed("w2v-spark", "export", "--vectors", "in", "--output", "out.bin")
    report = base.succeed("w2v-spark", "evaluate", "--vectors", "in", "--similarity", "pairs.txt").split()
    assert report[report.index("pairs.txt") + 1] == "1.0000"
    code = "from w2v_spark import KeyedVectors; print(KeyedVectors.load('in').most_similar('a', topn=1)[0][0])"
    assert base.succeed("python", "-c", code) == "b\n"

    for command in (["train", "--input", "text.txt"], ["neighbours", "--vectors", "in"], ["demo"]):
        refused = base.run("w2v-spark", *command, "--output", f"refused-{command[0]}")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.startswith("error: ")
        assert "pip install 'w2v-spark[" in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert not (work / f"refused-{command[0]}").exists()


def test_with_train_alone_a_spark_that_is_there_does_the_work(
    wheel: Path, work: Path, spark: Environment, java: dict[str, str], tmp_path: Path
) -> None:
    """As on a cluster: Spark in a place of its own, with its own PySpark, and ``spark-submit`` from there."""
    train = Environment.make(tmp_path / "train", wheel, "train", work)
    assert train.packages() >= TRAIN_LIBRARIES
    assert "pyspark" not in train.packages()
    home = spark.site / "pyspark"
    submit = f'"{home}/bin/spark-submit" --master "local[2]" $(w2v-spark path)'
    variables = {"SPARK_HOME": str(home), "PYSPARK_PYTHON": str(train.bin / "python"), **java}
    arguments = ["train", "--input", "text.txt", "--output", "submitted", *QUICK, "--set", "train.seed=2"]
    shown = train.succeed("sh", "-c", f'{submit} "$@"', "sh", *arguments, **variables)
    assert "submitted/vectors" in shown
    assert words_of(train, "submitted") == len(WORDS)
    wrong = train.run("sh", "-c", f'{submit} "$@"', "sh", "train", "--input", "none", "--output", "x", **variables)
    assert wrong.returncode == 2
    assert "error: " in wrong.stdout  # where spark-submit puts all that Python prints


def test_with_spark_nothing_else_is_needed(spark: Environment, work: Path, java: dict[str, str]) -> None:
    assert {"pyspark", *TRAIN_LIBRARIES} <= spark.packages()
    shown = spark.succeed("w2v-spark", "demo", "--input", "text.txt", "--output", "demo", *QUICK, **java)
    lines = shown.split("Nearest neighbours\n")[1].splitlines()
    assert lines[0].split()[0] in WORDS
    assert words_of(spark, "demo/model") == len(WORDS)
    shown = spark.succeed(
        "w2v-spark", "neighbours", "--vectors", "demo/model", "--output", "near", "--topn", "3", **java
    )
    assert f"3 a word, among {len(WORDS)} words" in shown


def test_with_java_no_other_java_is_needed(wheel: Path, work: Path, spark: Environment, tmp_path: Path) -> None:
    both = spark.add(wheel, "spark,java")  # beside what is there: Spark is large
    tools = tmp_path / "tools"  # what Spark's scripts call, and no java
    tools.mkdir()
    for name in ("sh", "bash", "env", "dirname", "basename", "readlink", "uname", "ps", "nice", "cat", "rm", "mkdir"):
        if (found := shutil.which(name)) is not None:
            (tools / name).symlink_to(found)
    variables = {"PATH": f"{both.bin}{os.pathsep}{tools}", "JAVA_HOME": ""}
    assert both.run("sh", "-c", "command -v java", **variables).returncode != 0
    shown = both.succeed("w2v-spark", "train", "--input", "text.txt", "--output", "with-java", *QUICK, **variables)
    assert "with-java/vectors" in shown
    assert words_of(both, "with-java") == len(WORDS)

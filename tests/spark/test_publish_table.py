"""A table of the session's catalog, or of Delta, follows the current version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import deltalake
import polars as pl
import pytest
from pyspark.sql import SparkSession

from tests.commands import train
from tests.spark.documents import REPEATED, write_text
from tests.spark.main_job import SMALL
from tests.unit.test_versions import publish
from w2v_spark.cli.main import main
from w2v_spark.errors import ConfigError
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.spark.catalog import CatalogTable, check_table, follow_root, split_name

NAME = "spark_catalog.default.`w2v_vectors`"


@pytest.fixture
def root(spark: SparkSession, tmp_path: Path) -> Iterator[VersionRoot]:
    yield VersionRoot.open(tmp_path / "ro'ot\\ [1]")  # a path that SQL and globs could stumble over
    spark.sql(f"DROP TABLE IF EXISTS {NAME}")


def numbers(spark: SparkSession) -> set[tuple[float, int]]:
    return {(row.number, row["count"]) for row in spark.sql(f"SELECT vector[0] AS number, count FROM {NAME}").collect()}


def test_a_table_of_the_catalog_is_switched(spark: SparkSession, root: VersionRoot) -> None:
    table = CatalogTable(spark, NAME)
    table.check(root)
    assert table.follow(root) is None
    first = publish(root, 1.0)
    assert table.follow(root) == first.id
    assert numbers(spark) == {(1.0, 2)}
    planned = spark.table(NAME)
    assert planned.count() == 300
    publish(root, 2.0)
    assert numbers(spark) == {(1.0, 2)}
    assert table.follow(root) == root.current()
    assert numbers(spark) == {(2.0, 3)}
    assert {row.number for row in planned.selectExpr("vector[0] AS number").collect()} <= {1.0, 2.0}
    root.rollback()
    assert table.follow(root) == table.follow(root) == first.id
    assert numbers(spark) == {(1.0, 2)}
    spark.sql(f"DROP TABLE {NAME}")
    assert len(root.list()) == 2  # the files are not the catalog's
    assert Path(root.directory(first.id).file("_SUCCESS")).exists()


def test_a_table_that_cannot_follow_is_refused_before_readers_are_led_elsewhere(
    spark: SparkSession, root: VersionRoot, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(root, 1.0)
    second = publish(root, 2.0)
    for name in ("nowhere.x.y", "a b c d"):
        assert main(["versions", root.root.path, "rollback", "--publish-table", name]) == 2
        assert "--publish-table" in capsys.readouterr().err
        assert root.current() == second.id


def test_tables_of_others_are_left_alone(spark: SparkSession, root: VersionRoot, tmp_path: Path) -> None:
    other = VersionRoot.open(tmp_path / "other")
    publish(root, 1.0)
    publish(other, 2.0)
    CatalogTable(spark, NAME).follow(other)
    with pytest.raises(ConfigError, match=r"follows .*other"):
        check_table(spark, NAME, root, print)
    with pytest.raises(ConfigError, match=r"follows .*other"):
        follow_root(spark, NAME, root)
    assert numbers(spark) == {(2.0, 3)}
    spark.sql(f"DROP TABLE {NAME}")
    spark.sql(f"CREATE TABLE {NAME} (a INT) USING parquet")
    with pytest.raises(ConfigError, match="has not made"):
        check_table(spark, NAME, root, print)


def test_train_and_rollback_switch_the_table(
    spark: SparkSession, root: VersionRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = []
    options = ["--publish", root.root.path, "--quiet", *(item for setting in SMALL for item in ("--set", setting))]
    for number, text in enumerate((REPEATED, [*REPEATED, "one more"])):
        source = write_text(tmp_path / f"{number}.txt", text)
        assert train(["--input", str(source), *options, "--publish-table", NAME]) == 0
        counts.append(spark.table(NAME).count())
    assert counts[1] == counts[0] + 2
    assert main(["versions", root.root.path, "rollback", "--publish-table", NAME]) == 0
    assert spark.table(NAME).count() == counts[0]
    assert train(["--input", str(source), "--output", "x", "--publish-table", NAME]) == 2
    assert "--publish too" in capsys.readouterr().err
    assert train(["--input", str(source), *options, "--publish-table", "a.b.c.d"]) == 2
    assert "--publish-table 'a.b.c.d' is not the name of a table" in capsys.readouterr().err
    for name, message in (("nowhere.vectors", "there is no schema `nowhere`"), ("`a b`", "is not valid")):
        assert train(["--input", str(source), *options, "--publish-table", name]) == 2
        assert message in capsys.readouterr().err


def test_a_delta_table_has_one_commit_a_version(root: VersionRoot, tmp_path: Path) -> None:
    name = f"delta:{tmp_path}/delta"
    assert root.create().current() is None
    assert main(["versions", root.root.path, "rollback", "--publish-table", name]) == 2
    for value in (1.0, 2.0):
        publish(root, value)
        for _ in range(2):
            follow_root(None, name, root)  # type: ignore[arg-type]  # it needs no Spark
        table = pl.read_delta(str(tmp_path / "delta"))
        assert table.columns == ["id", "word", "count", "vector"]
        assert table["count"].unique().to_list() == [int(value) + 1]
        assert table["vector"].list.first().unique().to_list() == [value]
    assert main(["versions", root.root.path, "rollback", "--publish-table", name]) == 0
    history = deltalake.DeltaTable(tmp_path / "delta").history()
    ids = [version.id for version in root.list()]
    assert [commit["w2v.version"] for commit in history] == [ids[0], ids[1], ids[0]]
    assert pl.read_delta(str(tmp_path / "delta"), version=1)["vector"].list.first().unique().to_list() == [2.0]


def test_a_delta_table_of_somebody_else(root: VersionRoot, tmp_path: Path) -> None:
    publish(root, 1.0)
    pl.DataFrame({"a": [1]}).write_delta(str(tmp_path / "theirs"))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "notes.txt").write_text("mine")
    for place, message in (("theirs", "does not follow"), ("files", "holds 'notes.txt'")):
        with pytest.raises(ConfigError, match=message):
            check_table(None, f"delta:{tmp_path}/{place}", root, print)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=message):
            follow_root(None, f"delta:{tmp_path}/{place}", root)  # type: ignore[arg-type]
    assert pl.read_delta(str(tmp_path / "theirs")).columns == ["a"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [("a", ["a"]), ("a.b", ["a", "b"]), ("`a.b`.c.`d``e`", ["a.b", "c", "d`e"]), ("été.x", ["été", "x"])],
)
def test_names(name: str, parts: list[str]) -> None:
    assert split_name(name) == parts


@pytest.mark.parametrize("name", ["", "a.", ".a", "a.b.c.d", "a b", "a;drop table b", "`a", "a'b"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ConfigError, match="is not the name of a table"):
        split_name(name)

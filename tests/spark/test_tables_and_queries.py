"""Input as data lakes have it: tables, queries, partitions, formats from elsewhere; and how a run recognises it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql.datasource import DataSource, DataSourceReader

from tests.spark.documents import COUNTS, DOCUMENTS, half, write_parquet, write_text
from tests.spark.main_job import SMALL, Model
from w2v_spark.errors import InputError
from w2v_spark.spark.fingerprint import path_version, table_version, unrecognised
from w2v_spark.spark.source import Input


@pytest.fixture
def train_from(spark, capsys, out):
    """Train from what the options name, without ``--input``; the result, or the line of complaint."""
    from tests.commands import train

    def run(*options: str, output: Path = out) -> Model | str:
        settings = [item for setting in SMALL for item in ("--set", setting)]
        capsys.readouterr()
        code = train(["--output", str(output), *settings, "--quiet", *options])
        err = capsys.readouterr().err
        assert code in (0, 2), err
        return err if code else Model.read(output)

    return run


@pytest.fixture
def clicks(spark):
    frame = spark.createDataFrame(list(enumerate(DOCUMENTS)), "n int, text string")
    frame.createOrReplaceTempView("w2v_documents")
    yield "w2v_documents"
    spark.catalog.dropTempView("w2v_documents")


def test_a_table_of_the_catalog(train_from, clicks, reference):
    assert train_from("--table", clicks).files == reference.files


def test_a_query(train_from, clicks, reference):
    query = f"WITH a AS (SELECT * FROM {clicks}) SELECT text FROM a -- all of them\n;"
    assert train_from("--sql", query).files == reference.files


def test_the_only_column_of_a_query_needs_no_name(train_from, clicks, reference):
    assert train_from("--sql", f"SELECT text AS anything FROM {clicks}").files == reference.files


def test_a_query_filtered(train_from, clicks):
    assert train_from("--table", clicks, "--where", "n < 1").corpus["documents"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--table", "no_such_table"], "table no_such_table cannot be read: [TABLE_OR_VIEW_NOT_FOUND]"),
        (["--sql", "SELEC 1"], "sql 'SELEC 1' cannot be read: [PARSE_SYNTAX_ERROR]"),
        (["--sql", "DROP TABLE w2v_documents"], "sql 'DROP TABLE w2v_documents' cannot be read: [PARSE_SYNTAX_ERROR]"),
        (
            ["--table", "w2v_documents", "--where", "no_such > 1"],
            "where 'no_such > 1' is not possible: [UNRESOLVED_COLUMN",
        ),
        (["--table", "w2v_documents", "--column", "n"], "--column = 'n' is of type int"),
        (["--table", "w2v_documents", "--id", "m"], "id = 'm' is not in the input; its columns are n, text"),
        (["--table", "w2v_documents", "--sql", "SELECT 1"], "give only one of --input (files), --table and --sql"),
        ([], "give one of --input (files), --table and --sql"),
        (["--sql", "SELECT 1", "--format", "csv"], "--format says how to read the files of --input"),
        (["--sql", "SELECT 1", "--option", "header=true"], "--option says how to read the files of --input"),
        (["--table", "w2v_documents", "--option", "header"], "option 'header' is not of the form key=value"),
        (["--table", "w2v_documents", "--max-invalid", "2"], "--max-invalid = 2.0 is not allowed: expected a share"),
    ],
)
def test_tables_and_queries_that_are_refused(train_from, clicks, options, message):
    said = train_from(*options)
    assert message in said
    assert said.count("\n") == 1


# Partitions and filters


@pytest.fixture
def partitioned(tmp_path):
    for day, document in zip(["2026-01-01", "2026-01-02", "2025-12-31"], DOCUMENTS, strict=True):
        (tmp_path / f"lake/dt={day}/country=de").mkdir(parents=True)
        write_parquet(tmp_path / f"lake/dt={day}/country=de/part-0.parquet", text=[document], n=[1])
    return tmp_path / "lake"


def test_partition_columns_can_be_filtered_by(job, partitioned, out):
    model = job.train(partitioned, out, "--where", "dt >= '2026-01-01' AND country = 'de' AND n = 1")
    assert model.corpus["documents"] == 2
    assert model.counts["on"] == 1
    assert "émile" not in model.counts


def test_partition_columns_of_a_glob_and_of_one_folder(job, partitioned, tmp_path):
    some = job.train(partitioned / "dt=2026-*", tmp_path / "a", "--where", "dt > '2026-01-01'")
    one = job.train(partitioned / "dt=2026-01-02", tmp_path / "b", "--where", "country = 'de'", "--id", "dt")
    assert some.counts == one.counts == {"the": 2, "cat": 1, "dog": 1, "sat": 1, "on": 1}


def test_folders_of_other_days_are_not_read(job, refused, tmp_path, out):
    for day in ("2025-12-31", "2026-01-01"):
        (tmp_path / f"in/dt={day}").mkdir(parents=True)
        (tmp_path / f"in/dt={day}/a.gz").write_bytes(gzip.compress("\n".join(DOCUMENTS).encode()))
    half(tmp_path / "in/dt=2025-12-31/a.gz")
    assert "a.gz cannot be read" in refused(tmp_path / "in", out)
    assert job.train(tmp_path / "in", out, "--where", "dt >= '2026-01-01'").counts == COUNTS


def test_a_partition_column_does_not_hide_the_documents(job, tmp_path, out):
    (tmp_path / "in/text=x").mkdir(parents=True)
    write_parquet(tmp_path / "in/text=x/a.parquet", text=DOCUMENTS)
    assert job.train(tmp_path / "in", out).counts == COUNTS


# Names of documents


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("string", ["a", None, "c"]), ("bigint", [1, 2**40, None]), ("double", [0.5, 1.5, 2.5]),
        ("date", None), ("decimal(10,2)", None),
    ],
)  # fmt: skip
def test_ids_come_with_the_documents_as_they_are(spark, tmp_path, kind, ids):
    frame = spark.createDataFrame([(text, n) for n, text in enumerate(DOCUMENTS)], "text string, n int")
    if ids is None:
        value = "date_from_unix_date(n)" if kind == "date" else f"CAST(n AS {kind})"
        frame = frame.selectExpr("text", f"{value} AS key")
    else:
        frame = spark.createDataFrame(list(zip(DOCUMENTS, ids, strict=True)), f"text string, key {kind}")
    frame.write.parquet(str(tmp_path / "in.parquet"))
    opened = Input((str(tmp_path / "in.parquet"),), id="KEY").open(spark)
    assert opened.columns == ["document", "id"]
    assert opened.schema["id"].dataType == frame.schema["key"].dataType
    assert {tuple(row) for row in opened.collect()} == {tuple(row) for row in frame.collect()}


def test_ids_survive_decoding(spark, tmp_path):
    (tmp_path / "in/n=7").mkdir(parents=True)
    (tmp_path / "in/n=7/a.txt").write_bytes("größe\nfuß\n".encode("latin-1"))
    opened = Input((str(tmp_path / "in"),), id="n", encoding="latin-1").open(spark)
    assert sorted((bytes(row.document).decode(), row.id) for row in opened.collect()) == [("fuß", 7), ("größe", 7)]


def test_ids_that_are_no_names(refused, tmp_path, out):
    source = write_parquet(tmp_path / "a.parquet", text=DOCUMENTS, many=[[1], [2], [3]])
    assert "id = 'many' is of type array<bigint>; it must be a string, a number or a date" in refused(
        source, out, "--id", "many"
    )


# Formats that somebody has added to the session


class Rows(DataSource):
    """Stands in for a format of another package: gives what its options say."""

    @classmethod
    def name(cls):
        return "delta"

    def schema(self):
        return "text string, path string"

    def reader(self, schema):
        return RowsReader(self.options)


class RowsReader(DataSourceReader):
    def __init__(self, options):
        self.options = options

    def read(self, partition):
        for text in self.options["texts"].split("|"):
            yield text, self.options.get("path", "")


@pytest.fixture
def delta(spark, tmp_path):
    """A directory with the marks of a Delta table: one row is deleted."""
    table = tmp_path / "table"
    (table / "_delta_log").mkdir(parents=True)
    for n, text in enumerate(["alive and well", "deleted already"]):
        write_parquet(table / f"part-{n}.parquet", text=[text])
        write_text(table / f"_delta_log/{n:020}.json", [json.dumps({"commitInfo": {}})])
    return table


def test_any_format_of_the_session_with_options(spark, job, tmp_path, out):
    spark.dataSource.register(Rows)
    (tmp_path / "x").mkdir()
    write_text(tmp_path / "x/y")
    model = job.train(
        tmp_path / "x", out, "--format", "delta", "--option", "texts=a b|a c", "--where", "path LIKE 'file:/%x'"
    )
    assert model.counts == {"a": 2, "b": 1, "c": 1}


def test_a_format_without_a_path(spark, train_from):
    spark.dataSource.register(Rows)
    model = train_from("--format", "delta", "--option", "texts=a b|a b")
    assert model.counts == {"a": 2, "b": 2}


def test_a_table_is_read_by_its_format(spark, job, delta, out):
    """Where nobody names the format, the marks do."""
    spark.dataSource.register(Rows)
    model = job.train(delta, out, "--option", "texts=from the table|from the table")
    assert model.counts == {"from": 2, "the": 2, "table": 2}
    assert model.description["input"]["version"] == "delta 1"


@pytest.mark.parametrize("below", ["", "part-0.parquet", "part-*.parquet", ".."])
def test_the_files_of_a_table_are_not_read_as_such(refused, delta, tmp_path_factory, below):
    (delta.parent / "other").mkdir()
    source, out = delta / below if below != ".." else delta.parent, tmp_path_factory.mktemp("elsewhere") / "out"
    said = refused(source, out, "--format", "parquet")
    assert f"{delta} is a Delta table (_delta_log)" in said
    assert "deleted and superseded rows" in said
    assert "give --format delta" in said


@pytest.mark.parametrize(
    ("mark", "what"), [(".hoodie/x", "a Hudi table"), ("metadata/v1.metadata.json", "an Iceberg table")]
)
def test_tables_of_other_formats(refused, tmp_path, out, mark, what):
    (tmp_path / "in/data").mkdir(parents=True)
    write_parquet(tmp_path / "in/data/a.parquet", text=DOCUMENTS)
    write_text(tmp_path / "in" / mark)
    assert f"{tmp_path / 'in'} is {what}" in refused(tmp_path / "in/data", out)


@pytest.mark.parametrize(
    ("format", "package"),
    [
        ("avro", "org.apache.spark:spark-avro_2.13:4."),
        ("iceberg", "org.apache.iceberg:iceberg-spark-runtime-4."),
        ("hudi", "org.apache.hudi:hudi-spark4."),
        ("nonsense", "check the name"),
    ],
)
def test_a_format_that_spark_lacks(refused, text, out, format, package):
    said = refused(text, out, "--format", format)
    assert f"format {format} is not in this Spark 4." in said
    assert package in said
    assert "--packages" in said


# What a run that goes on recognises


def catalog(provider, first):
    """A session whose catalog has one table."""
    answers = {
        "DESCRIBE TABLE EXTENDED a.b.t": [
            {"col_name": "id", "data_type": "int"},
            {"col_name": "Provider", "data_type": provider},
        ],
        "DESCRIBE HISTORY a.b.t LIMIT 1": [first],
        "SELECT snapshot_id FROM a.b.t.refs WHERE name = 'main'": [first],
    }
    return SimpleNamespace(sql=lambda query: SimpleNamespace(collect=lambda: answers[query]))


def test_versions_of_tables(delta, tmp_path):
    assert table_version(catalog("DELTA", (12, "2026-01-01")), "a.b.t") == "delta 12"
    assert table_version(catalog("iceberg", (8744736658442914487,)), "a.b.t") == "iceberg 8744736658442914487"
    assert table_version(catalog("parquet", None), "a.b.t") is None
    assert path_version(str(delta), "delta") == "delta 1"
    for name in ("v9.metadata.json", "v10.metadata.json", "00007-ab.metadata.json"):
        write_text(tmp_path / "ice/metadata" / name)
    assert path_version(f"file:{tmp_path}/ice", "iceberg") == "iceberg 10"
    assert path_version(str(tmp_path), "delta") is None
    assert path_version(str(tmp_path), "kafka") is None
    assert path_version("unheard://of/it", "delta") is None


def test_a_table_without_a_version(spark, clicks):
    assert table_version(spark, clicks) is None
    source = Input(table=clicks)
    seen = source.fingerprint(source.open(spark))
    assert (seen["files"], seen["version"]) == (0, None)
    assert "neither files nor a version" in unrecognised(seen)
    assert unrecognised({**seen, "version": "delta 1"}) is None
    assert unrecognised({**seen, "files": 1}) is None


def test_going_on_says_what_it_cannot_tell(train_from, clicks, spark, capsys, out):
    from tests.commands import train

    train_from("--table", clicks)
    settings = [item for setting in SMALL for item in ("--set", setting)]
    assert train(["--output", str(out), *settings, "--quiet", "--table", clicks, "--resume"]) == 0
    assert "WARNING: the input has neither files nor a version" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--where", "text LIKE 'the%'"], ["--id", "text"], ["--option", "mergeSchema=true"]]
)
def test_going_on_with_the_same_files_read_otherwise(job, tmp_path, out, options):
    source = write_parquet(tmp_path / "a.parquet", text=DOCUMENTS)
    job.train(source, out)
    assert job(source, out, "--resume")[0] == 0
    code, _, err = job(source, out, "--resume", *options)
    assert code == 2
    assert "input reading was" in err


def test_a_table_at_another_version_is_another_input(spark, job, delta, out):
    spark.dataSource.register(Rows)
    options = ("--option", "texts=from the table|from the table")
    job.train(delta, out, *options)
    write_text(delta / f"_delta_log/{2:020}.json", ["{}"])
    code, _, err = job(delta, out, "--resume", *options)
    assert code == 2
    assert "input version was delta 1, is delta 2" in err


# Where the input lies


def test_a_query_names_paths_as_well(tmp_path):
    query = Input(sql=f"SELECT text FROM parquet.`{tmp_path}/lake` JOIN t USING (n)")
    assert query.locations == [f"{tmp_path}/lake"]
    assert Input(("a/*.txt", "s3://b/data")).locations == ["a/*.txt", "s3://b/data"]
    assert Input(table="a.b.c").locations == []


def test_a_scheme_without_slashes_is_none_of_this_machine():
    for path in ("dbfs:/x/*.txt", "hdfs:/x"):
        Input((path,)).check()
    with pytest.raises(InputError, match="file:/x-missing does not exist"):
        Input(("file:/x-missing",)).check()


def test_a_tilde_is_the_home_directory(job, tmp_path, out, monkeypatch, reference):
    write_text(tmp_path / "a.txt", DOCUMENTS)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert job.train(Path("~/a.txt"), out).files == reference.files

"""What the names of files and the marks of tables tell of their format, and what their bytes tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from w2v_spark.errors import InputError
from w2v_spark.inputs.files import partition_base
from w2v_spark.inputs.formats import guess_format, missing_format
from w2v_spark.inputs.heads import sample


@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        (["a.txt"], "a.txt", "text"),
        (["a.jsonl.gz"], "a.jsonl.gz", "json"),
        (["d/_SUCCESS", "d/.part.crc", "d/_temporary/x.json", "d/day=1/part-0.snappy.parquet"], "d", "parquet"),
        (["d/a.orc", "d/b.json"], "d/*.orc", "orc"),
        (["d/a.gz"], "d", "text"),
        (["d/A.JSON"], "d", "json"),
        ([], "nowhere/part-*.parquet", "parquet"),
        ([], "nowhere", "text"),
        (["d/a.csv.zst", "d/README", "d/b.csv"], "d", "csv"),
        (["d/a.tsv"], "d/*", "tsv"),
        (["d/a.gz.parquet"], "d", "parquet"),
        (["d/v1.json.old"], "d", "text"),
        (["d/a.avro"], "d", "avro"),
        (["d/_delta_log/0.json", "d/a.parquet"], "d", "delta"),
        (["d/metadata/00001-ab.metadata.json", "d/data/a.parquet"], "d", "iceberg"),
        (["d/.hoodie/x", "d/a.parquet"], "d", "hudi"),
    ],
)
def test_format_is_guessed_from_names(tmp_path: Path, files: list[str], path: str, expected: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert guess_format(str(tmp_path / path)) == expected


def test_files_of_two_formats_have_none(tmp_path: Path) -> None:
    for name in ("a.csv", "b.tsv"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"several formats: .*a\.csv \(csv\), .*b\.tsv \(tsv\); leave some out"):
        guess_format(str(tmp_path))


@pytest.mark.parametrize(
    ("uris", "expected"),
    [
        (["file:///a/dt=1/b.txt", "file:///a/dt=2/b.txt"], ("file:///a", ("dt",))),
        (["s3://b/t/dt=2026-01-01/c=d%20e/x"], ("s3://b/t", ("dt", "c"))),
        (["/a/dt=1/x", "/a/x"], None),
        (["/a/dt=1/x", "/a/hr=1/x"], None),
        (["/a/dt=1/b/x"], None),
        (["/a/dt=1/dt=2/x"], None),
        (["/a/dt=1/x", "/b/dt=1/x"], None),
        (["/a/=1/x"], None),
        (["/a/x"], None),
        ([], None),
    ],
)
def test_folders_of_partitions(uris: list[str], expected: tuple[str, tuple[str, ...]] | None) -> None:
    assert partition_base(uris) == expected


def test_packages_are_named_for_the_spark_that_is_there() -> None:
    assert "org.apache.spark:spark-avro_2.13:4.1.2," in str(missing_format("avro", "4.1.2-amzn-0"))
    assert "iceberg-spark-runtime-4.1_2.13:" in str(missing_format("Iceberg", "4.1.2"))


def test_a_sample_is_even() -> None:
    assert sample([1, 2, 3], 3) == [1, 2, 3]
    assert sample(list(range(100)), 4) == [0, 25, 50, 75]

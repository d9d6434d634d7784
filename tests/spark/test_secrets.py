"""What a reader's options hold in secret comes to nobody's eyes but the reader's."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.spark.documents import DOCUMENTS, write_text
from tests.spark.main_job import MainJob
from w2v_spark.errors import ConfigError
from w2v_spark.spark.source import Input


def test_results_and_messages(job: MainJob, tmp_path: Path, out: Path) -> None:
    (tmp_path / "token").write_text("hidden7\n")
    options = ["--option", "password=hunter2", "--secret-option", f"token={tmp_path / 'token'}", "--keep-run"]
    code, printed, errors = job(write_text(tmp_path / "a.txt", DOCUMENTS), out, *options)
    assert code == 0, errors
    for name, content in [("stdout", printed.encode()), ("stderr", errors.encode())] + [
        (str(path), path.read_bytes()) for path in out.rglob("*") if path.is_file()
    ]:
        assert b"hunter2" not in content, name
        assert b"hidden7" not in content, name
    assert '"password": "***"' in (out / "model.json").read_text().replace("\\", "")
    code, _, errors = job(tmp_path / "a.txt", out, "--resume", *options)
    assert code == 0, errors


def test_secrets_reach_the_reader(spark: SparkSession, tmp_path: Path) -> None:
    """An option with a visible effect, as if it were secret."""
    (tmp_path / "a.csv").write_text("text;n\na b c;1\n")
    (tmp_path / "mark").write_text(";\n")
    source = Input((str(tmp_path / "a.csv"),), options={"header": "true"}, secrets={"sep": str(tmp_path / "mark")})
    source.check()
    assert [row.document for row in source.open(spark).collect()] == ["a b c"]
    again = Input.from_dict(source.to_dict())
    assert [row.document for row in again.open(spark).collect()] == ["a b c"]
    assert ";" not in str(source.to_dict()["options"])


def test_a_secret_that_was_not_kept_is_asked_for(tmp_path: Path) -> None:
    kept = Input((str(tmp_path),), options={"password": "hunter2", "header": "true"}).to_dict()
    assert kept["options"] == {"password": "***", "header": "true"}
    with pytest.raises(ConfigError, match="its option password is a secret, which is not kept"):
        Input.from_dict(kept)


@pytest.mark.parametrize(("option", "message"), [("x", "not of the form key=value"), ("x=/absent", "cannot be read")])
def test_secret_options_that_cannot_be(job: MainJob, tmp_path: Path, out: Path, option: str, message: str) -> None:
    source = write_text(tmp_path / "a.txt", DOCUMENTS)
    code, _, errors = job(source, out, "--secret-option", option)
    assert code == 2
    assert "--secret-option" in errors
    assert message in errors
    assert not out.exists()

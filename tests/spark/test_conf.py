"""The files in ``conf/`` are what their readers accept, and say what they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from w2v_spark.spark.session import read_spark_defaults

CONF = ROOT / "conf"
DEFAULTS = sorted(CONF.glob("spark-defaults-*.conf"))


def _names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_all_files_are_there() -> None:
    assert _names(DEFAULTS) == [
        f"spark-defaults-{where}.conf" for where in ("kubernetes", "local", "standalone", "yarn")
    ]


@pytest.mark.parametrize("path", DEFAULTS, ids=_names(DEFAULTS))
def test_spark_defaults_parse(path: Path) -> None:
    settings = read_spark_defaults(path)
    assert settings["spark.python.worker.reuse"] == "true"
    assert all(key.startswith("spark.") for key in settings)
    assert len(settings) == sum(line.startswith("spark.") for line in path.read_text(encoding="utf-8").splitlines())

"""The files in ``conf/`` are what their readers accept, and say what they do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.conftest import ROOT
from w2v_spark.config import Config
from w2v_spark.spark.session import read_spark_defaults

CONF = ROOT / "conf"
PRESETS = sorted(CONF.glob("*.toml"))
DEFAULTS = sorted(CONF.glob("spark-defaults-*.conf"))


def _names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_all_files_are_there() -> None:
    assert _names(PRESETS) == ["cluster.toml", "laptop.toml", "quality.toml"]
    assert _names(DEFAULTS) == [
        f"spark-defaults-{where}.conf" for where in ("kubernetes", "local", "standalone", "yarn")
    ]


@pytest.mark.parametrize("path", PRESETS, ids=_names(PRESETS))
def test_presets_load(path: Path) -> None:
    assert Config.load(path) != Config()


@pytest.mark.parametrize("path", PRESETS, ids=_names(PRESETS))
def test_every_key_of_a_preset_is_explained(path: Path) -> None:
    keys = [line for line in path.read_text(encoding="utf-8").splitlines() if "=" in line and not line.startswith("#")]
    assert keys
    assert [line for line in keys if "  # " not in line] == []


def test_the_laptop_preset_shows_every_key_with_its_default() -> None:
    text = (CONF / "laptop.toml").read_text(encoding="utf-8")
    changed = Config.load(CONF / "laptop.toml").replace(train={"sample": Config().train.sample})
    assert changed == Config()
    for section in dataclasses.fields(Config):
        for key in dataclasses.fields(getattr(Config(), section.name)):
            assert f"\n{key.name} = " in text, f"{section.name}.{key.name} is missing"


@pytest.mark.parametrize("path", DEFAULTS, ids=_names(DEFAULTS))
def test_spark_defaults_parse(path: Path) -> None:
    settings = read_spark_defaults(path)
    assert settings["spark.python.worker.reuse"] == "true"
    assert all(key.startswith("spark.") for key in settings)
    assert len(settings) == sum(line.startswith("spark.") for line in path.read_text(encoding="utf-8").splitlines())

"""The configuration as files and as overrides: round trips, and what is wrong with them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_config import KEYS, one, value_of
from w2v_spark.config import (
    Architecture,
    Config,
    Merge,
    ModelConfig,
    Objective,
    Vectors,
)
from w2v_spark.errors import ConfigError


def numbers_of(key: Any) -> st.SearchStrategy[Any]:
    low, high, above = (key.metadata[name] for name in ("low", "high", "above"))
    if isinstance(key.default, float):
        return st.floats(low if low is not None else above, high, exclude_min=above is not None)
    whole = st.integers(low, high)
    return whole | st.just("auto") if key.default == "auto" else whole


def values_of(key: Any) -> st.SearchStrategy[Any]:
    if "low" in key.metadata:
        return numbers_of(key)
    if isinstance(key.default, bool):
        return st.booleans()
    if key.default == "auto":  # and no number
        return st.booleans() | st.just("auto")
    if type(key.default) is str:  # the Basic Multilingual Plane, for a character beyond it see below
        return st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1)
    return st.sampled_from([member.value for member in type(key.default)])


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Any configuration with any of its keys set."""
    values: dict[str, dict[str, Any]] = {}
    for section, key in KEYS:
        if draw(st.booleans()):
            values.setdefault(section, {})[key.name] = draw(values_of(key))
    train = values.setdefault("train", {})
    ends = [train.get("learning_rate", 0.025), train.get("min_learning_rate", 0.0001)]
    train["learning_rate"], train["min_learning_rate"] = max(ends), min(ends)
    if values.get("model", {}).get("objective") == "hierarchical_softmax":
        values["model"]["vectors"] = "input"
    return Config.from_dict(values)


@given(configs())
def test_round_trips(config: Config) -> None:
    assert Config.from_dict(config.to_dict()) == config
    assert Config.from_dict(tomllib.loads(config.to_toml())) == config
    assert config.replace() == config


def test_round_trip_of_a_character_beyond_the_basic_plane() -> None:
    config = one("text", "column", "\U0001f600")
    assert Config.from_dict(tomllib.loads(config.to_toml())) == config


def test_toml_file_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "w2v.toml"
    config = Config.from_dict({"text": {"column": 'a "b" \\ é\n'}, "train": {"seed": 2**63 - 1, "sample": 1e-5}})
    path.write_text(config.to_toml(), encoding="utf-8")
    assert Config.load(path) == config
    assert Config.load(str(path)) == config
    assert [line for line in config.to_toml().splitlines() if line.startswith("[")] == [
        "[text]",
        "[vocabulary]",
        "[model]",
        "[train]",
    ]


def test_replace() -> None:
    config = one("train", "epochs", 3).replace(train={"shards": 4}, model={"dim": 50})
    assert (config.train.epochs, config.train.shards, config.model.dim) == (3, 4, 50)
    with pytest.raises(ConfigError, match="did you mean 'shards'"):
        config.replace(train={"shard": 4})
    with pytest.raises(ConfigError, match=r"train\.epochs = 0"):
        config.replace(train={"epochs": 0})


def test_overrides_win_over_the_file_and_later_ones_over_earlier_ones(tmp_path: Path) -> None:
    path = tmp_path / "w2v.toml"
    path.write_text("[train]\nepochs = 2\nseed = 9\n[model]\ndim = 50\n")
    config = Config.load(path, ["train.epochs=3", "model.window=8", "train.epochs=4"])
    assert (config.train.epochs, config.train.seed, config.model.dim, config.model.window) == (4, 9, 50, 8)
    assert Config.load(path).train.epochs == 2


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("train.epochs=3", "train", "epochs", 3),
        (" train.epochs = 3 ", "train", "epochs", 3),
        ("vocabulary.max_size=1_000_000", "vocabulary", "max_size", 1_000_000),
        ("train.sample=1e-5", "train", "sample", 1e-5),
        ("train.sample=0", "train", "sample", 0.0),
        ("model.noise_exponent=-0.5", "model", "noise_exponent", -0.5),
        ("train.shards=auto", "train", "shards", "auto"),
        ('train.shards="auto"', "train", "shards", "auto"),
        ("train.shards=8", "train", "shards", 8),
        ("train.merge=mean", "train", "merge", Merge.MEAN),
        ("model.architecture=cbow", "model", "architecture", Architecture.CBOW),
        ("model.objective=hierarchical_softmax", "model", "objective", Objective.HIERARCHICAL_SOFTMAX),
        ("model.cbow_mean=false", "model", "cbow_mean", False),
        ("model.shrink_window=false", "model", "shrink_window", False),
        ("model.vectors=sum", "model", "vectors", Vectors.SUM),
        ("text.lowercase=false", "text", "lowercase", False),
        ("text.column=body", "text", "column", "body"),
        ("text.column=my column", "text", "column", "my column"),
        ("text.column=a=b", "text", "column", "a=b"),
        ('text.column="2024"', "text", "column", "2024"),
        ("text.column=Überschrift", "text", "column", "Überschrift"),
    ],
)
def test_overrides(override: str, section: str, key: str, value: object) -> None:
    assert value_of(Config.load(overrides=[override]), section, key) == value


@pytest.mark.parametrize("override", ["", "x", "train.epochs", "train=3", "=3", "train.=3", ".epochs=3", ".=", "="])
def test_overrides_that_are_none(override: str) -> None:
    with pytest.raises(ConfigError, match=r"is not of the form section\.key=value, for example") as caught:
        Config.load(overrides=[override])
    assert repr(override) in str(caught.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trian.epochs=3", r"unknown section \[trian\], did you mean 'train'"),
        ("train.epoch=3", r"unknown key train\.epoch, did you mean 'epochs'"),
        ("train.epochs.more=3", r"unknown key train\.epochs\.more"),
        ("train.epochs=three", "train.epochs = 'three' is not allowed: expected a whole number"),
        ("train.epochs=", "train.epochs = '' is not allowed"),
        ("train.epochs=0", "train.epochs = 0 is not allowed"),
        ("train.learning_rate=nan", "train.learning_rate = nan is not allowed"),
        ("train.learning_rate=-inf", "train.learning_rate = -inf is not allowed"),
        ("text.lowercase=True", "text.lowercase = 'True' is not allowed: expected true or false or 'auto'"),
        ("text.column=", "text.column is empty"),
    ],
)
def test_overrides_with_another_fault(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.load(overrides=[override])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[train\n", "is not valid TOML"),
        (b"[train]\nepochs = 3\nepochs = 4\n", "is not valid TOML"),
        (b"[train]\nepochs = three\n", "is not valid TOML"),
        (b"[text]\ncolumn = '\xff'\n", "is not valid TOML"),
        (b"epochs = 3\n", r"unknown section \[epochs\]"),
        (b"train = 3\n", r"\[train\] must be a section"),
        (b"[[train]]\nepochs = 3\n", r"\[train\] must be a section"),
        (b"[train]\nepochs = 2024-01-01\n", "train.epochs = .* is not allowed"),
    ],
)
def test_files_with_a_fault(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "w2v.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        Config.load(path)


def test_an_override_of_something_that_is_no_section(tmp_path: Path) -> None:
    path = tmp_path / "w2v.toml"
    path.write_text("train = 3\n")
    with pytest.raises(ConfigError, match=r"\[train\] in .*w2v\.toml must be a section"):
        Config.load(path, ["train.epochs=3"])


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml cannot be read: No such file"):
        Config.load(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.load(tmp_path)


def test_a_file_that_sets_every_choice_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "w2v.toml"
    config = Config(
        model=ModelConfig(Architecture.CBOW, cbow_mean=False, shrink_window=False, vectors=Vectors.OUTPUT),
    )
    path.write_text(config.to_toml(), encoding="utf-8")
    assert Config.load(path) == config
    assert config.to_dict()["model"]["vectors"] == "output"
    softmax = config.replace(model={"objective": "hierarchical_softmax", "vectors": "input"})
    assert Config.from_dict(softmax.to_dict()) == softmax


PRESETS = sorted((Path(__file__).parents[2] / "conf").glob("*.toml"))


@pytest.mark.parametrize("path", PRESETS, ids=[path.name for path in PRESETS])
def test_presets_survive_a_round_trip_and_can_be_overridden(path: Path) -> None:
    config = Config.load(path)
    assert Config.from_dict(tomllib.loads(config.to_toml())) == config
    assert Config.load(path, ["train.epochs=77"]) == config.replace(train={"epochs": 77})


def test_one_preset_shows_every_key() -> None:
    shown = tomllib.loads((PRESETS[0].parent / "laptop.toml").read_text(encoding="utf-8"))
    assert {section: list(keys) for section, keys in shown.items()} == {
        section: list(keys) for section, keys in Config().to_dict().items()
    }

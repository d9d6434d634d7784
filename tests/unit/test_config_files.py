"""The configuration as files and as overrides: round trips, and what is wrong with them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.unit.test_config import one, value_of
from w2v_spark.config import (
    COUNTED,
    SETTINGS,
    Architecture,
    Config,
    Entry,
    Merge,
    ModelConfig,
    Objective,
    PublishedRows,
    preset_names,
)
from w2v_spark.errors import ConfigError


def values_of(entry: Entry) -> st.SearchStrategy[Any]:
    low, high, above = entry.setting.low, entry.setting.high, entry.setting.above
    if entry.value_type is float:
        return st.floats(low if low is not None else above, high, exclude_min=above is not None)
    if entry.value_type is int:
        values: st.SearchStrategy[Any] = st.integers(int(low or 0), int(high or 0))
    elif entry.value_type is bool:
        values = st.booleans()
    elif entry.choices:
        values = st.sampled_from(entry.choices)
    else:  # the Basic Multilingual Plane, for a character beyond it see below
        values = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1)
    return values if entry.word is None else values | st.just(entry.word)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Any configuration with any of its keys set."""
    values: dict[str, dict[str, Any]] = {}
    for entry in SETTINGS:
        if draw(st.booleans()):
            values.setdefault(entry.section, {})[entry.key] = draw(values_of(entry))
    for section, rate in (("train", 0.025), ("retrain", Config().retrain.learning_rate), ("infer", 0.025)):
        passes = values.setdefault(section, {})
        ends = [passes.get("learning_rate", rate), passes.get("min_learning_rate", 0.0001)]
        passes["learning_rate"], passes["min_learning_rate"] = max(ends), min(ends)
    if values.get("model", {}).get("objective") == "hierarchical_softmax":
        values["model"]["published_rows"] = "input"
    if values.get("text", {}).get("tokenizer") == "kmer":  # which contradict each other at times
        for key in ("k", "frames", "reverse_complement", "dictionary"):
            values["text"].pop(key, None)
    if values.get("model", {}).get("subwords"):
        values["model"] |= {"architecture": "cbow", "published_rows": "input", "min_n": 2, "max_n": 3}
    if values.get("model", {}).get("objective") in COUNTED:
        values["model"] |= {"architecture": "skipgram", "subwords": False, "published_rows": "input"}
        values["train"]["freeze"] = "none"
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
        "[phrases]",
        "[vocabulary]",
        "[model]",
        "[train]",
        "[counts]",
        "[retrain]",
        "[infer]",
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
        ("model.published_rows=sum", "model", "published_rows", PublishedRows.SUM),
        ("model.window=sentence", "model", "window", "sentence"),
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
        model=ModelConfig(Architecture.CBOW, cbow_mean=False, shrink_window=False, published_rows=PublishedRows.OUTPUT),
    )
    path.write_text(config.to_toml(), encoding="utf-8")
    assert Config.load(path) == config
    assert config.to_dict()["model"]["published_rows"] == "output"
    softmax = config.replace(model={"objective": "hierarchical_softmax", "published_rows": "input"})
    assert Config.from_dict(softmax.to_dict()) == softmax


def test_what_is_printed_says_of_each_key_what_it_does() -> None:
    lines = [line for line in Config().to_toml().splitlines() if "=" in line]
    for line, entry in zip(lines, SETTINGS, strict=True):
        assert line.startswith(f"{entry.key} = ")
        assert line.endswith(f"  # {entry.explanation}")
    column = " " * 24
    assert f'window = 5{column}# neighbours on each side, at most; "sentence": all words of the sentence' in lines
    assert next(line for line in lines if line.startswith("merge = ")).endswith('; one of "curvature", "mean"')


PRESETS = ROOT / "w2v_spark" / "presets"


def test_presets_are_found_by_name() -> None:
    assert preset_names() == ["cluster", "laptop", "quality"]
    assert Config.load("laptop").train.sample == 1e-4
    assert (Config.load("cluster").model.dim, Config.load("cluster").train.shards) == (300, 64)
    assert (Config.load("quality").train.epochs, Config.load("quality", ["train.epochs=1"]).train.epochs) == (10, 1)


@pytest.mark.parametrize("name", ["cluster", "laptop", "quality"])
def test_presets_survive_a_round_trip_and_explain_their_keys(name: str) -> None:
    config = Config.load(name)
    assert config == Config.load(PRESETS / f"{name}.toml") != Config()
    assert Config.from_dict(tomllib.loads(config.to_toml())) == config
    assert Config.load(name, ["train.epochs=77"]) == config.replace(train={"epochs": 77})
    text = (PRESETS / f"{name}.toml").read_text(encoding="utf-8")
    keys = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    assert keys
    assert [line for line in keys if "  # " not in line] == []


def test_the_laptop_preset_skips_frequent_words_and_is_the_default_otherwise() -> None:
    assert Config.load("laptop").replace(train={"sample": Config().train.sample}) == Config()


def test_a_name_is_the_preset_and_a_path_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "laptop").write_text("[train]\nepochs = 7\n")
    (tmp_path / "laptop.toml").write_text("[train]\nepochs = 8\n")
    monkeypatch.chdir(tmp_path)
    sources = ["laptop", "./laptop", Path("laptop"), "laptop.toml"]
    assert [Config.load(source).train.epochs for source in sources] == [5, 7, 7, 8]


def test_an_unknown_name_is_told_the_presets() -> None:
    with pytest.raises(ConfigError, match=r"a preset: cluster, laptop, quality, did you mean 'laptop'\?$"):
        Config.load("labtop")

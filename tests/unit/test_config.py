"""The configuration: what it accepts, what it refuses, and what it says then."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from w2v_spark.config import (
    SETTINGS,
    Architecture,
    Config,
    Entry,
    Merge,
    ModelConfig,
    Objective,
    PublishedRows,
    Sentences,
    TextConfig,
    Tokenizer,
    TrainConfig,
)
from w2v_spark.errors import ConfigError, W2VError

BOUNDED = [entry for entry in SETTINGS if entry.setting.high is not None]


def names(entries: Iterable[Entry]) -> list[str]:
    return [entry.name for entry in entries]


def one(section: str, key: str, value: object) -> Config:
    return Config.from_dict({section: {key: value}})


def value_of(config: Config, section: str, key: str) -> Any:
    return getattr(getattr(config, section), key)


def test_defaults_are_the_documented_ones() -> None:
    assert Config().to_dict() == {
        "text": {
            "column": "text",
            "tokenizer": "unicode",
            "normalize": "nfc",
            "lowercase": "auto",
            "apostrophes": "split",
            "sentences": "punctuation",
            "max_sentence_length": 1000,
            "dictionary": "",
            "k": 3,
            "frames": False,
            "stride": 1,
            "alphabet": "protein",
            "reverse_complement": "none",
            "unknown": "split",
        },
        "phrases": {
            "passes": 0,
            "scorer": "word2phrase",
            "threshold": "auto",
            "min_count": 5,
            "connector_words": "",
        },
        "vocabulary": {"min_count": 5, "max_size": 0},
        "model": {
            "architecture": "skipgram",
            "objective": "negative_sampling",
            "dim": 100,
            "window": 5,
            "negatives": 5,
            "noise_exponent": 0.75,
            "cbow_mean": True,
            "dbow_words": True,
            "shrink_window": True,
            "subwords": False,
            "min_n": 3,
            "max_n": 6,
            "bucket": 0,
            "min_ngram_words": 1,
            "published_rows": "input",
        },
        "train": {
            "epochs": 5,
            "learning_rate": 0.025,
            "min_learning_rate": 0.0001,
            "held_out": 0.0,
            "sample": 0.001,
            "shards": "auto",
            "threads": 1,
            "rounds": "auto",
            "noise_pool": "auto",
            "merge": "curvature",
            "freeze": "none",
            "seed": 1,
        },
        "counts": {
            "smoothing": 0.75,
            "shift": 1.0,
            "term_weights": "log_entropy",
            "eigenvalue_weight": 0.5,
            "iterations": 20,
            "oversampling": 100,
        },
        "retrain": {
            "epochs": 3,
            "learning_rate": 0.05,
            "min_learning_rate": 0.0001,
            "sample": "auto",
            "replay": 0.2,
            "interpolation": 0.4,
            "half_life": 0.0,
            "drift_words": 10_000,
        },
        "infer": {"epochs": 20, "learning_rate": 0.025, "min_learning_rate": 0.0001},
    }


def test_nothing_given_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    (tmp_path / "sections.toml").write_text("[text]\n[vocabulary]\n[model]\n[train]\n")
    assert Config.load() == Config.load(tmp_path / "empty.toml") == Config.load(tmp_path / "sections.toml") == Config()


def test_nothing_can_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().train.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trian": {}}, r"unknown section \[trian\], did you mean 'train'\?.*text, phrases, vocabulary, model, train"),
        ({"vocab": {}}, r"unknown section \[vocab\], did you mean 'vocabulary'"),
        ({"train": {"epoch": 1}}, r"unknown key train\.epoch, did you mean 'epochs'\?; \[train\] knows epochs, "),
        ({"train": {"learning-rate": 1}}, "train.learning-rate, did you mean 'learning_rate'"),
        ({"model": {"negative": 5}}, "unknown key model.negative, did you mean 'negatives'"),
        ({"text": {"dim": 5}}, r"unknown key text\.dim; \[text\] knows column, tokenizer"),
        ({"train": {"": 1}}, r"unknown key train\.;"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest_known_one(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.from_dict(values)


@pytest.mark.parametrize("name", ["xyzzy", "q"])
def test_no_name_is_suggested_where_none_is_near(name: str) -> None:
    cases: list[dict[str, Any]] = [{name: {}}, {"train": {name: 1}}]
    for values in cases:
        with pytest.raises(ConfigError, match="unknown") as caught:
            Config.from_dict(values)
        assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("content", [3, "x", None, [], [{"epochs": 3}], True])
def test_a_section_has_keys(content: object) -> None:
    with pytest.raises(ConfigError, match=r"\[train\] must be a section with keys"):
        Config.from_dict({"train": content})


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("train", "epochs", 3.0, "expected a whole number$"),
        ("train", "epochs", "3", "expected a whole number$"),
        ("train", "epochs", True, "train.epochs = True is not allowed: expected a whole number$"),
        ("train", "epochs", None, "expected a whole number$"),
        ("train", "epochs", [3], "expected a whole number$"),
        ("train", "learning_rate", "0.1", "train.learning_rate = '0.1' is not allowed: expected a number$"),
        ("train", "learning_rate", False, "expected a number$"),
        ("train", "shards", "all", "train.shards = 'all' is not allowed: expected a whole number or 'auto'$"),
        ("train", "shards", 2.0, "expected a whole number or 'auto'$"),
        ("train", "rounds", True, "expected a whole number or 'auto'$"),
        ("train", "rounds", "AUTO", "expected a whole number or 'auto'$"),
        ("train", "merge", "sum", "train.merge = 'sum' is not allowed: expected 'curvature' or 'mean'$"),
        ("train", "merge", 1, "expected 'curvature' or 'mean'$"),
        (
            "model",
            "architecture",
            "CBOW",
            "model.architecture = 'CBOW' is not allowed: expected 'skipgram' or 'cbow' or 'pv_dbow' or 'pv_dm'$",
        ),
        ("model", "objective", "hs", "expected 'negative_sampling' or 'hierarchical_softmax' or 'ppmi_svd' or 'lsa'$"),
        (
            "model",
            "published_rows",
            "both",
            "model.published_rows = 'both' is not allowed: expected 'input' or 'output' or 'sum'$",
        ),
        ("model", "published_rows", True, "expected 'input' or 'output' or 'sum'$"),
        ("model", "cbow_mean", 1, "model.cbow_mean = 1 is not allowed: expected true or false$"),
        ("model", "shrink_window", "no", "model.shrink_window = 'no' is not allowed: expected true or false$"),
        ("text", "sentences", "lines", "expected 'punctuation' or 'line'$"),
        ("text", "lowercase", 1, "text.lowercase = 1 is not allowed: expected true or false or 'auto'$"),
        ("text", "lowercase", "true", "expected true or false or 'auto'$"),
        ("text", "column", 2024, "text.column = 2024 is not allowed: expected a text$"),
    ],
)
def test_values_of_another_type_are_refused(section: str, key: str, value: object, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        one(section, key, value)
    assert f"{section}.{key}" in str(caught.value)


def test_whole_numbers_do_where_a_number_is_asked_for() -> None:
    rate = one("train", "learning_rate", 1).train.learning_rate
    assert (rate, type(rate)) == (1.0, float)


def test_names_become_enums() -> None:
    config = Config.from_dict({"text": {"sentences": "line"}, "train": {"merge": "mean"}})
    assert config.text.sentences is Sentences.LINE
    assert config.train.merge is Merge.MEAN
    assert one("train", "merge", Merge.MEAN).train.merge is Merge.MEAN
    assert config.model.architecture is Architecture.SKIPGRAM
    assert one("model", "architecture", "cbow").model.architecture is Architecture.CBOW
    assert one("model", "objective", "hierarchical_softmax").model.objective is Objective.HIERARCHICAL_SOFTMAX
    assert one("model", "published_rows", "sum").model.published_rows is PublishedRows.SUM


@pytest.mark.parametrize("entry", BOUNDED, ids=names(BOUNDED))
def test_bounds(entry: Entry) -> None:
    low, high, above = entry.setting.low, entry.setting.high, entry.setting.above
    assert high is not None
    others = {"min_learning_rate": 0.0} if entry.key == "learning_rate" else {}
    others |= {"learning_rate": high} if entry.key == "min_learning_rate" else {}
    for value in (1e-300 if low is None else low, high):
        config = Config.from_dict({entry.section: {**others, entry.key: value}})
        assert value_of(config, entry.section, entry.key) == value
    lowest = low if low is not None else above
    assert lowest is not None
    outside = [high + 1, lowest - 1, -(10**12)]
    outside += [above] if above is not None else []
    outside += (
        [float("nan"), float("inf"), float("-inf"), -1e300, 1e300, 10**400, -(10**400)]
        if entry.value_type is float
        else []
    )
    for value in outside:
        with pytest.raises(ConfigError, match=rf"{entry.name} = .* is not allowed: expected a finite number"):
            one(entry.section, entry.key, value)


@pytest.mark.parametrize(
    ("section", "key", "lowest", "highest"),
    [
        ("model", "dim", 1, 1024),
        ("model", "negatives", 1, 64),
        ("model", "noise_exponent", -2.0, 2.0),
        ("train", "sample", 0.0, 1.0),
        ("train", "min_learning_rate", 0.0, 10.0),
    ],
)
def test_limits_that_the_kernels_rely_on(section: str, key: str, lowest: float, highest: float) -> None:
    others = {"learning_rate": 10.0} if key == "min_learning_rate" else {}
    for value in (lowest, highest):
        assert value_of(Config.from_dict({section: {**others, key: value}}), section, key) == value
    whole = isinstance(lowest, int)
    below = lowest - 1 if whole else math.nextafter(lowest, -math.inf)
    beyond = highest + 1 if whole else math.nextafter(highest, math.inf)
    for value in (below, beyond):
        with pytest.raises(ConfigError, match=rf"{section}\.{key} = .* at least {lowest} and at most {highest}$"):
            Config.from_dict({section: {**others, key: value}})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("entry", BOUNDED, ids=names(BOUNDED))
def test_nan_and_infinity_are_refused_everywhere(entry: Entry, value: float) -> None:
    with pytest.raises(ConfigError, match=entry.name):
        one(entry.section, entry.key, value)


def test_every_number_has_bounds_and_nothing_else_has() -> None:
    numbers = [entry for entry in SETTINGS if entry.value_type in (int, float)]
    assert names(numbers) == names(BOUNDED)
    for entry in SETTINGS:
        assert ((entry.setting.low is None) != (entry.setting.above is None)) == (entry in BOUNDED)


@pytest.mark.parametrize(
    ("section", "key", "word"),
    [("train", "shards", "auto"), ("train", "rounds", "auto"), ("model", "window", "sentence")],
)
def test_a_word_or_a_number(section: str, key: str, word: str) -> None:
    assert value_of(one(section, key, word), section, key) == word
    assert value_of(one(section, key, 7), section, key) == 7
    with pytest.raises(ConfigError, match=rf"{section}\.{key} = 0 is not allowed: .*at least 1 .*, or '{word}'$"):
        one(section, key, 0)
    for other in ("", word.upper(), "all", True):
        with pytest.raises(ConfigError, match=rf"{section}\.{key} = .* expected a whole number or '{word}'$"):
            one(section, key, other)


def test_a_window_may_be_as_wide_as_a_basket() -> None:
    assert [one("model", "window", value).model.window for value in (51, 10_000)] == [51, 10_000]
    with pytest.raises(ConfigError, match="at most 10000"):
        one("model", "window", 10_001)


@pytest.mark.parametrize("value", ["input", "sum", "nonsense"])
def test_a_key_of_an_earlier_version_is_refused_with_its_name_of_today(value: str) -> None:
    refusals = [
        lambda: one("model", "vectors", value),
        lambda: Config.load(overrides=[f"model.vectors={value}"]),
        lambda: Config().replace(model={"vectors": value}),
    ]
    for refused in refusals:
        with pytest.raises(ConfigError, match=r"^model\.vectors is now called model\.published_rows; use that name$"):
            refused()


def test_every_setting_says_on_one_line_what_it_does() -> None:
    for entry in SETTINGS:
        assert entry.setting.help
        assert entry.setting.help.isprintable()
        assert "|" not in entry.setting.help


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"text": {"column": ""}}, "text.column is empty; name the column"),
        ({"train": {"min_learning_rate": 0.5}}, r"min_learning_rate = 0\.5 is above train\.learning_rate = 0\.025"),
        ({"train": {"learning_rate": 5e-5}}, r"min_learning_rate = 0\.0001 is above train\.learning_rate = 5e-05"),
    ],
)
def test_what_does_not_go_together(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.from_dict(values)


@pytest.mark.parametrize("rows", ["output", "sum"])
def test_output_rows_are_no_words_with_hierarchical_softmax(rows: str) -> None:
    with pytest.raises(
        ConfigError,
        match=rf"model\.published_rows = '{rows}' is not allowed: with model\.objective = 'hierarchical_softmax' .* "
        r"inner nodes .*; expected 'input', or choose model\.objective = 'negative_sampling'$",
    ):
        Config.from_dict({"model": {"objective": "hierarchical_softmax", "published_rows": rows}})
    with pytest.raises(ConfigError, match=r"model\.published_rows"):
        Config(model=ModelConfig(objective=Objective.HIERARCHICAL_SOFTMAX, published_rows=PublishedRows(rows)))
    with pytest.raises(ConfigError, match=r"model\.published_rows"):
        Config.load(overrides=["model.objective=hierarchical_softmax", f"model.published_rows={rows}"])


@pytest.mark.parametrize("architecture", list(Architecture))
def test_what_can_be_published(architecture: Architecture) -> None:
    for rows in PublishedRows:
        assert Config(model=ModelConfig(architecture, published_rows=rows)).model.published_rows is rows
    softmax = ModelConfig(architecture, Objective.HIERARCHICAL_SOFTMAX)
    assert Config(model=softmax).model.published_rows is PublishedRows.INPUT


def test_equal_learning_rates_go_together() -> None:
    config = Config.from_dict({"train": {"learning_rate": 0.01, "min_learning_rate": 0.01}})
    assert config.train.learning_rate == config.train.min_learning_rate


def test_the_constructor_checks_bounds_as_well() -> None:
    with pytest.raises(ConfigError, match=r"train\.epochs = 0 is not allowed"):
        Config(train=TrainConfig(epochs=0))
    with pytest.raises(ConfigError, match=r"text\.column is empty"):
        Config(text=TextConfig(column=""))
    assert Config(train=TrainConfig(epochs=3)) == one("train", "epochs", 3)


def test_errors_can_be_caught_as_ours_and_as_value_errors() -> None:
    for kind in (ConfigError, W2VError, ValueError):
        with pytest.raises(kind):
            one("train", "epochs", 0)


def test_case_is_kept_between_white_space_unless_it_is_asked_for() -> None:
    names = [*Tokenizer, "mine:words"]
    lowers = [Config.from_dict({"text": {"tokenizer": name}}).text.lowers for name in names]
    assert lowers == [name in ("unicode", "icu") for name in names]
    for tokenizer in Tokenizer:
        for lowercase in (True, False):
            assert TextConfig(tokenizer=tokenizer, lowercase=lowercase).lowers is lowercase


def test_who_shows_an_error_says_what_settings_are_called() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_dict({"model": {"objective": "hierarchical_softmax", "published_rows": "sum"}})
    shown = caught.value.render(lambda key: key.upper())
    assert shown.startswith("MODEL.PUBLISHED_ROWS = 'sum' is not allowed: with MODEL.OBJECTIVE = ")
    for values in ({"train": {"epochs": 0}}, {"train": {"epochs": "x"}}, {"text": {"column": ""}}):
        with pytest.raises(ConfigError) as caught:
            Config.from_dict(values)
        assert caught.value.render(lambda key: f"<{key}>").startswith(("<train.epochs>", "<text.column>"))
    with pytest.raises(ConfigError) as caught:
        Config.load(overrides=["nothing"])
    assert caught.value.render(lambda key: f"--{key}").startswith("--set 'nothing' is not of the form")

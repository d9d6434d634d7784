"""The configuration of a run: four frozen sections, read from TOML, checked once before any work starts."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from w2v_spark.errors import ConfigError

Auto = Literal["auto"]


class Sentences(StrEnum):
    """Where a sentence ends: at terminal punctuation, or only at the end of a line."""

    PUNCTUATION = "punctuation"
    LINE = "line"


class Apostrophes(StrEnum):
    """Whether an apostrophe between two word characters belongs to the word (``don't``) or splits it."""

    SPLIT = "split"
    KEEP = "keep"


class Tokenizer(StrEnum):
    """Whether words are what Unicode says, or whatever stands between white space."""

    UNICODE = "unicode"
    WHITESPACE = "whitespace"


class Normalize(StrEnum):
    """The normal form that text is brought into, so that the ways to write a character are one."""

    NFC = "nfc"
    NFKC = "nfkc"
    NONE = "none"


class Architecture(StrEnum):
    """Which input rows meet a target."""

    SKIPGRAM = "skipgram"
    CBOW = "cbow"


class Objective(StrEnum):
    """Which output rows a target is scored against."""

    NEGATIVE_SAMPLING = "negative_sampling"
    HIERARCHICAL_SOFTMAX = "hierarchical_softmax"


class Vectors(StrEnum):
    """Which of a word's two rows is published as its vector, or the sum of both."""

    INPUT = "input"
    OUTPUT = "output"
    SUM = "sum"


class Merge(StrEnum):
    """How the displacements of the shards become one."""

    CURVATURE = "curvature"
    MEAN = "mean"


def _setting(default: Any, low: float | None = None, high: float | None = None, *, above: float | None = None) -> Any:
    """A dataclass field with bounds: ``low`` and ``high`` included, ``above`` excluded."""
    return field(default=default, metadata={"low": low, "high": high, "above": above})


@dataclass(frozen=True, slots=True)
class TextConfig:
    """How text becomes sentences of words. ``lowercase = "auto"`` is true but for white space as the tokenizer."""

    column: str = "text"
    tokenizer: Tokenizer = Tokenizer.UNICODE
    normalize: Normalize = Normalize.NFC
    lowercase: bool | Auto = "auto"
    apostrophes: Apostrophes = Apostrophes.SPLIT
    sentences: Sentences = Sentences.PUNCTUATION
    max_sentence_length: int = _setting(1000, 1, 1_000_000)

    @property
    def lowers(self) -> bool:
        """Whether words are lower-cased."""
        return self.tokenizer is Tokenizer.UNICODE if self.lowercase == "auto" else self.lowercase


@dataclass(frozen=True, slots=True)
class VocabularyConfig:
    """Which words get a vector. ``max_size = 0`` means no limit."""

    min_count: int = _setting(5, 1, 2**62)
    max_size: int = _setting(0, 0, 2**31 - 1)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What is trained, and which part of it is published."""

    architecture: Architecture = Architecture.SKIPGRAM
    objective: Objective = Objective.NEGATIVE_SAMPLING
    dim: int = _setting(100, 1, 1024)
    window: int = _setting(5, 1, 50)
    negatives: int = _setting(5, 1, 64)
    noise_exponent: float = _setting(0.75, -2.0, 2.0)
    cbow_mean: bool = True
    shrink_window: bool = True
    vectors: Vectors = Vectors.INPUT


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How it is trained. ``shards`` and ``rounds`` are part of the result, the cluster is not.

    With ``threads`` above 1 the result differs a little from run to run.
    """

    epochs: int = _setting(5, 1, 10_000)
    learning_rate: float = _setting(0.025, above=0.0, high=10.0)
    min_learning_rate: float = _setting(0.0001, 0.0, 10.0)
    sample: float = _setting(1e-3, 0.0, 1.0)
    shards: int | Auto = _setting("auto", 1, 65_536)
    threads: int = _setting(1, 1, 256)
    rounds: int | Auto = _setting("auto", 1, 100_000)
    merge: Merge = Merge.CURVATURE
    seed: int = _setting(1, 0, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration of a run.

    Build it with `Config.load` or `Config.from_dict`, which check types and names; the bare constructor checks
    bounds only.
    """

    text: TextConfig = field(default_factory=TextConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        for section in dataclasses.fields(self):
            for key in dataclasses.fields(getattr(self, section.name)):
                _check_bounds(
                    f"{section.name}.{key.name}", getattr(getattr(self, section.name), key.name), key.metadata
                )
        if not self.text.column:
            raise ConfigError("text.column is empty; name the column that holds the text")
        if self.train.min_learning_rate > self.train.learning_rate:
            raise ConfigError(
                f"train.min_learning_rate = {self.train.min_learning_rate} is above train.learning_rate = "
                f"{self.train.learning_rate}; the rate falls from the second to the first, so lower the first"
            )
        if self.model.objective == Objective.HIERARCHICAL_SOFTMAX and self.model.vectors != Vectors.INPUT:
            raise ConfigError(
                f"model.vectors = '{self.model.vectors}' is not allowed: with model.objective = 'hierarchical_softmax' "
                "output rows belong to the inner nodes of the Huffman tree and not to words; expected 'input', or "
                "choose model.objective = 'negative_sampling'"
            )

    @classmethod
    def load(cls, path: str | Path | None = None, overrides: Iterable[str] = ()) -> Config:
        """Read a TOML file and apply ``section.key=value`` overrides, later ones winning.

        Raises
        ------
        ConfigError
            The file is missing or not TOML, a section or key is unknown (the nearest known name is given), or a
            value is of the wrong type or out of bounds.
        """
        values: dict[str, Any] = {}
        if path is not None:
            try:
                values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
            except OSError as error:
                raise ConfigError(f"configuration file {path} cannot be read: {error.strerror}") from error
            except ValueError as error:  # not TOML, not UTF-8, or a number of thousands of digits
                raise ConfigError(f"configuration file {path} is not valid TOML: {error}") from error
        for override in overrides:
            section, key, value = _parse_override(override)
            if not isinstance(values.setdefault(section, {}), dict):
                raise ConfigError(f"[{section}] in {path} must be a section with keys")
            values[section][key] = value
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """Build a configuration from nested mappings, refusing what is unknown or of another type."""
        sections: dict[str, Any] = {}
        known = typing.get_type_hints(cls)
        for name, content in values.items():
            if name not in known:
                raise ConfigError(f"unknown section [{name}]{_nearest(name, known)}; the sections are {_names(known)}")
            if not isinstance(content, Mapping):
                raise ConfigError(f"[{name}] must be a section with keys, got {content!r}")
            sections[name] = _build_section(name, known[name], content)
        return cls(**sections)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Nested plain values, ready for JSON or `from_dict`."""
        return typing.cast(dict[str, dict[str, Any]], json.loads(json.dumps(dataclasses.asdict(self))))

    def to_toml(self) -> str:
        """The configuration as TOML text that `load` reads back."""
        lines: list[str] = []
        for section, content in self.to_dict().items():
            lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in content.items()), ""]
        return "\n".join(lines)

    def replace(self, **sections: Mapping[str, Any]) -> Config:
        """A copy with some keys changed: ``config.replace(train={"shards": 4})``."""
        values = self.to_dict()
        for section, changes in sections.items():
            values[section] = {**values[section], **changes}
        return Config.from_dict(values)


def _build_section(name: str, section: type, content: Mapping[str, Any]) -> Any:
    known = typing.get_type_hints(section)
    values = {}
    for key, value in content.items():
        if key not in known:
            raise ConfigError(f"unknown key {name}.{key}{_nearest(key, known)}; [{name}] knows {_names(known)}")
        values[key] = _convert(f"{name}.{key}", value, known[key])
    return section(**values)


def _convert(key: str, value: Any, kind: Any) -> Any:
    """The value as the type its field asks for, or a `ConfigError` that says what is allowed."""
    options = (
        typing.get_args(kind)
        if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
        else (kind,)
    )
    for option in options:
        if typing.get_origin(option) is Literal and value in typing.get_args(option):
            return value
        if isinstance(option, type):
            if issubclass(option, StrEnum):
                if isinstance(value, str) and value in list(option):
                    return option(value)
            elif option is float and isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
            elif isinstance(value, option) and isinstance(value, bool) == (option is bool):
                return value
    raise ConfigError(f"{key} = {value!r} is not allowed: expected {' or '.join(map(_describe, options))}")


def _describe(kind: Any) -> str:
    if typing.get_origin(kind) is Literal:
        return " or ".join(repr(v) for v in typing.get_args(kind))
    if issubclass(kind, StrEnum):
        return " or ".join(repr(v.value) for v in kind)
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[kind]


def _check_bounds(key: str, value: Any, bounds: Mapping[str, float | None]) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    low, high, above = bounds.get("low"), bounds.get("high"), bounds.get("above")
    if (
        abs(value) < math.inf
        and (low is None or value >= low)
        and (high is None or value <= high)
        and (above is None or value > above)
    ):
        return
    limits = [
        f"at least {low}" if low is not None else "",
        f"above {above}" if above is not None else "",
        f"at most {high}",
    ]
    raise ConfigError(f"{key} = {value} is not allowed: expected a finite number, {' and '.join(filter(None, limits))}")


def _parse_override(text: str) -> tuple[str, str, Any]:
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise ConfigError(f"--set {text!r} is not of the form section.key=value, for example --set train.epochs=3")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except ValueError:  # not TOML: a text without quotes
        return section, key, value.strip()
    if len(parsed) > 1:
        raise ConfigError(f"--set {text!r} holds more than one value; give each key a --set of its own")
    return section, key, parsed["value"]


def _toml(value: Any) -> str:
    """A plain value as TOML; JSON's way to write it, but that TOML escapes one control character more."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _nearest(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean {matches[0]!r}?" if matches else ""


def _names(known: Iterable[str]) -> str:
    return ", ".join(known)

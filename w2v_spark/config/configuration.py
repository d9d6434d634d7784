"""The configuration of a run: frozen sections, read from TOML, checked once before any work starts."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from w2v_spark.config.alphabets import check_kmers
from w2v_spark.config.checks import check_bounds, convert
from w2v_spark.config.choices import Architecture, Objective, PublishedRows
from w2v_spark.config.counts_section import CountsConfig, check_counted
from w2v_spark.config.model_section import ModelConfig, check_subwords
from w2v_spark.config.phrases_section import PhrasesConfig
from w2v_spark.config.reading import nearest, parse_override, read_file
from w2v_spark.config.sections import (
    RENAMED,
    InferConfig,
    RetrainConfig,
    TrainConfig,
    VocabularyConfig,
)
from w2v_spark.config.setting import Entry
from w2v_spark.config.text_section import TextConfig
from w2v_spark.errors import ConfigError, Name

_COMMENT_COLUMN: Final = 32  # of --print-config


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration of a run.

    Build it with `Config.load` or `Config.from_dict`, which check types and names; the bare constructor checks
    bounds only.
    """

    text: TextConfig = field(default_factory=TextConfig)
    phrases: PhrasesConfig = field(default_factory=PhrasesConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    counts: CountsConfig = field(default_factory=CountsConfig)
    retrain: RetrainConfig = field(default_factory=RetrainConfig)
    infer: InferConfig = field(default_factory=InferConfig)

    def __post_init__(self) -> None:
        for entry in SETTINGS:
            check_bounds(entry, getattr(getattr(self, entry.section), entry.key))
        if not self.text.column:
            raise ConfigError(Name("text.column"), " is empty; name the column that holds the text")
        check_kmers(self.text)
        check_counted(self.model, self.train)
        check_subwords(self.model)
        for name, section in (("train", self.train), ("retrain", self.retrain), ("infer", self.infer)):
            if section.min_learning_rate > section.learning_rate:
                raise ConfigError(
                    Name(f"{name}.min_learning_rate"), f" = {section.min_learning_rate} is above ",
                    Name(f"{name}.learning_rate"), f" = {section.learning_rate}; the rate falls from the second to the "
                    "first, so lower the first",
                )  # fmt: skip
        rows, objective = self.model.published_rows, self.model.objective
        if objective == Objective.HIERARCHICAL_SOFTMAX and rows != PublishedRows.INPUT:
            raise ConfigError(
                Name("model.published_rows"), f" = '{rows}' is not allowed: with ", Name("model.objective"),
                f" = '{objective}' output rows belong to the inner nodes of the Huffman tree and not to words; "
                "expected 'input', or choose ", Name("model.objective"), " = 'negative_sampling'",
            )  # fmt: skip

        if rows == PublishedRows.SUM and self.model.architecture == Architecture.PV_DBOW and not self.model.dbow_words:
            raise ConfigError(
                Name("model.published_rows"), " = 'sum' is not allowed: with ", Name("model.dbow_words"), " = false "
                "words have no rows to add to their output rows; expected 'input' or 'output', both of which publish "
                "output rows",
            )  # fmt: skip

    @classmethod
    def load(
        cls, source: str | Path | None = None, overrides: Iterable[str] = (), before: Config | None = None
    ) -> Config:
        """Read a TOML file or a preset and apply ``section.key=value`` overrides, later ones winning.

        Parameters
        ----------
        source : str or Path, optional
            ``"laptop"``, ``"cluster"`` or ``"quality"`` for a preset of the package, even where the working directory
            has a file of that name; else a path.
        overrides : iterable of str
        before : Config, optional
            What counts where neither says anything, in place of the defaults.

        Raises
        ------
        ConfigError
            The file is missing or not TOML, a section or key is unknown (the nearest known name is given), or a
            value is of the wrong type or out of bounds.
        """
        values = {} if source is None else read_file(source)
        for override in overrides:
            section, key, value = parse_override(override)
            if not isinstance(values.setdefault(section, {}), dict):
                raise ConfigError(f"[{section}] in {source} must be a section with keys")
            values[section][key] = value
        if before is None:
            return cls.from_dict(values)
        cls.from_dict(values)  # names what is wrong by itself, before it is mixed with what is right
        known = before.to_dict()
        return cls.from_dict({section: {**known[section], **values.get(section, {})} for section in known})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """Build a configuration from nested mappings, refusing what is unknown or of another type."""
        sections: dict[str, Any] = {}
        for name, content in values.items():
            if name not in _SECTIONS:
                known = ", ".join(_SECTIONS)
                raise ConfigError(f"unknown section [{name}]{nearest(name, _SECTIONS)}; the sections are {known}")
            if not isinstance(content, Mapping):
                raise ConfigError(f"[{name}] must be a section with keys, got {content!r}")
            sections[name] = _build_section(name, content)
        return cls(**sections)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Nested plain values, ready for JSON or `from_dict`."""
        return typing.cast(dict[str, dict[str, Any]], json.loads(json.dumps(dataclasses.asdict(self))))

    def to_toml(self) -> str:
        """The configuration as TOML text that `load` reads back, each key with what it does behind it."""
        values = self.to_dict()
        lines: list[str] = []
        for section, entries in groupby(SETTINGS, lambda entry: entry.section):
            lines += [f"[{section}]", *(_to_line(entry, values[section][entry.key]) for entry in entries), ""]
        return "\n".join(lines)

    def replace(self, **sections: Mapping[str, Any]) -> Config:
        """A copy with some keys changed: ``config.replace(train={"shards": 4})``."""
        values = self.to_dict()
        for section, changes in sections.items():
            values[section] = {**values[section], **changes}
        return Config.from_dict(values)


_SECTIONS: Final = typing.get_type_hints(Config)
SETTINGS: Final = tuple(entry for name, section in _SECTIONS.items() for entry in Entry.of_section(name, section))
"""All settings, in the order of the sections and their keys."""


def _build_section(name: str, content: Mapping[str, Any]) -> Any:
    known = {entry.key: entry for entry in SETTINGS if entry.section == name}
    values = {}
    for key, value in content.items():
        if key not in known:
            today = RENAMED.get(f"{name}.{key}")
            if today:
                raise ConfigError(f"{name}.{key} is now called ", Name(today), "; use that name")
            raise ConfigError(f"unknown key {name}.{key}{nearest(key, known)}; [{name}] knows {', '.join(known)}")
        values[key] = convert(known[key], value)
    return _SECTIONS[name](**values)


def _to_line(entry: Entry, value: Any) -> str:
    """A key as TOML; values are JSON's, but that TOML escapes one control character more."""
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"{f'{entry.key} = {text}':<{_COMMENT_COLUMN}}  # {entry.explanation}"

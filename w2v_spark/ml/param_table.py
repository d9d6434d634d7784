"""The Params of the estimator, made from the table of settings, and the configuration that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pyspark.ml.param import Params
from pyspark.ml.param.shared import HasInputCol

from w2v_spark.config import RENAMED, SETTINGS, Config, Entry
from w2v_spark.errors import ConfigError, W2VError

_SEEDS: Final = 2**63


@dataclass(frozen=True, slots=True)
class ParamEntry:
    """One Param.

    Attributes
    ----------
    name : str
    type : type
        `bool`, `int`, `float`, `str`, `list` of texts, `tuple` for a whole number or two of them, or `Path` for a text
        that may be given as a path.
    help : str
    default : optional
        None for a Param that has none, or, in one of truth values, for the word that its setting may be.
    entry : Entry, optional
        The setting that it stands for.
    """

    name: str
    type: type
    help: str
    default: Any = None
    entry: Entry | None = None

    @property
    def accessor(self) -> str:
        """What follows ``get`` and ``set`` in the names of methods."""
        return self.name[0].upper() + self.name[1:]

    @property
    def keyword_type(self) -> Any:
        """What the keyword of that name takes; None is the default."""
        if self.type is list:
            return list[str] | None
        if self.type is tuple:
            return int | list[int] | None
        return self.type | str | None if self.type is Path else self.type | None

    @property
    def zero(self) -> Any:
        """The value that stands for the setting's word, if there is one."""
        return 0 if self.type is int else None

    @classmethod
    def of_setting(cls, name: str, entry: Entry) -> ParamEntry:
        """The Param of a setting."""
        type_ = str if issubclass(entry.value_type, StrEnum) else tuple if entry.is_range else entry.value_type
        default = entry.default if entry.setting.param_default is None else entry.setting.param_default
        help_ = entry.explanation
        if entry.word is not None:
            zero = 0 if type_ is int else None
            default = zero if default == entry.word else default
            help_ += f" ({zero} is {entry.word!r} here)"
        if entry.choices:
            default = str(default)
        return cls(name, type_, help_, default, entry)


def _of_settings(documents: bool = False) -> dict[str, ParamEntry]:
    """MLlib's first, as everywhere in the documentation; those of documents alone where they are wanted."""
    entries = sorted(SETTINGS, key=lambda entry: not entry.setting.mllib_default)
    named = [(entry.setting.param or (entry.setting.document_param if documents else None), entry) for entry in entries]
    return {name: ParamEntry.of_setting(name, entry) for name, entry in named if name is not None}


UNKNOWN_WORDS: Final = ("skip", "zero")

_INPUT: Final = ParamEntry("inputCol", str, "the column of documents, lists of words or text")
_PLACES: Final = (
    ParamEntry(
        "runDirectory",
        Path,
        "where fit keeps its files while it runs and a model its vectors; by default spark.w2v.directory",
    ),
    ParamEntry("verbose", bool, "whether fit shows its progress", True),
)

PARAMS: Final = {
    **_of_settings(),
    **{
        param.name: param
        for param in (
            _INPUT,
            ParamEntry("outputCol", str, "the column that transform adds, the mean vector of each document"),
            ParamEntry(
                "unknownWords",
                str,
                "what a word without a vector is to transform: skip leaves it out, zero counts it as a vector of zeros",
                "skip",
            ),
            *_PLACES,
        )
    },
}
"""All Params of `Word2Vec` by name."""

_DOCUMENT_SETTINGS: Final = _of_settings(documents=True)
DOCUMENT_PARAMS: Final = {
    **_DOCUMENT_SETTINGS,
    "architecture": replace(_DOCUMENT_SETTINGS["architecture"], default="pv_dbow"),
    **{
        param.name: param
        for param in (
            _INPUT,
            ParamEntry("outputCol", str, "the column that transform adds, the inferred vector of each document"),
            ParamEntry("idCol", str, "the column with the documents' names; a hash of the content without it"),
            ParamEntry(
                "tagCols",
                list,
                "columns with tags that documents share, strings or arrays of strings; each value gets a vector",
                (),
            ),
            *_PLACES,
        )
    },
}
"""All Params of `Doc2Vec` by name."""

_USERS_WORDS: Final = {
    "text.column": "inputCol",
    "column": "inputCol",
    "input": "the dataset",
    "output": "the path",
    "overwrite": "write().overwrite()",
    "id": "idCol",
    "tag": "tagCols",
    **{param.entry.name: param.name for param in DOCUMENT_PARAMS.values() if param.entry is not None},
}
RENAMED_PARAMS: Final = {old.partition(".")[2]: _USERS_WORDS[new] for old, new in RENAMED.items()}
"""Params of earlier versions, with their names of today."""


@contextmanager
def errors_naming_params() -> Iterator[None]:
    """Let errors of this package speak of Params where they speak of settings and arguments."""
    try:
        yield
    except W2VError as error:
        text = error.render(lambda key: _USERS_WORDS.get(key, key))
        raise type(error)(text).with_traceback(error.__traceback__) from error.__cause__


def build_config(params: Params) -> Config:
    """The configuration that the Params of an estimator ask for.

    Raises
    ------
    ConfigError
        A value is not allowed.
    """
    values: dict[str, dict[str, Any]] = {}
    for param in DOCUMENT_PARAMS.values():
        if param.entry is not None and params.hasParam(param.name):
            value = _as_setting(param, param.entry, params.getOrDefault(param.name))
            if value is not None:
                values.setdefault(param.entry.section, {})[param.entry.key] = value
    train = values["train"]
    if not params.isSet("minStepSize"):
        train["min_learning_rate"] = min(train["min_learning_rate"], train["learning_rate"])
    return Config.from_dict(values)


def params_of(config: Config, table: Mapping[str, ParamEntry] = PARAMS) -> dict[str, Any]:
    """The values of the Params of a table that stand for a configuration: `build_config` makes the same of them."""
    sections, values = config.to_dict(), dict[str, Any]()
    for param in table.values():
        if param.entry is not None:
            value = sections[param.entry.section][param.entry.key]
            values[param.name] = param.zero if param.entry.word is not None and value == param.entry.word else value
    return {name: value for name, value in values.items() if value is not None}


def _as_setting(param: ParamEntry, entry: Entry, value: Any) -> Any:
    if entry.word is not None and value == param.zero:
        return entry.word
    if param.name == "seed":
        return None if value is None else value % _SEEDS  # Spark's are signed
    return 1 if param.name == "minCount" and value == 0 else value


def check_unknown_words(value: str) -> None:
    """`ConfigError` unless the Param ``unknownWords`` is one of its values."""
    if value not in UNKNOWN_WORDS:
        raise ConfigError(f"unknownWords = {value!r} is not allowed: expected {' or '.join(map(repr, UNKNOWN_WORDS))}")


def check_keywords(params: Params, given: Mapping[str, Any]) -> None:
    """`TypeError` for a name that is no Param."""
    for name in given:
        if name in RENAMED_PARAMS:
            raise TypeError(f"{name} is now called {RENAMED_PARAMS[name]}; use that name")
        if not params.hasParam(name):
            raise TypeError(f"{name} is not a Param of {type(params).__name__}; explainParams() lists them")


def input_column(params: HasInputCol) -> str:
    """The column of documents. Raises `ConfigError` where none is named."""
    if not params.isDefined("inputCol"):
        raise ConfigError("inputCol is not set; name the column of documents, for example with setInputCol('words')")
    return params.getInputCol()

"""What is known of one setting beside its type and default, as the metadata of its dataclass field."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

_METADATA: Final = "setting"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings.

    Attributes
    ----------
    help : str
        What it does, on one line, for ``--print-config``, the documentation and ``explainParams()``. Code stands in
        back-quotes, which only the documentation keeps.
    low, high, above : float, optional
        Bounds of a number, all of them needed but one of ``low``, included, and ``above``, excluded.
    limit : str
        A further bound, for the documentation.
    param : str, optional
        The Param of the Estimator. Where the setting takes a number or a word, 0 stands for the word in a Param of
        whole numbers, and None in one of truth values.
    document_param : str, optional
        The Param of the Estimator of documents, where that of words has none.
    param_default : optional
        The Param's default where it is not the setting's.
    param_note : str
        What the documentation of the Estimator says of the Param.
    gensim, mllib, c_program : str
        The same in gensim's `Word2Vec`, in that of `pyspark.ml` and in the original C program, as Markdown.
    mllib_default : str
        Default of MLlib's Param of the same name; empty where MLlib has none.
    """

    help: str
    low: float | None = None
    high: float | None = None
    above: float | None = None
    limit: str = ""
    param: str | None = None
    document_param: str | None = None
    param_default: Any = None
    param_note: str = ""
    gensim: str = "-"
    mllib: str = "-"
    c_program: str = "-"
    mllib_default: str = ""


def setting(default: Any, help: str, low: float | None = None, high: float | None = None, **known: Any) -> Any:
    """A dataclass field with its row of the table; the parameters are the attributes of `Setting`."""
    return dataclasses.field(default=default, metadata={_METADATA: Setting(help, low, high, **known)})


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting with its place in the configuration.

    Attributes
    ----------
    section, key : str
    options : tuple
        What a value may be: `bool`, `int`, `float`, `str`, a `StrEnum` or a `Literal`; one, or one and a `Literal`.
    default : optional
    setting : Setting
    """

    section: str
    key: str
    options: tuple[Any, ...]
    default: Any
    setting: Setting

    @property
    def name(self) -> str:
        """``section.key``."""
        return f"{self.section}.{self.key}"

    @property
    def value_type(self) -> type:
        """The type of all values but the word."""
        return next(option for option in self.options if isinstance(option, type))

    @property
    def is_range(self) -> bool:
        """Whether two values may stand in place of one."""
        return any(typing.get_origin(option) is tuple for option in self.options)

    @property
    def word(self) -> str | None:
        """The word that may stand in place of a value, for example ``auto``."""
        words = [typing.get_args(option)[0] for option in self.options if typing.get_origin(option) is Literal]
        return words[0] if words else None

    @property
    def choices(self) -> list[str]:
        """The values of a setting that names one of several; empty for others."""
        return [member.value for member in self.value_type] if issubclass(self.value_type, StrEnum) else []

    @property
    def explanation(self) -> str:
        """The help without the marks of Markdown, and the values where they are few."""
        values = "; one of " + ", ".join(f'"{choice}"' for choice in self.choices) if self.choices else ""
        return self.setting.help.replace("`", "") + values

    @classmethod
    def of_section(cls, name: str, section: type) -> list[Entry]:
        """The settings of a section, in order."""
        hints = typing.get_type_hints(section)
        return [
            cls(name, field.name, _options(hints[field.name]), field.default, field.metadata[_METADATA])
            for field in dataclasses.fields(section)
        ]


def _options(kind: Any) -> tuple[Any, ...]:
    is_union = isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union
    return typing.get_args(kind) if is_union else (kind,)

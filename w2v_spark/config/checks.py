"""What a value of a setting must be, and what is said where it is not."""

from __future__ import annotations

import math
import typing
from enum import StrEnum
from typing import Any, Literal

from w2v_spark.config.setting import Entry
from w2v_spark.errors import ConfigError, Name


def convert(entry: Entry, value: Any) -> Any:
    """The value as the type that its setting asks for.

    Raises
    ------
    ConfigError
        It is of another type, or none of the words that are allowed.
    """
    for option in entry.options:
        if typing.get_origin(option) is Literal:
            if isinstance(value, str) and value in typing.get_args(option):
                return value
        elif typing.get_origin(option) is tuple:
            if isinstance(value, list | tuple) and [type(each) for each in value] == list(typing.get_args(option)):
                return tuple(value)
        elif issubclass(option, StrEnum):
            if isinstance(value, str) and value in list(option):
                return option(value)
        elif option is float and isinstance(value, int | float) and not isinstance(value, bool):
            return _as_float(value)
        elif isinstance(value, option) and isinstance(value, bool) == (option is bool):
            return value
    expected = " or ".join(map(_describe, entry.options))
    raise ConfigError(Name(entry.name), f" = {value!r} is not allowed: expected {expected}")


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits, which no bounds allow
        return math.inf if value > 0 else -math.inf


def _describe(option: Any) -> str:
    if typing.get_origin(option) is Literal:
        return " or ".join(repr(word) for word in typing.get_args(option))
    if typing.get_origin(option) is tuple:
        return "two of them in brackets"
    if issubclass(option, StrEnum):
        return " or ".join(repr(member.value) for member in option)
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[option]


def check_bounds(entry: Entry, value: Any) -> None:
    """Refuse a number that is out of bounds, infinite or NaN; other values pass. Raises `ConfigError`."""
    if isinstance(value, tuple):
        for each in value:
            check_bounds(entry, each)
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    low, high, above = entry.setting.low, entry.setting.high, entry.setting.above
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
    word = f", or {entry.word!r}" if entry.word else ""
    expected = " and ".join(filter(None, limits))
    raise ConfigError(Name(entry.name), f" = {value} is not allowed: expected a finite number, {expected}{word}")

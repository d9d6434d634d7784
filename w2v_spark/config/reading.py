"""Where a configuration comes from: a file, a preset of the package, and what is set in place of one key."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from w2v_spark.errors import ConfigError, Name


def _presets() -> Traversable:
    return resources.files("w2v_spark").joinpath("presets")


def preset_names() -> list[str]:
    """The presets that come with the package, by name."""
    return sorted(entry.name.removesuffix(".toml") for entry in _presets().iterdir() if entry.name.endswith(".toml"))


def read_file(source: str | Path) -> dict[str, Any]:
    """The content of a TOML file, or of a preset where the source is a string with the name of one.

    A name is always the preset, whatever lies in the working directory: ``./laptop`` or a `Path` is a file.

    Raises
    ------
    ConfigError
        There is no such file or preset, or it is not TOML.
    """
    try:
        if isinstance(source, str) and source in preset_names():
            text = _presets().joinpath(f"{source}.toml").read_text(encoding="utf-8")
        else:
            text = Path(source).read_text(encoding="utf-8")
        return tomllib.loads(text)
    except OSError as error:
        presets = preset_names()
        raise ConfigError(
            f"configuration file {source} cannot be read: {error.strerror}; give the path of a TOML file, or the name "
            f"of a preset: {', '.join(presets)}{nearest(str(source), presets)}"
        ) from error
    except ValueError as error:  # not TOML, not UTF-8, a path with a NUL, or a number of thousands of digits
        raise ConfigError(f"configuration file {source} is not valid TOML: {error}") from error


def parse_override(text: str) -> tuple[str, str, Any]:
    """Section, key and value of ``section.key=value``; the value is TOML, or a text without quotes.

    Raises
    ------
    ConfigError
        The text has another form.
    """
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise ConfigError(Name("set"), f" {text!r} is not of the form section.key=value, for example train.epochs=3")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except ValueError:  # not TOML: a text without quotes
        return section, key, value.strip()
    if len(parsed) > 1:
        raise ConfigError(Name("set"), f" {text!r} holds more than one value; set each key by itself")
    return section, key, parsed["value"]


def nearest(name: str, known: Iterable[str]) -> str:
    """A question that names the known name nearest to one that is not, or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f", did you mean {matches[0]!r}?" if matches else ""

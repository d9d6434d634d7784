"""The exceptions that users see; every one is a `W2VError`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from w2v_spark.redaction import hide

_MOST: Final = 4000  # characters of a message: a word may have a million
# What a terminal obeys instead of showing it: control characters, and those that turn the direction of text.
_COMMANDS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Text whose control characters a terminal shows and does not obey, as Python writes them; tabs and lines stay."""
    return _COMMANDS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """Text as one line for a terminal, without secrets, of 4,000 characters at most."""
    line = hide(" ".join(text.splitlines()))
    if len(line) > _MOST:
        line = f"{line[: _MOST // 2]} ... ({len(line) - _MOST:,} characters) ... {line[-_MOST // 2 :]}"
    return printable(line)


@dataclass(frozen=True, slots=True)
class Name:
    """A setting or an argument within a message; who shows the message says what users call it.

    Attributes
    ----------
    key : str
        A setting's ``section.key``, or an argument of a command without its dashes: ``overwrite``.
    """

    key: str

    def __str__(self) -> str:
        return self.key


class W2VError(Exception):
    """Base of all errors raised on purpose by this package.

    Parameters
    ----------
    *parts : str or Name
        The message in pieces. ``str(error)`` has the keys of names as they are; `render` has them in the words of
        the command line, or of the Estimator.
    """

    def __init__(self, *parts: str | Name) -> None:
        super().__init__("".join(map(str, parts)))
        self.parts = parts

    def render(self, name: Callable[[str], str]) -> str:
        """The message as `one_line` has it, with each name as ``name`` gives it."""
        return one_line("".join(name(part.key) if isinstance(part, Name) else part for part in self.parts))


class ConfigError(W2VError, ValueError):
    """A setting, a path or a combination of them is not usable."""


class InUse(ConfigError):
    """Another job is at work in the same place."""


class InputError(W2VError, ValueError):
    """The input is missing, empty, unreadable or of another shape than announced."""


class EmptyInput(InputError):
    """What was named is there, and has no text in it."""


class VocabularyError(W2VError, ValueError):
    """The corpus gives no vocabulary that could be trained on."""


class WordNotFound(W2VError, KeyError):
    """A word is not in the vocabulary."""

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return "".join(map(str, self.parts))


class IdNotFound(W2VError, KeyError):
    """A document or a tag is not in the table."""

    __str__ = WordNotFound.__str__


class StoreError(W2VError, OSError):
    """A file of ours is missing, truncated or not what it should be."""


class RootDamaged(StoreError):
    """A root of versions does not say which of them readers follow."""


class CheckpointMismatch(W2VError):
    """A run directory belongs to another configuration or another input."""


class DivergedError(W2VError, ArithmeticError):
    """Training produced weights that are not finite."""


class ClusterError(W2VError, RuntimeError):
    """A process of Spark has ended, or a disk or memory was not enough: nothing that was given is wrong in itself."""


class MissingExtra(W2VError, ImportError):
    """A part of the package needs libraries that its base installation leaves out."""


class GateFailed(W2VError):
    """A result did not pass its gate: it is kept, and nobody is led to it."""


class NotFollowed(W2VError):
    """A version is complete, and readers were led to another one meanwhile, with which they stay."""


class NothingNew(W2VError):
    """There is no text to train on that has not been trained on: no failure, and nothing is published."""

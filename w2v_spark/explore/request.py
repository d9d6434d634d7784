"""What a map or an export shall show, and what of it can be checked at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from w2v_spark.errors import ConfigError, Name

WORDS: Final = 50_000
PLACED: Final = 50_000
DOCUMENTS: Final = 2_000


class Link(StrEnum):
    """By what words of two spaces belong together."""

    WORDS = "words"
    TRANSLATIONS = "translations"


class Export(StrEnum):
    """For what other program."""

    PROJECTOR = "projector"
    EMBEDDING_ATLAS = "embedding-atlas"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a map shall show.

    Attributes
    ----------
    model : str
        A path or a URI of a result.
    beside : str, optional
        Another one, shown side by side.
    link : Link, optional
        By what words of the two belong together; by default `choose_link` says so.
    words, placed : int
        How many words are laid out, and how many more are placed between them.
    topics, drift : str, optional
        Results of the commands of these names, of ``model``.
    documents : int
        Documents that are shown at the most.
    """

    model: str
    beside: str | None = None
    link: Link | None = None
    words: int = WORDS
    placed: int = PLACED
    topics: str | None = None
    drift: str | None = None
    documents: int = DOCUMENTS

    def check(self) -> None:
        """Raise `ConfigError` for numbers that make no sense, and for a link to nothing."""
        for name, least in (("words", 1), ("placed", 0), ("documents", 0)):
            if (value := getattr(self, name)) < least:
                raise ConfigError(Name(name), f" = {value} is not allowed: expected {least} or more")
        if self.link is not None and self.beside is None:
            raise ConfigError(
                Name("link"), " goes with ", Name("beside"), ": it says which words of two models are one"
            )

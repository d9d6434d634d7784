"""What is let through of a file that is not as it should be, and what was mended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from w2v_spark.errors import ConfigError, InputError, Name

SKIP_MALFORMED: Final = Name("skip-malformed")
DUPLICATES: Final = Name("duplicates")
UNICODE_ERRORS: Final = Name("unicode-errors")


class Duplicates(StrEnum):
    """What becomes of a word that has occurred before."""

    ERROR = "error"
    FIRST = "first"


class UnicodeErrors(StrEnum):
    """What becomes of a word that is not UTF-8: an error, or the bytes that are wrong are left out or are U+FFFD."""

    STRICT = "strict"
    IGNORE = "ignore"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Lenience:
    """What to let through. By default nothing that would lose information.

    Attributes
    ----------
    duplicates : Duplicates
    skip_malformed : bool
        Leave out rows that cannot be read, and take all that are there, whatever the header announces.
    unicode_errors : UnicodeErrors

    Raises
    ------
    ConfigError
        A value is none of those allowed.
    """

    duplicates: Duplicates = Duplicates.ERROR
    skip_malformed: bool = False
    unicode_errors: UnicodeErrors = UnicodeErrors.STRICT

    def __post_init__(self) -> None:
        for name, field, kind in (
            (DUPLICATES, "duplicates", Duplicates),
            (UNICODE_ERRORS, "unicode_errors", UnicodeErrors),
        ):
            value = getattr(self, field)
            if value not in list(kind):
                raise ConfigError(name, f" = {value!r} is not allowed: expected one of {', '.join(kind)}")
            object.__setattr__(self, field, kind(value))  # a plain string will do

    @property
    def drops(self) -> bool:
        """Whether there may be fewer words than rows."""
        return self.skip_malformed or self.duplicates is not Duplicates.ERROR

    def malformed(self, place: str, what: str, *also: str | Name) -> None:
        """Raise `InputError` about a row that cannot be read, unless such rows are left out.

        ``also`` is a remedy of its own.
        """
        if not self.skip_malformed:
            raise InputError(f"{place}: {what}; ", *also, SKIP_MALFORMED, " leaves such rows out")


STRICT: Final = Lenience()


@dataclass(slots=True)
class Mended:
    """What was mended, complete once the stream has been read.

    Attributes
    ----------
    malformed : int
        Rows left out because they could not be read.
    duplicates : int
        Rows left out because their word had occurred before.
    not_unicode : int
        Words of which bytes were left out or replaced.
    with_spaces : int
        Words of a text file with spaces in them: what comes before the last D fields of their lines.
    announced : int or None
        The number of rows that a header announces, if it is wrong.
    """

    malformed: int = 0
    duplicates: int = 0
    not_unicode: int = 0
    with_spaces: int = 0
    announced: int | None = None

    def to_dict(self) -> dict[str, int]:
        """What is not zero."""
        return {name: value for name, value in asdict(self).items() if value}

    def lines(self) -> list[str]:
        """A line for each thing that was mended."""
        said = (
            (self.malformed, "rows left out because they are malformed"),
            (self.duplicates, "rows left out because their word has occurred before"),
            (self.not_unicode, "words changed because they are not UTF-8"),
            (self.with_spaces, "words with spaces, which are what comes before the last D fields of their lines"),
            (self.announced, "rows announced by the header, which is wrong"),
        )
        return [f"{what}: {count:,}" for count, what in said if count]

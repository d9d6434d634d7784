"""What a version of a result is called, and what is known of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

_ID: Final = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_TIME: Final = "%Y%m%dT%H%M%SZ"


class State(StrEnum):
    """What has become of a version."""

    PUBLISHED = "published"
    REJECTED = "rejected"
    """It did not pass its gate; nobody is led to it."""
    DAMAGED = "damaged"
    """Its manifest or its report cannot be read."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a root.

    Attributes
    ----------
    id : str
        ``<UTC time>-<8 hex of the content digest>``; the order of ids is that of time.
    state : State
    parent : str or None
        The version that was current when this one was made, or that it was made of.
    digest : str
        Of the content, see `Manifest`.
    bytes : int
        Size of all files.
    is_current, is_pinned : bool
    """

    id: str
    state: State
    parent: str | None
    digest: str
    bytes: int
    is_current: bool
    is_pinned: bool

    @property
    def made(self) -> float:
        """When it was published, in seconds since 1970."""
        return time_of(self.id)


def new_id(digest: str, newest: str | None) -> str:
    """The id of a version that is made now, with the digest of its content; it comes after the newest one so far."""
    now = datetime.now(UTC).timestamp()
    if newest is not None:
        now = max(now, time_of(newest) + 1)
    return f"{datetime.fromtimestamp(now, UTC).strftime(_TIME)}-{digest[:8]}"


def is_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None


def time_of(version: str) -> float:
    """When a version was published by its id, in seconds since 1970."""
    return datetime.strptime(version.partition("-")[0], _TIME).replace(tzinfo=UTC).timestamp()

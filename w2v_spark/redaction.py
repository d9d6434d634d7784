"""What must not be written down: passwords, keys and tokens in options, URIs and messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

HIDDEN: Final = "***"
"""What stands in the place of a secret."""

_SECRET: Final = re.compile(
    r"secret|passw|passphrase|credential|signature"
    r"|(?:access|account|api|private|shared|encryption|sas)[._-]?(?:key|token)"
    r"|(?:^|[._-])(?:token|pwd|pass|sig|sas|authorization)$",
    re.IGNORECASE,
)
# Every run of characters is looked at once, so that a message of a million characters takes no longer than reading it:
# what begins a match does not follow a character that it could have begun with, and gives nothing back (`++`).
_NO_SPACE: Final = re.compile(r"[^\s'\"]++")
# A user and a password before a host. After a host there may be a port, and an @ far behind it: hdfs://h:8020/x@v.
_URI: Final = re.compile(r"(?<![\w+.-])([\w+.-]++://)[^/:@]*+:(?!\d+/)[^@]+@")
_ASSIGNMENT: Final = re.compile(r"(?<![\w.-])([\w.-]++)(\s*+=\s*+)(\"[^\"]*\"|'[^']*'|[^\s&;,'\"\\]+)")


def is_secret(key: str) -> bool:
    """Whether an option or a setting of that name holds a secret, such as ``password`` or ``fs.s3a.secret.key``."""
    return _SECRET.search(key) is not None


def hide(text: str) -> str:
    """Text without the passwords of URIs and without the values of what looks like ``password=...``."""
    if "://" in text:
        text = _NO_SPACE.sub(_hide_user, text)
    return _ASSIGNMENT.sub(_hide_assigned, text) if "=" in text else text


def _hide_user(found: re.Match[str]) -> str:
    """Hide user and password of each URI; there is none behind the last @, where a search for one would be in vain."""
    before, at, behind = found[0].rpartition("@")
    return _URI.sub(rf"\1{HIDDEN}@", before + at) + behind


def _hide_assigned(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{HIDDEN}" if is_secret(found[1]) else found[0]


def hide_options(options: Mapping[str, str]) -> dict[str, str]:
    """Options without the values of secret ones."""
    return {key: HIDDEN if is_secret(key) else hide(value) for key, value in options.items()}

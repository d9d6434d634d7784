"""What the fixtures of topics give, and which of the planted documents have no vector."""

from __future__ import annotations

from collections.abc import Callable

NULLS = (3, 500, 1999)
Job = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]

"""Everything that is fuzzed."""

from __future__ import annotations

from typing import Final

from tests.fuzz import document_targets, run_targets, text_targets, vector_targets
from tests.fuzz.target import Target

TARGETS: Final[dict[str, Target]] = {
    **text_targets.TARGETS,
    **vector_targets.TARGETS,
    **document_targets.TARGETS,
    **run_targets.TARGETS,
}

"""The names of everything in an output directory."""

from __future__ import annotations

from typing import Final

SUCCESS_FILE: Final = "_SUCCESS"
MODEL_FILE: Final = "model.json"
HISTORY_FILE: Final = "history.json"
VECTORS: Final = "vectors"
NEIGHBOURS: Final = "neighbours"
RUN: Final = "_run"

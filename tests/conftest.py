"""Settings shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# Child processes, Spark's Python workers among them, import the package from this checkout.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

# Compiling a kernel takes seconds, so no deadline; and a failure seen once is seen by everyone.
settings.register_profile("w2v", deadline=None, derandomize=True)
settings.load_profile("w2v")

"""Unit tests run without PySpark, but for those of the Estimator's parts."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [] if find_spec("pyspark") else ["test_estimator_parts.py", "test_facade.py", "test_generated.py"]

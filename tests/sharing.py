"""Test files that share a process of ``pytest -n``: what one of them has compiled or computed need not be made again.

Files go to processes one by one, and umap-learn keeps nothing of what it compiles for another process.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

TOGETHER: Final = {  # by the name under which they are one
    "compiled layouts": (
        "tests/unit/test_explore.py",
        "tests/unit/test_large_areas.py",
        "tests/unit/test_topics.py",
    ),
    "topics of planted documents": (
        "tests/spark/topics/test_refused_topics.py",
        "tests/spark/topics/test_topics.py",
    ),
}
_NAMES: Final = {file: name for name, files in TOGETHER.items() for file in files}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """That of ``--dist loadfile``, which hands out file by file, but these together; for others xdist's own."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return _NAMES.get(file, file)

    return Scheduling(config, log)

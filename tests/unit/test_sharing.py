"""Which test files are handed out together."""

from __future__ import annotations

from types import SimpleNamespace

from tests.conftest import ROOT
from tests.sharing import TOGETHER, pytest_xdist_make_scheduler


def test_files_that_belong_together_are_one_and_others_are_alone() -> None:
    config = SimpleNamespace(getvalue={"dist": "loadfile", "tx": ["2*popen"]}.__getitem__)
    scheduler = pytest_xdist_make_scheduler(config, None)
    for name, files in TOGETHER.items():
        assert [file for file in files if not (ROOT / file).is_file()] == []
        assert {scheduler._split_scope(f"{file}::TestX::test_y[a::b]") for file in files} == {name}
    assert scheduler._split_scope("tests/unit/test_sharing.py::test_z") == "tests/unit/test_sharing.py"
    other = SimpleNamespace(getvalue={"dist": "load"}.__getitem__)
    assert pytest_xdist_make_scheduler(other, None) is None

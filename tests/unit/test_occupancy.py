"""Two jobs on one output: the second one is refused, and what a lock leaves behind is in nobody's way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from w2v_spark.errors import ConfigError, InUse
from w2v_spark.publishing.holder import Holder
from w2v_spark.publishing.layout import Kind, find_foreign
from w2v_spark.publishing.occupancy import check_free, occupied
from w2v_spark.publishing.publication import Publication
from w2v_spark.storage import Directory


def test_the_second_job_is_told_of_the_first(tmp_path: Path) -> None:
    output, said = Directory.open(tmp_path / "out"), []
    check_free(output)
    with occupied(output, "train", said.append):
        with pytest.raises(InUse, match=r"out is in use by train of \S+ on \S+ \(process \d+\), begun \d+ s ago"):
            check_free(output)
        with pytest.raises(InUse), occupied(output, "retrain", said.append):
            pass
    check_free(output)
    assert said == []
    assert not (tmp_path / "out").exists(), "it was made for the lock"


def test_a_directory_that_was_there_stays(tmp_path: Path) -> None:
    with occupied(Directory.open(tmp_path), "train", print):
        assert (tmp_path / "lock.json").is_file()
    assert tmp_path.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_job_has_left_is_no_result(tmp_path: Path) -> None:
    """Killed while it counted: there is a lock, perhaps a second one that it was about to put in place, and no more."""
    gone = replace(Holder.of_this_process("train"), process_start="0")
    token = gone.token
    for name in ("lock.json", f"lock.json.{token}.tmp", f"lock.json.{token}.tmp.{token}.tmp", f"lock.json.{token}.old"):
        (tmp_path / name).write_text(json.dumps(gone.to_dict()))
    output, said = Directory.open(tmp_path), []
    check_free(output)
    Publication(output).check()
    assert find_foreign(output, Kind.VECTORS) is None
    with occupied(output, "train", said.append):
        pass
    (line,) = said
    assert "taking" in line
    assert "which is gone" in line


def test_a_lock_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "lock.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"holds 'lock\.json', which is not part of"):
        Publication(Directory.open(tmp_path)).check_own()

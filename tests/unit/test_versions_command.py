"""``w2v-spark versions``: what it prints and does, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.test_versions import publish, value_of
from w2v_spark.cli.main import main
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, VECTORS
from w2v_spark.publishing.versions import VersionRoot
from w2v_spark.vectors.table import write_vectors


@pytest.fixture
def root(tmp_path: Path) -> VersionRoot:
    """Two versions."""
    root = VersionRoot.open(tmp_path / "root")
    publish(root, 1.0)
    publish(root, 2.0)
    return root


def test_list_and_show(root: VersionRoot, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (version.id for version in root.list())
    root.pin(first)
    assert main(["versions", root.root.path]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-2:] for line in lines] == [["published,", "pinned"], ["published,", "current"]]
    assert lines[0].startswith(f"  {first}")
    assert lines[1].startswith(f"* {second}")
    assert main(["versions", root.root.path, "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(each["id"], each["is_pinned"], each["parent"]) for each in listed] == [
        (first, True, None),
        (second, False, first),
    ]
    assert main(["versions", root.root.path, "show", first, "--verify", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["verified"] is True
    assert shown["report"]["state"] == "published"
    assert sum(shown["files"].values()) == shown["bytes"]
    assert main(["versions", root.root.path, "show"]) == 0
    assert second in capsys.readouterr().out
    part = next((Path(root.directory(second).path) / "vectors").iterdir())
    part.write_bytes(part.read_bytes()[:-1])
    assert main(["versions", root.root.path, "show", second, "--verify"]) == 2
    assert part.name in capsys.readouterr().err


def test_rollback_pin_and_prune(root: VersionRoot, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (version.id for version in root.list())
    assert main(["versions", root.root.path, "rollback"]) == 0
    assert capsys.readouterr().out == f"{first} is current, it was {second}\n"
    assert value_of(root.root.path) == 1.0
    assert main(["versions", root.root.path, "rollback"]) == 2
    assert main(["versions", root.root.path, "rollback", second[:-2]]) == 0
    assert main(["versions", root.root.path, "pin", first]) == 0
    assert root.get(first).is_pinned
    assert main(["versions", root.root.path, "unpin", first]) == 0
    assert not root.get(first).is_pinned
    assert main(["versions", root.root.path, "prune", "--keep", "1"]) == 0
    assert "0 removed, 2 left" in capsys.readouterr().out
    rejected = publish(root, 3.0, state="rejected")
    assert main(["versions", root.root.path, "rollback", rejected.id]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["versions", root.root.path, "rollback", rejected.id, "--force"]) == 0
    assert root.current() == rejected.id


def test_diff(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second version is the first one turned, without one word and with a new one: nothing has drifted."""
    root, generator = VersionRoot.open(tmp_path / "root"), np.random.default_rng(0)
    matrix = generator.standard_normal((60, 16)).astype(np.float32)
    turned = (matrix @ np.linalg.qr(generator.standard_normal((16, 16)))[0]).astype(np.float32)
    words = [f"w{number}" for number in range(60)]
    for rows, names in ((matrix, words), (turned, [*words[:-1], "new\nword"])):
        staging = root.open_staging()
        counts = np.arange(60, 0, -1, dtype=np.int64)
        write_vectors(staging.filesystem, staging.file(VECTORS), pa.array(names), counts, [rows], {})
        for name in (MODEL_FILE, HISTORY_FILE):
            staging.write_json(name, {"rounds": []})
        root.publish(staging, (VECTORS, MODEL_FILE, HISTORY_FILE))
    first, second = (version.id for version in root.list())
    assert main(["versions", root.root.path, "diff", first, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["before"], found["after"]) == (first, second)
    assert found["words"]["came"]["most_frequent"] == ["new\nword"]
    assert found["words"]["went"]["most_frequent"] == ["w59"]
    assert found["words"]["kept"] == 59
    assert found["drift"]["cosine"]["q10"] == pytest.approx(1, abs=1e-5)
    assert main(["versions", root.root.path, "diff", second, first]) == 0
    shown = capsys.readouterr().out
    assert "'new\\nword'" in shown
    assert "median cosine 1.0000" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["shwo"], "invalid choice"),
        (["pin"], "pin takes 1 versions, got 0"),
        (["diff", "a", "b", "c"], "diff takes 1 or 2 versions, got 3"),
        (["list", "--keep", "3"], "--keep is for prune, not for list"),
        (["show", "--force"], "--force is for rollback"),
        (["pin", "nonsense"], "no version 'nonsense'"),
        (["prune", "--keep", "0"], "--keep = 0 is not allowed"),
    ],
)
def test_mistakes(root: VersionRoot, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versions", root.root.path, *options]) == 2
    assert message in capsys.readouterr().err


def test_a_place_without_versions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versions", str(tmp_path)]) == 2
    assert "holds no versions" in capsys.readouterr().err

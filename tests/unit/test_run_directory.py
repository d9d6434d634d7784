"""A run that was interrupted is read as it was written; what is damaged is named, or stepped back from."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.damages import DAMAGES
from tests.unit.run_files import CONFIG, COUNTS, SHAPE, WORDS, matrix, moments, read, read_once, write_run
from w2v_spark.corpus.shards import Part
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import StoreError
from w2v_spark.publishing import layout
from w2v_spark.run import directory
from w2v_spark.run.directory import RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.storage import Directory
from w2v_spark.training.matrix_files import BLOCK_ROWS, weight_files

LAST = "rounds/00002"
BEFORE = "rounds/00001"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "_run")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another run of the same configuration: its files have the same names where names are not random."""
    return write_run(tmp_path_factory.mktemp("run") / "_run", 1)


@pytest.fixture
def path(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "_run"))


def test_a_run_is_read_as_it_was_written(path: Path) -> None:
    found = read(path)
    assert Run.read(Directory.open(path)).config == CONFIG
    assert found["words"] == "\n".join(WORDS).encode()
    assert found["counts"] == COUNTS.tobytes()
    assert found["round"] == b"2"
    assert [found[f"weights {m}"] for m in (0, 1)] == [matrix(20 + m).tobytes() for m in (0, 1)]
    assert found["moments"] == moments(2).tobytes()
    assert len(found["shard 0"]) > 270_000 * 4


FILES = [
    "run.json", "vocabulary.parquet", "sampling.npz", "update_statistics.npz", "counts/*.parquet", "corpus.json",
    "corpus/*.arrow",
    f"{LAST}/round.json", f"{LAST}/w_in*.npy", f"{LAST}/w_out*.npy", f"{LAST}/moments.npz",
]  # fmt: skip
"""Whatever happens to one of these is refused with its name, or a round is gone back, or moments are worked out again:
no damage may change what is read of the same round."""


def refused_or_stepped_back(path: Path, written: Path, file: Path) -> None:
    """What is read after a file was damaged: nothing else than before, whatever comes of it."""
    whole, found, refusal = dict(read_once(written)), {}, None
    try:
        found = read(path)
    except StoreError as error:
        refusal = str(error)
    if refusal is not None:
        assert refusal.startswith(f"{path}/")
        assert not file.is_relative_to(path / "rounds"), "there is a round to go back to"
        return
    if found.get("round") == b"1":
        assert file.is_relative_to(path / LAST)
        assert [found[f"weights {m}"] for m in (0, 1)] == [matrix(10 + m).tobytes() for m in (0, 1)]
        assert found["moments"] == moments(1).tobytes()
        return
    if file.name == "moments.npz":
        assert "moments" not in found
        found["moments"] = whole["moments"]
    assert found == whole


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_no_damage_changes_what_is_read(path: Path, written: Path, name: str, damage) -> None:
    file = next(path.glob(name))
    file.write_bytes(damage(file.read_bytes()))
    refused_or_stepped_back(path, written, file)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_run_is_refused(path: Path, written: Path, foreign: Path, name: str) -> None:
    file, other = next(path.glob(name)), next(foreign.glob(name))
    if other.read_bytes() == file.read_bytes():
        assert name.startswith(("vocabulary", "sampling", "update"))
        return
    shutil.copy(other, file)
    refused_or_stepped_back(path, written, file)


@pytest.mark.parametrize("name", ["w_in", "w_out"])
def test_blocks_of_weights_exchanged(path: Path, written: Path, name: str) -> None:
    """Within a matrix, with the other matrix, and with that of the round before: every block is a good one."""
    start, size = 128, BLOCK_ROWS * 8 * 4
    file = next(path.glob(f"{LAST}/{name}*.npy"))
    whole = file.read_bytes()
    one, two = (slice(start + n * size, start + (n + 1) * size) for n in (0, 1))
    others = [whole[one], next(path.glob(f"{BEFORE}/{name}*.npy")).read_bytes()[two]]
    others.append(next(f for f in (path / LAST).glob("w_*.npy") if f != file).read_bytes()[two])
    for other in others:
        changed = bytearray(whole)
        changed[two] = other
        file.write_bytes(changed)
        refused_or_stepped_back(path, written, file)
        assert read(path)["round"] == b"1"


def test_both_matrices_of_the_round_before(path: Path, written: Path) -> None:
    for name in ("w_in", "w_out"):
        shutil.copy(next(path.glob(f"{BEFORE}/{name}*.npy")), next(path.glob(f"{LAST}/{name}*.npy")))
    assert read(path)["round"] == b"1"


def test_shards_of_the_corpus_exchanged(path: Path) -> None:
    one, two = sorted(path.glob("corpus/*.arrow"))
    data = one.read_bytes()
    shutil.copy(two, one)
    two.write_bytes(data)
    with pytest.raises(StoreError, match="is not what was written"):
        read(path)


def test_two_words_exchanged(path: Path) -> None:
    vocabulary = Vocabulary(pa.array([WORDS[1], WORDS[0], *WORDS[2:]]), COUNTS)
    (path / "vocabulary.parquet").write_bytes(vocabulary.to_bytes())
    with pytest.raises(StoreError, match=r"vocabulary\.parquet is damaged"):
        read(path)


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith((".json", "moments.npz"))])
def test_a_missing_file_is_named(path: Path, written: Path, name: str) -> None:
    file = next(path.glob(name))
    file.unlink()
    if name.startswith(LAST):
        assert read(path)["round"] == b"1"
        shutil.rmtree(path / BEFORE)
    with pytest.raises(StoreError) as error:
        read(path)
    assert str(error.value).startswith(str(file))


def test_what_a_missing_list_of_files_was_about_is_done_again(path: Path) -> None:
    (path / LAST / "round.json").unlink()
    run = RunDirectory(Directory.open(path), Run.read(Directory.open(path)).identity)
    assert (run.rounds.last(SHAPE) or (0,))[0] == 1
    (path / BEFORE / "round.json").unlink()
    assert run.rounds.last(SHAPE) is None
    (path / "corpus.json").unlink()
    assert run.read_corpus(2) is None
    (path / "run.json").unlink()
    assert not run.has_run()


def test_moments_that_were_not_kept_are_worked_out_again(path: Path) -> None:
    (path / LAST / "moments.npz").unlink()
    assert "moments" not in read(path)


def test_only_the_last_two_rounds_are_kept(path: Path) -> None:
    assert sorted(folder.name for folder in (path / "rounds").iterdir()) == ["00001", "00002", "spare"]


@pytest.mark.parametrize("sealed_again", [False, True])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("run.json", {"config": None}),
        ("run.json", {"config": {"model": {"dimm": 8}}}),
        ("run.json", {"input": None}),
        ("run.json", {"plan": {}}),
        ("run.json", {"plan": {"rounds": "3"}}),
        ("run.json", {"plan": {"rounds": 4}}),
        ("run.json", {"statistics": []}),
        ("run.json", {"statistics": {"tokens": None}}),
        ("run.json", {"statistics": {"tokens": True}}),
        ("run.json", {"files": {}}),
        ("run.json", {"identity": "another"}),
        ("corpus.json", {"shards": []}),
        ("corpus.json", {"shards": None}),
        ("corpus.json", {"shards": [[{"file": 7}], []]}),
        ("corpus.json", {"run": "another"}),
        (f"{LAST}/round.json", {"history": []}),
        (f"{LAST}/round.json", {"history": [{"round": "x"}] * 2}),
        (f"{LAST}/round.json", {"rows": 7}),
        (f"{LAST}/round.json", {"rounds_done": "x"}),
        (f"{LAST}/round.json", {"rounds_done": 1}),
        (f"{LAST}/round.json", {"files": {"w_in": 1}}),
        (f"{LAST}/round.json", {"files": {"w_in": [["w_in.npy", 4]]}}),
        (f"{LAST}/round.json", {"run": "another"}),
    ],
)
def test_a_file_that_says_something_else(
    path: Path, written: Path, name: str, change: dict[str, object], sealed_again: bool
) -> None:
    """Changed by hand, and by somebody who knows how to write the checksum: then what cannot be is refused as well."""
    folder, file = Directory.open((path / name).parent), (path / name).name
    value = json.loads((path / name).read_text())
    checksum = value.pop("checksum")
    if sealed_again and change in ({"plan": {"rounds": 4}},):
        return  # what a program of ours may have written
    for key, new in change.items():
        nested = isinstance(new, dict) and new and isinstance(value[key], dict)
        value[key] = {**value[key], **new} if nested and key != "config" else new
    if sealed_again:
        folder.write_sealed_json(file, value)
    else:
        folder.write_json(file, {**value, "checksum": checksum})
    if name.startswith(LAST):
        assert read(path)["round"] == b"1"
        shutil.rmtree(path / BEFORE)
    with pytest.raises(StoreError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}/")


def test_an_earlier_format(path: Path) -> None:
    value = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**value, "format_version": 4}))
    with pytest.raises(StoreError, match=r"has format version 4, this program reads 5"):
        read(path)


@pytest.mark.parametrize("key", ["batches", "ends", "checksums", "file"])
def test_a_renumbered_corpus(path: Path, key: str) -> None:
    value = json.loads((path / "corpus.json").read_text())
    one, two = value["shards"][0][0], value["shards"][1][0]
    one[key], two[key] = two[key], one[key]
    if one[key] == two[key]:
        value["shards"][0][0][key] = value["shards"][0][0][key][::-1]
    (path / "corpus.json").write_text(json.dumps(value))
    with pytest.raises(StoreError, match=r"corpus\.json is damaged"):
        read(path)


@pytest.mark.parametrize(("name", "counts"), [("sampling.npz", COUNTS[1:]), ("update_statistics.npz", COUNTS[1:])])
def test_tables_of_another_vocabulary(path: Path, name: str, counts: np.ndarray, tmp_path: Path) -> None:
    """Listed as if they were this run's."""
    other = RunDirectory(Directory.open(tmp_path / "other"))
    run = Run.read(Directory.open(path))
    files = other.begin(run, Vocabulary(pa.array(WORDS[1:]), counts)).files
    shutil.copy(tmp_path / "other" / name, path / name)
    value = json.loads((path / "run.json").read_text())
    del value["checksum"]
    Directory.open(path).write_sealed_json("run.json", {**value, "files": {**value["files"], name: files[name]}})
    with pytest.raises(StoreError, match=f"{name} does not fit the vocabulary"):
        read(path)


def test_files_have_the_mode_that_the_user_wants(tmp_path: Path) -> None:
    for umask, mode in ((0o077, 0o600), (0o022, 0o644)):
        before = os.umask(umask)
        try:
            path = write_run(tmp_path / f"{umask:o}")
        finally:
            os.umask(before)
        assert {file.stat().st_mode & 0o777 for file in path.rglob("*") if file.is_file()} == {mode}


@pytest.mark.parametrize("name", ["../outside.arrow", "/etc/passwd", "a/b.npy"])
def test_files_of_a_run_lie_within_it(name: str) -> None:
    """Whatever its JSON files say, digests that fit included."""
    with pytest.raises(ValueError, match="not the name of a file"):
        Part(name, 1, [3], [0, 8, 16], ["", "", ""])
    with pytest.raises(ValueError, match="not the name of a file"):
        weight_files({"w_in": [[name, 3, ""]]})


@pytest.mark.parametrize(
    "name", [layout.COUNTS, layout.WORDS, directory.CORPUS, directory.ROUNDS, directory.FACTORIZATION]
)
def test_what_a_killed_run_leaves_is_known_as_its_own(tmp_path: Path, name: str) -> None:
    output = Directory.open(tmp_path)
    run = RunDirectory(layout.mark(output.child(layout.RUN)))
    run.directory.child(name).create()
    assert layout.find_foreign(output, layout.Kind.VECTORS) is None
    run.directory.child(f"{name}s").create()
    assert layout.find_foreign(output, layout.Kind.VECTORS) == f"{layout.RUN}/{name}s"

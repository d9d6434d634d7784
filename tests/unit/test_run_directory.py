"""A run that was interrupted is read as it was written, and each damaged file of it is named before it is used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from w2v_spark.config import Config
from w2v_spark.corpus.shards import EncodedCorpus, Shard, write_part
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import StoreError
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.storage import Directory
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.plan import Plan
from w2v_spark.training.weights import WeightShape, write_matrix

CONFIG = Config.from_dict({"model": {"dim": 8}, "train": {"shards": 2, "rounds": 3, "sample": 0}})
COUNTS = np.array([40, 30, 20, 10, 5])
SHAPE = WeightShape({"w_in": len(COUNTS), "w_out": len(COUNTS)}, 8)
MOMENTS = np.arange(2 * 9 * 8.0).reshape(2, 9, 8)
ROUND = "rounds/00001"


def matrix(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((len(COUNTS), 8), np.float32)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run after its first round."""
    path = tmp_path_factory.mktemp("run") / "_run"
    run = RunDirectory(Directory.open(path))
    statistics = CorpusStatistics(**dict.fromkeys(CorpusStatistics.__dataclass_fields__, 3))
    plan = Plan.build(CONFIG, 2, int(COUNTS.sum()))
    vocabulary = Vocabulary(pa.array(["a", "b", "c", "d", "é"]), COUNTS)
    run.begin(Run.start(CONFIG, {"files": 1, "bytes": 9, "digest": "x"}, plan, statistics), vocabulary)
    run.corpus.create()
    parts = [write_part(run.corpus, np.arange(5, dtype=np.int32), np.array([0, 2, 5], np.int32)) for _ in range(2)]
    EncodedCorpus(tuple(Shard((part,)) for part in parts), "digest").write(run.directory, CORPUS_FILE)
    run.begin_rounds(SHAPE, 1, 2)
    target = run.round_directory(1).create()
    files = {name: [(f"{name}.npy", rows)] for name, rows in SHAPE.rows.items()}
    for seed, name in enumerate(SHAPE.rows):
        write_matrix(target, f"{name}.npy", len(COUNTS), 8, iter([matrix(seed)]))
    run.write_moments(1, MOMENTS)
    run.finish_round(1, SHAPE, files, [RoundRecord(0, 9, 8, 7, 2.5, 0.01, 0.1, 250.0, {"total": 2.0})])
    return path


@pytest.fixture
def path(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "_run"))


def read(path: Path) -> RunDirectory:
    """All that a run which goes on reads before it does anything."""
    run = RunDirectory(Directory.open(path))
    assert run.has_run()
    manifest = Run.read(run.directory)
    vocabulary = run.read_vocabulary()
    run.read_corpus(manifest.plan.shards)
    shape = WeightShape.build(manifest.config.model, len(vocabulary))
    if (checkpoint := run.last_round(shape)) is not None and checkpoint[0]:
        run.read_moments(checkpoint[0], shape.dim)
    return run


def test_a_run_is_read_as_it_was_written(path: Path) -> None:
    run = read(path)
    assert Run.read(run.directory).config == CONFIG
    assert run.read_vocabulary().words.to_pylist() == ["a", "b", "c", "d", "é"]
    assert run.read_vocabulary().counts.tolist() == COUNTS.tolist()
    corpus = run.read_corpus(2)
    assert corpus is not None
    assert (corpus.tokens, corpus.sentences, corpus.digest) == (10, 4, "digest")
    done, history = run.last_round(SHAPE) or (0, [])
    assert (done, [record.pairs for record in history]) == (1, [7])
    for seed, weights in enumerate(run.read_weights(1, SHAPE)):
        np.testing.assert_array_equal(weights[0 : len(COUNTS)], matrix(seed))
    np.testing.assert_array_equal(run.read_moments(1, 8), MOMENTS)


FILES = [
    "run.json", "vocabulary.parquet", "sampling.npz", "update_statistics.npz", "corpus.json", "corpus/*.arrow",
    f"{ROUND}/round.json", f"{ROUND}/w_in.npy", f"{ROUND}/w_out.npy", f"{ROUND}/moments.npz",
]  # fmt: skip


def empty(data: bytes) -> bytes:
    return b""


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def without_end(data: bytes) -> bytes:
    return data[:-4]


def junk(data: bytes) -> bytes:
    return b"\xff junk \n" * 100


@pytest.mark.parametrize("damage", [empty, half, without_end, junk])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named(path: Path, name: str, damage) -> None:
    file = next(path.glob(name))
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(StoreError) as error:
        read(path)
    assert str(error.value).startswith(str(file))


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith((".json", "moments.npz"))])
def test_a_missing_file_is_named(path: Path, name: str) -> None:
    file = next(path.glob(name))
    file.unlink()
    with pytest.raises(StoreError) as error:
        read(path)
    assert str(error.value).startswith(str(file))


def test_what_a_missing_list_of_files_was_about_is_done_again(path: Path) -> None:
    (path / ROUND / "round.json").unlink()
    run = read(path)
    assert run.last_round(SHAPE) is None
    (path / "corpus.json").unlink()
    assert read(path).read_corpus(2) is None
    (path / "run.json").unlink()
    assert not run.has_run()


def test_moments_that_were_not_kept_are_worked_out_again(path: Path) -> None:
    (path / ROUND / "moments.npz").unlink()
    assert read(path).read_moments(1, 8) is None


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("run.json", {"format_version": 99}, "has format version 99, this program reads 4"),
        ("run.json", {"config": None}, "is damaged"),
        ("run.json", {"config": {"model": {"dimm": 8}}}, "is damaged: unknown key model.dimm"),
        ("run.json", {"input": None}, "is damaged"),
        ("run.json", {"plan": {}}, "is damaged"),
        ("run.json", {"statistics": []}, "is damaged"),
        ("corpus.json", {"shards": []}, "lists 0 shards, expected 2"),
        ("corpus.json", {"shards": None}, "is no list of shards"),
        (f"{ROUND}/round.json", {"history": []}, "is damaged: 0 records of 1 rounds"),
        (f"{ROUND}/round.json", {"rows": 7}, "holds weights of rows 7 and dim 8, expected rows"),
        (f"{ROUND}/round.json", {"rounds_done": "x"}, "is damaged"),
        (f"{ROUND}/round.json", {"files": {"w_in": 1}}, "is damaged"),
        (f"{ROUND}/round.json", {"files": {"w_in": [["w_in.npy", 4]]}}, "do not make up rows"),
    ],
)
def test_a_file_that_says_something_else(path: Path, name: str, values: dict[str, object], message: str) -> None:
    file = path / name
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))
    with pytest.raises(StoreError) as error:
        read(path)
    assert message in str(error.value)


@pytest.mark.parametrize(("name", "counts"), [("sampling.npz", COUNTS[1:]), ("update_statistics.npz", COUNTS[1:])])
def test_tables_of_another_vocabulary(path: Path, name: str, counts: np.ndarray, tmp_path: Path) -> None:
    other = RunDirectory(Directory.open(tmp_path / "other"))
    run = Run.read(Directory.open(path))
    other.begin(run, Vocabulary(pa.array(["a", "b", "c", "d"]), counts))
    shutil.copy(tmp_path / "other" / name, path / name)
    with pytest.raises(StoreError, match=f"{name} does not fit the vocabulary"):
        read(path)

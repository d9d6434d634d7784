"""The files of results, of versions and of runs that go on."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa

from tests.fuzz.target import Files, Target
from w2v_spark.config import Config
from w2v_spark.corpus.shards import EncodedCorpus, Shard, write_part
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.publishing import version_list
from w2v_spark.publishing.description import EncodedStatistics, ModelDescription, read_history, write_history
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, VECTORS, Kind, find_foreign
from w2v_spark.publishing.version_root import VersionRoot
from w2v_spark.publishing.versions import open_result
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.storage import Directory, digest
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.matrix_files import WeightFile, write_matrix
from w2v_spark.training.plan import Plan
from w2v_spark.training.weights import WeightShape
from w2v_spark.vectors.reading import read_words
from w2v_spark.vectors.table import write_vectors

_WORDS = pa.array(["a", "b", "c"])


def _write_result(directory: Directory) -> None:
    """A table, its description and its history."""
    config = Config()
    counted = CorpusStatistics(**dict.fromkeys(CorpusStatistics.__dataclass_fields__, 3))
    plan, encoded = Plan.build(config, 2, 1000, 100), EncodedStatistics(3, 900, 30, "digest")
    model = ModelDescription("run", config, plan, counted, encoded, {"files": 1}, {"python": "3"}, {"total": 1.5})
    directory.create()
    model.write(directory)
    write_history(directory, [{"round": 0, "tokens": 900, "loss": 2.5}])
    matrix = np.ones((3, 2), np.float32)
    write_vectors(
        directory.filesystem, directory.file(VECTORS), _WORDS, np.array([3, 2, 1]), [matrix], {"config": "{}"}
    )


def _make_result(path: Path) -> None:
    directory = Directory.open(path)
    _write_result(directory)
    directory.write_bytes("_SUCCESS", b"")


def _read_result(path: Path) -> None:
    directory = Directory.open(path)
    find_foreign(directory, Kind.VECTORS)
    read_history(directory)
    model = ModelDescription.read(directory)
    json.dumps(model.to_dict())
    read_words(path)


def _make_versions(path: Path) -> None:
    root = VersionRoot.open(path).create()
    staging = root.open_staging()
    _write_result(staging)
    version = root.publish(staging, (VECTORS, MODEL_FILE, HISTORY_FILE), {"gates": []}).id
    root.pin(version)


def _read_versions(path: Path) -> None:
    # Damaged files are read again after a while, which would be most of the time of a fuzzer.
    with patch.object(version_list, "_SECONDS_BETWEEN_TRIES", 0):
        root = VersionRoot.open(path)
        for version in root.list():
            root.report(version.id)
        read_words(path)
        open_result(path)


_CONFIG = Config.from_dict({"model": {"dim": 4}, "train": {"shards": 2, "rounds": 3, "sample": 0}})
_COUNTS = np.array([30, 20, 10, 5, 2, 1])
_SHAPE = WeightShape({"w_in": 6, "w_out": 6}, 4)


def _make_run(path: Path) -> None:
    """A run after its second round."""
    run = RunDirectory(Directory.open(path))
    plan = Plan.build(_CONFIG, 2, int(_COUNTS.sum()), len(_COUNTS))
    counted = CorpusStatistics(**dict.fromkeys(CorpusStatistics.__dataclass_fields__, 3))
    started = Run.start(_CONFIG, {"files": 1, "bytes": 9, "digest": "x"}, plan, counted)
    run = RunDirectory(run.directory, run.begin(started, Vocabulary(pa.array(list("abcdef")), _COUNTS)).identity)
    run.corpus.create()
    ids, offsets = np.arange(6, dtype=np.int32), np.array([0, 2, 6], np.int32)
    shards = tuple(Shard((write_part(run.corpus, ids, offsets),)) for _ in range(2))
    EncodedCorpus(shards, "digest").write(run.directory, CORPUS_FILE, run.run)
    run.rounds.begin(_SHAPE, 0, 2)
    history = []
    for number in (1, 2):
        target, files = run.rounds.directory(number).create(), {}
        for name in _SHAPE.rows:
            found = write_matrix(target, f"{name}.npy", 6, 4, iter([np.full((6, 4), number, np.float32)]))
            files[name] = [WeightFile(f"{name}.npy", 6, found)]
        kept = run.rounds.write_moments(number, np.ones((3, 5, 4)))
        history.append(RoundRecord(number - 1, 9, 8, 7, 2.5, 0.01, 0.1, 250.0, {"total": 2.0}))
        run.rounds.finish(number, _SHAPE, files, history, kept)


def _read_run(path: Path) -> list[bytes]:
    """All that a run which goes on reads; what comes of the round apart, which may be an earlier one."""
    directory = Directory.open(path)
    manifest = Run.read(directory)
    run = RunDirectory(directory, manifest.identity)
    vocabulary = run.read_vocabulary(manifest)
    shape = WeightShape.build(manifest.config.model, len(vocabulary))
    found = [repr(manifest).encode(), repr(vocabulary.words.to_pylist()).encode(), vocabulary.counts.tobytes()]
    if (corpus := run.read_corpus(manifest.plan.shards)) is not None:
        for shard in corpus.shards:
            found += [ids.tobytes() + starts.tobytes() for ids, starts, _ in shard.read(run.corpus, 0, shard.tokens)]
    if (checkpoint := run.rounds.last(shape)) is not None:
        for weights in run.rounds.read_weights(checkpoint[0], shape):
            numbers = weights[0 : len(weights)]
            assert np.isin(numbers, [0, 1, 2]).all() or checkpoint[0] == 0, "other weights than were written"
        run.rounds.read_moments(checkpoint[0], shape.dim)
    return found


@lru_cache(maxsize=1)
def _whole_run() -> list[bytes]:
    found: list[list[bytes]] = []
    _RUN.having(_RUN.seeds()[0], lambda path: found.append(_read_run(path)))
    return found[0]


def _read_damaged_run(data: bytes) -> None:
    """A damaged run is refused, stepped back from, or read as it was."""
    whole = _whole_run()

    def read(path: Path) -> None:
        found = _read_run(path)
        assert found == whole[: len(found)], "something else than was written"

    _RUN.having(data, read)


def _read_forged_run(data: bytes) -> None:
    """A run whose digests fit whatever is in its files, as who means harm would make them."""

    def read(path: Path) -> None:
        for file in sorted(path.rglob("*.json")):
            _seal(path, file)
        _read_run(path)

    with _RUN.restored():
        _RUN.having(data, read)


def _seal(run: Path, file: Path) -> None:
    directory = Directory.open(file.parent)
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    value.pop("checksum", None)
    for name, listed in (("run.json", value.get("files")),):
        if file.name == name and isinstance(listed, dict):
            known = {
                each: run / each for each in listed if isinstance(each, str) and "\0" not in each and len(each) < 99
            }
            listed |= {each: digest(place.read_bytes()) for each, place in known.items() if place.is_file()}
    try:
        directory.write_sealed_json(file.name, value)
    except (ValueError, RecursionError):  # a lone surrogate
        return


_RESULT = Files("result", _make_result)
_RUN = Files("run", _make_run)
_VERSIONS = Files("versions", _make_versions, lambda name: not name.endswith("lock.json"))
_JSON = (b'"', b"{", b"[", b"null", b"1e999", b"-1", b": ", b"\\u0000", b"true")

TARGETS = {
    "result": Target(_RESULT.seeds, lambda data: _RESULT.having(data, _read_result), _JSON),
    "run-directory": Target(_RUN.seeds, _read_damaged_run, _JSON),
    "forged-run": Target(_RUN.seeds, _read_forged_run, _JSON),
    "versions": Target(_VERSIONS.seeds, lambda data: _VERSIONS.having(data, _read_versions), _JSON),
}

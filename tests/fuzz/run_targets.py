"""The files of results and of versions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.fuzz.target import Files, Target
from w2v_spark.config import Config
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.publishing import version_root
from w2v_spark.publishing.description import EncodedStatistics, ModelDescription, read_history, write_history
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, VECTORS, Kind, find_foreign
from w2v_spark.publishing.version_root import VersionRoot
from w2v_spark.publishing.versions import open_result
from w2v_spark.storage import Directory
from w2v_spark.training.plan import Plan
from w2v_spark.vectors.reading import read_words
from w2v_spark.vectors.table import write_vectors

_WORDS = pa.array(["a", "b", "c"])


def _write_result(directory: Directory) -> None:
    """A table, its description and its history."""
    config = Config()
    counted = CorpusStatistics(**dict.fromkeys(CorpusStatistics.__dataclass_fields__, 3))
    plan, encoded = Plan.build(config, 2, 1000), EncodedStatistics(3, 900, 30, "digest")
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
    root = VersionRoot.open(path)
    for version in root.list():
        root.report(version.id)
    read_words(path)
    open_result(path)


def _no_wait(_: float) -> None:
    """Damaged files are read again after a while, which would be most of the time of a fuzzer."""


version_root.time.sleep = _no_wait  # type: ignore[assignment]

_RESULT = Files("result", _make_result)
_VERSIONS = Files("versions", _make_versions, lambda name: not name.endswith("lock.json"))
_JSON = (b'"', b"{", b"[", b"null", b"1e999", b"-1", b": ", b"\\u0000", b"true")

TARGETS = {
    "result": Target(_RESULT.seeds, lambda data: _RESULT.having(data, _read_result), _JSON),
    "versions": Target(_VERSIONS.seeds, lambda data: _VERSIONS.having(data, _read_versions), _JSON),
}

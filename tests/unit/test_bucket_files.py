"""Chunks that go to the buckets of the corpus by files: all of them, once, and nothing that is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from w2v_spark.corpus.chunk_files import ChunkFile
from w2v_spark.errors import StoreError
from w2v_spark.spark import bucket_files
from w2v_spark.spark.bucket_files import PartChunks, WriteParted, fits, remove_parted
from w2v_spark.spark.encode_tasks import WriteBuckets
from w2v_spark.storage import Directory

BUCKETS = 5


def chunks(seed: int, count: int = 40, buckets: int = BUCKETS - 1) -> pa.RecordBatch:
    """Sentences of two to six ids, the last of each complemented, a few a chunk; the last bucket has none."""
    random = np.random.default_rng(seed)
    ids = []
    for _ in range(count):
        sentences = [random.integers(0, 50, random.integers(2, 7)).astype(np.int32) for _ in range(3)]
        for sentence in sentences:
            sentence[-1] = ~sentence[-1]
        ids.append(np.concatenate(sentences).tobytes())
    hashes = random.integers(-(2**62), 2**62, (2, count))
    return pa.record_batch(
        [pa.array(random.integers(0, buckets, count), pa.int32()), *map(pa.array, hashes), pa.array(ids, pa.binary())],
        names=["bucket", "key", "tie", "ids"],
    )


def parted(directory: Directory, batches: list[pa.RecordBatch]) -> tuple[ChunkFile, ...]:
    task = PartChunks(lambda chunks: chunks, BUCKETS, directory.uri)  # which are there already
    return tuple(ChunkFile(*row.values()) for batch in task(iter(batches)) for row in batch.to_pylist())


def written(directory: Directory, files: tuple[ChunkFile, ...]) -> list[dict[str, Any]]:
    numbers = pa.record_batch([pa.array(range(BUCKETS))], names=["id"])
    rows = [row for batch in WriteParted(directory.uri, files, BUCKETS)(iter([numbers])) for row in batch.to_pylist()]
    return [{name: value for name, value in row.items() if name != "file"} for row in rows]


@pytest.mark.parametrize("flush", [1, 3000, 1 << 30])
def test_the_buckets_are_those_that_a_shuffle_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flush: int
) -> None:  # fmt: skip
    monkeypatch.setattr(bucket_files, "_FLUSH_BYTES", flush)
    directory, batches = Directory.open(tmp_path), [chunks(seed) for seed in range(6)]
    files = parted(directory, batches[:4]) + parted(directory, batches[4:]) + parted(directory, [])
    assert len(files) == {1: 6, 1 << 30: 2}.get(flush, len(files))
    expected = [row for batch in WriteBuckets(directory.uri)(iter(batches)) for row in batch.to_pylist()]
    for row in expected:
        del row["file"]
    assert written(directory, files) == expected
    assert written(directory, files[::-1]) == expected
    assert [row["bucket"] for row in expected] == [0, 1, 2, 3]


@pytest.mark.parametrize("place", [3, 70, -5])
def test_a_damaged_file_is_an_error(tmp_path: Path, place: int) -> None:
    directory = Directory.open(tmp_path)
    (file,) = parted(directory, [chunks(1)])
    data = bytearray((tmp_path / file.name).read_bytes())
    data[place] ^= 1
    (tmp_path / file.name).write_bytes(bytes(data))
    with pytest.raises(StoreError, match="is damaged"):
        written(directory, (file,))


def test_no_file_of_a_lost_attempt_stays(tmp_path: Path) -> None:
    directory = Directory.open(tmp_path)
    parted(directory, [chunks(1)])
    (tmp_path / "other.arrow").write_bytes(b"1")
    remove_parted(directory)
    assert [path.name for path in tmp_path.iterdir()] == ["other.arrow"]


def test_a_large_text_goes_through_the_shuffle() -> None:
    assert fits(2, 1 << 20, 1)
    assert fits(120, 6 << 30, 24)
    assert not fits(12_000, 600 << 30, 2400)

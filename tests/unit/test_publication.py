"""A result is put in place whole: readers see the old one or the new one, and nothing foreign is ever removed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from w2v_spark import KeyedVectors
from w2v_spark import storage as storage_module
from w2v_spark.errors import ConfigError, StoreError
from w2v_spark.publishing.layout import MODEL_FILE, VECTORS, Kind, find_foreign, mark
from w2v_spark.publishing.part_names import is_named_by_content
from w2v_spark.publishing.publication import Publication, check_apart
from w2v_spark.storage import Directory
from w2v_spark.vectors.part_file import PartReader
from w2v_spark.vectors.reading import stream_vectors
from w2v_spark.vectors.table import write_vectors

V, D = 500, 16
WORDS = pa.array([f"w{number}" for number in range(V)])


def publish(output: Directory, value: float) -> None:
    """A table in several files, all of whose numbers are one."""
    place = Publication(output, overwrite=True)
    staging = place.open_staging()
    counts = np.full(V, int(value) + 1, np.int64)
    matrix = np.full((V, D), value, np.float32)
    write_vectors(staging.filesystem, staging.file(VECTORS), WORDS, counts, [matrix], {}, rows_per_file=100)
    staging.write_json(MODEL_FILE, {"format_version": 1, "packages": {}})
    place.put_in_place(staging, (VECTORS, MODEL_FILE))
    place.run.delete()


@pytest.mark.parametrize("atomic", [True, False])
def test_a_reader_beside_many_overwrites_sees_one_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, atomic: bool
) -> None:
    """Words, counts and vectors are of one table, whatever takes its place while it is read."""
    if not atomic:  # a file system without the system call: a reader may find nothing for a moment, but never a mixture
        monkeypatch.setattr(storage_module, "_exchange_paths", lambda *_: False)
    output = Directory.open(tmp_path / "out")
    publish(output, 0.0)
    done = threading.Event()

    def overwrite() -> None:
        for number in range(1, 21):
            publish(output, float(number))
            time.sleep(0.1)  # less often than a reader gives up, on a busy machine too
        done.set()

    writer = threading.Thread(target=overwrite)
    writer.start()
    seen: set[float] = set()
    while not done.is_set() or len(seen) < 2:
        try:
            vectors = KeyedVectors.load(str(tmp_path / "out"))
        except OSError:  # a StoreError is one
            if atomic:
                raise
            continue
        value = float(vectors.matrix[0, 0])
        assert np.all(vectors.matrix == value)
        assert np.all(vectors.counts == int(value) + 1)
        seen.add(value)
    writer.join()
    assert len(seen) > 1


@pytest.mark.parametrize("replacements", [1, 2])
def test_a_table_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replacements: int
) -> None:
    output = Directory.open(tmp_path / "out")
    publish(output, 1.0)
    original, calls = PartReader.labels, []

    def interrupted(*arguments: Any) -> tuple[pa.StringArray, Any]:
        calls.append(arguments)
        if len(calls) == 3:
            for value in range(replacements):
                publish(output, 2.0 + value)
        return original(*arguments)

    monkeypatch.setattr(PartReader, "labels", interrupted)
    vectors = KeyedVectors.load(str(tmp_path / "out"))
    expected = 1.0 if replacements == 1 else 3.0  # the table before the last replacement is still beside it
    assert np.all(vectors.matrix == expected)
    assert np.all(vectors.counts == expected + 1)
    assert (len(calls) > 5) == (replacements > 1)


def test_a_table_that_is_replaced_is_read_to_its_end(tmp_path: Path) -> None:
    output = Directory.open(tmp_path / "out")
    publish(output, 1.0)
    stream = stream_vectors(str(tmp_path / "out"))
    first = next(stream.batches)
    publish(output, 2.0)
    batches = [first, *stream.batches]
    assert sum(len(batch.words) for batch in batches) == V
    assert all(np.all(batch.matrix == 1.0) for batch in batches)
    stream = stream_vectors(str(tmp_path / "out"))
    next(stream.batches)
    publish(output, 3.0)
    publish(output, 4.0)
    with pytest.raises(StoreError, match="part-"):
        list(stream.batches)
    assert len([path for path in (tmp_path / "out").iterdir() if path.suffix == ".old"]) == 1


def test_no_file_of_two_tables_has_one_name(tmp_path: Path) -> None:
    output, names = Directory.open(tmp_path / "out"), list[str]()
    for value in (1.0, 2.0, 1.0):
        publish(output, value)
        names += sorted(path.name for path in (tmp_path / "out" / "vectors").iterdir())
    assert len(set(names[:10])) == 10
    assert names[10:] == names[:5]  # equal content has equal names
    assert all(is_named_by_content(name) for name in names)


def test_what_is_ours(tmp_path: Path) -> None:
    output = Directory.open(tmp_path / "out")
    assert find_foreign(output, Kind.VECTORS) is None
    publish(output, 1.0)
    mark(output.child("_run"))
    assert find_foreign(output, Kind.VECTORS) is None
    (tmp_path / "out/vectors/sub").mkdir()
    assert find_foreign(output, Kind.VECTORS) == "vectors/sub"


@pytest.mark.parametrize("file", ["notes.txt", "_SUCCESS2", ".DS_Store", "vectors/x.bin", "vectors/part-7.pq"])
def test_what_is_foreign(tmp_path: Path, file: str) -> None:
    output = Directory.open(tmp_path / "out")
    publish(output, 1.0)
    (tmp_path / "out" / file).write_text("mine")
    assert find_foreign(output, Kind.VECTORS) == file
    with pytest.raises(ConfigError, match="nothing else is ever removed"):
        publish(output, 2.0)
    assert (tmp_path / "out" / file).read_text() == "mine"
    assert np.all(KeyedVectors.load(str(tmp_path / "out")).matrix == 1.0)


def test_a_parquet_file_of_another_program_is_foreign(tmp_path: Path) -> None:
    output = Directory.open(tmp_path / "out")
    publish(output, 1.0)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "out/vectors/part-00009.parquet")
    assert find_foreign(output, Kind.VECTORS) == "vectors/part-00009.parquet"


def test_a_damaged_footer_is_ours_or_not(tmp_path: Path) -> None:
    """Whichever byte is another: also that of a column's name, which is no UTF-8 then."""
    output = Directory.open(tmp_path / "out")
    publish(output, 1.0)
    part = min((tmp_path / "out/vectors").iterdir())
    whole = part.read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    found: Counter[str | None] = Counter()
    for place in range(len(whole) - 8 - length, len(whole) - 8):
        part.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        found[find_foreign(output, Kind.VECTORS)] += 1
    assert set(found) == {None, f"vectors/{part.name}"}


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("lake", "lies within input"),
        (".", "lies within input"),
        ("lake/out/vectors", "lies within output"),
        ("lake/out/x.txt", "lies within output"),
        ("link/out/x.txt", "lies within output"),
    ],
)
def test_an_input_around_or_within_the_output(tmp_path: Path, location: str, message: str) -> None:
    (tmp_path / "lake/out").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    with pytest.raises(ConfigError, match=message):
        check_apart(str(tmp_path / "lake/out"), [str(tmp_path / location)])
    check_apart(str(tmp_path / "lake/out2"), [str(tmp_path / "lake/out")])


@pytest.mark.parametrize(
    ("output", "location", "message"),
    [
        ("{tmp}/lake/out", "{tmp}/lake", "lies within input"),
        ("{tmp}", "{tmp}/lake", "lies within output"),
        ("{tmp}/lake/vectors", "{tmp}/lake/vec*/a.txt", "lies within output"),
        ("hdfs:///data/a", "hdfs:/data/a/*.txt", "lies within output"),
        ("hdfs:///data/out", "hdfs:/data", "lies within input"),
        ("s3://lake/data/out", "s3a://lake/data", "lies within input"),
        ("{tmp}/out", "{tmp}/lake", ""),
        ("{tmp}/lake/vectors", "{tmp}/lake/*.txt", ""),
        ("s3://b/other", "s3://b/data/*", ""),
        ("s3://b/data", "{tmp}/lake", ""),
    ],
)
def test_globs_and_uris_around_or_within_the_output(tmp_path: Path, output: str, location: str, message: str) -> None:
    (tmp_path / "lake/vectors").mkdir(parents=True)
    (tmp_path / "lake/vectors/a.txt").touch()
    places = [place.format(tmp=tmp_path) for place in (output, location)]
    with pytest.raises(ConfigError, match=message) if message else nullcontext():
        check_apart(places[0], ["elsewhere", places[1]])

"""Readers of each kind beside a job that replaces a table again and again: none ever sees two tables in one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from tests.conftest import ROOT
from w2v_spark import KeyedVectors
from w2v_spark.vectors.reading import stream_vectors

V, D, REPLACEMENTS = 400, 16, 50

_WRITER = """
import sys, time
from tests.unit.test_readers_beside_overwrites import replace
for number in range(1, int(sys.argv[3]) + 1):
    replace(sys.argv[1], float(number), int(sys.argv[2]))
    time.sleep(0.02)
"""


def replace(output: str, value: float, files: int) -> None:
    """A table all of whose numbers are one, in so many files, in the place of what is there."""
    from w2v_spark.publishing.layout import MODEL_FILE, VECTORS
    from w2v_spark.publishing.publication import Publication
    from w2v_spark.storage import Directory
    from w2v_spark.vectors.table import write_vectors

    place = Publication(Directory.open(output), overwrite=True)
    staging, words = place.open_staging(), pa.array([f"w{number}" for number in range(V)])
    counts, matrix = np.full(V, int(value) + 1, np.int64), np.full((V, D), value, np.float32)
    write_vectors(staging.filesystem, staging.file(VECTORS), words, counts, [matrix], {}, rows_per_file=V // files)
    staging.write_json(MODEL_FILE, {"format_version": 1, "packages": {}})
    place.put_in_place(staging, (VECTORS, MODEL_FILE))
    place.run.delete()


def by_keyed_vectors(output: Path) -> tuple[set[float], int]:
    """The numbers that a read has met, and how many words."""
    vectors = KeyedVectors.load(output)
    assert vectors.counts is not None
    return {*np.unique(vectors.matrix).tolist(), *(np.unique(vectors.counts) - 1).tolist()}, len(vectors)


def by_stream(output: Path) -> tuple[set[float], int]:
    batches = list(stream_vectors(output).batches)
    return {value for batch in batches for value in np.unique(batch.matrix).tolist()}, sum(
        len(b.words) for b in batches
    )


def by_pyarrow(output: Path) -> tuple[set[float], int]:
    table = ds.dataset(output / "vectors", format="parquet").to_table()
    if not table.num_columns:
        raise FileNotFoundError("no file is left in what was a directory of vectors when it was opened")
    return set(pc.list_flatten(table["vector"]).unique().to_pylist()), len(table)


def by_duckdb(output: Path) -> tuple[set[float], int]:
    query = f"SELECT DISTINCT vector[1], count(*) OVER () FROM '{output}/vectors/*.parquet'"
    rows = duckdb.connect().execute(query).fetchall()
    return {value for value, _ in rows}, rows[0][1]


READERS: dict[str, Callable[[Path], tuple[set[float], int]]] = {
    "KeyedVectors": by_keyed_vectors, "stream": by_stream, "pyarrow": by_pyarrow, "duckdb": by_duckdb,
}  # fmt: skip


def read_beside(output: Path, files: int, replacements: int) -> dict[str, Counter[str]]:
    """What readers of all kinds meet meanwhile: whole tables, parts of one, mixtures, and errors."""
    replace(str(output), 0.0, files)
    command = [sys.executable, "-c", _WRITER, str(output), str(files), str(replacements)]
    met: dict[str, Counter[str]] = {name: Counter() for name in READERS}
    with subprocess.Popen(command, cwd=ROOT) as writer:
        while writer.poll() is None:
            for name, read in READERS.items():
                try:
                    values, rows = read(output)
                except (OSError, pa.ArrowException, duckdb.Error) as error:
                    met[name][f"error: {str(error)[:80]}"] += 1
                else:
                    kind = "mixture" if len(values) > 1 else "whole" if rows == V else "part"
                    met[name][kind] += 1
    assert writer.returncode == 0
    assert by_keyed_vectors(output) == ({float(replacements)}, V)
    return met


@pytest.mark.parametrize("files", [1, 4])
def test_no_reader_meets_a_mixture_and_ours_no_failure(tmp_path: Path, files: int) -> None:
    met = read_beside(tmp_path / "out", files, REPLACEMENTS)
    assert set(met["KeyedVectors"]) == {"whole"}, met
    for name in (
        "stream",
        "pyarrow",
        "duckdb",
    ):  # which may find that a file has gone, the first after two replacements
        assert met[name]["mixture"] == 0, met
        assert met[name]["whole"] > 10, met

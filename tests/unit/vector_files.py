"""Small vector tables and files of other programs for the tests of exchange."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from w2v_spark.errors import InputError
from w2v_spark.formats.checks import checked
from w2v_spark.formats.formats import VectorFile
from w2v_spark.formats.input_file import InputFile
from w2v_spark.formats.lenience import STRICT, Lenience
from w2v_spark.formats.opening import find_format, open_file
from w2v_spark.formats.output_files import OutputFiles
from w2v_spark.formats.word2vec_binary import BinarySource, write_binary
from w2v_spark.formats.word2vec_text import TextSource, write_text
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import Batch, VectorStream
from w2v_spark.vectors.table import write_vectors

Collected = tuple[list[str], Matrix, list[int]]
"""Words, vectors and counts."""

AWKWARD = [0.0, -0.0, 0.1, 1 / 3, 1e-45, -1.1754944e-38, 3.4028235e38, 16777216.0, 1e10, -2.5e-7]
"""Zeros of both signs, the smallest and largest of float32, and others that text could spoil."""


def awkward_matrix(rows: int, dim: int) -> Matrix:
    """Random float32 of all magnitudes, the awkward ones first."""
    bits = np.random.default_rng(rows).integers(0, 2**32, rows * dim, dtype=np.uint32)
    numbers = bits.view(np.float32)
    numbers[~np.isfinite(numbers)] = 1.5
    numbers[: len(AWKWARD)] = AWKWARD[: len(numbers)]
    return numbers.reshape(rows, dim)


def words_of(rows: int) -> list[str]:
    return [f"wört{i}" if i % 3 else f"字\u00a0{i}\u2028" for i in range(rows)]


def stream_of(words: list[str], matrix: Matrix, rows: int = 7) -> VectorStream:
    counts = np.arange(len(words), 0, -1, dtype=np.int64) * 10
    batches = (
        Batch(pa.array(words[at : at + rows], pa.string()), matrix[at : at + rows], counts[at : at + rows])
        for at in range(0, len(words), rows)
    )
    return VectorStream(len(words), batches)


def collect(stream: VectorStream) -> Collected:
    batches = list(stream.batches)
    assert sum(len(batch.words) for batch in batches) == stream.rows
    return (
        [word for batch in batches for word in batch.words.to_pylist()],
        np.concatenate([batch.matrix for batch in batches]),
        [count for batch in batches for count in batch.counts.tolist()],
    )


def read_back(
    path: Path, binary: bool, limit: int | None = None, header: bool = True, lenience: Lenience = STRICT
) -> Collected:
    with InputFile(path) as file:
        source = BinarySource(file, lenience) if binary else TextSource(file, header, lenience)
        return collect(checked(source, limit, lenience))


def save(path: Path, binary: bool, words: list[str], matrix: Matrix, **options: bool) -> None:
    with OutputFiles() as outputs:
        write = write_binary if binary else write_text
        write(stream_of(words, matrix), outputs.create(path), "table", **options)


def same_bits(first: Matrix, second: Matrix) -> bool:
    return first.shape == second.shape and bool((first.view(np.uint32) == second.view(np.uint32)).all())


def make_table(run: Path, words: list[str], matrix: Matrix) -> Path:
    """A finished run's output directory."""
    counts = np.arange(len(words), 0, -1) * 10
    write_vectors(fs.LocalFileSystem(), str(run / "vectors"), pa.array(words, pa.string()), counts, [matrix], {})
    (run / "_SUCCESS").touch()
    return run


def read(
    location: Path, lenience: Lenience = STRICT, limit: int | None = None, **options: Any
) -> tuple[Collected, dict[str, int]]:
    """What is read of a file, and what was mended."""
    kind = options.pop("format", None) or find_format(location, options.get("member"))
    with ExitStack() as handles:
        stream = open_file(VectorFile(location, kind, **options), limit, lenience, handles)
        return collect(stream), stream.mended.to_dict()


def pair(found: tuple[Collected, dict[str, int]]) -> tuple[list[str], list[list[float]]]:
    (words, matrix, _), _ = found
    return words, matrix.tolist()


def refused(location: Path, lenience: Lenience = STRICT, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(location, lenience, **options)
    return str(caught.value)

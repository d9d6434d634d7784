"""A pair of files: the matrix as ``.npy``, and the vocabulary, UTF-8, a word a line, in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import IO, Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.formats.files import CHUNK, InputFile
from w2v_spark.formats.word2vec_format import read_lines
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import (
    MAX_DIM,
    MAX_ROWS,
    MAX_WORD,
    Batch,
    VectorStream,
    check_export,
    check_finite,
    check_words,
    decode_words,
    distinct,
    limited,
    rank_counts,
)

_FORBIDDEN: Final = r"\n\r"  # spaces are no harm in a file with a word a line


def read_numpy(
    file: InputFile, vocabulary: InputFile, limit: int | None = None, unicode_errors: str = "strict"
) -> VectorStream:
    """Stream a pair of files, or its first ``limit`` words.

    float16 and float32 are taken bit for bit, float64 is rounded to float32. Nothing is unpickled.

    Raises
    ------
    InputError
        The matrix is no ``.npy`` of two dimensions in C order, or as large as its header says, or a number is not
        finite, naming the byte; or a line of the vocabulary is wrong, naming the line.
    ConfigError
        ``limit`` is below 1.
    """
    rows, dim, dtype = _read_header(file)
    wanted = limited(rows, limit)

    def place(row: int) -> str:
        return f"{vocabulary.name}, line {row + 1}"

    lines = read_lines(vocabulary, MAX_WORD)
    blocks = _read_blocks(file, wanted, dim, dtype)

    def batches() -> Iterator[Batch]:
        done = 0
        for block in blocks:
            raw = [line.removesuffix(b"\r") for line in islice(lines, len(block))]
            if len(raw) < len(block):
                raise InputError(f"{place(done + len(raw))}: the file ends, but the matrix has {rows} rows")
            words = decode_words(raw, unicode_errors, done, place)
            check_words(words, _FORBIDDEN, done, place)
            yield Batch(words, block, rank_counts(wanted, done, len(block)))
            done += len(block)
        if wanted == rows and next(lines, None) is not None:
            raise InputError(f"{place(done)}: there is more after the words of the {rows} rows of {file.name}")

    return VectorStream(wanted, distinct(batches(), place))


def _read_header(file: InputFile) -> tuple[int, int, np.dtype[np.floating]]:
    """V, D and the type of the numbers."""
    shown = f"{file.name}, byte 0"
    try:
        version = np.lib.format.read_magic(file)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise ValueError(f"version {version} of the format")
        shape, fortran, dtype = readers[version](file)
    except ValueError as error:
        raise InputError(f"{shown}: no .npy header that can be read: {error}") from None
    if len(shape) != 2 or dtype.kind != "f" or dtype.itemsize > 8 or fortran:
        raise InputError(
            f"{shown}: an array of {dtype} {shape}{' in Fortran order' if fortran else ''}, expected (V, D) of "
            "float32, float16 or float64 in C order"
        )
    rows, dim = shape
    if not (1 <= rows <= MAX_ROWS and 1 <= dim <= MAX_DIM):
        raise InputError(f"{shown}: {rows} rows of {dim} numbers; allowed are 1 to {MAX_ROWS} and 1 to {MAX_DIM}")
    stop = file.position + rows * dim * dtype.itemsize
    if file.size is not None and file.size != stop:
        raise InputError(
            f"{file.name}, byte {min(file.size, stop)}: {rows} rows of {dim} {dtype} end at byte {stop}, but the file "
            f"at byte {file.size}"
        )
    return rows, dim, dtype


def _read_blocks(file: InputFile, rows: int, dim: int, dtype: np.dtype[np.floating]) -> Iterator[Matrix]:
    """The first rows of the matrix, some MiB at a time."""
    size = dim * dtype.itemsize
    at_once = max(1, CHUNK // size)
    for start in range(0, rows, at_once):
        base = file.position
        count = min(at_once, rows - start)
        data = file.read(count * size)
        if len(data) < count * size:
            raise InputError(f"{file.name}, byte {base + len(data)}: the file ends within row {start + 1} to {rows}")
        with np.errstate(over="ignore"):  # becomes infinite, and is refused
            block = np.frombuffer(data, dtype).astype(np.float32, copy=False).reshape(count, dim)
        check_finite(block, start, partial(_place_of_number, file.name, base, size, dtype.itemsize, start))
        yield block


def _place_of_number(name: str, base: int, row_size: int, size: int, first: int, row: int, column: int) -> str:
    return f"{name}, byte {base + (row - first) * row_size + column * size}"


def write_numpy(stream: VectorStream, file: IO[bytes], vocabulary: IO[bytes], place: str) -> None:
    """Write the pair, the matrix as little-endian float32.

    Raises `InputError` that names the word if one is empty or holds a line's end, or a number is not finite.
    """
    start = 0
    for batch in stream.batches:
        if not start:
            shape = (stream.rows, batch.matrix.shape[1])
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
        check_export(batch, start, place, _FORBIDDEN)
        file.write(batch.matrix.astype("<f4", copy=False).tobytes())
        vocabulary.write("".join(f"{word}\n" for word in batch.words.to_pylist()).encode())
        start += len(batch.words)

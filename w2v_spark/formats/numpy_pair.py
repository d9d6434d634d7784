"""A pair of files: the matrix as ``.npy``, and the vocabulary, UTF-8, a word a line, in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import IO, Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.formats.checks import MAX_DIM, MAX_ROWS, MAX_WORD, Rows, check_batch
from w2v_spark.formats.input_file import CHUNK, InputFile
from w2v_spark.formats.numpy_header import read_numpy_header
from w2v_spark.formats.word2vec_format import read_lines
from w2v_spark.magic import Kind
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import VectorStream

_FORBIDDEN: Final = r"\n\r"  # spaces are no harm in a file with a word a line


class NumpySource:
    """A pair of files. float16 and float32 are taken bit for bit, float64 is rounded to float32. Nothing is unpickled.

    Raises
    ------
    InputError
        The matrix is no ``.npy`` of two dimensions in C order, or not as large as its header says, naming the byte; or
        the vocabulary has more or fewer words than the matrix has rows, naming the line. Such a pair does not belong
        together, whatever is let through.
    """

    forbidden = _FORBIDDEN

    def __init__(self, file: InputFile, vocabulary: InputFile) -> None:
        file.refuse_other_kinds(Kind.NPY)
        vocabulary.refuse_other_kinds()
        self._file = file
        self._vocabulary = vocabulary
        self.rows, self._dim, self._dtype = _read_header(file)
        self._first_byte = file.position

    def place(self, row: int, column: int | None = None) -> str:
        """The line of a word, or the byte of a number."""
        if column is None:
            return f"{self._vocabulary.name}, line {row + 1}"
        byte = self._first_byte + (row * self._dim + column) * self._dtype.itemsize
        return f"{self._file.name}, byte {byte}"

    def batches(self, stop: int | None) -> Iterator[Rows]:
        """See `checks.Source.batches`."""
        wanted = self.rows if stop is None else min(stop, self.rows)
        self._vocabulary.rewind()
        lines = read_lines(self._vocabulary, MAX_WORD)
        done = 0
        for block in self._blocks(wanted):
            words: list[bytes | None] = [line.removesuffix(b"\r") for line in islice(lines, len(block))]
            if len(words) < len(block):
                raise InputError(f"{self.place(done + len(words))}: the file ends, but the matrix has {self.rows} rows")
            yield Rows(words, block)
            done += len(block)
        if wanted == self.rows and next(lines, None) is not None:
            raise InputError(
                f"{self.place(done)}: there is more after the words of the {self.rows} rows of {self._file.name}"
            )

    def _blocks(self, rows: int) -> Iterator[Matrix]:
        """The first rows of the matrix, some MiB at a time."""
        self._file.rewind()
        self._file.read(self._first_byte)
        size = self._dim * self._dtype.itemsize
        at_once = max(1, CHUNK // size)
        for start in range(0, rows, at_once):
            base = self._file.position
            count = min(at_once, rows - start)
            data = self._file.read(count * size)
            if len(data) < count * size:
                raise InputError(
                    f"{self._file.name}, byte {base + len(data)}: the file ends within row {start + 1} to {rows}"
                )
            with np.errstate(over="ignore"):  # becomes infinite, and is refused
                yield np.frombuffer(data, self._dtype).astype(np.float32, copy=False).reshape(count, self._dim)


def _read_header(file: InputFile) -> tuple[int, int, np.dtype[np.floating]]:
    """V, D and the type of the numbers."""
    shown = f"{file.name}, byte 0"
    try:
        header = read_numpy_header(file)
    except ValueError as error:
        raise InputError(f"{shown}: no .npy header that can be read: {error}") from None
    shape, dtype = header.shape, header.dtype
    if len(shape) != 2 or dtype is None or header.fortran_order:
        raise InputError(
            f"{shown}: an array of {header.type_name} {shape}{' in Fortran order' if header.fortran_order else ''}, "
            "expected (V, D) of float32, float16 or float64 in C order"
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
        check_batch(batch, start, place, _FORBIDDEN)
        file.write(batch.matrix.astype("<f4", copy=False).tobytes())
        vocabulary.write("".join(f"{word}\n" for word in batch.words.to_pylist()).encode())
        start += len(batch.words)

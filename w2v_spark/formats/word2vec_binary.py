"""word2vec's binary format: a line ``V D``, then for each word the word, a space, and D little-endian float32."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import IO, Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.formats.files import CHUNK, InputFile
from w2v_spark.formats.word2vec_format import FORBIDDEN, read_header
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import (
    MAX_WORD,
    Batch,
    Counts,
    VectorStream,
    check_export,
    check_finite,
    check_words,
    decode_words,
    distinct,
    limited,
    rank_counts,
)

_FLOAT: Final = np.dtype("<f4")


def read_binary(file: InputFile, limit: int | None = None, unicode_errors: str = "strict") -> VectorStream:
    """Stream a binary file, with or without a newline after each vector, or its first ``limit`` words.

    Raises
    ------
    InputError
        Here if the header is wrong, else at the batch that is. The message names the byte, counted from 0, after
        decompression.
    ConfigError
        ``limit`` is below 1.

    Notes
    -----
    Memory: some MiB, the words, and 8 bytes a word for the bytes that errors name.
    """
    rows, dim, rest = read_header(file, least=2, per_number=_FLOAT.itemsize)
    reader = _Reader(file, dim, rest, unicode_errors)
    wanted = limited(rows, limit)
    return VectorStream(wanted, distinct(reader.batches(wanted, wanted == rows), reader.place))


class _Reader:
    """Cuts the bytes into rows, and knows at which byte each began."""

    def __init__(self, file: InputFile, dim: int, rest: bytes, unicode_errors: str) -> None:
        self._file = file
        self._dim = dim
        self._buffer = rest
        self._base = file.position - len(rest)  # the byte of the file with which the buffer begins
        self._unicode_errors = unicode_errors
        self._starts: list[Counts] = []
        self._firsts: list[int] = [0]

    def place(self, row: int) -> str:
        """The byte at which a word begins."""
        chunk = int(np.searchsorted(self._firsts, row, side="right")) - 1
        return f"{self._file.name}, byte {self._starts[chunk][row - self._firsts[chunk]]}"

    def batches(self, wanted: int, to_the_end: bool) -> Iterator[Batch]:
        """All rows, checked but for duplicates."""
        done = 0
        while done < wanted:
            words, starts, matrix = self._split(wanted - done)
            if words:
                self._starts.append(np.array(starts, dtype=np.int64))
                self._firsts.append(done + len(words))
                decoded = decode_words(words, self._unicode_errors, done, self.place)
                check_words(decoded, FORBIDDEN, done, self.place)
                check_finite(matrix, done, partial(self._place_of_number, words, starts, done))
                yield Batch(decoded, matrix, rank_counts(wanted, done, len(words)))
                done += len(words)
            elif not self._fill():
                raise InputError(
                    f"{self._file.name}, byte {self._base + len(self._buffer)}: the file ends within word "
                    f"{done + 1} of {wanted}: it is truncated, or the header is wrong"
                )
        if to_the_end:
            self._check_end(wanted)

    def _place_of_number(self, words: list[bytes], starts: list[int], first: int, row: int, column: int) -> str:
        byte = starts[row - first] + len(words[row - first]) + 1 + column * _FLOAT.itemsize
        return f"{self._file.name}, byte {byte}"

    def _fill(self) -> bool:
        """Read on; whether there was anything."""
        fresh = self._file.read(CHUNK)
        self._buffer += fresh
        return bool(fresh)

    def _split(self, most: int) -> tuple[list[bytes], list[int], Matrix]:
        """Take up to ``most`` complete rows from the buffer: words, their bytes in the file, vectors."""
        buffer, size = self._buffer, self._dim * _FLOAT.itemsize
        view = memoryview(buffer)
        words: list[bytes] = []
        starts: list[int] = []
        vectors: list[memoryview] = []
        position = 0
        while len(words) < most:
            start = position + buffer.startswith(b"\n", position)  # the C program ends each vector with one
            space = buffer.find(b" ", start, start + MAX_WORD + 1)
            if space < 0 and len(buffer) - start > MAX_WORD:
                raise InputError(
                    f"{self._file.name}, byte {self._base + start}: no space ends the word within {MAX_WORD} bytes: "
                    "the header is wrong or the file is damaged"
                )
            stop = space + 1 + size
            if space < 0 or stop > len(buffer):
                break
            words.append(buffer[start:space])
            starts.append(self._base + start)
            vectors.append(view[space + 1 : stop])
            position = stop
        matrix = np.frombuffer(b"".join(vectors), dtype=_FLOAT).astype(np.float32, copy=False)
        self._buffer = buffer[position:]
        self._base += position
        return words, starts, matrix.reshape(len(words), self._dim)

    def _check_end(self, rows: int) -> None:
        if len(self._buffer) < 2:
            self._fill()
        if self._buffer not in (b"", b"\n"):
            raise InputError(
                f"{self._file.name}, byte {self._base}: there is more after the {rows} words that the header announces"
            )


def write_binary(stream: VectorStream, file: IO[bytes], place: str) -> None:
    """Write the binary format, byte for byte as gensim does: no newline after a vector.

    Raises `InputError` that names the word if one is empty or holds white space, or a number is not finite.
    """
    start = 0
    for batch in stream.batches:
        if not start:
            file.write(f"{stream.rows} {batch.matrix.shape[1]}\n".encode())
        check_export(batch, start, place, FORBIDDEN)
        rows = batch.matrix.astype(_FLOAT, copy=False)
        for word, vector in zip(batch.words.to_pylist(), rows, strict=True):
            file.write(word.encode() + b" " + vector.tobytes())
        start += len(rows)

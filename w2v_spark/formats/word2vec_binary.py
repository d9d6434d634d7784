"""word2vec's binary format: a line ``V D``, then for each word the word, a space, and D little-endian float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.formats.checks import MAX_WORD, Rows, check_batch
from w2v_spark.formats.input_file import CHUNK, InputFile
from w2v_spark.formats.lenience import STRICT, Lenience
from w2v_spark.formats.word2vec_format import FORBIDDEN, TAKE_ALL, read_header
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import Counts, VectorStream

_FLOAT: Final = np.dtype("<f4")


class BinarySource:
    """A binary file cut into rows, with or without a newline after each vector.

    Parameters
    ----------
    file : InputFile
    lenience : Lenience
        What of a malformed file is let through.

    Raises
    ------
    InputError
        Here if the header is wrong, else at the batch that is. The message names the byte, counted from 0, after
        decompression.

    Notes
    -----
    Memory: some MiB, and 8 bytes a word for the bytes that errors name.
    """

    forbidden = FORBIDDEN

    def __init__(self, file: InputFile, lenience: Lenience = STRICT) -> None:
        self._file = file
        self._lenience = lenience
        header = read_header(file, least=2, per_number=_FLOAT.itemsize, lenience=lenience)
        self.rows, self._dim, self._header_size = header
        self._begin()

    def _begin(self) -> None:
        self._file.rewind()
        self._file.read(self._header_size)
        self._buffer = b""
        self._base = self._file.position  # the byte of the file with which the buffer begins
        self._starts: list[Counts] = []
        self._firsts: list[int] = [0]
        self._words: list[bytes] = []  # those of the last batch

    def place(self, row: int, column: int | None = None) -> str:
        """The byte at which a word begins, or a number of a row of the last batch."""
        part = int(np.searchsorted(self._firsts, row, side="right")) - 1
        if part == len(self._starts):  # beyond what has been read
            return f"{self._file.name}, byte {self._base}"
        byte = int(self._starts[part][row - self._firsts[part]])
        if column is not None:
            byte += len(self._words[row - self._firsts[-2]]) + 1 + column * _FLOAT.itemsize
        return f"{self._file.name}, byte {byte}"

    def batches(self, stop: int | None) -> Iterator[Rows]:
        """See `checks.Source.batches`."""
        self._begin()
        done = 0
        while stop is None or done < stop:
            words, starts, matrix = self._split(CHUNK if stop is None else stop - done)
            if words:
                self._starts.append(np.array(starts, dtype=np.int64))
                self._firsts.append(done + len(words))
                self._words = words
                yield Rows([*words], matrix)
                done += len(words)
            elif not self._fill():
                if not self._lenience.skip_malformed:
                    raise InputError(
                        f"{self._file.name}, byte {self._base + len(self._buffer)}: the file ends within word "
                        f"{done + 1} of {stop}: it is truncated, or the header is wrong; ",
                        *TAKE_ALL,
                    )
                if self._buffer not in (b"", b"\n"):  # the beginning of a row
                    yield Rows([None], np.zeros((1, self._dim), np.float32))
                return
        if stop == self.rows and not self._lenience.skip_malformed:
            self._check_end(stop)

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
                f"{self._file.name}, byte {self._base}: there is more after the {rows} words that the header "
                "announces; ",
                *TAKE_ALL,
            )


def write_binary(stream: VectorStream, file: IO[bytes], place: str) -> None:
    """Write the binary format, byte for byte as gensim does: no newline after a vector.

    Raises `InputError` that names the word if one is empty or holds white space, or a number is not finite.
    """
    start = 0
    for batch in stream.batches:
        if not start:
            file.write(f"{stream.rows} {batch.matrix.shape[1]}\n".encode())
        check_batch(batch, start, place, FORBIDDEN)
        rows = batch.matrix.astype(_FLOAT, copy=False)
        for word, vector in zip(batch.words.to_pylist(), rows, strict=True):
            file.write(word.encode() + b" " + vector.tobytes())
        start += len(rows)

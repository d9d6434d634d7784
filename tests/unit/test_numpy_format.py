"""The pair of a .npy and a vocabulary: the same bits back, numpy reads it, and what is malformed is named."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.vector_files import Collected, awkward_matrix, collect, same_bits, stream_of, words_of
from w2v_spark.errors import InputError
from w2v_spark.formats import numpy_pair
from w2v_spark.formats.checks import checked
from w2v_spark.formats.input_file import InputFile
from w2v_spark.formats.lenience import STRICT
from w2v_spark.formats.numpy_header import read_numpy_header
from w2v_spark.formats.numpy_pair import NumpySource, write_numpy
from w2v_spark.formats.output_files import OutputFiles
from w2v_spark.vectors.blocks import Matrix

V, D = 50, 6
HEADER = 128  # bytes before the numbers


def save(directory: Path, words: list[str], matrix: Matrix) -> None:
    with OutputFiles() as outputs:
        write_numpy(
            stream_of(words, matrix), outputs.create(directory / "m.npy"), outputs.create(directory / "v.txt"), "table"
        )


def read(directory: Path, limit: int | None = None) -> Collected:
    with InputFile(directory / "m.npy") as file, InputFile(directory / "v.txt") as vocabulary:
        return collect(checked(NumpySource(file, vocabulary), limit, STRICT))


@pytest.mark.parametrize("chunk", [30, 1 << 20])
def test_round_trip_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(numpy_pair, "CHUNK", chunk)
    words, matrix = [*words_of(V - 1), "new york\tcity"], awkward_matrix(V, D)
    save(tmp_path, words, matrix)
    assert same_bits(np.load(tmp_path / "m.npy"), matrix)
    assert (tmp_path / "v.txt").read_text("utf-8").split("\n") == [*words, ""]
    names, numbers, counts = read(tmp_path)
    assert (names, counts) == (words, list(range(V, 0, -1)))
    assert same_bits(numbers, matrix)
    names, numbers, counts = read(tmp_path, 3)
    assert (names, counts) == (words[:3], [3, 2, 1])
    assert same_bits(numbers, matrix[:3])


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8"])
def test_other_floats(tmp_path: Path, dtype: str) -> None:
    matrix = np.arange(6).reshape(3, 2) / 4
    np.save(tmp_path / "m.npy", matrix.astype(dtype))
    (tmp_path / "v.txt").write_bytes(b"a\r\nb\r\nc")
    names, numbers, _ = read(tmp_path)
    assert names == ["a", "b", "c"]
    np.testing.assert_array_equal(numbers, matrix.astype(np.float32))
    assert numbers.dtype == np.float32


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (b"a\nb\n", "v.txt, line 3: the file ends, but the matrix has 3 rows"),
        (b"a\nb\nc\nd\n", "v.txt, line 4: there is more"),
        (b"a\nb\na\n", "v.txt, line 3: the word 'a' has occurred before"),
        (b"a\n\nc\n", "v.txt, line 2: the word is empty"),
        (b"a\nb\xff\nc\n", "v.txt, line 2: the word 'b\\xff' is not UTF-8"),
        (b"a\nb\rc\nd\n", "v.txt, line 2: the word 'b\\rc' holds white space"),
    ],
)
def test_malformed_vocabulary(tmp_path: Path, vocabulary: bytes, message: str) -> None:
    np.save(tmp_path / "m.npy", np.ones((3, 2), np.float32))
    (tmp_path / "v.txt").write_bytes(vocabulary)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(3, np.float32), "m.npy, byte 0: an array of float32 (3,)"),
        (np.ones((3, 2), np.int32), "m.npy, byte 0: an array of int32"),
        (np.array([[{}, {}]]), "m.npy, byte 0: an array of object"),
        (np.asfortranarray(np.ones((3, 2), np.float32)), "in Fortran order"),
        (np.ones((0, 2), np.float32), "m.npy, byte 0: 0 rows of 2"),
        (np.ones((3, 0), np.float32), "m.npy, byte 0: 3 rows of 0"),
        (
            np.array([[1, 2], [3, np.nan], [5, 6]], np.float32),
            f"m.npy, byte {HEADER + 12}: number 2 of the vector is nan",
        ),
        (np.array([[1, 2], [3, 4], [1e39, 6]]), f"m.npy, byte {HEADER + 32}: number 1 of the vector is inf"),
    ],
)
def test_malformed_matrices(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "m.npy", array)
    (tmp_path / "v.txt").write_bytes(b"a\nb\nc\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert message in str(caught.value)


def test_files_that_are_not_as_their_header_says(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.ones((3, 2), np.float32))
    (tmp_path / "v.txt").write_bytes(b"a\nb\nc\n")
    whole = (tmp_path / "m.npy").read_bytes()
    for content, message in [
        (whole[:-1], f"byte {HEADER + 23}: 3 rows of 2 float32 end at byte {HEADER + 24}, but the file"),
        (whole + b"x", f"byte {HEADER + 24}: 3 rows of 2"),
        (whole.replace(b"(3, 2),", b"(3000000000, 2), ")[: len(whole)], "byte 0: 3000000000 rows"),
        (whole[:50], "byte 0: no .npy header"),
        (b"PAR1\x15" + whole, "is a Parquet file: give format parquet"),
        (b"", "byte 0: no .npy header"),
    ]:
        (tmp_path / "m.npy").write_bytes(content)
        with pytest.raises(InputError) as caught:
            read(tmp_path)
        assert re.search(f"m.npy,? {re.escape(message)}", str(caught.value))


def header_of(text: str, version: int = 1) -> bytes:
    content = text.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + len(content).to_bytes(2 if version == 1 else 4, "little") + content


@pytest.mark.parametrize(
    "content",
    [
        header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }          \n"),
        header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 2L)}"),  # as Python 2 wrote it
        header_of('{"shape":(3,2),"fortran_order":False,"descr":"<f4"}'),
        header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2,), }\n", 2),
        header_of("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n", 3),
    ],
)
def test_headers_of_other_writers(content: bytes) -> None:
    header = read_numpy_header(io.BytesIO(content))
    assert (header.dtype, header.fortran_order, header.shape) == (np.dtype("<f4"), False, (3, 2))


@given(
    hnp.arrays(
        st.one_of(hnp.floating_dtypes(endianness="<"), hnp.integer_dtypes(), hnp.boolean_dtypes()),
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3),
    ),
    st.booleans(),
)
def test_headers_as_numpy_writes_them(array: np.ndarray, fortran: bool) -> None:
    file = io.BytesIO()
    np.save(file, np.asfortranarray(array) if fortran else array)
    file.seek(0)
    header = read_numpy_header(file)
    assert header.shape == array.shape
    assert header.type_name == str(array.dtype.newbyteorder("="))
    assert header.dtype == (array.dtype if array.dtype.kind == "f" else None)
    assert file.tell() == len(file.getvalue()) - array.nbytes


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), ",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'more': 'x'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)} or print(1)",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ", 2)}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': \\\x00, 'shape': (3, 2)}",
        "(((((((((((((((((((",
        "",
    ],
)
def test_headers_that_are_damaged(tmp_path: Path, text: str) -> None:
    """numpy's own reader ends on some of these in SyntaxError and TokenError."""
    (tmp_path / "m.npy").write_bytes(header_of(text) + bytes(24))
    (tmp_path / "v.txt").write_bytes(b"a\nb\nc\n")
    with pytest.raises(InputError, match=r"m\.npy, byte 0: no \.npy header that can be read"):
        read(tmp_path)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_header_or_a_value_error(content: bytes) -> None:
    for start in (b"", b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', ", b"\x93NUMPY\x02\x00\x10\x00\x00\x00"):
        with contextlib.suppress(ValueError):
            assert all(size >= 0 for size in read_numpy_header(io.BytesIO(start + content)).shape)


@pytest.mark.parametrize("word", ["a\nb", "a\r", ""])
def test_words_that_the_format_cannot_hold(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputError, match="table, rank 20: the word"):
        save(tmp_path, [*words_of(20), word], np.ones((21, 2), np.float32))
    assert list(tmp_path.iterdir()) == []

"""Vector files as people have them: what is harmless is read, what would lose something is asked for by an option."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.vector_files import pair, read, refused
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.formats.formats import Format, default_vocabulary, guess_format
from w2v_spark.formats.lenience import Duplicates, Lenience, UnicodeErrors
from w2v_spark.formats.opening import find_format
from w2v_spark.formats.parquet_columns import ParquetColumns

A, B = b"a 0.5 -2\n", b"b 1.5 3\n"
TWO: tuple[list[str], list[list[float]]] = (["a", "b"], [[0.5, -2], [1.5, 3]])
SKIP, FIRST = Lenience(skip_malformed=True), Lenience(Duplicates.FIRST)
BOTH = Lenience(Duplicates.FIRST, skip_malformed=True)
ONE = struct.pack("<2f", 0.5, -2)


# ---- text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf2 2\n" + A + B,
        b"2 2\n" + A + B[:-1],
        b"2 2\n" + A.replace(b" ", b"\t") + B.replace(b" ", b"\t"),
        b"2\t2\r\n" + A.replace(b" ", b"\t").replace(b"\n", b"\r\n") + B.replace(b" ", b"\t"),
        b"2 2\n" + A.replace(b" ", b"   ") + B.replace(b" ", b" \t "),
        b"2 2\na\t0.5 -2 \t\nb 1.5\t3\t\n",
        b"2 2 \n" + A + B + b"\n \n\n",
    ],
    ids=["mark", "no last newline", "tabs", "tabs and carriage returns", "several spaces", "mixed", "blank end"],
)
@pytest.mark.usefixtures("chunks")
def test_harmless_differences_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.txt").write_bytes(content)
    found = read(tmp_path / "v.txt")
    assert pair(found) == TWO
    assert found[1] == {}
    start = content.index(b"\n") + 1
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef") else b""
    (tmp_path / "g.txt").write_bytes(mark + content[start:])
    assert pair(read(tmp_path / "g.txt", header=False)) == TWO


def test_a_row_gives_the_same_bits_whatever_separates_it(tmp_path: Path) -> None:
    """Just above the middle of two float32: rounding to float64 first would put it in the middle, and then down."""
    expected = np.nextafter(np.float32(1), np.float32(2))
    for separator in (" ", "\t", "  "):
        (tmp_path / "v.txt").write_text(f"2 2\na{separator}1.00000005960464477540{separator}0\nb +1 x\n")
        (_, matrix, _), mended = read(tmp_path / "v.txt", SKIP)
        assert matrix[0, 0] == expected
        assert mended == {"malformed": 1}


@pytest.mark.usefixtures("chunks")
def test_words_with_spaces_are_split_from_the_right(tmp_path: Path) -> None:
    rows = b". . . 0.5 -2\nwindows 10 1.5 3\nnew  york\t0.25 1\na\xc2\xa0b 0 0.5\n"
    words = [". . .", "windows 10", "new  york", "a\u00a0b"]
    for content, header in ((b"4 2\n" + rows, True), (b"x 0 0\ny 0 0\nz 0 0\n" + rows, False)):
        (tmp_path / "v.txt").write_bytes(content)
        (found, matrix, _), mended = read(tmp_path / "v.txt", header=header)
        assert found[-4:] == words
        assert matrix[-4:].tolist() == [[0.5, -2], [1.5, 3], [0.25, 1], [0, 0.5]]
        assert mended == {"with_spaces": 3}


def test_the_first_line_of_a_file_without_a_header_may_have_a_word_with_spaces(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("new york 0.5 1.5\na 0.5 -2.5\nb 1.5 3.5\n")
    assert pair(read(tmp_path / "v.txt", header=False))[0] == ["new york", "a", "b"]


def test_words_that_occur_again(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"5 2\n" + A + B + b"a 7 7\na 8 8\nc 9 9\n")
    message = refused(tmp_path / "v.txt")
    assert "v.txt, line 4: the word 'a' has occurred before" in message
    assert "v.txt, line 2); duplicates first keeps the first" in message
    (words, matrix, counts), mended = read(tmp_path / "v.txt", FIRST)
    assert (words, matrix.tolist(), counts) == (["a", "b", "c"], [[0.5, -2], [1.5, 3], [9, 9]], [3, 2, 1])
    assert mended == {"duplicates": 2}
    (words, _, counts), mended = read(tmp_path / "v.txt", FIRST, limit=3)  # rows of the file
    assert (words, counts, mended) == (["a", "b"], [2, 1], {"duplicates": 1})


def test_counts_belong_to_the_rows_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"5 2\n" + A + b"bad 1\n" + b"a 7 7\n" + B + b"c 1 nan\n")
    (tmp_path / "c").write_bytes(b"\xef\xbb\xbfa 50\nbad 40\na 30\nb\t20\nc 10")
    (words, _, counts), mended = read(tmp_path / "v.txt", BOTH, counts=tmp_path / "c")
    assert (words, counts) == (["a", "b"], [50, 20])
    assert mended == {"malformed": 2, "duplicates": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"x 1\n", "1 numbers after the word 'x', expected 2"),
        (b"x 1 y\n", "'y' is not a number"),
        (b"x 1 nan\n", "number 2 of the vector is nan"),
        (b"x 1 1e39\n", "number 2 of the vector is inf"),
        (b"\n", "the line is empty"),
        (b" 1 2\n", "begins with white space"),
        (b"x y\tz 1 2\n", "holds white space"),
        (b"x\xff 1 2\n", "is not UTF-8 (invalid start byte at its byte 1); unicode-errors ignore or replace mends"),
    ],
)
@pytest.mark.usefixtures("chunks")
def test_malformed_rows_are_left_out_if_asked(tmp_path: Path, row: bytes, message: str) -> None:
    (tmp_path / "v.txt").write_bytes(b"3 2\n" + A + row + B)
    said = refused(tmp_path / "v.txt")
    assert f"v.txt, line 3: {message}" in said.replace("the word 'x y\\tz' ", "").replace(
        "the line ", "" if message.startswith("begins") else "the line "
    ).replace("the word 'x\\xff' ", "")
    assert said.endswith("skip-malformed leaves such rows out")
    found = read(tmp_path / "v.txt", SKIP)
    assert pair(found) == TWO
    assert found[0][2] == [2, 1]
    assert found[1] == {"malformed": 1}


def test_nothing_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"2 3\n" + A + B)
    assert "v.txt, line 2 and after: no row can be read" in refused(tmp_path / "v.txt", SKIP)
    (tmp_path / "v.txt").write_bytes(b"2 3\n")
    assert "no row can be read" in refused(tmp_path / "v.txt", SKIP)


CUT = "\u4e2d\u56fd\u4eba\u6c11".encode()


def test_words_that_are_cut_within_a_character(tmp_path: Path) -> None:
    """The first two are equal but for what is left of a last character."""
    rows = [CUT[:-1], CUT[:-2], CUT[:2], b"b"]
    (tmp_path / "v.txt").write_bytes(b"4 1\n" + b"".join(word + b" 1\n" for word in rows))
    said = refused(tmp_path / "v.txt")
    assert "line 2: the word" in said
    assert "is not UTF-8" in said
    assert "unicode-errors ignore or replace mends the word, skip-malformed leaves such rows out" in said
    assert read(tmp_path / "v.txt", SKIP)[0][0] == ["b"]
    assert "line 3: the word '中国人\ufffd' has occurred before" in refused(
        tmp_path / "v.txt", Lenience(unicode_errors=UnicodeErrors.REPLACE)
    )  # fmt: skip
    (words, _, _), mended = read(tmp_path / "v.txt", Lenience(Duplicates.FIRST, False, UnicodeErrors.REPLACE))
    assert (words, mended) == (["中国人\ufffd", "\ufffd", "b"], {"duplicates": 1, "not_unicode": 3})
    (words, _, _), mended = read(tmp_path / "v.txt", Lenience(Duplicates.FIRST, True, UnicodeErrors.IGNORE))
    assert (words, mended) == (["中国人", "b"], {"malformed": 1, "duplicates": 1, "not_unicode": 3})


@pytest.mark.parametrize("announced", [1, 3, 2000000])
@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.usefixtures("chunks")
def test_a_header_that_is_wrong(tmp_path: Path, announced: int, binary: bool) -> None:
    rows = b"a " + ONE + b"b " + struct.pack("<2f", 1.5, 3) if binary else A + B
    path = tmp_path / ("v.bin" if binary else "v.txt")
    path.write_bytes(b"%d 2\n" % announced + rows)
    assert "skip-malformed takes all rows that are there" in refused(path)
    found = read(path, SKIP)
    assert pair(found) == TWO
    assert found[1] == {"announced": announced}
    assert read(path, SKIP, limit=1)[0][0] == ["a"]


def test_a_header_and_none(tmp_path: Path) -> None:
    (tmp_path / "with.txt").write_bytes(b"2 2\n" + A + B)
    said = refused(tmp_path / "with.txt", header=False)
    assert "line 1: '2 2' is a header 'V D'" in said
    assert said.endswith("leave out no-header")
    (tmp_path / "without.txt").write_bytes(A + B)
    assert refused(tmp_path / "without.txt").endswith("text without a header needs no-header")
    (tmp_path / "one.txt").write_bytes(b"2 1\na 0.5\nb 1.5\n")
    assert "is a header" in refused(tmp_path / "one.txt", header=False)
    (tmp_path / "numbers.txt").write_bytes(b"7 1\n8 2\n9 3\n")
    assert read(tmp_path / "numbers.txt", header=False)[0][0] == ["7", "8", "9"]


# ---- binary and numpy ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("chunks")
def test_rows_of_a_binary_file_are_left_out(tmp_path: Path) -> None:
    rows = [b"a " + ONE, b"\xb0 " + ONE, b"x " + struct.pack("<2f", 1, np.nan), b"a " + ONE, b"b " + ONE, b"c " + ONE]
    (tmp_path / "v.bin").write_bytes(b"6 2\n" + b"\n".join(rows)[:-3])
    (words, matrix, counts), mended = read(tmp_path / "v.bin", BOTH)
    assert (words, matrix.tolist(), counts) == (["a", "b"], [[0.5, -2], [0.5, -2]], [2, 1])
    assert mended == {"malformed": 3, "duplicates": 1}


def test_the_pair_of_numpy(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.array([[1, 2], [3, 4], [5, np.inf], [7, 8]], np.float32))
    (tmp_path / "m.vocab.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\r\nc\r\na")
    vocabulary = tmp_path / "m.vocab.txt"
    assert default_vocabulary(tmp_path / "m.npy") == default_vocabulary(tmp_path / "m.npy.gz") == str(vocabulary)
    (words, matrix, _), mended = read(tmp_path / "m.npy", BOTH, vocabulary=vocabulary)
    assert (words, matrix.tolist()) == (["a", "b"], [[1, 2], [3, 4]])
    assert mended == {"malformed": 1, "duplicates": 1}
    assert "m.npy, byte 148: number 2 of the vector is inf" in refused(tmp_path / "m.npy", vocabulary=vocabulary)


# ---- Parquet -------------------------------------------------------------------------------------------------------


def table(words: list[Any], vectors: list[Any], kind: pa.DataType | None = None) -> pa.Table:
    return pa.table({"word": words, "vector": pa.array(vectors, pa.list_(kind or pa.float64()))})


def test_a_folder_of_parts_without_a_suffix(tmp_path: Path) -> None:
    folder = tmp_path / "athena"
    folder.mkdir()
    pq.write_table(table(["a"], [[0.5, -2]]), folder / "20240101_000000_00001_abcde")
    pq.write_table(table(["b"], [[1.5, 3]]), folder / "20240101_000000_00002_abcde")
    for name in ("_SUCCESS", ".part.crc", "notes.txt"):
        (folder / name).write_text("x")
    assert find_format(folder) is Format.PARQUET
    assert pair(read(folder)) == TWO
    assert pair(read(folder / "20240101_000000_00001_abcde")) == (["a"], [[0.5, -2]])
    (folder / "part=1").mkdir()
    assert "has directories in it, part=1: give one" in refused(folder)


@pytest.mark.parametrize(
    ("names", "kind"), [(["_delta_log"], "Delta"), ([".hoodie"], "Hudi"), (["metadata", "data"], "Iceberg")]
)
def test_tables_whose_files_are_not_their_rows(tmp_path: Path, names: list[str], kind: str) -> None:
    pq.write_table(table(["a"], [[0.5, -2]]), tmp_path / "0.parquet")
    for name in names:
        (tmp_path / name).mkdir()
    assert f"is a table of {kind}, whose files also hold rows that have been deleted" in refused(tmp_path)


@pytest.mark.parametrize("fixed", [False, True])
def test_rows_of_parquet_are_left_out(tmp_path: Path, fixed: bool) -> None:
    vectors: list[Any] = [None, [1, 2], [3, None], [5, 6], [7, np.nan], [9, 10], [11, 12], [13, 14]]
    words = ["n", "a", "x", None, "y", "", "a", "b"]
    content = table(words, vectors)
    if fixed:
        content = content.set_column(1, "vector", pa.array(vectors, pa.list_(pa.float64(), 2)))
    else:
        content = pa.concat_tables([table(["s"], [[1, 2, 3]]), content])
    pq.write_table(content, tmp_path / "v.parquet")
    assert "skip-malformed leaves such rows out" in refused(tmp_path / "v.parquet")
    (found, matrix, _), mended = read(tmp_path / "v.parquet", BOTH)
    assert (found, matrix.tolist()) == (["a", "b"], [[1, 2], [13, 14]])
    assert mended == {"malformed": 5 + (not fixed), "duplicates": 1}


def test_columns_of_numbers_with_nulls(tmp_path: Path) -> None:
    pq.write_table(pa.table({"w": ["a", "b", "c"], "e0": [1.0, None, 3.0], "n": [3, 2, None]}), tmp_path / "v.parquet")
    columns = ParquetColumns("w", "e", "n")
    assert "row 3: column 'n' is null" in refused(tmp_path / "v.parquet", columns=columns)
    (words, matrix, counts), mended = read(tmp_path / "v.parquet", SKIP, columns=columns)
    assert (words, matrix.tolist(), counts, mended) == (["a"], [[1]], [3], {"malformed": 2})


# ---- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.vec.bz2", Format.WORD2VEC_TEXT),
        ("x.txt.zip", Format.WORD2VEC_TEXT),
        ("GoogleNews-vectors-negative300.bin.gz", Format.WORD2VEC_BINARY),
        ("s3://bucket/X.BIN.XZ", Format.WORD2VEC_BINARY),
        ("x.txt.zst", Format.WORD2VEC_TEXT),
        ("x.npy.lz4", Format.NUMPY),
        ("lake/vectors.parquet/", Format.PARQUET),
        (Path("x.txt"), Format.WORD2VEC_TEXT),
    ],
)
def test_formats_by_name(name: str | Path, kind: Format) -> None:
    assert guess_format(name) is kind


@pytest.mark.parametrize("name", ["glove.6B.zip", "x", "x.dat", "x.gz", "txt"])
def test_names_that_say_no_format(name: str) -> None:
    with pytest.raises(ConfigError, match=f"the name of {name} says no format; give format, one of word2vec-text"):
        guess_format(name)


def test_formats_by_content(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.ones((1, 2), np.float32))
    (tmp_path / "m.npy").rename(tmp_path / "matrix")
    assert find_format(tmp_path / "matrix") is Format.NUMPY
    (tmp_path / "model").write_bytes(pickle.dumps([1]))
    with pytest.raises(InputError, match="model is a Python pickle"):
        find_format(tmp_path / "model")


def test_values_that_are_not_allowed() -> None:
    with pytest.raises(ConfigError, match="duplicates = 'last' is not allowed: expected one of error, first"):
        Lenience(duplicates="last")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unicode-errors = 'x' is not allowed"):
        Lenience(unicode_errors="x")  # type: ignore[arg-type]

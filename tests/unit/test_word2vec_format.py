"""word2vec text and binary: the same bits back, gensim agrees both ways, and what is malformed is named."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors as GensimVectors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.unit.vector_files import awkward_matrix, collect, read_back, same_bits, save, stream_of, words_of
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.formats import input_file, word2vec_binary, word2vec_text
from w2v_spark.formats.checks import MAX_WORD, checked
from w2v_spark.formats.input_file import InputFile
from w2v_spark.formats.lenience import STRICT, Lenience
from w2v_spark.formats.output_files import OutputFiles
from w2v_spark.formats.word2vec_binary import BinarySource
from w2v_spark.formats.word2vec_format import WithCounts, write_counts
from w2v_spark.formats.word2vec_text import TextSource
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import VectorStream

V, D = 50, 6
KINDS = pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
SUFFIX = {False: "txt", True: "bin"}

words = st.text(st.characters(codec="utf-8", exclude_characters=" \t\n\v\f\r"), min_size=1, max_size=8)
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 64 bytes, so that every row lies across the edge of one."""
    for module in (input_file, word2vec_binary, word2vec_text):
        monkeypatch.setattr(module, "CHUNK", 64)
    monkeypatch.setattr(word2vec_text, "_MAX_LINE", 1000)


@KINDS
@given(data=st.data())
def test_round_trip_is_exact(tmp_path_factory: pytest.TempPathFactory, binary: bool, data: st.DataObject) -> None:
    names = data.draw(st.lists(words, min_size=1, max_size=6, unique=True))
    matrix = data.draw(npst.arrays(np.float32, (len(names), data.draw(st.integers(1, 4))), elements=finite))
    path = tmp_path_factory.mktemp("x") / "v"
    save(path, binary, names, matrix)
    read, numbers, _ = read_back(path, binary)
    assert read == names
    assert same_bits(numbers, matrix)


@KINDS
@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.usefixtures("small_chunks")
def test_round_trip_across_chunks(tmp_path: Path, binary: bool, gz: str) -> None:
    names, matrix = words_of(V), awkward_matrix(V, D)
    path = tmp_path / f"v.{SUFFIX[binary]}{gz}"
    save(path, binary, names, matrix)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == bool(gz)
    read, numbers, counts = read_back(path, binary)
    assert (read, counts) == (names, list(range(V, 0, -1)))
    assert same_bits(numbers, matrix)
    read, numbers, counts = read_back(path, binary, limit=3)
    assert (read, counts) == (names[:3], [3, 2, 1])
    assert same_bits(numbers, matrix[:3])
    assert len(read_back(path, binary, limit=V + 1)[0]) == V


def test_text_without_a_header(tmp_path: Path) -> None:
    names, matrix = words_of(V), awkward_matrix(V, D)
    save(tmp_path / "v.txt", False, names, matrix, header=False)
    assert (tmp_path / "v.txt").read_bytes().startswith(names[0].encode())
    for end in (b"", b"\n \n"):
        (tmp_path / "w.txt").write_bytes((tmp_path / "v.txt").read_bytes() + end)
        read, numbers, _ = read_back(tmp_path / "w.txt", False, header=False)
        assert read == names
        assert same_bits(numbers, matrix)
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "v.txt"), no_header=True)
    assert theirs.index_to_key == names


@KINDS
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_gensim_reads_ours(tmp_path: Path, binary: bool, gz: str) -> None:
    names, matrix = words_of(V), awkward_matrix(V, D)
    path = tmp_path / f"v.{SUFFIX[binary]}{gz}"
    save(path, binary, names, matrix)
    for limit in (None, 4):
        theirs = GensimVectors.load_word2vec_format(str(path), binary=binary, limit=limit)
        assert theirs.index_to_key == names[:limit]
        assert same_bits(theirs.vectors, matrix[:limit])


@KINDS
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_we_read_those_of_gensim(tmp_path: Path, binary: bool, gz: str) -> None:
    names, matrix = words_of(V), awkward_matrix(V, D)
    theirs = GensimVectors(D)
    theirs.add_vectors(names, matrix)
    path = tmp_path / f"v.{SUFFIX[binary]}{gz}"
    theirs.save_word2vec_format(str(path), binary=binary)
    read, numbers, counts = read_back(path, binary)
    assert read == names
    assert same_bits(numbers, matrix)
    again = GensimVectors.load_word2vec_format(str(path), binary=binary)
    assert counts == [again.get_vecattr(name, "count") for name in names]
    if binary and not gz:
        save(tmp_path / "ours", binary, names, matrix)
        assert (tmp_path / "ours").read_bytes() == path.read_bytes()


def test_files_of_the_c_program(tmp_path: Path) -> None:
    """A newline after each binary vector; a space at the end of each line of text."""
    vector = struct.pack("<2f", 0.5, -2)
    (tmp_path / "v.bin").write_bytes(b"2 2\na " + vector + b"\nb " + vector + b"\n")
    (tmp_path / "v.txt").write_bytes(b"2 2\na 0.500000 -2.000000 \nb 0.500000 -2.000000 \n")
    (tmp_path / "crlf.txt").write_bytes(b"2 2\r\na +0.5 -2\r\nb .5 -2e0\r\n")
    for name, binary in (("v.bin", True), ("v.txt", False), ("crlf.txt", False)):
        read, numbers, _ = read_back(tmp_path / name, binary)
        assert read == ["a", "b"]
        assert numbers.tolist() == [[0.5, -2], [0.5, -2]]


def test_text_is_rounded_once(tmp_path: Path) -> None:
    """Just above the middle of two float32: rounding to float64 first would put it in the middle, and then down."""
    (tmp_path / "v.txt").write_text("1 1\na 1.00000005960464477540\n")
    assert read_back(tmp_path / "v.txt", False)[1][0, 0] == np.nextafter(np.float32(1), np.float32(2))


def test_counts_are_those_of_gensim(tmp_path: Path) -> None:
    names, matrix = [f"w{i}" for i in range(V)], awkward_matrix(V, D)
    with OutputFiles() as outputs:
        stream = stream_of(names, matrix)
        stream = VectorStream(V, write_counts(stream, outputs.create(tmp_path / "counts")))
        word2vec_binary.write_binary(stream, outputs.create(tmp_path / "v.bin"), "table")
    theirs = GensimVectors.load_word2vec_format(str(tmp_path / "v.bin"), str(tmp_path / "counts"), binary=True)
    expected = [(V - i) * 10 for i in range(V)]
    assert [theirs.get_vecattr(name, "count") for name in names] == expected
    theirs.save_word2vec_format(str(tmp_path / "g.bin"), str(tmp_path / "g.counts"), binary=True)
    with InputFile(tmp_path / "g.bin") as file, InputFile(tmp_path / "g.counts") as counts:
        stream = checked(WithCounts(BinarySource(file), counts), None, STRICT)
        assert collect(stream)[::2] == (names, expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a 1\nc 1\n", "line 2: the count of 'c' where the vectors have 'b'"),
        (b"a 1\n", "line 2: the file ends where the count of 'b'"),
        (b"a 1\nb x\n", "line 2: expected 'word count'"),
        (b"a\nb 1\n", "line 1: expected 'word count'"),
        (b"a 99999999999999999999\n", "line 1: expected 'word count'"),
    ],
)
def test_malformed_counts(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "v.txt").write_text("2 1\na 1\nb 2\n")
    (tmp_path / "counts").write_bytes(content)
    with InputFile(tmp_path / "v.txt") as file, InputFile(tmp_path / "counts") as counts:
        with pytest.raises(InputError, match="counts, ") as caught:
            collect(checked(WithCounts(TextSource(file), counts), None, STRICT))
        assert message in str(caught.value)


TEXT = [
    (b"", "line 1: expected a header"),
    (b"a 1 2\nb 1 2\n", "line 1: expected a header 'V D'"),
    (b"x 2\na 1 2\n", "line 1: expected a header"),
    (b"-2 2\na 1 2\n", "line 1: expected a header"),
    (b"2\na 1 2\n", "line 1: expected a header"),
    (b"2 2", "line 1: expected a header"),
    (b"0 2\n", "line 1: 0 words of 2 numbers"),
    (b"1 0\na\n", "line 1: 1 words of 0 numbers"),
    (b"1 65537\na 1\n", "line 1: 1 words of 65537 numbers"),
    (b"99999999999 2\na 1 2\n", "line 1: 99999999999 words"),
    (b"2000000000 300\na 1 2\n", "line 1: 2000000000 words of 300 numbers take"),
    (b"3 2\na 1.000 2.000\nb 1.000 2.000\n", "line 4: the file ends after 2 of 3 words"),
    (b"1 2\na 1 2\nb 1 2\n", "line 3: there is more after the 1 words"),
    (b"2 2\na 1 2.5\nb 1\n", "line 3: 1 numbers after the word 'b', expected 2"),
    (b"2 2\na 1 2\nb 1 2 3\n", "line 3: '1' is a number more than the 2 that are expected"),
    (b"2 2\na .1 .2\nb .1 .2 .3\n", "line 3: '.1' is a number more than the 2 that are expected"),
    (b"2 2\na .1 .2\nnew york .1 .2 .3\n", "line 3: '.1' is a number more than the 2"),
    (b"2 2\na 1 2\nnew york 1\n", "line 3: 'york' is not a number"),
    (b"2 2\na 1 2\nnew\nyork 1 2\n", "line 3: 0 numbers after the word 'new'"),
    (b"2 2\na 1 2\nb\tc 1 2\n", "line 3: the word 'b\\tc' holds white space"),
    (b"2 2\na 1 2\n 1 2\n", "line 3: the line begins with white space where the word is expected"),
    (b"2 2\na 1 2\n\nb 1 2\n", "line 3: the line is empty"),
    (b"2 2\na 1 2\nb  1\n", "line 3: 1 numbers after the word 'b'"),
    (b"2 2\na 1 2\nb 1 x\n", "line 3: 'x' is not a number"),
    (b"2 2\na 1 2\nb 1 1_0\n", "line 3: '1_0' is not a number"),
    (b"2 2\na 1 2\nb 1\t2 3\n", "line 3: '1' is a number more than the 2 that are expected"),
    (b"2 2\na 1 2\nb nan 2\n", "line 3: number 1 of the vector is nan"),
    (b"2 2\na 1 2\nb 1 -inf\n", "line 3: number 2 of the vector is -inf"),
    (b"2 2\na 1 2\nb 1 1e39\n", "line 3: number 2 of the vector is inf"),
    (b"3 2\na 1 2\nb 1 2\na 3 4\n", "line 4: the word 'a' has occurred before"),
    (b"2 2\na 1 2\n\xed\xa0\x80 1 2\n", "line 3: the word '\\xed\\xa0\\x80' is not UTF-8"),
    (b"2 2\na 1 2\n\xff\xfe 1 2\n", "line 3: the word '\\xff\\xfe' is not UTF-8"),
]


@pytest.mark.parametrize(("content", "message"), TEXT, ids=range(len(TEXT)))
def test_malformed_text(tmp_path: Path, content: bytes, message: str) -> None:
    for name, data in (("v.txt", content), ("v.txt.gz", gzip.compress(content))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError) as caught:
            read_back(tmp_path / name, False)
        if "take" not in message or name == "v.txt":  # the size of a compressed file is not known before its end
            assert f"{name}, {message}" in str(caught.value)


def test_malformed_text_without_a_header(tmp_path: Path) -> None:
    for content, message in [
        (b"", "line 1: 0 lines"),
        (b"a\n", "line 1: 1 lines of 0 numbers"),
        (b"a 1 2\nb 1\n", "line 2: 1 numbers"),
        (b"a 1 2\n\nb 1 2\n", "line 2: the line is empty"),
        (b"a 1 2\na 1 2\n", "line 2: the word 'a' has occurred before"),
    ]:
        (tmp_path / "v.txt").write_bytes(content)
        with pytest.raises(InputError, match=f"v.txt, {message}"):
            read_back(tmp_path / "v.txt", False, header=False)


ONE = struct.pack("<2f", 1, 2)
BINARY = [
    (b"", "line 1: expected a header"),
    (b"2 2 2\na " + ONE, "line 1: expected a header"),
    (b"0 2\n", "line 1: 0 words"),
    (b"1 0\na ", "line 1: 1 words of 0 numbers"),
    (b"2000000000 300\na " + ONE, "line 1: 2000000000 words of 300 numbers take 2404000000014 bytes"),
    (b"2 2\naaaaaaaa " + ONE + b"b " + ONE[:-1], "byte 30: the file ends within word 2 of 2"),
    (b"2 2\naaaaaaaaaaaaaaaa " + ONE, "byte 29: the file ends within word 2 of 2"),
    (b"1 2\na " + ONE + b"b " + ONE, "byte 14: there is more after the 1 words"),
    (b"1 2\na " + ONE + b"\n\n", "byte 14: there is more"),
    (b"2 2\na " + ONE + b" " + ONE + b"x", "byte 14: the word is empty"),
    (b"2 2\na " + ONE + b"\n " + ONE, "byte 15: the word is empty"),
    (b"2 2\na " + ONE + b"b\nc " + ONE, "byte 14: the word 'b\\nc' holds white space"),
    (b"2 2\na " + ONE + b"b\tc " + ONE, "byte 14: the word 'b\\tc' holds white space"),
    (b"2 2\na " + ONE + b"\n\nc " + ONE, "byte 15: the word '\\nc' holds white space"),
    (b"2 2\na " + ONE + b"\xc3 " + ONE, "byte 14: the word '\\xc3' is not UTF-8"),
    (b"2 2\na " + ONE + b"b " + struct.pack("<2f", 1, np.nan), "byte 20: number 2 of the vector is nan"),
    (b"2 2\na " + ONE + b"b " + struct.pack("<2f", np.inf, 1), "byte 16: number 1 of the vector is inf"),
    (b"3 2\na " + ONE + b"b " + ONE + b"a " + ONE, "byte 24: the word 'a' has occurred before (v.bin, byte 4)"),
    (b"1 2\n" + b"a" * (MAX_WORD + 20), f"byte 4: no space ends the word within {MAX_WORD} bytes"),
]


@pytest.mark.parametrize(("content", "message"), BINARY, ids=range(len(BINARY)))
def test_malformed_binary(tmp_path: Path, content: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, data in (("v.bin", content), ("v.bin.gz", gzip.compress(content))):
        Path(name).write_bytes(data)
        with pytest.raises(InputError) as caught:
            read_back(Path(name), True)
        if "take" not in message or name == "v.bin":
            assert f"{name}, {message.replace('v.bin', name)}" in str(caught.value)


@KINDS
@pytest.mark.usefixtures("small_chunks")
def test_places_are_right_across_chunks(tmp_path: Path, binary: bool) -> None:
    names, matrix = [f"w{i}" for i in range(V)], np.ones((V, D), np.float32)
    save(tmp_path / "v", binary, [*names[:-1], "w7"], matrix)
    where = (5 + 7 * (3 + 24), 5 + 49 * (3 + 24) + 39) if binary else (9, 51)
    unit = "byte" if binary else "line"
    with pytest.raises(InputError, match=rf"v, {unit} {where[1]}: the word 'w7' .* \(.*v, {unit} {where[0]}\)"):
        read_back(tmp_path / "v", binary)
    assert len(read_back(tmp_path / "v", binary, limit=V - 1)[0]) == V - 1


@KINDS
def test_damaged_gzip(tmp_path: Path, binary: bool) -> None:
    save(tmp_path / "v.gz", binary, words_of(3000), awkward_matrix(3000, D))
    whole = (tmp_path / "v.gz").read_bytes()
    (tmp_path / "v.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"v.gz, byte \d+: it cannot be read on"):
        read_back(tmp_path / "v.gz", binary)
    (tmp_path / "v.gz").write_bytes(whole[:2000] + b"\0" * 100 + whole[2100:])
    with pytest.raises(InputError, match=r"v.gz, byte \d+: it cannot be read on|v.gz, (line|byte) \d+: "):
        read_back(tmp_path / "v.gz", binary)
    (tmp_path / "v.gz").write_bytes(whole[:-8] + b"\0" * 8)
    with pytest.raises(InputError, match=r"v.gz, byte \d+: it cannot be read on: CRC"):
        read_back(tmp_path / "v.gz", binary)


@KINDS
def test_words_that_are_not_utf8(tmp_path: Path, binary: bool) -> None:
    (tmp_path / "v").write_bytes(b"1 2\na\xc3 " + (ONE if binary else b"1 2\n"))
    assert read_back(tmp_path / "v", binary, lenience=Lenience(unicode_errors="ignore"))[0] == ["a"]
    assert read_back(tmp_path / "v", binary, lenience=Lenience(unicode_errors="replace"))[0] == ["a\ufffd"]


@KINDS
@pytest.mark.parametrize("word", ["new york", "a\nb", "a\tb", "a\r", "", "x" * (MAX_WORD + 1)])
def test_words_that_the_format_cannot_hold(tmp_path: Path, binary: bool, word: str) -> None:
    with pytest.raises(InputError) as caught:
        save(tmp_path / "v", binary, [*words_of(20), word], np.ones((21, 2), np.float32))
    expected = (
        f"a word of {MAX_WORD + 1} bytes"
        if len(word) > 10
        else f"the word {word!r} holds"
        if word
        else "the word is empty"
    )
    assert f"table, rank 20: {expected}" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@KINDS
def test_numbers_that_are_not_finite_are_not_written(tmp_path: Path, binary: bool) -> None:
    matrix: Matrix = np.ones((20, 2), np.float32)
    matrix[13, 1] = np.nan
    with pytest.raises(InputError, match=r"rank 13, 'wört13': number 2 of the vector is nan"):
        save(tmp_path / "v", binary, words_of(20), matrix)
    assert list(tmp_path.iterdir()) == []


def test_limit_below_one(tmp_path: Path) -> None:
    save(tmp_path / "v", True, ["a"], np.ones((1, 1), np.float32))
    with pytest.raises(ConfigError, match="limit = 0"):
        read_back(tmp_path / "v", True, limit=0)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent cannot be read"):
        InputFile(tmp_path / "absent")
    with pytest.raises(InputError, match="cannot be read"):
        InputFile(tmp_path)


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("old")
    with pytest.raises(InputError):
        save(tmp_path / "v", True, ["a b"], np.ones((1, 1), np.float32))
    assert (tmp_path / "v").read_text() == "old"
    save(tmp_path / "v", True, ["a"], np.ones((1, 1), np.float32))
    assert [path.name for path in tmp_path.iterdir()] == ["v"]

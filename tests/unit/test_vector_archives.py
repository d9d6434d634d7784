"""Vector files that are compressed, in archives, or of another kind than their names say."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.unit.vector_files import pair, read, refused
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.formats.formats import Format
from w2v_spark.formats.lenience import STRICT, Lenience
from w2v_spark.formats.opening import find_format

A, B = b"a 0.5 -2\n", b"b 1.5 3\n"
TWO: tuple[list[str], list[list[float]]] = (["a", "b"], [[0.5, -2], [1.5, 3]])
SKIP = Lenience(skip_malformed=True)


def archive(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name.replace("_txt", ".txt"), content)
    return file.getvalue()


def by_arrow(codec: str) -> Callable[[bytes], bytes]:
    def compress(content: bytes) -> bytes:
        file = pa.BufferOutputStream()
        with pa.CompressedOutputStream(file, codec) as stream:
            stream.write(content)
        return bytes(file.getvalue().to_pybytes())

    return compress


PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": by_arrow("zstd"),
    "lz4": by_arrow("lz4"),
    "zip": lambda content: archive(**{"folder/v.txt": content}),
}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.usefixtures("chunks")
def test_compressed_files(tmp_path: Path, suffix: str) -> None:
    rows = [f"w{i} {i}.5 -{i}" for i in range(500)]
    packed = PACKERS[suffix](("\ufeff500 2\n" + "\n".join(rows)).encode())
    for name in (f"v.txt.{suffix}", "v.txt"):  # the content counts
        (tmp_path / name).write_bytes(packed)
        for lenience in (STRICT, SKIP):  # once, and twice over
            words, matrix = pair(read(tmp_path / name, lenience))
            assert words == [f"w{i}" for i in range(500)]
            assert matrix[499] == [499.5, -499]
    (tmp_path / "cut.txt").write_bytes(packed[: len(packed) * 2 // 3])
    assert "cut.txt" in refused(tmp_path / "cut.txt")
    assert "cut.txt" in refused(tmp_path / "cut.txt", SKIP)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst", "lz4"])
def test_compressed_files_in_several_pieces(tmp_path: Path, suffix: str) -> None:
    """As pigz, pbzip2, pzstd and ``cat`` write them."""
    (tmp_path / "v.vec").write_bytes(PACKERS[suffix](b"2 2\n" + A) + PACKERS[suffix](B))
    assert pair(read(tmp_path / "v.vec")) == TWO


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "glove.6B.zip"
    path.write_bytes(archive(a_txt=b"1 2\n" + A, b_txt=A + B, **{"__MACOSX/._a.txt": b"x"}))
    with pytest.raises(
        InputError, match=r"glove.6B.zip is a zip archive of 2 files, a.txt, b.txt: name one with member"
    ):
        find_format(path)
    assert find_format(path, "b.txt") is Format.WORD2VEC_TEXT
    assert pair(read(path, member="b.txt", header=False)) == TWO
    assert "glove.6B.zip, b.txt, line 1: expected a header" in refused(path, member="b.txt")
    assert "of 2 files, none of them c.txt, a.txt, b.txt: name one" in refused(path, member="c.txt")
    (tmp_path / "v.txt").write_bytes(b"1 2\n" + A)
    with pytest.raises(ConfigError, match=r"member a.txt is for a zip archive, and .*v.txt is not one"):
        read(tmp_path / "v.txt", member="a.txt")
    (tmp_path / "only.zip").write_bytes(archive(v_txt=b"2 2\n" + A + B))
    assert pair(read(tmp_path / "only.zip")) == TWO
    broken = bytearray(archive(v_txt=b"2 2\n" + A + B))
    broken[6:8], broken[30:32] = b"\x00\x08", b"\xff\xfe"  # the name is said to be UTF-8, and is not
    (tmp_path / "broken.zip").write_bytes(broken)
    assert "broken.zip cannot be read" in refused(tmp_path / "broken.zip")
    (tmp_path / "none.zip").write_bytes(archive())
    assert "none.zip" in refused(tmp_path / "none.zip")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (struct.pack("<ii", 793712314, 12) + b"\0" * 600, "is a fastText model: it also holds the vectors of parts"),
        (gzip.compress(struct.pack("<ii", 793712314, 12)), "is a fastText model: "),
        (pickle.dumps({"vectors": [1]}), "is a Python pickle: if gensim's save() has written it, load it with gensim"),
        ("2 1\na 1\n".encode("utf-16"), "is text in UTF-16: convert it to UTF-8: iconv"),
        (gzip.compress(gzip.compress(b"2 1\n")), "is compressed with gzip: unpack it first"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it first"),
        (b"\x93NUMPY\x01\0", "is a .npy array of numpy: give format numpy"),
        (b"PAR1\x15\x04", "is a Parquet file: give format parquet"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file: write its words and vectors out"),
    ],
    # Names of the kinds: gzip writes the time of day, and every worker has to find the same tests.
    ids=["fastText", "fastText-gz", "pickle", "utf-16", "gz-in-gz", "7z", "npy", "parquet", "hdf5"],
)
def test_files_of_another_kind_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    for name, options in (("v.txt", {}), ("v.bin", {}), ("g.txt", {"header": False})):
        (tmp_path / name).write_bytes(content)
        assert f"{name} {message}" in refused(tmp_path / name, **options)
    (tmp_path / "c").write_bytes(content)
    (tmp_path / "v.vec").write_bytes(b"1 2\n" + A)
    assert f"c {message}" in refused(tmp_path / "v.vec", counts=tmp_path / "c")
    (tmp_path / "v.parquet").write_bytes(content)
    if b"PAR1" not in content:
        assert "v.parquet " in refused(tmp_path / "v.parquet")

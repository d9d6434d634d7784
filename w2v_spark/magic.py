"""What a file is, by its first bytes: the one table of magic numbers and byte-order marks."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

HEAD_BYTES: Final = 512
"""How much of a file's beginning `recognise` wants to see; less is fine if the file is shorter."""


class Kind(StrEnum):
    """What the first bytes of a file give away. The value is a short name for it."""

    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"
    SNAPPY = "snappy"
    ZIP = "zip"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    TAR = "tar"
    PARQUET = "parquet"
    ORC = "orc"
    AVRO = "avro"
    HDF5 = "hdf5"
    SQLITE = "sqlite"
    PDF = "pdf"
    NPY = "npy"
    PICKLE = "pickle"
    FASTTEXT = "fasttext"
    UTF8 = "utf-8-sig"
    UTF16_LE = "utf-16-le"
    UTF16_BE = "utf-16-be"
    UTF32_LE = "utf-32-le"
    UTF32_BE = "utf-32-be"

    @property
    def phrase(self) -> str:
        """What to call such a file in a message, to follow "the file is"."""
        return _PHRASES[self]


COMPRESSED: Final = frozenset({Kind.GZIP, Kind.BZIP2, Kind.XZ, Kind.ZSTD, Kind.LZ4, Kind.SNAPPY})
"""One file, compressed; what it holds is to be recognised again once it is decompressed."""
ARCHIVES: Final = frozenset({Kind.ZIP, Kind.SEVEN_ZIP, Kind.RAR, Kind.TAR})
"""Any number of files in one."""
BYTE_ORDER_MARKS: Final = {
    Kind.UTF8: b"\xef\xbb\xbf",
    Kind.UTF32_LE: b"\xff\xfe\0\0",
    Kind.UTF32_BE: b"\0\0\xfe\xff",
    Kind.UTF16_LE: b"\xff\xfe",
    Kind.UTF16_BE: b"\xfe\xff",
}
"""Text in this encoding, announced by a mark that is no part of the text. UTF-32's come before UTF-16's, with which
one of them begins."""

_PHRASES: Final = {
    Kind.GZIP: "compressed with gzip",
    Kind.BZIP2: "compressed with bzip2",
    Kind.XZ: "compressed with xz",
    Kind.ZSTD: "compressed with zstd",
    Kind.LZ4: "compressed with lz4",
    Kind.SNAPPY: "compressed with snappy",
    Kind.ZIP: "a zip archive",
    Kind.SEVEN_ZIP: "a 7z archive",
    Kind.RAR: "a rar archive",
    Kind.TAR: "a tar archive",
    Kind.PARQUET: "a Parquet file",
    Kind.ORC: "an ORC file",
    Kind.AVRO: "an Avro file",
    Kind.HDF5: "an HDF5 file",
    Kind.SQLITE: "an SQLite database",
    Kind.PDF: "a PDF document",
    Kind.NPY: "a .npy array of numpy",
    Kind.PICKLE: "a Python pickle",
    Kind.FASTTEXT: "a fastText model",
    Kind.UTF8: "text in UTF-8 with a byte-order mark",
    Kind.UTF16_LE: "text in UTF-16",
    Kind.UTF16_BE: "text in UTF-16",
    Kind.UTF32_LE: "text in UTF-32",
    Kind.UTF32_BE: "text in UTF-32",
}

# Where letters alone would also be the beginning of a text, the bytes that follow have to be those of the format:
# bzip2's first block, Parquet's and PDF's next byte, a byte of ORC's that no text has.
_CONTROL: Final = rb"[\x00-\x08\x0e-\x1f]"
_PATTERNS: Final = {
    Kind.GZIP: rb"\x1f\x8b",
    Kind.BZIP2: rb"BZh[1-9](1AY&SY|\x17rE8P\x90)",
    Kind.XZ: rb"\xfd7zXZ\x00",
    Kind.ZSTD: rb"\x28\xb5\x2f\xfd",
    Kind.LZ4: rb"(\x04\x22\x4d|\x02\x21\x4c)\x18",
    Kind.SNAPPY: rb"\xff\x06\x00\x00sNaPpY",
    Kind.ZIP: rb"PK(\x03\x04|\x05\x06|\x07\x08)",
    Kind.SEVEN_ZIP: rb"7z\xbc\xaf\x27\x1c",
    Kind.RAR: rb"Rar!\x1a\x07",
    Kind.TAR: rb"[^\x00][\x00-\xff]{256}ustar[\x00 ]",
    Kind.PARQUET: rb"PAR[1E]" + _CONTROL,
    Kind.ORC: rb"ORC[\x00-\xff]*?" + _CONTROL,
    Kind.AVRO: rb"Obj\x01",
    Kind.HDF5: rb"\x89HDF\r\n\x1a\n",
    Kind.SQLITE: rb"SQLite format 3\x00",
    Kind.PDF: rb"%PDF-[1-9]\.",
    Kind.NPY: rb"\x93NUMPY",
    Kind.PICKLE: rb"\x80[\x02-\x05]",
    Kind.FASTTEXT: rb"\xba\x16\x4f\x2f",  # 793712314, little-endian
}
_MAGIC: Final = {
    kind: re.compile(pattern)
    for kind, pattern in (_PATTERNS | {kind: re.escape(mark) for kind, mark in BYTE_ORDER_MARKS.items()}).items()
}


def recognise(head: bytes) -> Kind | None:
    """What a file is whose first bytes these are, up to `HEAD_BYTES`; None for text without a mark and all else."""
    return next((kind for kind, pattern in _MAGIC.items() if pattern.match(head, 0, HEAD_BYTES)), None)

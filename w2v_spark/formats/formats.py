"""The formats of other programs, and what is to be said about a file in one of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from w2v_spark.errors import ConfigError, Name
from w2v_spark.formats.input_file import COMPRESSED_SUFFIXES
from w2v_spark.formats.parquet_columns import ParquetColumns


class Format(StrEnum):
    """What a file of vectors is written in."""

    WORD2VEC_TEXT = "word2vec-text"
    WORD2VEC_BINARY = "word2vec-binary"
    NUMPY = "numpy"
    PARQUET = "parquet"


_SUFFIXES: Final = {
    ".txt": Format.WORD2VEC_TEXT,
    ".vec": Format.WORD2VEC_TEXT,
    ".bin": Format.WORD2VEC_BINARY,
    ".npy": Format.NUMPY,
    ".parquet": Format.PARQUET,
}


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A file of another program, and how it is to be understood.

    Attributes
    ----------
    location : str or Path
        A path or any URI that `pyarrow.fs` opens. Parquet may also be read from a directory.
    format : Format
    header : bool
        Whether word2vec text begins with a line ``V D``.
    vocabulary : str or Path, optional
        The file of words beside a ``.npy``.
    counts : str or Path, optional
        A file of ``word count`` lines; of all formats but Parquet, which has a column for them.
    columns : ParquetColumns
        Columns of Parquet.
    member : str, optional
        Which file of a zip archive; for reading.

    Raises
    ------
    ConfigError
        Something is given that the format does not have.
    """

    location: str | Path
    format: Format
    header: bool = True
    vocabulary: str | Path | None = None
    counts: str | Path | None = None
    columns: ParquetColumns = field(default_factory=ParquetColumns)
    member: str | None = None

    def __post_init__(self) -> None:
        if not self.header and self.format is not Format.WORD2VEC_TEXT:
            raise ConfigError(Name("no-header"), f" is for word2vec-text, not for {self.format}")
        if self.format is Format.NUMPY and self.vocabulary is None:
            raise ConfigError("numpy needs ", Name("vocabulary"))
        if self.format is not Format.NUMPY and self.vocabulary is not None:
            raise ConfigError(Name("vocabulary"), f" is for numpy, not for {self.format}")
        if self.counts is not None and self.format is Format.PARQUET:
            raise ConfigError(
                Name("counts"), " is for the other formats; Parquet has its counts in a column, ", Name("count-column")
            )
        if self.member is not None and self.format is Format.PARQUET:
            raise ConfigError(Name("member"), " is not for parquet, which is not read out of an archive: unpack it")
        if len({*self.files}) < len(self.files):
            raise ConfigError(f"{self.location}, its vocabulary and its counts must be different files")

    @property
    def files(self) -> list[str]:
        """All files that belong to it."""
        return [os.fspath(each) for each in (self.location, self.vocabulary, self.counts) if each is not None]


def guess_format(location: str | Path) -> Format:
    """The format that a name says by its suffix. Raises `ConfigError` if it says none."""
    found = format_of_name(location)
    if found is None:
        raise says_no_format(location)
    return found


def format_of_name(location: str | Path) -> Format | None:
    """The format that a name says by its suffix, whatever the file is compressed with; None if it says none."""
    suffix = Path(uncompressed_name(location).rstrip("/").rpartition("/")[2].lower()).suffix
    return _SUFFIXES.get(suffix)


def uncompressed_name(location: str | Path) -> str:
    """The name without the suffix of a compression: ``v.txt`` for ``v.txt.bz2``."""
    name = os.fspath(location)
    for suffix in COMPRESSED_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def default_vocabulary(location: str | Path) -> str:
    """The file of words beside a ``.npy``, unless another is given: ``v.vocab.txt`` for ``v.npy``."""
    return f"{uncompressed_name(location).removesuffix('.npy')}.vocab.txt"


def says_no_format(location: str | Path) -> ConfigError:
    """The error about a file of an unknown format."""
    return ConfigError(
        f"the name of {os.fspath(location)} says no format; give ", Name("format"), f", one of {', '.join(Format)}"
    )

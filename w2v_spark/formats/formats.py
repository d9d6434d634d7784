"""The formats of other programs, and what is to be said about a file in one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from w2v_spark.errors import ConfigError
from w2v_spark.formats.parquet_columns import Layout


class Format(StrEnum):
    """What a file of vectors is written in."""

    WORD2VEC_TEXT = "word2vec-text"
    WORD2VEC_BINARY = "word2vec-binary"
    NUMPY = "numpy"
    PARQUET = "parquet"


_SUFFIXES: Final = {
    ".txt": Format.WORD2VEC_TEXT,
    ".txt.gz": Format.WORD2VEC_TEXT,
    ".vec": Format.WORD2VEC_TEXT,
    ".vec.gz": Format.WORD2VEC_TEXT,
    ".bin": Format.WORD2VEC_BINARY,
    ".bin.gz": Format.WORD2VEC_BINARY,
    ".npy": Format.NUMPY,
    ".parquet": Format.PARQUET,
}


@dataclass(frozen=True, slots=True)
class VectorFile:
    """A file of another program, and how it is to be understood.

    Attributes
    ----------
    location : str
        A path or any URI that `pyarrow.fs` opens. Parquet may also be read from a directory.
    format : Format
    header : bool
        Whether word2vec text begins with a line ``V D``.
    vocabulary : str, optional
        The file of words beside a ``.npy``.
    counts : str, optional
        A file of ``word count`` lines; of all formats but Parquet, which has a column for them.
    layout : Layout
        Columns of Parquet.

    Raises
    ------
    ConfigError
        Something is given that the format does not have, or the name does not say the format.
    """

    location: str
    format: Format
    header: bool = True
    vocabulary: str | None = None
    counts: str | None = None
    layout: Layout = field(default_factory=Layout)

    def __post_init__(self) -> None:
        if not self.header and self.format is not Format.WORD2VEC_TEXT:
            raise ConfigError(f"--no-header is for word2vec-text, not for {self.format}")
        if (self.vocabulary is None) == (self.format is Format.NUMPY):
            raise ConfigError(
                "numpy needs --vocabulary"
                if self.vocabulary is None
                else f"--vocabulary is for numpy, not for {self.format}"
            )
        if self.counts is not None and self.format is Format.PARQUET:
            raise ConfigError("--counts is for the other formats; Parquet has its counts in a column, --count-column")
        if len({*self.files}) < len(self.files):
            raise ConfigError(f"{self.location}, its vocabulary and its counts must be different files")

    @property
    def files(self) -> list[str]:
        """All files that belong to it."""
        return [self.location, *filter(None, (self.vocabulary, self.counts))]


def guess_format(location: str) -> Format:
    """The format that a name says by its suffix. Raises `ConfigError` if it says none."""
    name = location.rstrip("/").rpartition("/")[2].lower()
    for suffix, kind in _SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    raise ConfigError(f"the name of {location} says no format; give --format, one of {', '.join(Format)}")

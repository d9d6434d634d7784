"""A file of vectors of any format as one checked stream, and which format it has."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from pyarrow import fs

from w2v_spark.formats.checks import Checked, Source, checked
from w2v_spark.formats.formats import Format, VectorFile, format_of_name, says_no_format
from w2v_spark.formats.input_file import InputFile
from w2v_spark.formats.lenience import Lenience
from w2v_spark.formats.numpy_pair import NumpySource
from w2v_spark.formats.parquet_source import ParquetSource
from w2v_spark.formats.word2vec_binary import BinarySource
from w2v_spark.formats.word2vec_format import WithCounts
from w2v_spark.formats.word2vec_text import TextSource
from w2v_spark.magic import Kind
from w2v_spark.storage import Directory

_BY_CONTENT = {Kind.PARQUET: Format.PARQUET, Kind.NPY: Format.NUMPY}


def find_format(location: str | Path, member: str | None = None) -> Format:
    """The format of a file that is there: what its name says, or else what it is.

    Parameters
    ----------
    member : str, optional
        The file of a zip archive that is meant.

    Raises
    ------
    ConfigError
        Neither says it.
    InputError
        The file cannot be read, or is of a kind that holds no vectors that can be read.
    """
    found = format_of_name(location if member is None else member)
    if found is not None:
        return found
    place = Directory.open(location)
    if place.filesystem.get_file_info(place.path).type == fs.FileType.Directory:
        return Format.PARQUET
    with InputFile(location, member) as file:
        found = _BY_CONTENT.get(file.kind) if file.kind else None
        found = found or format_of_name(file.member or "")
        if found is None:
            file.refuse_other_kinds()
            raise says_no_format(location)
    return found


def open_file(file: VectorFile, limit: int | None, lenience: Lenience, handles: ExitStack) -> Checked:
    """The vectors of a file, or the first ``limit``. What is opened is closed with ``handles``.

    Raises
    ------
    InputError, ConfigError
        See `checked` and the sources of the formats.
    """
    return checked(_open(file, lenience, handles), limit, lenience)


def _open(file: VectorFile, lenience: Lenience, handles: ExitStack) -> Source:
    if file.format is Format.PARQUET:
        return ParquetSource(file.location, file.columns, lenience)
    source: Source
    main = handles.enter_context(InputFile(file.location, file.member))
    if file.format is Format.WORD2VEC_TEXT:
        source = TextSource(main, file.header, lenience)
    elif file.vocabulary is not None:
        source = NumpySource(main, handles.enter_context(InputFile(file.vocabulary)))
    else:
        source = BinarySource(main, lenience)
    if file.counts is not None:
        source = WithCounts(source, handles.enter_context(InputFile(file.counts)))
    return source

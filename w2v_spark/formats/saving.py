"""Vectors in memory out to word2vec's formats, as gensim's ``save_word2vec_format`` does it."""

from __future__ import annotations

import os
from os import PathLike

from w2v_spark.errors import ConfigError
from w2v_spark.formats.output_files import OutputFiles
from w2v_spark.formats.word2vec_binary import write_binary
from w2v_spark.formats.word2vec_format import write_counts
from w2v_spark.formats.word2vec_text import write_text
from w2v_spark.vectors.stream import VectorStream


def save_word2vec(
    stream: VectorStream,
    location: str | PathLike[str],
    counts: str | PathLike[str] | None,
    binary: bool,
    header: bool,
) -> None:
    """Write text or binary, and a file of ``word count`` lines beside it if there is a place for one.

    Raises
    ------
    ConfigError
        A file cannot be made, or binary without a header is asked for.
    InputError
        A word that the format cannot hold, or a number that is not finite. Nothing is left behind.
    """
    if binary and not header:
        raise ConfigError(f"{os.fspath(location)}: the binary format has a header; only text is written without one")
    with OutputFiles() as outputs:
        target = outputs.create(os.fspath(location))
        if counts is not None:
            stream = VectorStream(stream.rows, write_counts(stream, outputs.create(os.fspath(counts))))
        if binary:
            write_binary(stream, target, os.fspath(location))
        else:
            write_text(stream, target, os.fspath(location), header)

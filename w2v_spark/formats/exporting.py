"""Vector tables out to the formats of other programs."""

from __future__ import annotations

import os
from pathlib import Path

from w2v_spark.errors import ConfigError, Name
from w2v_spark.formats.checks import distinct
from w2v_spark.formats.formats import Format, VectorFile
from w2v_spark.formats.input_file import COMPRESSED_SUFFIXES
from w2v_spark.formats.numpy_pair import write_numpy
from w2v_spark.formats.output_files import OutputFiles, check_output
from w2v_spark.formats.parquet_columns import write_parquet
from w2v_spark.formats.word2vec_binary import write_binary
from w2v_spark.formats.word2vec_format import write_counts
from w2v_spark.formats.word2vec_text import write_text
from w2v_spark.storage import Directory
from w2v_spark.vectors.reading import stream_vectors
from w2v_spark.vectors.stream import VectorStream


def check_export(vectors: str | Path, file: VectorFile, overwrite: bool = False) -> None:
    """Refuse, before work starts, files that exist, cannot be made, or lie in the table. Raises `ConfigError`."""
    for option, location in zip(("output", "vocabulary", "counts"), _files(file), strict=True):
        if location is None:
            continue
        name = os.fspath(location)
        if name.lower().endswith(COMPRESSED_SUFFIXES) and not name.endswith(".gz"):
            raise ConfigError(Name(option), f" {name}: files are written as they are, or compressed as .gz")
        if name.endswith(".gz") and option == "output" and file.format in (Format.NUMPY, Format.PARQUET):
            raise ConfigError(Name(option), f" {name}: {file.format} is not written as .gz")
        check_output(option, location, overwrite)
        if Directory.open(location).uri.startswith(f"{Directory.open(vectors).uri}/"):
            raise ConfigError(
                *(Name(option), f" {name} lies within "), *(Name("vectors"), f" {vectors}; choose another place")
            )


def _files(file: VectorFile) -> tuple[str | Path | None, ...]:
    return file.location, file.vocabulary, file.counts


def export_vectors(vectors: str | Path, file: VectorFile, limit: int | None = None) -> int:
    """Write a vector table, or its ``limit`` most frequent words, to a file of another format.

    Files appear when they are complete; those of the same name are replaced. Names ending in ``.gz`` are compressed.

    Returns
    -------
    int
        V.

    Raises
    ------
    ConfigError
        ``limit`` is below 1, or a file cannot be made.
    StoreError
        There is no complete table at ``vectors``.
    InputError
        A word that the format cannot hold, or a number that is not finite. Nothing is left behind.

    Notes
    -----
    Memory: a row group, its text, and the words.
    """
    table = stream_vectors(vectors, limit)
    stream = VectorStream(table.rows, distinct(table.batches, lambda row: f"{vectors}, rank {row}"))
    shown = os.fspath(vectors)
    with OutputFiles() as outputs:
        target = outputs.create(file.location)
        if file.counts is not None:
            stream = VectorStream(stream.rows, write_counts(stream, outputs.create(file.counts)))
        if file.format is Format.WORD2VEC_TEXT:
            write_text(stream, target, shown, file.header)
        elif file.format is Format.WORD2VEC_BINARY:
            write_binary(stream, target, shown)
        elif file.vocabulary is not None:
            write_numpy(stream, target, outputs.create(file.vocabulary), shown)
        else:
            write_parquet(stream, target, file.columns, shown)
    return stream.rows

"""Vector tables out to the formats of other programs."""

from __future__ import annotations

from w2v_spark.errors import ConfigError
from w2v_spark.formats.files import OutputFiles, check_output
from w2v_spark.formats.formats import Format, VectorFile
from w2v_spark.formats.numpy_pair import write_numpy
from w2v_spark.formats.parquet_columns import write_parquet
from w2v_spark.formats.word2vec_binary import write_binary
from w2v_spark.formats.word2vec_format import write_counts
from w2v_spark.formats.word2vec_text import write_text
from w2v_spark.storage import Directory
from w2v_spark.vectors.reading import stream_vectors
from w2v_spark.vectors.stream import VectorStream, distinct


def check_export(vectors: str, file: VectorFile, overwrite: bool = False) -> None:
    """Refuse, before work starts, files that exist, cannot be made, or lie in the table. Raises `ConfigError`."""
    if file.location.endswith(".gz") and file.format in (Format.NUMPY, Format.PARQUET):
        raise ConfigError(f"--output {file.location}: {file.format} is not written as .gz")
    for option, location in (("--output", file.location), ("--vocabulary", file.vocabulary), ("--counts", file.counts)):
        if location is not None:
            check_output(option, location, overwrite)
            if Directory.open(location).uri.startswith(f"{Directory.open(vectors).uri}/"):
                raise ConfigError(f"{option} {location} lies within --vectors {vectors}; choose another place")


def export_vectors(vectors: str, file: VectorFile, limit: int | None = None) -> int:
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
    with OutputFiles() as outputs:
        target = outputs.create(file.location)
        if file.counts is not None:
            stream = VectorStream(stream.rows, write_counts(stream, outputs.create(file.counts)))
        if file.format is Format.WORD2VEC_TEXT:
            write_text(stream, target, vectors, file.header)
        elif file.format is Format.WORD2VEC_BINARY:
            write_binary(stream, target, vectors)
        elif file.vocabulary is not None:
            write_numpy(stream, target, outputs.create(file.vocabulary), vectors)
        else:
            write_parquet(stream, target, file.layout, vectors)
    return stream.rows

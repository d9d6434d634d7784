"""Vectors of other programs in, as a table that every reader of ours takes for that of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final

import numpy as np
import pyarrow as pa

from w2v_spark.errors import ConfigError, Name
from w2v_spark.formats.files import InputFile
from w2v_spark.formats.formats import Format, VectorFile
from w2v_spark.formats.numpy_pair import read_numpy
from w2v_spark.formats.parquet_columns import read_parquet
from w2v_spark.formats.word2vec_binary import read_binary
from w2v_spark.formats.word2vec_format import read_counts
from w2v_spark.formats.word2vec_text import read_text
from w2v_spark.publishing.description import FORMAT_VERSION
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, RUN, RUN_FILE, VECTORS, Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.storage import Directory
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import Counts, VectorStream
from w2v_spark.vectors.table import write_labelled

_IMPORTED: Final = (VECTORS, MODEL_FILE)


def check_import(output: Directory, overwrite: bool = False, file: VectorFile | None = None) -> None:
    """Refuse, before work starts, an output that cannot be used, or that the input lies in.

    Raises `ConfigError`; see `Publication.check`.
    """
    Publication(output, Kind.VECTORS, overwrite).check([] if file is None else file.files)
    if output.exists(f"{RUN}/{RUN_FILE}"):
        raise ConfigError(
            Name("output"), f" {output.uri} holds the run of a training job in {RUN}; choose another directory"
        )  # fmt: skip


def import_vectors(
    file: VectorFile,
    output: Directory,
    limit: int | None = None,
    unicode_errors: str = "strict",
    packages: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make a vector table of a file of another program, or of its first ``limit`` words.

    The table is complete or not there: it is made in a directory that no reader looks at, and then takes the place of
    a table that was there.

    Parameters
    ----------
    file, output
        Checked already.
    unicode_errors : str
        What to do with words that are not UTF-8: ``"strict"``, ``"ignore"`` or ``"replace"``.
    packages : mapping of str to str, optional
        Versions, for ``model.json``.

    Returns
    -------
    dict
        What ``model.json`` holds.

    Raises
    ------
    InputError
        The file is malformed; the message names the line, the byte or the row. Nothing is left behind.
    ConfigError
        ``limit`` is below 1.

    Notes
    -----
    Memory: some MiB, a row group, and the words, which are compared in the end.
    """
    existed, publication = output.exists(), Publication(output, Kind.VECTORS, overwrite=True)
    staging = publication.open_staging()
    try:
        with ExitStack() as files:
            stream = _open(file, limit, unicode_errors, files)
            labels = _Labels(stream)
            described = {"import": json.dumps({"file": file.location, "format": file.format}, ensure_ascii=False)}
            write_labelled(
                output.filesystem, staging.file(VECTORS), stream.rows, labels.take, labels.blocks(), described
            )
        model = {
            "format_version": FORMAT_VERSION,
            "import": {"files": file.files, "format": file.format, "limit": limit},
            "vocabulary_size": stream.rows,
            "dim": labels.dim,
            "counts_fall": labels.fall,
            "packages": dict(packages or {}),
        }
        staging.write_json(MODEL_FILE, model)
        publication.put_in_place(staging, _IMPORTED, earlier=(HISTORY_FILE,))
    finally:
        publication.run.delete()
        if not existed and output.exists() and not publication.is_finished:
            output.delete()
    return model


def _open(file: VectorFile, limit: int | None, unicode_errors: str, files: ExitStack) -> VectorStream:
    """The stream of a file, whose handles are closed with ``files``."""
    if file.format is Format.PARQUET:
        return read_parquet(file.location, file.layout, limit)
    source = files.enter_context(InputFile(file.location))
    if file.format is Format.WORD2VEC_TEXT:
        stream = read_text(source, limit, file.header, unicode_errors)
    elif file.vocabulary is not None:
        stream = read_numpy(source, files.enter_context(InputFile(file.vocabulary)), limit, unicode_errors)
    else:
        stream = read_binary(source, limit, unicode_errors)
    if file.counts is not None:
        stream = VectorStream(stream.rows, read_counts(stream, files.enter_context(InputFile(file.counts))))
    return stream


class _Labels:
    """Holds words and counts between the batch they come with and the row group they go to."""

    def __init__(self, stream: VectorStream) -> None:
        self._stream = stream
        self._words: pa.StringArray = pa.array([], pa.string())
        self._counts: Counts = np.empty(0, dtype=np.int64)
        self.dim = 0
        self.fall = True
        self._last: Counts = np.empty(0, dtype=np.int64)

    def blocks(self) -> Iterator[Matrix]:
        """The vectors of the stream."""
        for words, matrix, counts in self._stream.batches:
            self.fall = self.fall and bool(np.all(np.diff(counts, prepend=self._last) <= 0))
            self._last = counts[-1:]
            self._words = pa.concat_arrays([self._words, words])
            self._counts = np.concatenate([self._counts, counts])
            self.dim = matrix.shape[1]
            yield matrix

    def take(self, start: int, stop: int) -> tuple[pa.StringArray, Counts]:
        """Labels of the next rows, whose vectors have been drawn."""
        count = stop - start
        taken = self._words[:count], self._counts[:count]
        self._words, self._counts = self._words[count:], self._counts[count:]
        return taken

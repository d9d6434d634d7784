"""Vectors of other programs in, as a table that every reader of ours takes for that of a run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from w2v_spark.errors import ConfigError
from w2v_spark.formats.formats import VectorFile
from w2v_spark.formats.lenience import STRICT, Lenience
from w2v_spark.formats.opening import open_file
from w2v_spark.storage import Directory
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.stream import Counts, VectorStream
from w2v_spark.vectors.table import write_labelled

_FORMAT_VERSION: Final = 1
_STAGING: Final = "_import"
_RUN: Final = "_run"
_SUCCESS: Final = "_SUCCESS"
_MODEL: Final = "model.json"
_VECTORS: Final = "vectors"
_RESULT: Final = (_SUCCESS, _VECTORS, _MODEL, "history.json")


def check_import(output: Directory, overwrite: bool = False) -> None:
    """Refuse, before work starts, an output that exists, cannot be made, or has a run in it.

    Raises `ConfigError`.
    """
    if output.is_local:
        path = Path(output.path)
        there = next(above for above in (path, *path.parents) if above.exists())
        if not there.is_dir():
            raise ConfigError(f"--output {path} cannot be a directory: {there} is a file; choose another path")
        if not os.access(there, os.W_OK | os.X_OK):
            raise ConfigError(f"--output {path} cannot be written: no permission to change {there}")
    if output.exists() and not overwrite:
        raise ConfigError(f"--output {output.uri} exists; choose another directory, or give --overwrite to replace it")
    if output.exists(_RUN):
        raise ConfigError(f"--output {output.uri} holds the run of a training job in {_RUN}; choose another directory")


def import_vectors(
    file: VectorFile,
    output: Directory,
    limit: int | None = None,
    lenience: Lenience = STRICT,
    packages: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make a vector table of a file of another program, or of its first ``limit`` words.

    The table is complete or not there: it is made below ``output`` in a directory that no reader looks at, and then
    moved in place. A table that was there stays readable until then.

    Parameters
    ----------
    file, output
        Checked already.
    lenience : Lenience
        What of a file that is not as it should be is let through.
    packages : mapping of str to str, optional
        Versions, for ``model.json``.

    Returns
    -------
    dict
        What ``model.json`` holds; ``import.mended`` says how much was mended, see `Mended`.

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
    existed = output.exists()
    staging = output.child(_STAGING)
    staging.delete()
    try:
        with ExitStack() as files:
            stream = open_file(file, limit, lenience, files)
            labels = _Labels(stream)
            described = {"import": json.dumps({"file": file.files[0], "format": file.format}, ensure_ascii=False)}
            write_labelled(
                output.filesystem, staging.file(_VECTORS), stream.rows, labels.take, labels.blocks(), described
            )
        model = {
            "format_version": _FORMAT_VERSION,
            "import": {
                "files": file.files,
                "member": file.member,
                "format": file.format,
                "limit": limit,
                "mended": stream.mended.to_dict(),
            },
            "vocabulary_size": stream.rows,
            "dim": labels.dim,
            "counts_fall": labels.fall,
            "packages": dict(packages or {}),
        }
        staging.write_json(_MODEL, model)
        for name in _RESULT:  # the mark of completeness goes first, and comes last
            output.remove(name)
        for name in (_VECTORS, _MODEL):
            staging.move(name, output, name)
        output.write_bytes(_SUCCESS, b"")
    finally:
        staging.delete()
        if not existed and output.exists() and not output.exists(_SUCCESS):
            output.delete()
    return model


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

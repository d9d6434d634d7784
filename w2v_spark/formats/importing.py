"""Vectors of other programs in, as a table that every reader of ours takes for that of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final

import numpy as np
import pyarrow as pa

from w2v_spark.errors import ConfigError, Name
from w2v_spark.formats.formats import VectorFile
from w2v_spark.formats.lenience import STRICT, Lenience
from w2v_spark.formats.opening import open_file
from w2v_spark.publishing.description import FORMAT_VERSION
from w2v_spark.publishing.layout import MODEL_FILE, RUN, RUN_FILE, VECTORS, Kind, other_parts
from w2v_spark.publishing.publication import Publication
from w2v_spark.redaction import hide
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
    lenience: Lenience = STRICT,
    packages: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make a vector table of a file of another program, or of its first ``limit`` words.

    The table is complete or not there: it is made in a directory that no reader looks at, and then takes the place of
    a table that was there.

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
    publication = Publication(output, Kind.VECTORS, overwrite=True)
    with publication.staged() as staging:
        with ExitStack() as files:
            stream = open_file(file, limit, lenience, files)
            labels = _Labels(stream)
            described = {"import": json.dumps({"file": hide(file.files[0]), "format": file.format}, ensure_ascii=False)}
            write_labelled(
                output.filesystem, staging.file(VECTORS), stream.rows, labels.take, labels.blocks(), described
            )
        model = {
            "format_version": FORMAT_VERSION,
            "import": {
                "files": [hide(name) for name in file.files],
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
        staging.write_json(MODEL_FILE, model)
        publication.put_in_place(staging, _IMPORTED, earlier=other_parts(_IMPORTED))
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

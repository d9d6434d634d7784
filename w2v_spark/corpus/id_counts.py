"""How often which ids are in a file of the encoded corpus, for text that is counted when it is encoded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, digest


def write_id_counts(directory: Directory, file: str, ids: npt.NDArray[np.int32]) -> tuple[str, str]:
    """Count the ids of a file, in a second file beside it; its name and its digest.

    Parameters
    ----------
    file : str
        The name of the first one, which no other task, retry or speculative copy writes to.
    ids : (tokens,) int32
    """
    counts = np.bincount(ids)
    found = np.flatnonzero(counts)
    data, name = arrays_to_bytes({"ids": found, "counts": counts[found]}), f"{file}.counts.npz"
    directory.write_bytes(name, data)
    return name, digest(data)


def read_id_counts(directory: Directory, files: Iterable[tuple[str, str]], words: int) -> npt.NDArray[np.int64]:
    """Add up what `write_id_counts` has written, a file at a time, (words,) int64.

    Parameters
    ----------
    files : names and digests
    words : int
        The size of the vocabulary.

    Raises
    ------
    StoreError
        A file is missing, or not what was written.
    """
    total = np.zeros(words, np.int64)
    for name, expected in files:
        arrays = arrays_from_bytes(directory.read_bytes(name, expected), f"{directory.uri}/{name}")
        total[arrays["ids"]] += arrays["counts"]
    return total

"""The vector table: one Parquet row a word, in rank order, readable by any engine without code of ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import fs

from w2v_spark.errors import InputError
from w2v_spark.vectors.blocks import Matrix, regroup
from w2v_spark.vectors.part_writer import PartWriter
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.stream import Counts

VECTOR_SCHEMA = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("word", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("vector", pa.list_(pa.field("element", pa.float32(), nullable=False)), nullable=False),
    ]
)
"""Columns of the table; ``id`` is the rank, 0 the most frequent word."""

FORMAT_VERSION = "2"  # 1 had no checksums
METADATA_PREFIX = "w2v."
ROWS_PER_FILE = 262_144
ROWS_PER_GROUP = 16_384  # 6.5 MB at D = 100: small enough to read a few, large enough to stream

_LISTS = VECTOR_SCHEMA.field("vector").type

# Trained floats are noise to a compressor: zstd saves 9 % and makes reading three times slower. Byte-stream-split
# saves 16 %, but not every engine decodes it. Plain numbers can be mapped (mapping.py), if a row group has one page.
_PAGE_BYTES = 1 << 30  # more than a row group has, up to D = 16,384


def write_vectors(
    filesystem: fs.FileSystem,
    directory: str,
    words: pa.StringArray,
    counts: Counts,
    batches: Iterable[Matrix],
    metadata: Mapping[str, str],
    rows_per_file: int = ROWS_PER_FILE,
) -> list[str]:
    """Stream a matrix, batch by batch, into ``directory/part-00000.parquet``, ``part-00001.parquet``, ...

    The bytes depend on the content alone, not on how the matrix was cut into batches.

    Parameters
    ----------
    filesystem, directory
        Where to write; the directory is made. Give a temporary one: after an error it holds half a table.
    words : pa.StringArray, (V,)
        In rank order, no nulls.
    counts : int64, (V,)
    batches : iterable of float32, (rows, D)
        Consecutive rows of the matrix, V together. No more than two of them and two row groups are held.
    metadata : mapping of str to str
        Written into every file under ``w2v.`` + key, beside ``w2v.format_version``, ``w2v.vocabulary_size`` and
        ``w2v.dim``, which are set here.
    rows_per_file : int

    Returns
    -------
    list of str
        The paths written, in order.

    Raises
    ------
    InputError
        No words, or words, counts and batches do not agree in length, dimension or type, or a number is not finite.
        Raised at the batch that is wrong.

    Notes
    -----
    Cost: one pass, about 0.1 s for 150,000 x 100. Every file carries digests of all that is in it (`checksums`).
    """
    if not len(words) or words.null_count or len(words) != len(counts):
        raise InputError(
            f"a vector table needs words without nulls and a count for each, got {len(words)} words "
            f"({words.null_count} nulls) and {len(counts)} counts"
        )

    def labels(start: int, stop: int) -> tuple[pa.StringArray, Counts]:
        return words[start:stop], counts[start:stop]

    return write_labelled(filesystem, directory, len(words), labels, batches, metadata, rows_per_file)


def write_labelled(
    filesystem: fs.FileSystem,
    directory: str,
    rows: int,
    labels: Callable[[int, int], tuple[pa.StringArray, Counts]],
    batches: Iterable[Matrix],
    metadata: Mapping[str, str],
    rows_per_file: int = ROWS_PER_FILE,
) -> list[str]:
    """`write_vectors` for words and counts that are known only once their vectors have been drawn from ``batches``.

    ``labels`` gives those of the rows ``start`` to ``stop``, in order, each row once.
    """
    filesystem.create_dir(directory, recursive=True)
    groups = regroup(batches, _group_sizes(rows, rows_per_file))
    groups_per_file = math.ceil(rows_per_file / ROWS_PER_GROUP)
    paths: list[str] = []
    previous: str | None = None
    start = 0
    while start < rows:
        paths.append(f"{directory}/part-{len(paths):05d}.parquet")
        with open_writer(filesystem, paths[-1], VECTOR_SCHEMA, previous) as writer:
            for group in islice(groups, groups_per_file):
                stop = start + len(group)
                check_finite(group, range(start, stop))
                writer.write_group(_to_batch(start, *labels(start, stop), group), group)
                start = stop
            previous = writer.finish(_file_metadata(metadata, rows, group.shape[1]))
    next(groups, None)  # lets it find that there are rows left over
    return paths


def _group_sizes(rows: int, rows_per_file: int) -> Iterator[int]:
    """Sizes of the row groups, none of which crosses from one file into the next."""
    for start in range(0, rows, rows_per_file):
        stop = min(start + rows_per_file, rows)
        for group in range(start, stop, ROWS_PER_GROUP):
            yield min(ROWS_PER_GROUP, stop - group)


def _file_metadata(metadata: Mapping[str, str], rows: int, dim: int) -> dict[str, str]:
    own = {"format_version": FORMAT_VERSION, "vocabulary_size": str(rows), "dim": str(dim)}
    return {METADATA_PREFIX + key: value for key, value in sorted({**metadata, **own}.items())}


def check_finite(matrix: Matrix, numbers: Sequence[int] | Ids, place: str = "id") -> None:
    """Raise `InputError` if a row is not finite, which it calls by its number."""
    finite = np.isfinite(matrix)
    if not finite.all():
        row = int(np.flatnonzero(~finite.all(axis=1))[0])
        raise InputError(
            f"the vector of {place} {numbers[row]} is not finite: a vector table holds finite numbers only"
        )


def open_writer(filesystem: fs.FileSystem, path: str, schema: pa.Schema, previous: str | None = None) -> PartWriter:
    """A file of a table whose last column is the vector: zstd for the others, plain vectors in one page."""
    labels = schema.names[:-1]
    return PartWriter(
        filesystem,
        path,
        schema,
        previous,
        compression={**dict.fromkeys(labels, "zstd"), "vector.list.element": "none"},
        use_dictionary=False,
        write_statistics=labels,
        data_page_size=_PAGE_BYTES,
    )


def to_lists(matrix: Matrix, missing: npt.NDArray[np.bool_] | None = None) -> pa.ListArray:
    """Vectors as lists that share the memory of the matrix, which has no rows for those that are ``missing``."""
    count, dim = matrix.shape
    lengths = np.full(count, dim) if missing is None else np.where(missing, 0, dim)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    mask = None if missing is None or not missing.any() else pa.array(missing)
    return pa.ListArray.from_arrays(offsets, pa.array(matrix.reshape(-1)), type=_LISTS, mask=mask)


def _to_batch(start: int, words: pa.StringArray, counts: Counts, matrix: Matrix) -> pa.RecordBatch:
    """A record batch that shares the memory of its arguments."""
    ids = pa.array(np.arange(start, start + len(matrix), dtype=np.int32))
    return pa.record_batch([ids, words, pa.array(counts, pa.int64()), to_lists(matrix)], schema=VECTOR_SCHEMA)

"""Maps for other programs: TensorBoard's embedding projector, and Embedding Atlas."""

from __future__ import annotations

import io
import json
import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from w2v_spark.explore.space import Space, Words
from w2v_spark.vectors.blocks import Matrix

TENSOR: Final = "vectors.bytes"
METADATA: Final = "metadata.tsv"
PROJECTOR_JSON: Final = "projector_config.json"
PROJECTOR_TEXT: Final = "projector_config.pbtxt"
ATLAS: Final = "words.parquet"

_LINE_ENDS: Final = re.compile("[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029\\\\]")


def render_projector(words: Words, vectors: Matrix) -> dict[str, bytes]:
    """The files that the projector reads, by name.

    Parameters
    ----------
    words : Words
        The most frequent ones, by rank: the projector itself takes the first 100,000 rows, and lays out a sample of
        them.
    vectors : float32, (n, D)
        As they are in the table.

    Notes
    -----
    ``vectors.bytes`` is float32, little-endian, row by row. ``metadata.tsv`` has a head and exactly a line a row:
    characters that some reader takes for the end of a line or of a cell are written as Python writes them. The JSON is
    for the projector by itself, the text form for TensorBoard; shapes stand in both, without which TensorBoard cannot
    read raw numbers.
    """
    shape = list(vectors.shape)
    rows = zip(words.plain, words.counts.tolist(), strict=True)
    lines = ["word\tcount\trank", *(f"{to_cell(word)}\t{count}\t{rank}" for rank, (word, count) in enumerate(rows, 1))]
    described = {"tensorName": "words", "tensorShape": shape, "tensorPath": TENSOR, "metadataPath": METADATA}
    sizes = "".join(f"  tensor_shape: {size}\n" for size in shape)
    text = (
        f'embeddings {{\n  tensor_name: "words"\n{sizes}  tensor_path: "{TENSOR}"\n  metadata_path: "{METADATA}"\n}}\n'
    )
    return {
        TENSOR: np.ascontiguousarray(vectors, dtype="<f4").tobytes(),
        METADATA: ("\n".join(lines) + "\n").encode("utf-8"),
        PROJECTOR_JSON: (json.dumps({"embeddings": [described]}, indent=2) + "\n").encode(),
        PROJECTOR_TEXT: text.encode(),
    }


def render_atlas(space: Space) -> dict[str, bytes]:
    """The Parquet file that Embedding Atlas reads, by name.

    Columns are ``text``, ``projection_x``, ``projection_y``, ``neighbors``, a struct of ``ids``, zero-based rows of
    this file, and ``distances``, ``1 - cosine``, of one length in all rows; and ``count``, ``rank`` and ``region``.
    """
    words, points = space.words, space.layout.points.astype(np.float32)
    whole = space.ids[:, : int((space.ids >= 0).sum(axis=1).min(initial=space.ids.shape[1]))]
    distances = np.maximum(1 - space.cosines[:, : whole.shape[1]], 0).astype(np.float32)
    offsets = pa.array(np.arange(len(whole) + 1, dtype=np.int32) * whole.shape[1])
    lists = [pa.ListArray.from_arrays(offsets, pa.array(values.ravel())) for values in (whole, distances)]
    coarse = space.regions[0]
    names = pa.array([words.plain[row] for row in coarse.names.tolist()], pa.string())
    table = pa.table(
        {
            "text": pa.array(words.plain, pa.string()),
            "projection_x": points[:, 0],
            "projection_y": points[:, 1],
            "neighbors": pa.StructArray.from_arrays(lists, ["ids", "distances"]),
            "count": words.counts,
            "rank": np.arange(1, len(words) + 1, dtype=np.int32),
            "region": names.take(pa.array(coarse.labels.astype(np.int32))),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return {ATLAS: buffer.getvalue()}


def to_cell(word: str) -> str:
    """A word as a cell of a line: nothing in it ends either."""
    return _LINE_ENDS.sub(lambda found: found[0].encode("unicode_escape").decode(), word)

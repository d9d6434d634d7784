"""Documents and their nearest topics, and what is added up over the documents of each topic."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.storage import arrays_from_bytes, arrays_to_bytes
from w2v_spark.topics.centroids import Sums, sum_rows
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.search.compiled import needing_compiler

Topics = npt.NDArray[np.int32]

_ROWS: Final = 256  # documents at a time: their products with some hundred topics stay in the second-level cache


def assign_rows(unit: Matrix, topics: Matrix) -> tuple[Topics, npt.NDArray[np.float32]]:
    """The nearest topic of each row.

    Parameters
    ----------
    unit : float32, (n, D)
        Rows of length 1.
    topics : float32, (T, D)
        Vectors of length 1, at least one.

    Returns
    -------
    int32, (n,)
        Row numbers of topics; of equal similarities the first.
    float32, (n,)
        Cosines, -1..1.

    Raises
    ------
    MissingExtra
        numba is not installed.

    Notes
    -----
    Products have one order of sums on every processor, and the similarity that is handed out is computed again in
    float64: equal rows get equal answers, wherever they are. Topics whose similarities differ by no more than the
    rounding of a float32 sum may change places. Cost: ``2 n T D`` operations; memory: 1 KiB a topic.
    """
    with needing_compiler("giving documents to topics"):
        from w2v_spark.kernels.memory import aligned_zeros, padded
        from w2v_spark.kernels.nearest import score
        from w2v_spark.kernels.product import add_product
    nearest = np.zeros((len(unit), 1), dtype=np.int32)
    similarities = np.zeros((len(unit), 1), dtype=np.float32)
    topics, unit = np.ascontiguousarray(topics), np.ascontiguousarray(unit)
    columns, tile = (aligned_zeros(n, padded(_ROWS)) for n in (unit.shape[1], len(topics)))
    for start in range(0, len(unit), _ROWS):
        rows = unit[start : start + _ROWS]
        columns[:, : len(rows)] = rows.T
        tile[:] = 0
        add_product(topics, columns, tile)
        nearest[start : start + _ROWS, 0] = np.argmax(tile[:, : len(rows)], axis=0)
    if len(unit):
        score(unit, topics, np.zeros(len(topics)), nearest, similarities)
    return nearest[:, 0], similarities[:, 0]


@dataclass(slots=True, eq=False)
class Tally:
    """What is added up over documents: of a file, and over files in their order.

    Attributes
    ----------
    sizes : int64, (T,)
        Documents of each topic.
    sums : float64, (T, D)
        Of their vectors of length 1.
    similarities : float64, (T,)
        Sum of their similarities.
    best : pa.Table
        The most similar documents of each topic: ``topic``, ``similarity``, ``document``; in this order.
    limit : int
        How many of them a topic has.
    """

    sizes: npt.NDArray[np.int64]
    sums: Sums
    similarities: npt.NDArray[np.float64]
    best: pa.Table = field(repr=False)
    limit: int

    @classmethod
    def empty(cls, topics: int, dim: int, id_type: pa.DataType, limit: int) -> Tally:
        """Nothing, for so many topics."""
        schema = pa.schema([("topic", pa.int32()), ("similarity", pa.float32()), ("document", id_type)])
        return cls(
            np.zeros(topics, np.int64), np.zeros((topics, dim)), np.zeros(topics), schema.empty_table(), limit
        )  # fmt: skip

    def add(self, ids: pa.Array, unit: Matrix, topics: Topics, similarities: npt.NDArray[np.float32]) -> None:
        """Documents with their vectors of length 1, (n, D), topics, (n,), and similarities to them, (n,)."""
        sizes, sums = sum_rows(unit, topics, len(self.sizes))
        totals = np.bincount(topics, similarities.astype(np.float64), len(self.sizes)).astype(np.float64)
        columns = [pa.array(topics), pa.array(similarities), ids]
        best = pa.Table.from_arrays(columns, schema=self.best.schema)
        self.merge(Tally(sizes, sums, totals, best, self.limit))

    def merge(self, other: Tally) -> None:
        """What was added up elsewhere, over documents that come next."""
        self.sizes += other.sizes
        self.sums += other.sums
        self.similarities += other.similarities
        both = pa.concat_tables([self.best, other.best])
        order = [("topic", "ascending"), ("similarity", "descending"), ("document", "ascending")]
        both = both.sort_by(order).combine_chunks()
        topics = both["topic"].to_numpy()
        places = np.arange(len(topics)) - np.searchsorted(topics, topics)
        self.best = both.filter(pa.array(places < self.limit)).combine_chunks()

    def to_bytes(self) -> bytes:
        """As a file."""
        sink = io.BytesIO()
        with pa.ipc.new_file(sink, self.best.schema) as writer:
            writer.write_table(self.best)
        best = np.frombuffer(sink.getvalue(), dtype=np.uint8)
        return arrays_to_bytes(
            {"sizes": self.sizes, "sums": self.sums, "similarities": self.similarities, "best": best}
        )

    @classmethod
    def from_bytes(cls, data: bytes, path: str, limit: int) -> Tally:
        """What `to_bytes` made. Raises `StoreError`, which names the path, if it is damaged."""
        arrays = arrays_from_bytes(data, path)
        best = pa.ipc.open_file(pa.py_buffer(arrays["best"].tobytes())).read_all()
        return cls(arrays["sizes"], arrays["sums"], arrays["similarities"], best, limit)

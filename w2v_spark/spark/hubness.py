"""How near the rows of two tables are to each other: the means of CSLS, from one pass over all pairs on Spark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from pyspark.sql import SparkSession

from w2v_spark.spark.numbered_files import write_numbered
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.side_rows import load_candidates, read_queried
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, sealed, unsealed
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.neighbour_request import Request, Side
from w2v_spark.vectors.search.csls import NEAREST, Means, bring_together, mean_of_largest
from w2v_spark.vectors.search.tiled import QUERY_ROWS, find_largest

_LARGEST: Final = "largest"
_MOST_ROWS: Final = 16_384  # of a file, which a worker holds


@dataclass(frozen=True, slots=True)
class FindLargest:
    """The largest cosines of some rows of a table, by the number of their file, and of all rows of the other one."""

    of: Side
    among: Side
    directory: str
    step: int

    def __call__(self, number: int, file: str) -> None:
        """Write a file: is called on the executors."""
        mine = np.arange(number * self.step, min((number + 1) * self.step, self.of.files.rows), dtype=np.int32)
        of_rows, of_candidates = find_largest(read_queried(self.of, mine)[0], load_candidates(self.among)[0], NEAREST)
        arrays = {"of_rows": of_rows, "of_candidates": of_candidates}
        Directory.open(self.directory).write_bytes(file, sealed(arrays_to_bytes(arrays)))


def find_means(spark: SparkSession, request: Request, staging: Directory, tasks: int | None = None) -> Means:
    """The means of all rows of both tables, whichever of them are asked about.

    Parameters
    ----------
    request : Request
        Of two tables.
    staging : Directory
        Files of 40 (W + 16,384) bytes pass through it: as many as there are cores, and one for each 16,384 rows of the
        first table.
    tasks : int, optional
        How many Spark tasks share the work; it changes no bit of the result.
    """
    place = staging.child(_LARGEST).create()
    rows = request.of.files.rows
    step = _rows_per_file(rows, tasks or default_parallelism(spark))
    find = FindLargest(request.of, request.among, place.uri, step)
    files = write_numbered(spark, find, ".npz", -(-rows // step), tasks)
    of_rows: list[Matrix] = []

    def read() -> Iterator[Matrix]:
        for file in files:
            arrays = arrays_from_bytes(unsealed(place.read_bytes(file), place.file(file)), place.file(file))
            of_rows.append(arrays["of_rows"])
            yield arrays["of_candidates"]

    of_candidates = mean_of_largest(bring_together(read()))
    place.delete()
    return Means(mean_of_largest(np.concatenate(of_rows)), of_candidates)


def _rows_per_file(rows: int, cores: int) -> int:
    """As many as keep the cores busy: each file begins anew to look for the largest cosines of all candidates.

    So files of few rows cost time. Their number does not show in the means.
    """
    blocks = -(-rows // (QUERY_ROWS * cores))
    return min(blocks * QUERY_ROWS, _MOST_ROWS)

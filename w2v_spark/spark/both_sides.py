"""The nearest of every row of two tables in the other one, from one pass over all pairs on Spark."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from pyspark.sql import SparkSession

from w2v_spark.spark.numbered_files import write_numbered
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.side_rows import load_candidates, read_queried
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, sealed, unsealed
from w2v_spark.vectors.neighbour_request import Request, Side
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.search.both_sides import Keys, bring_together, find_both
from w2v_spark.vectors.search.csls import NEAREST
from w2v_spark.vectors.search.known_pairs import Reverse
from w2v_spark.vectors.search.tiled import QUERY_ROWS

_PLACE: Final = "pairs"
_ROWS: Final = "rows-"
_CANDIDATES: Final = "candidates"
_MOST_ROWS: Final = 32_768  # of a file, which a worker holds


@dataclass(frozen=True, slots=True)
class FindBoth:
    """The nearest of some rows of a table, by the number of their file, and of all rows of the other one."""

    of: Side
    among: Side
    directory: str
    step: int
    kept: int

    def __call__(self, number: int, file: str) -> None:
        """Write two files: is called on the executors."""
        first = number * self.step
        mine = np.arange(first, min(first + self.step, self.of.files.rows), dtype=np.int32)
        found = find_both(read_queried(self.of, mine)[0], load_candidates(self.among)[0], self.kept, NEAREST, first)
        place = Directory.open(self.directory)
        _write_keys(place, _ROWS + file, found.of_rows)
        _write_keys(place, file, found.of_candidates)


@dataclass(frozen=True, slots=True)
class PairFiles:
    """Where the nearest of both sides lie, for the executors.

    Attributes
    ----------
    directory : str
    rows : tuple of str
        Files of the rows that are asked about, ``step`` in each.
    step : int
    candidates : str
        The file of the candidates.
    """

    directory: str
    rows: tuple[str, ...]
    step: int
    candidates: str

    def of_rows(self, rows: Ids) -> Keys:
        """The nearest candidates of some rows, ascending."""
        place, numbers = Directory.open(self.directory), rows // self.step
        parts = [
            _read_keys(place, self.rows[number])[rows[numbers == number] - number * self.step]
            for number in np.unique(numbers).tolist()
        ]
        return np.concatenate(parts)

    def reverse(self) -> Reverse:
        """What is known of the candidates; a worker keeps it from file to file."""
        return _load_reverse(self.directory, self.candidates)


@lru_cache(maxsize=1)
def _load_reverse(directory: str, file: str) -> Reverse:
    return Reverse.build(_read_keys(Directory.open(directory), file))


def find_both_sides(
    spark: SparkSession, request: Request, staging: Directory, kept: int, tasks: int | None = None
) -> PairFiles:
    """The nearest of all rows of both tables, whichever of them are asked about.

    Parameters
    ----------
    request : Request
        Of two tables.
    staging : Directory
        For each row of the first table, 8 bytes for each of ``kept`` candidates come to lie in it, and 80 W bytes as
        often as there are cores, or for each 32,768 rows.
    kept : int
        How many are kept of each row of the first table; of the second it is ten.
    tasks : int, optional
        How many Spark tasks share the work; it changes no bit of the result.
    """
    place = staging.child(_PLACE).create()
    rows = request.of.files.rows
    step = _rows_per_file(rows, tasks or default_parallelism(spark))
    find = FindBoth(request.of, request.among, place.uri, step, kept)
    files = write_numbered(spark, find, "", -(-rows // step), tasks)

    def parts() -> Iterator[Keys]:
        return (_read_keys(place, file) for file in files)

    _write_keys(place, _CANDIDATES, bring_together(parts()))
    return PairFiles(place.uri, tuple(_ROWS + file for file in files), step, _CANDIDATES)


def _write_keys(place: Directory, file: str, keys: Keys) -> None:
    place.write_bytes(file, sealed(arrays_to_bytes({"keys": keys})))


def _read_keys(place: Directory, file: str) -> Keys:
    where = place.file(file)
    keys: Keys = arrays_from_bytes(unsealed(place.read_bytes(file), where), where)["keys"]
    return keys


def _rows_per_file(rows: int, cores: int) -> int:
    """As many as keep the cores busy to the end: each file begins anew to look for the nearest of all candidates.

    So files of few rows cost time. Their number does not show in what is found.
    """
    files = cores * -(-rows // (cores * _MOST_ROWS))
    return -(-rows // (QUERY_ROWS * files)) * QUERY_ROWS

"""Ids of documents, of whatever type the user's are, and the row of each."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.errors import IdNotFound, InputError
from w2v_spark.vectors.row_stack import Ids

DocumentAnswer = list[tuple[Any, float]]
"""Ids of documents with their cosines, the nearest first, equal ones in order of the rows."""

_KINDS: Final[Sequence[tuple[Callable[[pa.DataType], bool], tuple[type, ...]]]] = (
    (pa.types.is_string, (str,)),
    (pa.types.is_boolean, (bool, np.bool_)),
    (pa.types.is_integer, (int, np.integer)),
    (pa.types.is_floating, (float, np.floating)),
    (pa.types.is_binary, (bytes,)),
    (pa.types.is_large_binary, (bytes,)),
    (pa.types.is_timestamp, (datetime.datetime,)),
    (pa.types.is_date, (datetime.date,)),
    (pa.types.is_decimal, (Decimal,)),
)
"""Of which Python types the ids of a column are, the first that fits."""
_SUBTYPES: Final = {int: bool, datetime.date: datetime.datetime}  # which isinstance takes for the other


class DocumentIndex:
    """Which row a document has, and which document a row.

    Parameters
    ----------
    ids : pa.ChunkedArray, (N,)
        Of the documents that have a vector.
    without : pa.ChunkedArray
        Of those that have none.

    Notes
    -----
    Ids stay in Arrow. A look-up is a pass over them, some milliseconds a million; `rows` takes one pass for all.
    """

    def __init__(self, ids: pa.ChunkedArray, without: pa.ChunkedArray) -> None:
        self.ids = ids
        self.without = without

    def __len__(self) -> int:
        return len(self.ids)

    def find(self, key: Any) -> int | None:
        """The row of an id; None if it has no vector. `InputError` if it occurs twice, or is of another type."""
        scalar = self._scalar(key)
        row = -1 if scalar is None else pc.index(self.ids, scalar).as_py()
        if row < 0:
            return None
        if pc.index(self.ids.slice(row + 1), scalar).as_py() >= 0:
            raise InputError(f"{key!r} is the id of several documents: ask with the vector of one of them")
        return int(row)

    def row(self, key: Any) -> int:
        """The same, but `IdNotFound` if there is none."""
        row = self.find(key)
        if row is None:
            raise self._not_found(key)
        return row

    def rows(self, keys: Iterable[Any]) -> Ids:
        """The rows of some ids, (n,), in their order. Errors are those of `row`."""
        scalars = [(key, self._scalar(key)) for key in keys]
        known = pa.array([scalar.as_py() for _, scalar in scalars if scalar is not None], self.ids.type)
        distinct = known.unique()
        places = pc.index_in(self.ids, value_set=distinct)
        rows: Ids = np.flatnonzero(places.is_valid().to_numpy())
        numbers: npt.NDArray[np.int64] = places.drop_null().to_numpy()
        if len(rows) > len(distinct):
            twice = distinct[int(np.argmax(np.bincount(numbers) > 1))].as_py()
            raise InputError(f"{twice!r} is the id of several documents: ask with the vector of one of them")
        row_of = dict(zip(distinct.take(pa.array(numbers)).to_pylist(), rows.tolist(), strict=True))
        found = []
        for key, scalar in scalars:
            row = None if scalar is None else row_of.get(scalar.as_py())
            if row is None:
                raise self._not_found(key)
            found.append(row)
        return np.array(found, dtype=np.intp)

    def id(self, row: int) -> Any:
        """The id of a row, from 0 to N - 1, as a Python value."""
        return self.ids[row].as_py()

    def _scalar(self, key: Any) -> pa.Scalar | None:
        """An id as a value of the column; None if the column cannot have it. `InputError` if it is of another type."""
        kind = self.ids.type
        expected = next(types for test, types in _KINDS if test(kind))
        is_other = isinstance(key, _SUBTYPES.get(expected[0], ()))
        if not isinstance(key, expected) or is_other or not _has_zone_of(kind, key):
            raise InputError(
                f"{key!r} is of type {type(key).__name__}: the ids of these documents are {kind}, so give "
                f"{expected[0].__name__}; a vector is given as an array of numpy"
            )
        try:
            return pa.scalar(key, kind)
        except (pa.ArrowException, OverflowError):  # a larger number than the column can have
            return None

    def _not_found(self, key: Any) -> IdNotFound:
        scalar = self._scalar(key)
        if scalar is not None and pc.index(self.without, scalar).as_py() >= 0:
            return IdNotFound(f"the document {key!r} has no vector: none of its words is in the vocabulary")
        return IdNotFound(f"{key!r} is not among the ids of {len(self)} documents")


def _has_zone_of(kind: pa.DataType, key: Any) -> bool:
    """Whether a time has a time zone where the column's times have one."""
    return not pa.types.is_timestamp(kind) or (key.tzinfo is None) == (kind.tz is None)

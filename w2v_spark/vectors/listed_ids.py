"""Ids of documents that a user lists as text, and the rows that they name."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.errors import IdNotFound, InputError, Name
from w2v_spark.vectors.labelled_rows import open_rows
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.table_format import DOCUMENT_TABLE

_SHOWN = 5


def find_listed(location: str | PathLike[str], listed: Sequence[str], skip_unknown: bool = False) -> tuple[Ids, int]:
    """The rows of the documents that have one of these ids.

    Parameters
    ----------
    location : str or Path
        As for `labelled_rows.open_rows`.
    listed : sequence of str
        Ids as text, which are read as the type of the ids of the table: ``2024-01-31``, ``-7``, ``true``; binary ones
        as hexadecimal digits. Those that are given twice count once.
    skip_unknown : bool
        Leave ids out that have no vector.

    Returns
    -------
    int32, (Q,)
        Rows, ascending, among the documents that have a vector.
    int
        How many distinct ids were left out.

    Raises
    ------
    IdNotFound
        Some of the ids have no vector, and ``skip_unknown`` is not set; or none has one.
    InputError
        No id is listed, or one is not of the type of the table's.
    StoreError
        There is no complete table.

    Notes
    -----
    Cost: the ids of the table are read and passed over once.
    """
    if not listed:
        raise InputError("there are no ids to find neighbours for: expected an id a line")
    table = open_rows(location, DOCUMENT_TABLE)
    ids = table.labels["id"]
    asked = _of_type(list(dict.fromkeys(listed)), ids.type).unique()
    rows = np.flatnonzero(pc.is_in(ids, value_set=asked).to_numpy()).astype(np.int32)
    unknown = asked.filter(pc.invert(pc.is_in(asked, value_set=ids.combine_chunks())))
    if len(unknown) and (len(unknown) == len(asked) or not skip_unknown):
        shown = ", ".join(map(repr, unknown[:_SHOWN].to_pylist())) + (", ..." if len(unknown) > _SHOWN else "")
        lacking = int(pc.sum(pc.is_in(unknown, value_set=table.without["id"].combine_chunks())).as_py())
        of_these = f" ({lacking:,} of these are documents without a known word)" if lacking else ""
        remedy = () if skip_unknown else ("; leave them out or give ", Name("skip-unknown"))
        raise IdNotFound(
            f"{len(unknown):,} of {len(asked):,} ids are not among those of the {len(ids):,} documents that have a "
            f"vector: {shown}{of_these}",
            *remedy,
        )
    return rows, len(unknown)


def _of_type(listed: Sequence[str], kind: pa.DataType) -> pa.Array:
    """Text as values of a type. Raises `InputError`, which names the first that is none."""
    try:
        return _cast(listed, kind)
    except (pa.ArrowException, ValueError):
        for text in listed:
            try:
                _cast([text], kind)
            except (pa.ArrowException, ValueError) as error:
                raise InputError(
                    f"the id {text!r} is no {kind}, which the ids of these documents are: expected an id a line, "
                    "as text of that type"
                ) from error
        raise  # pragma: no cover - one of them is refused alone too


def _cast(listed: Sequence[str], kind: pa.DataType) -> pa.Array:
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([bytes.fromhex(text) for text in listed], kind)
    return pa.array(listed, pa.string()).cast(kind)

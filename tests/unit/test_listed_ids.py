"""Ids of documents that are listed in a file, of whatever type those of the table are."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.document_models import MISSING, ROWS, N, write_model
from w2v_spark.cli.neighbours import read_id_file
from w2v_spark.errors import IdNotFound, InputError
from w2v_spark.vectors.listed_ids import find_listed

DAY = datetime.datetime(2024, 1, 31, 12)


@pytest.mark.parametrize(
    ("ids", "listed"),
    [
        (pa.array([f" é{row}\t" for row in range(N)]), lambda row: f" é{row}\t"),
        (pa.array([-row for row in range(N)]), lambda row: f"-{row}"),
        (pa.array([row / 4 for row in range(N)]), lambda row: str(row / 4)),
        (pa.array([Decimal(row) / 4 for row in range(N)], pa.decimal128(20, 4)), lambda row: str(row / 4)),
        (pa.array([b"\xff%d" % row for row in range(N)]), lambda row: (b"\xff%d" % row).hex()),
        (
            pa.array([DAY.date() + datetime.timedelta(row) for row in range(N)]),
            lambda row: str(DAY.date() + datetime.timedelta(row)),
        ),
        (
            pa.array([DAY + datetime.timedelta(seconds=row) for row in range(N)], pa.timestamp("us")),
            lambda row: str(DAY + datetime.timedelta(seconds=row)),
        ),
        (
            pa.array([DAY + datetime.timedelta(seconds=row) for row in range(N)], pa.timestamp("us", "UTC")),
            lambda row: f"{DAY + datetime.timedelta(seconds=row)}+00:00",
        ),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_ids_of_every_type(tmp_path: Path, ids: pa.Array, listed: Any) -> None:
    model = write_model(tmp_path / "model", ids)
    rows, skipped = find_listed(model, [listed(row) for row in (140, 7, 20, 7)])
    assert (ROWS[rows].tolist(), skipped, rows.dtype) == ([7, 20, 140], 0, np.int32)
    rows, skipped = find_listed(model, [listed(5), listed(7)], skip_unknown=True)  # the first has no vector
    assert (ROWS[rows].tolist(), skipped, bool(MISSING[5])) == ([7], 1, True)


@pytest.mark.parametrize(
    ("listed", "skip_unknown", "error", "message"),
    [
        (["3", "1000"], False, IdNotFound, "1 of 2 ids are not among those of the 148 documents that have a vector: "),
        (["3", "5"], False, IdNotFound, r"vector: 5 \(1 of these are documents without a known word\); leave them out"),
        (["1000", "1001"], True, IdNotFound, "2 of 2 ids are not among .*: 1000, 1001$"),
        (["3", "x7"], True, InputError, "the id 'x7' is no int64, which the ids of these documents are"),
        ([], False, InputError, "there are no ids to find neighbours for"),
    ],
)
def test_refused(tmp_path: Path, listed: list[str], skip_unknown: bool, error: type[Exception], message: str) -> None:
    model = write_model(tmp_path / "model", pa.array(range(N)))
    with pytest.raises(error, match=message):
        find_listed(model, listed, skip_unknown)


def test_files_of_ids(tmp_path: Path) -> None:
    """Blanks belong to an id, line ends of Windows and a mark of the byte order do not."""
    (tmp_path / "ids").write_bytes(b"\xef\xbb\xbfa b \r\n\r\n\n c\r\nlast")
    assert read_id_file(str(tmp_path / "ids")) == ["a b ", " c", "last"]
    (tmp_path / "ids").write_bytes(b"\xff\xfe")
    for place, message in (("ids", "--ids .* is not UTF-8 text"), ("none", "--ids .* cannot be read: No such file")):
        with pytest.raises(InputError, match=message):
            read_id_file(str(tmp_path / place))

"""Malformed lines of JSON, CSV and XML, of which Spark says nothing: counted while the first pass reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import DataFrame, DataFrameReader, Observation
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.errors import InputError, Name
from w2v_spark.spark.columns import CORRUPT_COLUMN, column_of

_FORMATS: Final = frozenset({"json", "csv", "xml"})
_EXAMPLE_LENGTH: Final = 60
MAX_INVALID: Final = 0.01
"""The share of the input that may be invalid where the user has not said otherwise."""


def keeps_malformed(format: str, options: Mapping[str, str]) -> bool:
    """Whether Spark reads what it can of malformed lines; with another ``mode`` the user has decided about them."""
    mode = next((value for key, value in options.items() if key.lower() == "mode"), "PERMISSIVE")
    return format in _FORMATS and mode.upper() == "PERMISSIVE"


def with_corrupt_lines(reader: DataFrameReader, frame: DataFrame, paths: str, format: str) -> DataFrameReader:
    """The reader of a frame, so that it gives one column more, with each line that is malformed.

    Raises
    ------
    InputError
        Not a single line is valid.
    """
    fields = [field for field in frame.schema if field.name != CORRUPT_COLUMN]
    if not fields and frame.schema.names:
        raise InputError(
            Name("input"),
            f" {paths} has no line that is valid {format.upper()}; if a record goes over several lines, give ",
            Name("option"),
            " multiLine=true",
        )
    reader = reader.option("columnNameOfCorruptRecord", CORRUPT_COLUMN)
    reader = reader.option("columnPruning", False)  # or CSV would not look at columns that nobody asks for
    return reader.schema(StructType([*fields, StructField(CORRUPT_COLUMN, StringType())]))


@dataclass(frozen=True, slots=True)
class Malformed:
    """The count of malformed lines, known once the frame has been read.

    Attributes
    ----------
    format : str
    observation : Observation
    """

    format: str
    observation: Observation

    @classmethod
    def observe(cls, frame: DataFrame, format: str) -> tuple[DataFrame, Malformed]:
        """A frame of `with_corrupt_lines`, so that the malformed among its rows are counted when it is read first."""
        corrupt, observation = column_of(CORRUPT_COLUMN), Observation()
        counted = frame.observe(
            observation,
            F.count(F.lit(1)).alias("rows"),
            F.count(corrupt).alias("malformed"),
            F.min(F.substring(corrupt, 1, _EXAMPLE_LENGTH)).alias("example"),
        )
        return counted, cls(format, observation)

    def check(self, most: float) -> list[str]:
        """What to warn of after the first pass. Raises `InputError` if more than a share ``most`` is malformed."""
        seen: dict[str, Any] = self.observation.get
        if not seen["malformed"]:
            return []
        share = seen["malformed"] / seen["rows"]
        what = (
            f"{seen['malformed']:,} of {seen['rows']:,} lines are malformed {self.format.upper()}, "
            f"for example {seen['example']!r}"
        )
        if share > most:
            raise InputError(
                f"{what}; repair them, or give ", Name("max_invalid"), f" {_above(share)} to train without what they "
                "lack; if a record goes over several lines, give ", Name("option"), " multiLine=true",
            )  # fmt: skip
        return [f"{what}; what Spark could not read of them is left out"]


def check_invalid(statistics: CorpusStatistics, most: float) -> list[str]:
    """What to warn of where text was not UTF-8. Raises `InputError` if more than a share ``most`` of it is not."""
    if not statistics.invalid_bytes:
        return []
    share = statistics.invalid_bytes / max(statistics.bytes, 1)
    what = f"{statistics.invalid_bytes:,} of {statistics.bytes:,} bytes of the text are not UTF-8"
    if share > most:
        raise InputError(
            f"{what}; if it is text in another encoding, name that with ", Name("encoding"),
            " (such as latin-1 or cp1252); to train on it as it is, give ", Name("max_invalid"), f" {_above(share)}",
        )  # fmt: skip
    return [f"{what} and were replaced"]


def _above(share: float) -> str:
    """A short number that is no less than a share."""
    return f"{min(1.0, share + 0.005):.2f}"

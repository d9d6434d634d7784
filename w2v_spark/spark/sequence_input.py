"""FASTA and FASTQ as Spark reads them: a record a row, wherever a file is split, and what of it is no record.

Spark's text source cuts a file at the mark that begins a line, so no record is read in part, and a file may be split or
compressed as any text. In FASTQ a line of qualities may begin with that mark too. What stands behind it is a row
without a line end then, unlike any record, and left out; of the record before only the qualities are cut off, which
nobody reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from w2v_spark.errors import InputError, Name
from w2v_spark.inputs.sequences import SEQUENCE_FORMATS

SEQUENCE: Final = "text"
_ID: Final = "id"
_DESCRIPTION: Final = "description"
_KIND: Final = "_kind"
_CUT: Final = "_cut"
_LINE: Final = "\n"


def record_options(format: str) -> Mapping[str, str]:
    """With which Spark's text source gives a record a row."""
    return {"lineSep": _LINE + SEQUENCE_FORMATS[format], "wholetext": "false"}


@dataclass(frozen=True, slots=True)
class Records:
    """The count of records that are empty or none, known once the frame has been read.

    Attributes
    ----------
    format : str
    observation : Observation
    """

    format: str
    observation: Observation

    @classmethod
    def observe(cls, frame: DataFrame, format: str) -> tuple[DataFrame, Records]:
        """The records of a frame of `read_records`, where all its rows are counted when it is read first."""
        kind, observation = F.col(_KIND), Observation()
        kinds = ("record", "malformed", "behind", "blank")
        counted = frame.observe(
            observation,
            *(F.count_if(kind == name).alias(name) for name in kinds),
            F.count_if((kind == "record") & (F.col(SEQUENCE) == "")).alias("empty"),
            F.count_if(F.col(_CUT)).alias("cut"),
            F.min(F.when(kind == "malformed", F.col(_ID))).alias("example"),
        )
        return counted.where(kind == "record").drop(_KIND, _CUT), cls(format, observation)

    def check(self, most: float) -> list[str]:
        """What to warn of after the first pass. Raises `InputError` if more than a share ``most`` is malformed."""
        seen: dict[str, Any] = self.observation.get
        missing = (
            seen["cut"] - seen["behind"]
        )  # qualities that were cut off and have come as no row, or rows of no record
        malformed = seen["malformed"] + max(-missing, missing - seen["blank"], 0)
        rows, empty, warnings = seen["record"] + seen["malformed"], seen["empty"], list[str]()
        if malformed:
            what = f"{malformed:,} of {rows:,} records are malformed FASTQ, which has four lines a record"
            if seen["example"]:
                what += f", for example {seen['example']!r}"
            if malformed > most * rows:
                raise InputError(
                    f"{what}; repair them, convert a file of wrapped lines, or give ", Name("max_invalid"),
                    " to train without them",
                )  # fmt: skip
            warnings.append(f"{what}; they are left out")
        if empty:
            warnings.append(f"{empty:,} of {rows:,} {self.format.upper()} records have no sequence")
        return warnings


def read_records(rows: DataFrame, format: str) -> DataFrame:
    """Records with columns ``id``, ``description`` and ``text``, those that tell folders, and what `Records` counts.

    Parameters
    ----------
    rows : DataFrame
        Of `record_options`.
    """
    value, mark = F.col("value"), SEQUENCE_FORMATS[format]
    others = [name for name in rows.columns if name.lower() not in ("value", _ID, _DESCRIPTION, SEQUENCE)]
    record = F.when(value.startswith(mark), F.substr(value, F.lit(2))).otherwise(value)
    header = F.substring_index(record, _LINE, 1)
    body = F.substr(record, F.length(header) + 2)
    title = F.trim(F.translate(header, "\t\r", "  "))
    parted = _fastq(body, record) if format == "fastq" else _fasta(body, title)
    name = F.substring_index(title, " ", 1)
    description = F.ltrim(F.substr(title, F.length(name) + 1))
    return rows.select(name.alias(_ID), description.alias(_DESCRIPTION), *parted, *others)


def _fasta(body: Column, title: Column) -> list[Column]:
    sequence = F.upper(F.replace(F.replace(body, F.lit(_LINE), F.lit("")), F.lit("\r"), F.lit("")))
    kind = F.when((title == "") & (sequence == ""), "blank").otherwise("record")
    return [sequence.alias(SEQUENCE), kind.alias(_KIND), F.lit(False).alias(_CUT)]


def _fastq(body: Column, record: Column) -> list[Column]:
    line = F.substring_index(body, _LINE, 1)
    rest = F.substr(body, F.length(line) + 2)
    is_record = rest.startswith("+")
    kind = F.when(~_has_lines(record), F.when(_stripped(record) == "", "blank").otherwise("behind"))
    kind = kind.when(is_record, "record").otherwise("malformed")
    sequence = F.upper(F.replace(line, F.lit("\r"), F.lit("")))
    return [
        sequence.alias(SEQUENCE),
        kind.alias(_KIND),
        (is_record & (sequence != "") & ~_has_lines(rest)).alias(_CUT),
    ]


def _stripped(text: Column) -> Column:
    return F.rtrim(text, F.lit("\r\n"))


def _has_lines(text: Column) -> Column:
    """Whether there is more than one line, blank ones at the end aside."""
    return F.instr(_stripped(text), _LINE) > 0

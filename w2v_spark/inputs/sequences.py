"""Files of sequences, FASTA and FASTQ: what they begin with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyarrow import fs as pafs

from w2v_spark.errors import InputError, Name
from w2v_spark.inputs.heads import read_heads
from w2v_spark.magic import Kind, recognise

SEQUENCE_FORMATS: Final = {"fasta": ">", "fastq": "@"}
"""The formats, each with the mark that a record begins with."""

_BOM: Final = b"\xef\xbb\xbf"
_SHOWN: Final = 20


def check_marks(files: Iterable[tuple[str, pafs.FileSystem, str]], format: str) -> None:
    """Refuse files that do not begin with the mark of a record, line ends aside.

    Parameters
    ----------
    files : iterable of tuple
        As of `check_heads`, which has let them pass. What cannot be opened, or is empty, is left to Spark.

    Raises
    ------
    InputError
        Names the file.
    """
    mark = SEQUENCE_FORMATS[format]
    for name, filesystem, path in files:
        *_, head = b"", *read_heads(name, filesystem, path)
        if recognise(head) not in (None, Kind.UTF8):  # compressed in a way that only Spark reads
            continue
        head = head.removeprefix(_BOM).lstrip()
        if not head:
            continue
        if not head.startswith(mark.encode()):
            begin = head.splitlines()[0][:_SHOWN].decode(errors="replace")
            raise InputError(
                Name("input"), f" {name} is not {format.upper()}: it begins with {begin!r} and not with {mark!r}; "
                "leave it out, or give its ", Name("format"),
            )  # fmt: skip
        lines = head.split(b"\n")
        if format == "fastq" and len(lines) > 3 and not lines[2].startswith(b"+"):
            raise InputError(
                Name("input"), f" {name} has no line of '+' behind the first line of its first sequence; a record of "
                "FASTQ has four lines, so join those of sequences and of qualities",
            )  # fmt: skip
        if b"\n" not in head and b"\r" in head:
            raise InputError(
                Name("input"), f" {name} has line ends of a single carriage return, as no program writes them today; "
                "replace them by line feeds",
            )  # fmt: skip

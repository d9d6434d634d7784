"""Text in other encodings than UTF-8: what Spark has to know to find its lines, and their decoding in its tasks."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame

from w2v_spark.errors import ConfigError, InputError, Name
from w2v_spark.magic import Kind

_JAVA_NAMES: Final = {
    "ascii": "US-ASCII",
    "iso8859-1": "ISO-8859-1",
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
    "utf-32-le": "UTF-32LE",
    "utf-32-be": "UTF-32BE",
}
_INVALID: Final = "\ud800"  # encodes to bytes that are not UTF-8, so that the passes count and replace them as ever


def _mark_invalid(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _INVALID, error.end


codecs.register_error("w2v-mark-invalid", _mark_invalid)


def find_encoding(name: str) -> str | None:
    """An encoding as Python calls it; None for UTF-8, which needs no decoding.

    Raises
    ------
    ConfigError
        There is no such encoding of text, or its lines do not end in the byte that ends them in ASCII.
    """
    try:
        encoding = codecs.lookup(name).name
        line_end = "\n".encode(encoding)
    except (LookupError, ValueError) as error:
        raise ConfigError(
            Name("encoding"), f" {name} is not known; name one that Python has, such as latin-1, cp1252 or utf-16"
        ) from error
    if encoding in ("utf-8", "utf-8-sig"):
        return None
    if line_end != b"\n" and not encoding.startswith(("utf-16", "utf-32")):
        raise ConfigError(Name("encoding"), f" {name} is not possible: its lines do not end as those of ASCII do")
    return encoding


def with_byte_order(encoding: str, marks: Iterable[Kind | None]) -> str:
    """An encoding with its byte order: that of the marks that the files begin with, where the name leaves it open.

    Raises
    ------
    InputError
        The files do not tell.
    """
    if encoding not in ("utf-16", "utf-32"):
        return encoding
    orders = {mark.value for mark in marks if mark is not None and mark.value.startswith(encoding)}
    if len(orders) != 1:
        what = "begin with different byte-order marks" if orders else "do not begin with a byte-order mark"
        raise InputError(
            Name("encoding"), f" {encoding} is not enough, since the files {what}; give {encoding}-le or {encoding}-be"
        )
    return orders.pop()


def line_options(encoding: str, format: str) -> dict[str, str]:
    """Options with which Spark finds the lines of text in an encoding, or reads a format that has columns."""
    is_wide = encoding.startswith(("utf-16", "utf-32"))
    if format == "text" and not is_wide:
        return {}
    line_end = {"lineSep": "\n"} if is_wide or format == "json" else {}  # the one that Spark encodes itself
    return {"encoding": _JAVA_NAMES.get(encoding, encoding), **line_end}


@dataclass(frozen=True, slots=True)
class DecodeDocuments:
    """Documents in another encoding to UTF-8: runs on the executors under ``mapInArrow``."""

    encoding: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same batches; the first column is binary, and remains so."""
        for batch in batches:
            documents = pa.array([self._decode(document) for document in batch.column(0).to_pylist()], pa.binary())
            yield pa.RecordBatch.from_arrays([documents, *batch.columns[1:]], names=batch.schema.names)

    def _decode(self, document: bytes | None) -> bytes | None:
        if document is None:
            return None
        text = document.decode(self.encoding, "w2v-mark-invalid")
        return text.removeprefix("\ufeff").removesuffix("\r").encode("utf-8", "surrogatepass")


def decode_documents(documents: DataFrame, encoding: str) -> DataFrame:
    """Documents, a first column of lines as Spark has read them, in UTF-8."""
    columns = ["CAST(document AS BINARY) AS document", *(f"`{name}`" for name in documents.columns[1:])]
    raw = documents.selectExpr(*columns)
    return raw.mapInArrow(DecodeDocuments(encoding), raw.schema)

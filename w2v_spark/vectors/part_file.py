"""One file of a vector table: a footer, and row groups of words, counts and vectors."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.part_names import is_named_by_content
from w2v_spark.publishing.publication import find_retained
from w2v_spark.storage import damage_naming, errors_naming, retried
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.checksums import KEYS, Blocks, Footer, GroupChecksums, HeldBytes, read_footer
from w2v_spark.vectors.mapping import map_group
from w2v_spark.vectors.row_stack import Ids
from w2v_spark.vectors.table import METADATA_PREFIX
from w2v_spark.vectors.table_format import VECTOR, TableFormat, is_simple

_UNCHECKED_VERSION: Final = "1"  # of the format, whose files have no checksums


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file of a table, of which only the footer has been read and found right.

    Attributes
    ----------
    filesystem : pyarrow.fs.FileSystem
    path : str
    table : TableFormat
    footer : Footer
    rows : list of int
        Of each row group.
    metadata : dict of str to str
        Key-value metadata of ours, without the prefix and without what checksums need.
    """

    filesystem: fs.FileSystem
    path: str
    table: TableFormat
    footer: Footer
    rows: list[int]
    metadata: dict[str, str]

    @classmethod
    def open(cls, filesystem: fs.FileSystem, path: str, table: TableFormat) -> PartFile:
        """Read the footer. Raises `StoreError` if it is damaged, or the file is no part of such a table."""
        footer = read_footer(filesystem, path)
        with damage_naming(path), errors_naming(path):
            _check_schema(path, _open_parquet(None, footer).schema_arrow, table)
            groups = footer.metadata.num_row_groups
            rows = [footer.metadata.row_group(group).num_rows for group in range(groups)]
            if min(rows, default=0) < 0 or sum(rows) != footer.metadata.num_rows:
                raise StoreError(f"{path} is damaged: {footer.metadata.num_rows} rows in row groups of {rows[:20]}")
            for checksums, count in zip(footer.checksums, rows, strict=True) if footer.checksums is not None else ():
                checksums.check_layout(count)
                if checksums.nulls and not table.may_lack_vectors:
                    raise StoreError(f"{path}: null vectors; a {table.name} has none")
            prefix = METADATA_PREFIX.encode()
            pairs = {
                key.removeprefix(prefix).decode(): value.decode()
                for key, value in footer.pairs.items()
                if key.startswith(prefix) and key.decode() not in KEYS
            }
        is_old = footer.is_rewritten or pairs.get("format_version") == _UNCHECKED_VERSION
        if pairs and footer.checksums is None and not is_old:
            raise StoreError(
                f"{path} is damaged: it has lost its checksums; take it from a copy, or make the table again"
            )
        return cls(filesystem, path, table, footer, rows, pairs)

    def count_vectors(self) -> int:
        """How many rows have a vector. Reads the vectors where another program has written them."""
        if not self.table.may_lack_vectors:
            return sum(self.rows)
        if self.footer.checksums is not None:
            return sum(self.rows) - sum(len(group.nulls) for group in self.footer.checksums)
        with self.read() as reader:
            return sum(rows - len(reader.nulls(group)) for group, rows in enumerate(self.rows))

    def read(self) -> PartReader:
        """A context in which the row groups can be read."""
        return PartReader(self)


class PartReader:
    """Reads row groups of a file whose footer is right. What is read is looked at before it is made use of."""

    def __init__(self, part: PartFile) -> None:
        self.path = part.path
        self._part = part
        with errors_naming(part.path):
            try:
                self._file = part.filesystem.open_input_file(part.path)
            except FileNotFoundError:  # another table has taken the place of this one
                retained = find_retained(part.filesystem, part.path) if is_named_by_content(part.path) else None
                if retained is None:
                    raise
                self.path = retained
                self._file = part.filesystem.open_input_file(retained)

    def __enter__(self) -> PartReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def labels(self, group: int, start: int, rows: int) -> pa.Table:
        """All columns but the vectors, of the first rows of a row group, the ``start``-th and so on of the table."""
        kind = self._part.table
        table = self._columns(group, kind.labels, rows)
        if any(column.null_count for column in table.columns):
            raise StoreError(f"{self.path}: null values near {self._place(start)}; a {kind.name} has none")
        with damage_naming(self.path), errors_naming(self.path):
            for number, column in enumerate(table.columns):
                if pa.types.is_large_string(column.type):
                    table = table.set_column(number, table.field(number).name, column.cast(pa.string()))
            table.validate(full=True)  # not UTF-8 is found here, and not by who looks at the word
        return table

    def words(self, group: int, start: int, rows: int) -> tuple[pa.StringArray, Any]:
        """Words and counts, int64, of the first rows of a row group, whose ids begin with ``start``."""
        table = self.labels(group, start, rows)
        if not np.array_equal(table["id"].to_numpy(), np.arange(start, start + rows)):
            raise StoreError(
                f"{self.path}: ids are not {start}, {start + 1}, ...: a file is missing or rows are not in rank order"
            )
        return table["word"].combine_chunks(), table["count"].to_numpy()

    def nulls(self, group: int) -> Ids:
        """Which rows of a row group have no vector, from 0, ascending."""
        if not self._part.table.may_lack_vectors:
            return np.empty(0, dtype=np.intp)
        checksums = self._checksums(group)
        if checksums is not None:
            return np.array(checksums.nulls, dtype=np.intp)
        vectors = self._columns(group, [VECTOR], self._part.rows[group])[VECTOR]
        return np.flatnonzero(vectors.is_null().to_numpy())

    def vectors(self, group: int, start: int, rows: int) -> Matrix:
        """The first vectors of a row group, those that there are, (rows, D) float32."""
        checksums = self._checksums(group)
        if checksums is None:
            matrix = self._read_unchecked(group, start, rows)
        else:
            there, size = self._shape(group, checksums)
            whole = min(there, -(-rows // checksums.rows) * checksums.rows)
            numbers = np.frombuffer(self._bytes(checksums.numbers, checksums.numbers + whole * size), "<f4")
            matrix = numbers.reshape(whole, size // 4)
        self._guard(matrix, start, checksums).touch(0, len(matrix))
        return matrix[:rows]

    def map(self, content: mmap.mmap, group: int, start: int) -> tuple[Matrix, Blocks] | None:
        """All vectors of a row group where they lie in the file, and what is to look at them when they are touched.

        None if they do not lie there plainly.
        """
        checksums = self._checksums(group)
        if checksums is None:
            matrix = self._map_unchecked(content, group)
        else:
            size = checksums.stop - checksums.numbers
            if checksums.stop > len(content):
                raise StoreError(f"{self.path} is damaged: it is cut off")
            rows, width = self._shape(group, checksums)
            matrix = np.frombuffer(content, "<f4", size // 4, checksums.numbers).reshape(rows, width // 4)
        return None if matrix is None else (matrix, self._guard(matrix, start, checksums))

    def _shape(self, group: int, checksums: GroupChecksums) -> tuple[int, int]:
        """How many vectors a row group has, and of how many bytes each."""
        rows = self._part.rows[group] - len(checksums.nulls)
        if rows:
            return rows, (checksums.stop - checksums.numbers) // rows
        with damage_naming(self.path):
            return 0, 4 * int(self._part.metadata["dim"])

    def _guard(self, matrix: Matrix, start: int, checksums: GroupChecksums | None) -> Blocks:
        return Blocks(matrix, self.path, start, checksums, self._part.table.places)

    def _place(self, row: int) -> str:
        return f"{self._part.table.places.removesuffix('s')} {row}"

    def _read_unchecked(self, group: int, start: int, rows: int) -> Matrix:
        kind = self._part.table
        if not kind.may_lack_vectors:
            vectors = self._columns(group, [VECTOR], rows)[VECTOR].combine_chunks()
        else:
            vectors = self._columns(group, [VECTOR], self._part.rows[group])[VECTOR].drop_null().combine_chunks()[:rows]
        if vectors.null_count:
            raise StoreError(f"{self.path}: null values near {self._place(start)}; a {kind.name} has none")
        return _to_matrix(self.path, vectors, self._place(start))

    def _map_unchecked(self, content: mmap.mmap, group: int) -> Matrix | None:
        footer = self._part.footer
        with damage_naming(self.path), errors_naming(self.path):
            schema = footer.metadata.schema
            columns = [schema.column(number) for number in range(footer.metadata.num_columns)]
            defined = next(c.max_definition_level for c in columns if c.path.startswith("vector."))
            return map_group(content, footer.groups[group], defined)

    def _checksums(self, group: int) -> GroupChecksums | None:
        every = self._part.footer.checksums
        return None if every is None else every[group]

    def _columns(self, group: int, columns: Sequence[str], rows: int) -> pa.Table:
        checksums = self._checksums(group)
        source: Any = self._file
        if checksums is not None:
            head = self._bytes(checksums.start, checksums.numbers)
            checksums.check_head(head, self.path)
            source = HeldBytes(checksums.start, head)
        with damage_naming(self.path), errors_naming(self.path):
            table = _open_parquet(source, self._part.footer).read_row_group(group, columns=columns)
        if len(table) != self._part.rows[group]:
            raise StoreError(f"{self.path} is damaged: {len(table)} of {self._part.rows[group]} rows of a row group")
        return table.slice(0, rows)

    def _bytes(self, start: int, stop: int) -> bytes:
        with errors_naming(self.path):
            content: bytes = retried(self._part.filesystem, lambda: self._file.read_at(stop - start, start))
        if len(content) < stop - start:
            raise StoreError(f"{self.path} is damaged: it is cut off at byte {start + len(content)}")
        return content


def _open_parquet(source: Any, footer: Footer) -> pq.ParquetFile:
    """A reader that takes the footer for what it is and does not read it again."""
    nothing = HeldBytes(0, b"") if source is None else source
    return pq.ParquetFile(nothing, metadata=footer.metadata, page_checksum_verification=True)


def _check_schema(path: str, schema: pa.Schema, table: TableFormat) -> None:
    """Refuse other columns; large and fixed-size kinds pass, since other engines rewrite tables in theirs."""
    for name, expected in table.columns.items():
        found = schema.field(name).type if schema.names.count(name) == 1 else pa.null()
        if expected is None:
            fits = is_simple(found)
        elif pa.types.is_list(expected):
            is_list = pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_fixed_size_list(found)
            fits = is_list and found.value_type == expected.value_type
        else:
            fits = found == expected or (pa.types.is_string(expected) and pa.types.is_large_string(found))
        if not fits:
            shown = found if name in schema.names else "missing"
            raise StoreError(f"{path}: column {name!r} is {shown}, expected {expected or 'a simple type'}")


def _to_matrix(path: str, vectors: pa.Array, place: str) -> Matrix:
    """The vectors of a row group as (rows, D), after a look at their lengths."""
    lengths = pc.min_max(pc.list_value_length(vectors)).as_py()
    if lengths["min"] != lengths["max"] or not lengths["min"]:
        raise StoreError(f"{path}: vectors of length {lengths['min']} to {lengths['max']}, expected one length above 0")
    values = vectors.flatten()
    if values.null_count:
        raise StoreError(f"{path}: null values inside a vector near {place}")
    matrix: Matrix = values.to_numpy(zero_copy_only=True).reshape(len(vectors), lengths["min"])
    return matrix

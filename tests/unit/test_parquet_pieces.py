"""Pieces of Parquet files: how they are cut, and what a task reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from w2v_spark.errors import InputError
from w2v_spark.spark.parquet_pieces import Pieces, ReadPieces, RowGroups, cut, read_documents

MIB = 1 << 20


def groups(*files: Sequence[int]) -> list[RowGroups]:
    """Row groups of so many MiB."""
    return [
        RowGroups(f"{number}.parquet", i, i + 1, len(sizes), 10, size * MIB)
        for number, sizes in enumerate(files)
        for i, size in enumerate(sizes)
    ]


def sizes(parts: Sequence[Sequence[RowGroups]]) -> list[int]:
    return [sum(some.bytes for some in part) // MIB for part in parts]


@pytest.mark.parametrize(
    ("files", "parallelism", "expected"),
    [
        ([[6] * 8] * 8, 2, [96] * 4),
        ([[6] * 8] * 8, 8, [24] * 16),
        ([[6] * 8] * 8, 100, [6] * 64),
        ([[0]], 2, [0]),
        ([[1]] * 3, 2, [3]),
        ([[1]] * 6, 2, [3, 3]),
        ([[1024]], 2, [1024]),
        ([[64] * 64], 2, [256] * 16),
        ([[100, 1, 1, 1, 1]], 1, [100, 4]),
        ([], 2, []),
    ],
)
def test_pieces_are_of_about_the_same_size(files: list[list[int]], parallelism: int, expected: list[int]) -> None:
    assert sizes(cut(groups(*files), parallelism)) == expected


@pytest.mark.parametrize("parallelism", [1, 2, 7, 64])
def test_every_row_group_is_in_one_piece(parallelism: int) -> None:
    given = groups([5, 90, 0, 3], [1] * 50, [], [300, 300], [2])
    parts = cut(given, parallelism)
    found = [(some.path, i) for part in parts for some in part for i in range(some.first, some.stop)]
    assert found == [(some.path, some.first) for some in given]
    assert all(part for part in parts)
    for some in (some for part in parts for some in part):
        assert some.rows == 10 * (some.stop - some.first)
        own = [one.bytes for one in given if one.path == some.path and some.first <= one.first < some.stop]
        assert some.bytes == sum(own)


def write(path: Path, texts: object, **options: object) -> Path:
    pq.write_table(pa.table({"text": texts, "other": range(len(texts))}), path, **options)  # type: ignore[arg-type]
    return path


def described(path: Path, first: int = 0, stop: int | None = None) -> RowGroups:
    metadata = pq.read_metadata(path)
    stop = metadata.num_row_groups if stop is None else stop
    rows = sum(metadata.row_group(i).num_rows for i in range(first, stop))
    return RowGroups(str(path), first, stop, metadata.num_row_groups, rows, path.stat().st_size)


def test_a_task_gets_the_documents_of_its_pieces(tmp_path: Path) -> None:
    a = write(tmp_path / "a.parquet", ["a0", None, "a2", "", "a4"], row_group_size=2)
    b = write(tmp_path / "b.parquet", ["b0"])
    parts = ((described(a, 0, 1),), (described(a, 1, 3), described(b)))
    seen = []

    def task(batches):
        for batch in batches:
            assert batch.schema.names == ["document"]
            seen.extend(batch.column(0).to_pylist())
            yield batch

    numbers = pa.record_batch([pa.array([1, 0])], names=["id"])
    list(ReadPieces(Pieces("text", parts), task)(iter([numbers])))
    assert seen == ["a2", "", "a4", "b0", "a0", None]


def test_batches_are_small_whatever_the_row_group_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [f"{i} " * 10_000 for i in range(1000)], use_dictionary=False)
    batches = list(read_documents(RowGroups(str(path), 0, 1, 1, 1000, 49_000_000), "text"))
    assert max(batch.nbytes for batch in batches) < 6 * MIB
    short = write(tmp_path / "b.parquet", ["a"] * 10_000)
    assert [len(batch) for batch in read_documents(described(short), "text")] == [4096, 4096, 1808]


@pytest.mark.parametrize("is_cut", [False, True])
def test_what_cannot_be_read_is_named(tmp_path: Path, is_cut: bool) -> None:
    path = write(tmp_path / "a.parquet", [f"word{i} " * 50 for i in range(5000)], row_group_size=500)
    some = described(path)
    data = bytearray(path.read_bytes())
    data[20:60] = b"\xff" * 40
    path.write_bytes(data[:-100] if is_cut else data)
    with pytest.raises(InputError, match=rf"^{path} cannot be read: .+; repair it or leave it out$") as caught:
        list(read_documents(some, "text"))
    assert "\n" not in str(caught.value)


def test_a_page_that_is_not_what_was_written(tmp_path: Path) -> None:
    """Found by the sum that Java's writers, and this one when asked, put beside each page."""
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    path = write(tmp_path / "a.parquet", ["needle in a haystack"] * 10, **options)
    some = described(path)
    path.write_bytes(path.read_bytes().replace(b"needle", b"noodle"))
    with pytest.raises(InputError, match="could not verify page integrity"):
        list(read_documents(some, "text"))


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", ["a"])
    some = described(path)
    path.unlink()
    with pytest.raises(InputError, match=r"a.parquet cannot be read: .*No such file"):
        list(read_documents(some, "text"))


@pytest.mark.parametrize("texts", [["a"], ["a"] * 7, ["a"] * 3 + ["b"] * 3])
def test_another_file_in_its_place(tmp_path: Path, texts: list[str]) -> None:
    path = write(tmp_path / "a.parquet", ["a"] * 6, row_group_size=3)
    some = described(path)
    if len(texts) == 6:
        pq.write_table(pa.table({"words": texts}), path, row_group_size=3)
    else:
        write(path, texts, row_group_size=4)
    with pytest.raises(InputError, match=r"the input has changed while it was read: .*a.parquet is another file"):
        list(read_documents(some, "text"))

"""Words that are kept as numbers: what comes back is what was counted, or an error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from w2v_spark.config import TextConfig
from w2v_spark.corpus import numbered_words
from w2v_spark.corpus.numbered_words import WordsReader, WordsWriter, find_indices, pack, unpack
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import StoreError
from w2v_spark.spark import count_pass
from w2v_spark.spark.count_pass import CountWords
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import build_analyzer

TEXTS = ["The cat sat. The dog ran! A cat", "", "w0 w1 w2 w3 w4 w5 w6 w7 the", "dog\n\ncat", "only unknown words", "a"]
KNOWN = pa.array(["the", "cat", "w7", "dog", "never", "a"])


def write(directory: Directory, texts: Sequence[str] = TEXTS, part: int = 0) -> str:
    """Count texts, each a batch of its own; the index of their words."""
    before = {info.base_name for info in directory.list()}
    count = CountWords(build_analyzer(TextConfig()))
    batches = (pa.record_batch([pa.array([text])], names=["document"]) for text in texts)
    list(count.count(batches, WordsWriter(directory, part)))
    (index,) = {info.base_name for info in directory.list() if "index" in info.base_name} - before
    return index


def read(directory: Directory, index: str) -> list[tuple[int, int]]:
    found = WordsReader(directory, WordTable.from_words(KNOWN)).read(index)
    return [pair for ids, breaks in found for pair in zip(ids.tolist(), breaks.tolist(), strict=True)]


def expected(texts: Sequence[str] = TEXTS) -> list[tuple[int, int]]:
    """Of the texts themselves."""
    found, analyzer, known = [], build_analyzer(TextConfig()), KNOWN.to_pylist()
    for text in texts:
        for words in analyzer.words(pa.array([text])):
            spelled = [bytes(words.text[a:b]).decode() for a, b in zip(words.offsets, words.offsets[1:], strict=False)]
            ids = [known.index(word) if word in known else -1 for word in spelled]
            found += list(zip(ids, words.breaks.tolist(), strict=True))
    return found


@pytest.mark.parametrize("most_words", [1, 3, 1 << 20])
@pytest.mark.parametrize("file_codes", [1, 4, 1 << 23])
@pytest.mark.parametrize("read_words", [1, 5, 1 << 19])
def test_the_words_are_those_of_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_words: int, file_codes: int, read_words: int
) -> None:
    monkeypatch.setattr(count_pass, "_MOST_WORDS", most_words)
    monkeypatch.setattr(numbered_words, "_FILE_CODES", file_codes)
    monkeypatch.setattr(numbered_words, "_READ_WORDS", read_words)
    directory = Directory.open(tmp_path)
    index = write(directory)
    assert read(directory, index) == expected()
    tables = directory.read_sealed_json(index)["tables"]
    assert (len(tables) > 1) == (most_words < 10)


def test_text_without_a_word(tmp_path: Path) -> None:
    directory = Directory.open(tmp_path)
    assert read(directory, write(directory, ["", "..."])) == []
    assert read(directory, write(directory, [])) == []


NUMBERS = st.one_of(st.integers(0, 20), st.integers((1 << 14) - 3, 1 << 14), st.integers(0, 2**31 - 1))


def packed(numbers: Sequence[int], breaks: Sequence[int]) -> npt.NDArray[np.uint16]:
    codes = np.empty(3 * len(numbers) + 2, np.uint16)
    return codes[: pack(np.array(numbers, np.int32), np.array(breaks, np.uint8), codes, 0)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NUMBERS, st.integers(0, 3)), max_size=30))
def test_codes_are_what_the_docstring_says(words: list[tuple[int, int]]) -> None:
    """The naive twin: bit by bit, with arithmetic of Python."""
    numbers, breaks = [n for n, _ in words], [b for _, b in words]
    naive = list[int]()
    for number, start in words:
        short = number < 2**14 - 1
        naive += [start * 2**14 + number] if short else [start * 2**14 + 2**14 - 1, number % 2**16, number // 2**16]
    assert packed(numbers, breaks).tolist() == naive


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 2)), min_size=1, max_size=30), st.data())
def test_codes_are_read_as_they_were_written(words: list[tuple[int, int]], data: st.DataObject) -> None:
    numbers, breaks = np.array(words, np.int64).T
    codes, ids = packed(numbers.tolist(), breaks.tolist()), np.arange(20_001, dtype=np.int32)[::-1].copy()
    found, starts = np.empty(len(words), np.int32), np.empty(len(words), np.uint8)
    cut = data.draw(st.integers(0, len(words)))
    place = unpack(codes, 0, ids, found[:cut], starts[:cut])
    assert unpack(codes, place, ids, found[cut:], starts[cut:]) == len(codes)
    assert found.tolist() == (20_000 - numbers).tolist()
    assert starts.tolist() == breaks.tolist()
    assert unpack(codes[:-1], 0, ids, found, starts) == -1, "a word that is cut off"
    assert unpack(codes, 0, ids[: numbers.max()], found, starts) == -1, "a number that is no word's"


def test_any_complete_attempt_at_a_part_will_do(tmp_path: Path) -> None:
    directory = Directory.open(tmp_path)
    assert find_indices(directory, 0) == ()
    assert find_indices(directory, 1) is None
    second = {write(directory, TEXTS[1:], 1)}
    assert find_indices(directory, 2) is None
    first = {write(directory, TEXTS[:1], 0), write(directory, TEXTS[:1], 0)}
    chosen = find_indices(directory, 2)
    assert chosen is not None
    assert chosen[0] in first
    assert {chosen[1]} == second
    assert read(directory, chosen[0]) + read(directory, chosen[1]) == expected()


def test_what_a_killed_task_leaves_is_not_found(tmp_path: Path) -> None:
    directory, table = Directory.open(tmp_path), WordTable.from_words(KNOWN)
    writer = WordsWriter(directory, 0)
    writer.add(np.zeros(9, np.int32), np.zeros(9, np.uint8))
    writer.end_table(table)
    assert len(directory.list()) == 2
    assert find_indices(directory, 1) is None
    writer.finish()
    assert find_indices(directory, 1) is not None


@pytest.mark.parametrize("kind", ["words", "numbers", "index.json"])
@pytest.mark.parametrize("place", [0, 9, -1, None])
def test_damage_is_an_error(tmp_path: Path, kind: str, place: int | None) -> None:
    directory = Directory.open(tmp_path)
    index = write(directory)
    (file,) = tmp_path.glob(f"*.{kind}")
    if place is None:
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        data[place] ^= 1
        file.write_bytes(bytes(data))
    with pytest.raises(StoreError, match=file.name):
        read(directory, index)


def test_an_index_of_other_files_is_an_error(tmp_path: Path) -> None:
    """As of another program: sealed, and about nothing that we know."""
    directory = Directory.open(tmp_path)
    index = write(directory)
    good: dict[str, Any] = directory.read_sealed_json(index)
    for tables in ([{"words": 3, "files": []}], [{}], [5], 7, [{**good["tables"][0], "files": [["one"]]}]):
        directory.write_sealed_json(index, {"part": 0, "tables": tables})
        with pytest.raises(StoreError, match="damaged"):
            read(directory, index)
    del good["tables"]
    (tmp_path / index).write_text(json.dumps(good))
    with pytest.raises(StoreError, match="damaged"):
        read(directory, index)

"""Files of word pairs with human judgements, as their authors publish them: which columns are the words and the score.

A file is understood by its structure, not by its name. Whatever could be meant in two ways is refused.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from w2v_spark.errors import InputError
from w2v_spark.evaluation.sources import Source
from w2v_spark.evaluation.text_files import read_lines

Pair = tuple[str, str, float]

_SEPARATORS: Final = {"\t": "tabs", ";": "semicolons", ",": "commas", " ": "spaces"}
_WORD_NAME: Final = re.compile(r"(?:word|w|term|item)([12])")
_SCORE_NAMES: Final = {
    "average", "averagescore", "avg", "gold", "goldscore", "human", "humanmean", "judgement", "judgment", "mean",
    "meanscore", "rating", "relatedness", "score", "sim", "similarity", "similarityscore", "simlex", "simlex999",
    "simverb", "value",
}  # fmt: skip
_INDEX_NAMES: Final = {"", "id", "index", "no", "nr", "number"}
_LABEL_NAMES: Final = {"pos", "postag", "relation", "split", "tag", "type"}
_TAGGED: Final = re.compile(r".+-[anrjv]")
_BROKEN_NUMBER: Final = re.compile(r"[-+.?\d]|(?:n/?a|nan|inf|none|null|-)?$", re.IGNORECASE)
_HOW_TO: Final = "keep two words and a number a line, or name the columns in a first line: word1, word2, score"


@dataclass(frozen=True, slots=True)
class PairSet:
    """Word pairs of a file.

    Attributes
    ----------
    pairs : tuple of (word, word, score)
        As they stand in the file.
    read_as : str
        Which columns were taken, for people.
    tagged : bool
        Whether every word ends in its part of speech, as in MEN: ``sun-n``, ``bright-j``.
    """

    pairs: tuple[Pair, ...]
    read_as: str
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """A line that is cut into fields."""

    number: int
    line: str
    fields: list[str]


def read_pairs(path: Source, delimiter: str | None = None, encoding: str = "utf-8") -> PairSet:
    """Read word pairs with a score each.

    Fields stand between tabs, semicolons, commas or spaces, perhaps in double quotes; the numbers may have decimal
    commas. Blank lines and lines that begin with ``#`` are passed over. A first line without a number where the
    others have one is a header. Of three columns two are words and one is a number, the last if it can be. Of more,
    these are looked for:

    - an index in front: 0, 1, 2, ... or 1, 2, 3, ..., or numbers under a name like ``id``;
    - the words: ``word1`` and ``word2``, else the only columns of text before labels, such as parts of speech, which
      have few values;
    - the score: the only column of numbers, else the only one with a known name, such as ``SimLex999``,
      ``Human (mean)`` or ``score``.

    Parameters
    ----------
    path : str or Path, or what `find_set` finds
    delimiter : str, optional
        What stands between fields; found out by default.
    encoding : str

    Raises
    ------
    InputError
        The file cannot be read, has no pairs, can be meant in several ways, or a line has other fields. The message
        names the file, and the line or the columns.
    """
    separator, rows = _cut(path, read_lines(path, "#", encoding), delimiter)
    columns = _Columns(path, rows)
    pairs = tuple(columns.pair(row) for row in rows[columns.has_header :])
    if not pairs:
        raise InputError(f"{path} holds no word pairs")
    tagged = all(_TAGGED.fullmatch(word) for pair in pairs for word in pair[:2])
    notes = [columns.describe(), f"between {_SEPARATORS.get(separator, repr(separator))}"]
    notes += ["decimal commas"] * columns.decimal_comma + ["words end in a part of speech"] * tagged
    return PairSet(pairs, "; ".join(notes), tagged)


def _cut(path: Source, lines: Sequence[tuple[int, str]], delimiter: str | None) -> tuple[str, list[_Row]]:
    """What stands between the fields, and the lines in as many fields each."""
    if not lines:
        raise InputError(f"{path} holds no word pairs")
    separator = delimiter or next(
        (mark for mark in "\t;," if 2 * sum(line.count(mark) >= 2 for _, line in lines) >= len(lines)), " "
    )
    rows = [_Row(number, line, _fields(path, number, line, separator)) for number, line in lines]
    width = Counter(len(row.fields) for row in rows).most_common(1)[0][0]  # of equally many, that of the earlier lines
    first = rows[0].fields
    if width > 3 and len(first) == width - 1 and rows[1].fields[0].isdigit() and not any(map(_holds_number, first)):
        first.insert(0, "")  # a header without a name for the index, as R writes it
    if width < 3:
        raise InputError(f"{path}, line {rows[0].number}: expected two words and a number, found {rows[0].line[:80]!r}")
    for row in rows:
        if len(row.fields) != width:
            raise InputError(
                f"{path}, line {row.number}: expected {width} fields between "
                f"{_SEPARATORS.get(separator, repr(separator))}, as in other lines, found {row.line[:80]!r}"
            )
    return separator, rows


def _fields(path: Source, number: int, line: str, separator: str) -> list[str]:
    if separator == " ":
        return [field[1:-1] if re.fullmatch('".+"', field) else field for field in line.split()]
    try:
        (fields,) = csv.reader([line], delimiter=separator, skipinitialspace=separator != "\t", strict=True)
    except (csv.Error, TypeError) as error:
        raise InputError(
            f"{path}, line {number}: a field begins with a quote that is not closed, or has text behind it ({error}); "
            f"a quote that is meant itself stands doubled within quotes: {line[:80]!r}"
        ) from error
    return [field.strip() for field in fields]


class _Columns:
    """Which columns of a table are the words and the score."""

    def __init__(self, path: Source, rows: Sequence[_Row]) -> None:
        self._path = path
        width = len(rows[0].fields)
        body = rows[1:] or rows
        share = [np.mean([_holds_number(row.fields[column]) for row in body]) for column in range(width)]
        numbers = [column for column in range(width) if share[column] >= 0.5]  # most fields do: others are errors
        self._index: int | None = None
        if width == 3:
            self._score = numbers[0] if len(numbers) == 1 else 2
            self._take_header(rows, [self._score])
            self._words = [column for column in range(3) if column != self._score]
        elif not numbers:
            raise InputError(f"{path}, line {rows[0].number}: no column of numbers; {_HOW_TO}")
        else:
            self._take_header(rows, [column for column in numbers if share[column] == max(share)])
            if 0 in numbers and self._is_index():
                self._index = 0
            self._words = self._find_words([column for column in range(width) if column not in numbers])
            self._score = self._find_score([c for c in numbers if c != self._index and c not in self._words])
        if self.has_header and _BROKEN_NUMBER.match(rows[0].fields[self._score]):
            self.pair(rows[0])  # raises: this line is no header
        scores = [row.fields[self._score] for row in self._body]
        self.decimal_comma = any("," in score for score in scores)
        if self.decimal_comma and any("." in score for score in scores):
            raise InputError(f"{path}: numbers with points and with commas in {self.describe()}; write them in one way")

    def _take_header(self, rows: Sequence[_Row], numbers: Sequence[int]) -> None:
        """Find whether the first line has names where the others have numbers."""
        first = rows[0].fields
        self.has_header = any(_number(first[column]) is None for column in numbers)
        self._shown = first if self.has_header else [""] * len(first)
        self._names = [_plain(field) for field in self._shown]
        self._body = rows[self.has_header :]

    def _is_index(self) -> bool:
        values = [row.fields[0] for row in self._body]
        counted = any(values == [str(start + place) for place in range(len(values))] for start in (0, 1))
        return counted or (self.has_header and self._names[0] in _INDEX_NAMES)

    def _find_words(self, texts: list[int]) -> list[int]:
        """The columns of the two words, among those of text unless they have their names."""
        named = [(match[1], c) for c, name in enumerate(self._names) if (match := _WORD_NAME.fullmatch(name))]
        if [number for number, _ in named] == ["1", "2"]:
            return [column for _, column in named]
        words = [column for column in texts if self._names[column] not in _LABEL_NAMES and not self._is_empty(column)]
        if len(words) > 2 and [self._is_label(column) for column in words] == [False] * 2 + [True] * (len(words) - 2):
            words = words[:2]
        if len(words) != 2:
            raise InputError(f"{self._path}: {self._list(texts)} hold text, expected two words; {_HOW_TO}")
        return words

    def _is_empty(self, column: int) -> bool:
        return not any(row.fields[column] for row in self._body)

    def _is_label(self, column: int) -> bool:
        """Whether a column has few values: under a quarter of the lines."""
        return 4 * len({row.fields[column] for row in self._body}) <= len(self._body)

    def _find_score(self, numbers: list[int]) -> int:
        """The column of the score, among those of numbers."""
        named = [column for column in numbers if self._names[column] in _SCORE_NAMES]
        for candidates in (numbers, named):
            if len(candidates) == 1:
                return candidates[0]
        raise InputError(f"{self._path}: which of {self._list(numbers)} is the score cannot be told; {_HOW_TO}")

    def _list(self, columns: Sequence[int]) -> str:
        return "columns " + ", ".join(map(self._name, columns)) if columns else "no columns"

    def _name(self, column: int) -> str:
        return f"{column + 1} ({self._shown[column]})" if self._shown[column] else f"{column + 1}"

    def pair(self, row: _Row) -> Pair:
        """Words and score of a row. Raises `InputError` that names the line."""
        first, second = (row.fields[column] for column in self._words)
        score = _number(row.fields[self._score])
        if not first or not second or score is None:
            raise InputError(
                f"{self._path}, line {row.number}: expected two words and a number in {self.describe()}, "
                f"found {row.line[:80]!r}"
            )
        return first, second, score

    def describe(self) -> str:
        """Which columns are what."""
        first, second, score = map(self._name, (*self._words, self._score))
        index = "" if self._index is None else f"index in column {self._name(0)}, "
        return f"{index}words in columns {first} and {second}, score in column {score}"


def _plain(name: str) -> str:
    """A name of a column without case, spaces and punctuation."""
    return "".join(character for character in name.casefold() if character.isalnum())


def _holds_number(text: str) -> bool:
    return _number(text) is not None


def _number(text: str) -> float | None:
    """The finite number that a field holds, if it holds one; with a decimal comma if it has no point."""
    try:
        value = float(text.replace(",", ".") if "." not in text and text.count(",") == 1 else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None

"""Dictionaries: words, or several in a row, that stand for a concept, whose vector they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.config import TextConfig
from w2v_spark.errors import InputError, Name
from w2v_spark.phrases.dictionary_file import read_pairs
from w2v_spark.phrases.table_file import read_table_file, table_to_bytes
from w2v_spark.publishing.layout import DICTIONARY
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.text.words import MAX_WORD_BYTES, SAME

SCHEMA: Final = pa.schema([
    pa.field("form", pa.string(), False),
    pa.field("words", pa.list_(pa.field("element", pa.string(), False)), False),
    pa.field("concept", pa.string(), False),
])  # fmt: skip
_SETTING: Final = Name("text.dictionary")
_SHOWN: Final = 3

Form = tuple[str, ...]
"""The words that a form is read as."""


@dataclass(frozen=True, slots=True, eq=False)
class Dictionary:
    """Forms with the concepts that take their place in a text.

    Attributes
    ----------
    table : pa.Table
        Of `SCHEMA`: ``form`` as it was given, the ``words`` that it is read as, of which no two rows have the same,
        and the ``concept``, which is one word.
    doubts : tuple of str
        What of the file may not be meant.
    """

    table: pa.Table
    doubts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """As Parquet, with what the file is to say of the model."""
        return table_to_bytes(self.table, metadata)

    @classmethod
    def read(cls, directory: Directory, name: str = DICTIONARY, expected: str | None = None) -> Self:
        """Load what `to_bytes` made; `StoreError` if it is something else, by its digest where that is known."""
        return cls(read_table_file(directory, name, SCHEMA, "dictionary", expected))


def load_dictionary(config: TextConfig) -> Dictionary | None:
    """The dictionary that ``text.dictionary`` names, with its forms as text is read; None without one.

    Raises
    ------
    ConfigError, InputError
        See `read_pairs` and `build_dictionary`.
    """
    return build_dictionary(*read_pairs(config.dictionary), config) if config.dictionary else None


def build_dictionary(forms: Sequence[str], concepts: Sequence[str], config: TextConfig) -> Dictionary:
    """A dictionary of some forms with their concepts.

    A concept that is itself a form stands for that form's concept. White space within a concept becomes ``_``, since
    it is one word. Forms that have no word, as text is read, are left out.

    Raises
    ------
    InputError
        A form has two concepts, concepts lead to each other, a word is too long, or nothing is left.
    """
    names = ["_".join(concept.split()) for concept in concepts]
    for form, name in zip(forms, names, strict=True):
        if not name:
            raise InputError(_SETTING, f": the form '{form}' has no concept")
        if len(name.encode()) > MAX_WORD_BYTES:
            raise InputError(_SETTING, f": the concept '{name[:40]}...' has more than {MAX_WORD_BYTES} bytes")
    read, cut = _read([*forms, *concepts], config)
    found: dict[Form, str] = {}
    given: dict[Form, str] = {}
    for form, words, name in zip(forms, read, names, strict=False):
        if words and found.setdefault(words, name) != name:
            raise InputError(
                _SETTING, f" has two concepts for one form: '{given[words]}' is '{found[words]}', and '{form}' is "
                f"'{name}'; both are read as '{' '.join(words)}'. Leave one of the lines out",
            )  # fmt: skip
        if words:
            given.setdefault(words, form)
    if not found:
        raise InputError(_SETTING, f" = '{config.dictionary}' has no form in which there is a word")
    readings: dict[str, set[Form]] = {}
    for name, words in zip(names, read[len(forms) :], strict=True):
        readings.setdefault(name, set()).add(words)
    following = {name: min((each for each in own if each in found), default=()) for name, own in readings.items()}
    columns = [list(given.values()), [list(words) for words in found], _ends(found, following)]
    empty = [form for form, words in zip(forms, read, strict=False) if not words]
    broken = [form for form, is_cut in zip(forms, cut, strict=False) if is_cut]
    return Dictionary(pa.table(columns, schema=SCHEMA), tuple(_doubts(empty, broken)))


def doubts_about(dictionary: Dictionary, vocabulary: pa.Array, config: TextConfig) -> list[str]:
    """What may not be meant, once words are counted: no form was found, or a concept only looks like a word."""
    concepts = pc.unique(dictionary.table["concept"])
    if not pc.any(pc.is_in(concepts, vocabulary)).as_py():
        return [
            "no concept of the dictionary is in the vocabulary: its forms are not in the text, or too rare; forms are "
            "cut into words as text is, while lists of words stay as they are"
        ]
    names = concepts.to_pylist()
    read = pa.array([words[0] if len(words) == 1 else None for words in _read(names, config)[0]], pa.string())
    there = pc.is_in(read, vocabulary).to_pylist()
    others = [name for name, word, known in zip(names, read.to_pylist(), there, strict=True) if known and word != name]
    if not others:
        return []
    return [
        f"{len(others):,} of the dictionary's concepts are other words than those of the text that they are spelled "
        f"like: {_shown(others)}; write them as text is read, or give the word a line of its own"
    ]


def _doubts(empty: Sequence[str], broken: Sequence[str]) -> Iterator[str]:
    if empty:
        yield f"{len(empty):,} forms of the dictionary have no word, as text is read, and are left out: {_shown(empty)}"
    if broken:
        yield (
            f"{len(broken):,} forms of the dictionary hold the end of a sentence, as text is read, and are never "
            f"found: {_shown(broken)}; text.sentences or text.tokenizer says where sentences end"
        )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _ends(found: Mapping[Form, str], following: Mapping[str, Form]) -> list[str]:
    """The concept at the end of each form's way: one that is a form stands for another, unless it is its own."""
    ends: dict[Form, str] = {}
    for first in found:
        way: dict[Form, None] = {}
        words = first
        while words not in ends:
            if words in way:
                loop = [" ".join(form) for form in way]
                loop = [*loop[loop.index(" ".join(words)) :], " ".join(words)]
                shown = " -> ".join(f"'{form}'" for form in loop)
                raise InputError(_SETTING, f" is cyclic: {shown}; a form has to end in a concept")
            way[words] = None
            name = found[words]
            if following[name] in ((), words):
                ends[words] = name
            else:
                words = following[name]
        ends.update(dict.fromkeys(way, ends[words]))
    return [ends[words] for words in found]


def _read(texts: Sequence[str], config: TextConfig) -> tuple[list[Form], list[bool]]:
    """The words of each text, as documents are read, and whether they are of several sentences."""
    rows: list[list[str]] = [[] for _ in texts]
    cut = [False] * len(texts)
    analyzer = build_analyzer(config)
    for words in analyzer.words(pa.array(texts, pa.string())):
        content, offsets = words.text.tobytes(), words.offsets.tolist()
        for row, begin, end, starts in zip(
            words.documents.tolist(), offsets[:-1], offsets[1:], (words.breaks != SAME).tolist(), strict=True
        ):
            cut[row] |= starts and bool(rows[row])
            rows[row].append(content[begin:end].decode(errors="replace"))
    if analyzer.seen.overlong_words:
        long = max(texts, key=len)
        raise InputError(_SETTING, f": the form '{long[:40]}...' has a word of more than {MAX_WORD_BYTES} bytes")
    return [tuple(row) for row in rows], cut

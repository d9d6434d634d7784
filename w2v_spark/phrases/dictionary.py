"""Dictionaries: words, or several in a row, that stand for a concept, whose vector they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from w2v_spark.config import TextConfig
from w2v_spark.errors import ConfigError, InputError, Name, StoreError
from w2v_spark.publishing.layout import DICTIONARY, METADATA_PREFIX
from w2v_spark.storage import Directory, damage_naming, errors_naming
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.text.words import MAX_WORD_BYTES

FORMAT_VERSION: Final = "1"
SCHEMA: Final = pa.schema([
    pa.field("form", pa.string(), False),
    pa.field("words", pa.list_(pa.field("element", pa.string(), False)), False),
    pa.field("concept", pa.string(), False),
])  # fmt: skip
_SETTING: Final = Name("text.dictionary")
_HEADER: Final = ("form", "concept")
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
    """

    table: pa.Table

    def __len__(self) -> int:
        return len(self.table)

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """As Parquet, with what the file is to say of the model."""
        sink = pa.BufferOutputStream()
        own = {"format_version": FORMAT_VERSION, **(metadata or {})}
        labels = {f"{METADATA_PREFIX}{key}".encode(): value.encode() for key, value in own.items()}
        pq.write_table(self.table.replace_schema_metadata(labels), sink)
        return bytes(sink.getvalue().to_pybytes())

    @classmethod
    def read(cls, directory: Directory, name: str = DICTIONARY, expected: str | None = None) -> Self:
        """Load what `to_bytes` made; `StoreError` if it is something else, by its digest where that is known."""
        shown = f"{directory.uri}/{name}"
        with damage_naming(shown), errors_naming(shown):
            table = pq.read_table(pa.BufferReader(directory.read_bytes(name, expected)))
            if table.schema.names != SCHEMA.names:
                raise StoreError(f"{shown} is no dictionary: its columns are {table.schema.names}")
            return cls(table.cast(SCHEMA).combine_chunks())


def load_dictionary(config: TextConfig) -> Dictionary | None:
    """The dictionary that ``text.dictionary`` names, with its forms as text is read; None without one.

    Raises
    ------
    ConfigError
        The file cannot be read.
    InputError
        It is empty, or not as it should be: what and where is said.
    """
    if not config.dictionary:
        return None
    forms, concepts = _read_pairs(config.dictionary)
    return build_dictionary(forms, concepts, config)


def build_dictionary(forms: Sequence[str], concepts: Sequence[str], config: TextConfig) -> Dictionary:
    """A dictionary of some forms with their concepts.

    A concept that is itself a form stands for that form's concept. White space within a concept becomes ``_``, since
    it is one word. Forms that have no word, as text is read, are left out.

    Raises
    ------
    InputError
        A form has two concepts, concepts lead to each other, one is too long, or nothing is left.
    """
    names = ["_".join(concept.split()) for concept in concepts]
    for form, name in zip(forms, names, strict=True):
        if not name:
            raise InputError(_SETTING, f": the form '{form}' has no concept")
        if len(name.encode()) > MAX_WORD_BYTES:
            raise InputError(_SETTING, f": the concept '{name[:40]}...' has more than {MAX_WORD_BYTES} bytes")
    read = _words_of([*forms, *concepts], config)
    found: dict[Form, str] = {}
    given: dict[Form, str] = {}
    for form, words, name in zip(forms, read, names, strict=False):
        if words and found.setdefault(words, name) != name:
            raise InputError(
                _SETTING, f" has two concepts for one form: '{given[words]}' is '{found[words]}', and '{form}' is "
                f"'{name}'; leave one of the lines out",
            )  # fmt: skip
        if words:
            given.setdefault(words, form)
    if not found:
        raise InputError(_SETTING, f" = '{config.dictionary}' has no form in which there is a word")
    as_read = dict(zip(names, read[len(forms) :], strict=True))
    resolved = [_resolve(words, found, as_read) for words in found]
    columns = [list(given.values()), [list(words) for words in found], resolved]
    return Dictionary(pa.table(columns, schema=SCHEMA))


def doubts_about(dictionary: Dictionary, config: TextConfig) -> list[str]:
    """What may not be meant: concepts that are spelled like a word of the text, and are another."""
    concepts = pc.unique(dictionary.table["concept"]).to_pylist()
    told = {tuple(words) for words in dictionary.table["words"].to_pylist()}
    read = zip(concepts, _words_of(concepts, config), strict=True)
    others = [name for name, words in read if len(words) == 1 and words != (name,) and words not in told]
    if not others:
        return []
    shown = ", ".join(f"'{name}'" for name in others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
    return [
        f"{len(others):,} concepts of the dictionary are not the words that they are spelled like, since text is read "
        f"in another case or form: {shown}; write them as text is read, or give the word a line of its own"
    ]


def _resolve(words: Form, found: Mapping[Form, str], as_read: Mapping[str, Form]) -> str:
    """The concept at the end: one that is a form stands for another, unless it is its own."""
    name, way = found[words], [words]
    while (following := as_read[name]) in found and following != way[-1]:
        if following in way:
            loop = " -> ".join(f"'{' '.join(form)}'" for form in [*way[way.index(following) :], following])
            raise InputError(_SETTING, f" is cyclic: {loop}; a form has to end in a concept")
        way.append(following)
        name = found[following]
    return name


def _words_of(texts: Sequence[str], config: TextConfig) -> list[Form]:
    """The words of each text, as documents are read."""
    rows: list[list[str]] = [[] for _ in texts]
    for words in build_analyzer(config).words(pa.array(texts, pa.string())):
        content, offsets = words.text.tobytes(), words.offsets.tolist()
        for row, begin, end in zip(words.documents.tolist(), offsets[:-1], offsets[1:], strict=True):
            rows[row].append(content[begin:end].decode(errors="replace"))
    return [tuple(row) for row in rows]


def _read_pairs(location: str | PathLike[str]) -> tuple[list[str], list[str]]:
    """Forms and concepts of a TSV or Parquet file."""
    shown = f" = '{location}'"
    path, _, name = str(location).rpartition("/")
    try:
        content = Directory.open(path or ("/" if str(location).startswith("/") else ".")).read_bytes(name)
    except StoreError as error:
        raise ConfigError(
            _SETTING, f"{shown} cannot be read ({error}); expected a file of forms and concepts, with a tab between "
            "them in each line, or a Parquet file of two columns",
        ) from error  # fmt: skip
    forms, concepts = _from_parquet(content, shown) if content[:4] == b"PAR1" else _from_lines(content, shown)
    if not forms:
        raise InputError(_SETTING, f"{shown} is empty: there is no form in it")
    return forms, concepts


def _from_lines(content: bytes, shown: str) -> tuple[list[str], list[str]]:
    forms, concepts = [], []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.decode().strip("\r")
        except UnicodeDecodeError as error:
            raise InputError(_SETTING, f"{shown}, line {number}: not UTF-8 ({error.reason})") from error
        if not text.strip():
            continue
        parts = [part.strip() for part in text.split("\t")]
        if len(parts) != 2 or not all(parts):
            raise InputError(
                _SETTING, f"{shown}, line {number}: expected a form, a tab and a concept, found {text[:60]!r}"
            )
        if number == 1 and tuple(part.lower() for part in parts) == _HEADER:
            continue
        forms.append(parts[0])
        concepts.append(parts[1])
    return forms, concepts


def _from_parquet(content: bytes, shown: str) -> tuple[list[str], list[str]]:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise InputError(_SETTING, f"{shown} is no Parquet file that can be read: {error}") from error
    names = list(_HEADER) if set(_HEADER) <= set(table.column_names) else table.column_names
    if len(names) != 2:
        raise InputError(
            _SETTING, f"{shown} has the columns {table.column_names}; expected two, or 'form' and 'concept'"
        )
    columns = []
    for name in names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise InputError(_SETTING, f"{shown}: column '{name}' is of type {column.type}; expected strings")
        if column.null_count:
            raise InputError(_SETTING, f"{shown}: column '{name}' has {column.null_count:,} nulls")
        try:
            columns.append([text.strip() for text in column.to_pylist()])
        except UnicodeDecodeError as error:
            raise InputError(_SETTING, f"{shown}: column '{name}' is not UTF-8 ({error.reason})") from error
    if "" in columns[0]:
        raise InputError(_SETTING, f"{shown}: row {columns[0].index('')} has an empty form")
    return columns[0], columns[1]

"""The phrases that have been found, as ``phrases.parquet`` has them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from w2v_spark.errors import InputError, Name
from w2v_spark.phrases.candidates import DELIMITER, Kinds
from w2v_spark.phrases.joining import PhraseIndex
from w2v_spark.phrases.table_file import read_table_file, table_to_bytes
from w2v_spark.storage import Directory
from w2v_spark.text.words import Words

SCHEMA: Final = pa.schema([
    pa.field("id", pa.int32(), False),
    pa.field("phrase", pa.string(), False),
    pa.field("parts", pa.list_(pa.field("element", pa.string(), False)), False),
    pa.field("count", pa.int64(), False),
    pa.field("count_a", pa.int64(), False),
    pa.field("count_b", pa.int64(), False),
    pa.field("score", pa.float64(), False),
    pa.field("pass", pa.int32(), False),
])  # fmt: skip


class PassIds(NamedTuple):
    """The phrases of a pass in ids.

    Attributes
    ----------
    phrases : (P,) int64
        Two of them may share an id: those whose parts, one behind the other, are the same words.
    parts : (n,) int64
        The parts of all phrases, one phrase behind the other.
    starts : (P + 1,) int64
        Where those of each begin, and where the last ones end.
    """

    phrases: npt.NDArray[np.int64]
    parts: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def pairs(self, kinds: Kinds) -> npt.NDArray[np.int64]:
        """What `PhraseIndex` finds them by, (P, 2) int64."""
        first, last = self.parts[self.starts[:-1]], self.parts[self.starts[1:] - 1]
        runs = np.zeros(len(self.phrases), np.int64)
        for row in np.flatnonzero(np.diff(self.starts) > 2):
            for word in self.parts[self.starts[row] + 1 : self.starts[row + 1] - 1]:
                runs[row] = runs[row] * kinds.base + kinds.of[word]
        return np.stack([(first << 32) | last, runs], axis=1)

    def take(self, counts: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> None:
        """Take the parts of phrases, so many times each, from the counts of ids."""
        np.subtract.at(counts, self.parts, np.repeat(times, np.diff(self.starts)))

    def give(self, counts: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> None:
        """Add phrases, so many times each, to the counts of ids."""
        np.add.at(counts, self.phrases, times)


NO_PASS: Final = PassIds(np.empty(0, np.int64), np.empty(0, np.int64), np.zeros(1, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class PhraseTable:
    """Phrases in the order of their passes, in each the most frequent first.

    Attributes
    ----------
    table : pa.Table
        Of `SCHEMA`. ``phrase`` is the name, its parts with `DELIMITER` between them; ``parts`` are words, or phrases
        of earlier passes, the first and the last of which were counted as ``count_a`` and ``count_b``; what stands
        between them are connector words. ``count`` is how often the parts stood together, which is not how often they
        were joined: the last word of a phrase begins no other. Two phrases of a pass, or of two, may have one name.
    """

    table: pa.Table

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def none(cls) -> Self:
        """A table without phrases."""
        return cls(SCHEMA.empty_table())

    @property
    def passes(self) -> int:
        """The number of the last pass that has found any."""
        return int(pc.max(self.table["pass"]).as_py() or 0)

    def names(self) -> pa.Array:
        """The distinct names, in the order of the table."""
        return pc.unique(self.table["phrase"]).cast(pa.string())

    def in_ids(self, words: pa.Array) -> list[PassIds]:
        """The same in ids, a pass at a time: words by their places, a gap, then phrases by `names`.

        Parameters
        ----------
        words : pa.Array
            Among them all parts that are no phrases.
        """
        units = pa.concat_arrays([words.cast(pa.string()), pa.array([None], pa.string()), self.names()])
        parts = self.table["parts"].combine_chunks()
        ids = _places(parts.flatten(), units)
        starts = np.asarray(parts.offsets, np.int64)
        starts = starts - starts[:1]
        phrases = _places(self.table["phrase"].combine_chunks(), units)  # a word may have such a name
        ends = np.cumsum(np.bincount(self.table["pass"].to_numpy(), minlength=1))
        found = []
        for first, end in itertools.pairwise(ends.tolist()):
            own = starts[first : end + 1]
            found.append(PassIds(phrases[first:end], ids[own[0] : own[-1]], own - own[0]))
        return found

    def indices(self, words: pa.Array, kinds: Kinds) -> list[PhraseIndex]:
        """What joins, a pass at a time, in the ids of `in_ids`, which are of these kinds."""
        return [PhraseIndex(each.pairs(kinds), each.phrases, kinds) for each in self.in_ids(words)]

    def with_pass(self, phrases: pa.Table, number: int) -> Self:
        """With the phrases of another pass, which have all but an id and the pass, in their order."""
        own = {
            "id": pa.array(np.arange(len(self), len(self) + len(phrases)), pa.int32()),
            "pass": pa.array(np.full(len(phrases), number), pa.int32()),
        }
        columns = [own[name] if name in own else phrases[name] for name in SCHEMA.names]
        more = pa.table(columns, names=SCHEMA.names).cast(SCHEMA)
        return type(self)(pa.concat_tables([self.table, more]).combine_chunks())

    def to_bytes(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """As Parquet, with what the file is to say of the model."""
        return table_to_bytes(self.table, metadata)

    @classmethod
    def read(cls, directory: Directory, name: str, expected: str | None = None) -> Self:
        """Load what `to_bytes` made; `StoreError` if it is something else, by its digest where that is known."""
        return cls(read_table_file(directory, name, SCHEMA, "table of phrases", expected))


def _places(some: pa.Array, units: pa.Array) -> npt.NDArray[np.int64]:
    """Where each of some strings is found first among units, which are far more: only what is asked for is hashed."""
    asked = pc.dictionary_encode(some)
    found = pc.index_in(units, asked.dictionary)
    there = np.flatnonzero(np.asarray(pc.is_valid(found)))[::-1]  # the first one is written last, and stays
    places = np.full(len(asked.dictionary), -1, np.int64)
    places[np.asarray(found.take(pa.array(there)), np.int64)] = there
    return places[np.asarray(asked.indices, np.int64)]


def part_words(table: PhraseTable) -> pa.Array:
    """All parts that are no phrases, distinct, in the order of the table."""
    parts = pc.unique(table.table["parts"].combine_chunks().flatten())
    return parts.filter(pc.invert(pc.is_in(parts, table.names())))


def connectors_of(table: PhraseTable) -> list[str]:
    """The words that stand within phrases and not at an end, sorted."""
    parts = table.table["parts"]
    longer = parts.filter(pc.greater(pc.list_value_length(parts), 2)).to_pylist()
    return sorted({word for row in longer for word in row[1:-1]})


def names_of(ids: npt.NDArray[np.int64], words: pa.Array, phrases: pa.Array) -> pa.Array:
    """The names of ids: words, a gap, phrases."""
    units = pa.concat_arrays([words.cast(pa.string()), pa.array([""], pa.string()), phrases])
    return units.take(pa.array(ids))


def check_delimiter(words: Words, concepts: Collection[str] = ()) -> None:
    """Refuse ready words that hold the delimiter: whether they are phrases that somebody has joined, none can tell.

    Parameters
    ----------
    concepts : collection of str
        Words that a dictionary has put there.

    Raises
    ------
    InputError
        It shows one of them.
    """
    text = words.text[words.offsets[0] : words.offsets[-1]]
    found = np.flatnonzero(text == ord(DELIMITER))
    for place in np.unique(np.searchsorted(words.offsets, words.offsets[0] + found, side="right")).tolist():
        word = bytes(words.text[words.offsets[place - 1] : words.offsets[place]]).decode(errors="replace")
        if word in concepts:
            continue
        raise InputError(
            f"the word '{word}' holds '{DELIMITER}', which joins the words of a phrase; replace it in the input, or "
            "set ", Name("phrases.passes"), " = 0",
        )  # fmt: skip

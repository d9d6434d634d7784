"""How well topics fit their text: information gain, coherence of their words, and their diversity.

Everything is counted in whole numbers, so that sums do not depend on who has added them up in which order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.corpus.word_table import WordTable
from w2v_spark.text.analyzer import Analyzer

MEASURED_WORDS: Final = 10
"""Words of a topic that measures are about, the first ones."""

COUNT_SCHEMA: Final = pa.schema(
    [("what", pa.int32()), ("one", pa.int32()), ("other", pa.int32()), ("value", pa.int64())]
)
_UNIT: Final = float(1 << 24)  # logarithms are added up in whole multiples of 2^-24
_DOCUMENTS_AT_ONCE: Final = 256  # some ten MB for each thousand topics

Counts = npt.NDArray[np.int64]


class What(IntEnum):
    """What a count of `COUNT_SCHEMA` is of."""

    DOCUMENTS = 0
    TOKENS = 1
    WORD = 2
    """Occurrences of a word."""
    PAIR = 3
    """Documents that hold two words of a topic, or one, where both are the same: ``one`` is the topic's place of it."""
    OWN = 4
    """Occurrences of a word of a topic in the documents of the topic."""
    LOGARITHM = 5
    """Sum of n(d, w) log(n(d, w) / n(d)) over the documents and words of a topic, in units of 2^-24."""


@dataclass(slots=True, eq=False)
class WordCounter:
    """Counts the words of topics in documents: on executors, a counter a partition.

    Parameters
    ----------
    words : list of list of str
        Those of each topic, T times n at most.
    """

    words: Sequence[Sequence[str]]
    _distinct: list[str] = field(init=False)
    _places: npt.NDArray[np.int64] = field(init=False)
    _documents: int = field(init=False, default=0)
    _tokens: int = field(init=False, default=0)
    _occurrences: Counts = field(init=False)
    _own: Counts = field(init=False)
    _logarithms: Counts = field(init=False)
    _pairs: Counts = field(init=False)

    def __post_init__(self) -> None:
        self._distinct = list(dict.fromkeys(word for row in self.words for word in row))
        numbers = {word: number for number, word in enumerate(self._distinct)}
        width = max(map(len, self.words), default=0)
        self._places = np.full((len(self.words), width), len(numbers), dtype=np.int64)  # one behind the last: no word
        for row, own in zip(self._places, self.words, strict=True):
            row[: len(own)] = [numbers[word] for word in own]
        self._occurrences = np.zeros(len(numbers) + 1, dtype=np.int64)
        self._own = np.zeros(self._places.shape, dtype=np.int64)
        self._logarithms = np.zeros(len(self.words), dtype=np.int64)
        self._pairs = np.zeros((len(self.words), width, width), dtype=np.int64)

    def count(self, documents: Iterable[tuple[pa.Array, npt.NDArray[np.int32]]], analyzer: Analyzer) -> None:
        """Count batches: documents as the analyzer takes them, and the row of each one's topic."""
        table = WordTable.from_words(pa.array(self._distinct, pa.string()))
        for texts, topics in documents:
            lengths, rows, found = _look_up(texts, analyzer, table)
            self._documents += len(texts)
            self._tokens += int(lengths.sum())
            order = np.argsort(rows, kind="stable")
            rows, found = rows[order], found[order]
            for start in range(0, len(texts), _DOCUMENTS_AT_ONCE):
                stop = min(start + _DOCUMENTS_AT_ONCE, len(texts))
                here = slice(*np.searchsorted(rows, [start, stop]))
                dense = np.zeros((stop - start, len(self._distinct) + 1), dtype=np.int64)
                np.add.at(dense, (rows[here] - start, found[here]), 1)
                self._add(dense, topics[start:stop], lengths[start:stop])

    def _add(self, dense: Counts, topics: npt.NDArray[np.int32], lengths: Counts) -> None:
        """Occurrences, (documents, words), of documents that have these topics and lengths."""
        self._occurrences += dense.sum(axis=0)
        present = (dense > 0).astype(np.float32)[:, self._places].transpose(1, 0, 2)  # exact: the counts are small
        self._pairs += np.rint(np.matmul(present.transpose(0, 2, 1), present)).astype(np.int64)
        own = np.take_along_axis(dense, self._places[topics], axis=1)
        shares = np.log(np.maximum(own, 1) / np.maximum(lengths, 1)[:, None])
        np.add.at(self._logarithms, topics, np.rint(own * shares * _UNIT).astype(np.int64).sum(axis=1))
        np.add.at(self._own, topics, own)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The counts so far, of `COUNT_SCHEMA`."""
        kinds: dict[What, Counts] = {
            What.DOCUMENTS: np.array([[self._documents]]),
            What.TOKENS: np.array([[self._tokens]]),
            What.WORD: self._occurrences[:-1, None],
            What.PAIR: self._pairs.reshape(len(self._pairs), -1),
            What.OWN: self._own,
            What.LOGARITHM: self._logarithms[:, None],
        }
        for what, values in kinds.items():
            one, other = np.nonzero(values)
            columns = np.full(len(one), what), one, other, values[one, other]
            yield pa.record_batch(
                [pa.array(column, kind) for column, kind in zip(columns, COUNT_SCHEMA.types, strict=True)],
                schema=COUNT_SCHEMA,
            )

    def measure(self, counts: pa.Table) -> Measures:
        """What counts of all documents, added up, say about the topics."""
        totals: dict[tuple[int, int, int], int] = {
            (row["what"], row["one"], row["other"]): row["value"] for row in counts.to_pylist()
        }
        documents, tokens = (totals.get((what, 0, 0), 0) for what in (What.DOCUMENTS, What.TOKENS))
        gains, npmis = {}, {}
        for topic, words in enumerate(self.words):
            own = [totals.get((What.OWN, topic, place), 0) for place in range(len(words))]
            everywhere = [totals.get((What.WORD, int(number), 0), 0) for number in self._places[topic][: len(words)]]
            gains[topic] = totals.get((What.LOGARITHM, topic, 0), 0) / _UNIT / max(tokens, 1) + sum(
                n / tokens * float(np.log(tokens / whole)) for n, whole in zip(own, everywhere, strict=True) if n
            )
            if len(words) > 1:
                npmis[topic] = self._npmi(topic, len(words), totals, documents)
        return Measures(documents, tokens, gains, npmis, diversity(self.words))

    def _npmi(self, topic: int, words: int, totals: dict[tuple[int, int, int], int], documents: int) -> float:
        width = self._places.shape[1]

        def share(one: int, other: int) -> float:
            return totals.get((What.PAIR, topic, one * width + other), 0) / max(documents, 1)

        values = [
            npmi(share(one, other), share(one, one), share(other, other))
            for one in range(words)
            for other in range(one + 1, words)
        ]
        return float(np.mean(values))


def _look_up(texts: pa.Array, analyzer: Analyzer, table: WordTable) -> tuple[Counts, Counts, Counts]:
    """Words in each document, (n,); and of words of topics: the row of the document, and the number of the word."""
    lengths = np.zeros(len(texts), dtype=np.int64)
    rows, found = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for words in analyzer.words(texts):
        ids = np.empty(len(words), np.int32)
        table.find(words, ids)
        lengths += np.bincount(words.documents, minlength=len(texts))
        rows.append(words.documents[ids >= 0].astype(np.int64))
        found.append(ids[ids >= 0].astype(np.int64))
    return lengths, np.concatenate(rows), np.concatenate(found)


@dataclass(frozen=True, slots=True)
class Measures:
    """What text says about topics.

    Attributes
    ----------
    documents, tokens : int
        Documents that have a topic, and their words.
    information_gain : dict of int to float
        By the row of the topic, in nats: over the documents d of the topic and its first words w, the sum of
        ``p(d, w) log(p(d, w) / (p(d) p(w)))``, where p(d, w) is the share of w in d among all words of all documents,
        p(d) that of the words of d, p(w) that of the occurrences of w (Angelov 2020, section 3).
    npmi : dict of int to float
        The mean of `npmi` over pairs of its first words, by the documents that hold them.
    diversity : float
    """

    documents: int
    tokens: int
    information_gain: dict[int, float]
    npmi: dict[int, float]
    diversity: float


def npmi(both: float, one: float, other: float) -> float:
    """Normalised pointwise mutual information of two words by shares of documents, -1..1.

    -1 where no document holds both (Bouma 2009, "Normalized (pointwise) mutual information in collocation extraction").
    """
    if both <= 0:
        return -1.0
    return 1.0 if both >= 1 else float(np.log(both / (one * other)) / -np.log(both))


def diversity(words: Sequence[Sequence[str]]) -> float:
    """The share of distinct words among the first words of all topics, 0..1; 1 for no words."""
    every = [word for row in words for word in row[:MEASURED_WORDS]]
    return len(set(every)) / len(every) if every else 1.0

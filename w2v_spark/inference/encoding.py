"""Documents to ids, each with a key that its content decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.corpus.chunks import ChunkEncoder, decode_ids
from w2v_spark.corpus.whole_documents import fold_keys
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.text.analyzer import Analyzer


class EncodedDocuments(NamedTuple):
    """Some documents as ids.

    Attributes
    ----------
    ids : (tokens,) int32
    offsets : (sentences + 1,) int64
        Sentence ``s`` is ``ids[offsets[s]:offsets[s + 1]]``.
    starts : (documents + 1,) int64
        The sentences of document ``d`` are ``starts[d]`` to before ``starts[d + 1]``; none without a known word.
    keys : (documents,) uint64
        Equal for equal ids in equal sentences.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]

    @property
    def tokens(self) -> npt.NDArray[np.int64]:
        """Words of the vocabulary in each document, (documents,)."""
        return np.diff(self.offsets[self.starts])


def encode_documents(
    column: pa.Array, analyzer: Analyzer, table: WordTable, max_sentence_length: int
) -> EncodedDocuments:
    """Encode a column of text or of lists of words, null among them.

    Parameters
    ----------
    max_sentence_length : int
        See `ChunkEncoder`.
    """
    chunks = list(_chunks(column, analyzer, ChunkEncoder(table, max_sentence_length, 1, 0)))
    documents, contents = (np.concatenate([np.asarray(each[name]) for each in chunks]) for name in ("document", "key"))
    payload, ends = zip(*(_payload(batch) for batch in chunks), strict=True)
    ids, offsets = decode_ids(np.concatenate(payload))
    lengths = np.concatenate([np.diff(each) for each in ends])
    sentences = np.searchsorted(offsets, np.concatenate([[0], np.cumsum(lengths)]))
    keys = np.zeros(len(column), np.uint64)
    fold_keys(documents, contents.view(np.uint64), keys)
    first = np.searchsorted(documents, np.arange(len(column) + 1))
    return EncodedDocuments(ids, offsets.astype(np.int64), sentences[first].astype(np.int64), keys)


def _chunks(column: pa.Array, analyzer: Analyzer, encoder: ChunkEncoder) -> Iterator[pa.RecordBatch]:
    for words in analyzer.words(column):
        yield from encoder.add(words)
    yield encoder.finish()


def _payload(batch: pa.RecordBatch) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The signed ids of all chunks, and where each begins among them."""
    _, offsets, data = batch["ids"].buffers()
    ends = np.frombuffer(offsets, np.int32)[: len(batch) + 1] // 4
    return np.frombuffer(data, np.int32, ends[-1]), ends

"""Word ids for the kernels and the same words as text for gensim: of Parquet files, or made up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from w2v_spark.config import Config, TextConfig
from w2v_spark.corpus.chunks import CHUNK_SCHEMA, ChunkEncoder, decode_ids, order_chunks
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.spark.encode_pass import BUCKET_TOKENS
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.text.words import SAME, Words

SENTENCE_WORDS = 20  # of the made-up corpus
FEWEST = 5  # occurrences of each of its words
FLATTENING = 2.7  # its words are drawn with p ~ 1 / (rank + 2.7), as Mandelbrot 1953 found for English
_LINES_AT_A_TIME = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Sentences of word ids, in the order in which they are trained on.

    Attributes
    ----------
    vocabulary : Vocabulary
    ids : (tokens,) int32
    offsets : (sentences + 1,) int32
        Sentence ``s`` is ``ids[offsets[s]:offsets[s + 1]]``.
    raw_words : int
        Words of the text that it was made of, those outside the vocabulary included.
    """

    vocabulary: Vocabulary
    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]
    raw_words: int

    def __len__(self) -> int:
        """Words of the vocabulary in all sentences."""
        return len(self.ids)

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        return len(self.offsets) - 1

    def head(self, words: int) -> Corpus:
        """The first sentences, as many as it takes to have so many words; the vocabulary and its counts stay."""
        sentences = min(max(int(np.searchsorted(self.offsets, words)), 1), self.sentences)
        offsets = self.offsets[: sentences + 1]
        return Corpus(self.vocabulary, self.ids[: offsets[-1]], offsets, self.raw_words)

    def write_text(self, path: Path) -> None:
        """Write a sentence a line, words separated by spaces."""
        with path.open("wb") as out:
            for start in range(0, self.sentences, _LINES_AT_A_TIME):
                offsets = self.offsets[start : start + _LINES_AT_A_TIME + 1]
                words = self.vocabulary.words.take(pa.array(self.ids[offsets[0] : offsets[-1]]))
                lines = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), words), " ")
                out.write("\n".join([*lines.to_pylist(), ""]).encode())


def read_corpus(files: Sequence[Path], words: int, config: Config) -> Corpus:
    """The first words of some Parquet files, encoded and put in order as the main job does for a single shard.

    Parameters
    ----------
    files : with a column ``text``, one document a row
    words : int
        Words of the text to take in reading order, whether they enter the vocabulary or not.
    config : Config
        ``text``, ``vocabulary.min_count`` and ``train.seed``, which sets the order of the documents, count.
    """
    counted, raw_words = WordTable(), 0
    for part in _read_words(files, words, config.text):
        counted.count(part)
        raw_words += len(part)
    vocabulary = Vocabulary.build(counted.words(), counted.counts(), config.vocabulary)
    buckets = math.ceil(vocabulary.tokens / BUCKET_TOKENS)
    encoder = ChunkEncoder(
        WordTable.from_words(vocabulary.words), config.text.max_sentence_length, buckets, config.train.seed
    )
    batches = [batch for part in _read_words(files, words, config.text) for batch in encoder.add(part)]
    chunks = pa.Table.from_batches([*batches, encoder.finish()], CHUNK_SCHEMA)
    signed = [_in_order(chunks.filter(pc.equal(chunks["bucket"], bucket))) for bucket in range(buckets)]
    return Corpus(vocabulary, *decode_ids(np.concatenate(signed)), raw_words)


def words_of(texts: Sequence[str] | pa.Array, config: TextConfig | None = None) -> list[list[list[str]]]:
    """Documents of sentences of words, as our tokenizer cuts them and the main job trains on them."""
    config = config or TextConfig()
    documents: list[list[list[str]]] = [[] for _ in range(len(texts))]
    for words in build_analyzer(config).words(texts if isinstance(texts, pa.Array) else pa.array(texts)):
        text, ends = bytes(words.text), words.offsets.tolist()
        for place, (kind, row) in enumerate(zip(words.breaks.tolist(), words.documents.tolist(), strict=True)):
            sentences = documents[row]
            if kind != SAME or not sentences or len(sentences[-1]) == config.max_sentence_length:
                sentences.append([])
            sentences[-1].append(text[ends[place] : ends[place + 1]].decode())
    return documents


def synthetic_corpus(size: int, seed: int = 1) -> Corpus:
    """A corpus whose ``size`` words follow Zipf's law and occur at least `FEWEST` times, in sentences of 20 words.

    Every word occurs as often as p ~ 1 / (rank + 2.7) says, to the next whole number: 64 million tokens for a million
    words. Their order is random.
    """
    rank = np.arange(1, size + 1)
    counts = (FEWEST * (size + FLATTENING) / (rank + FLATTENING)).astype(np.int64)
    ids = np.repeat(np.arange(size, dtype=np.int32), counts)
    np.random.default_rng(seed).shuffle(ids)
    offsets = np.append(np.arange(0, len(ids), SENTENCE_WORDS), len(ids)).astype(np.int32)
    words = pa.array([f"w{i}" for i in range(size)], pa.string())
    return Corpus(Vocabulary(words, counts), ids, offsets, len(ids))


def _read_words(files: Sequence[Path], limit: int, config: TextConfig) -> Iterator[Words]:
    """The first ``limit`` words of some files."""
    analyzer = build_analyzer(config)
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(columns=["text"], batch_size=256):
            for words in analyzer.words(batch.column(0)):
                taken = min(limit, len(words))
                yield words.part(0, taken)
                limit -= taken
                if limit == 0:
                    return


def _in_order(chunks: pa.Table) -> npt.NDArray[np.int32]:
    """Ids of the chunks of one bucket in reading order, sentence ends complemented."""
    order = order_chunks(chunks["key"].to_numpy(), chunks["tie"].to_numpy())
    encoded = chunks["ids"].cast(pa.large_binary()).combine_chunks().take(pa.array(order))
    return np.frombuffer(b"".join(encoded.to_pylist()), np.int32)

"""A corpus of any size, made of the sentences of a small one, drawn again and again."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from w2v_spark.config import TextConfig
from w2v_spark.text.analyzer import build_analyzer

FILES = 32
DOCUMENT_WORDS = 500
DRAWN_SENTENCES = 1 << 17  # at a time; they become a row group of about 18 MB
SCHEMA = pa.schema([("text", pa.string())])
# Where a sentence ends: the tokenizer's own rule, but for rare marks. A small letter goes on with the sentence.
SENTENCE_END, MARKED = r"([.!?][\"'”’)\]]*)\s+(\P{Ll})", "\\1\n\\2"


Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sentences:
    """What is drawn from: sentences, a blank behind each, and how many words the job sees in each, one at least."""

    text: pa.LargeStringArray
    words: Counts

    def __len__(self) -> int:
        return len(self.words)


def read_sentences(files: Sequence[Path], text: TextConfig) -> Sentences:
    """Split the column ``text`` of some Parquet files into sentences; those without a word are left out."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = [part for parts in pool.map(lambda file: _split_file(file, text), files) for part in parts]
    return Sentences(pa.concat_arrays([part.text for part in parts]), np.concatenate([part.words for part in parts]))


def write_corpus(sentences: Sentences, directory: Path, words: int, seed: int, files: int = FILES) -> int:
    """Draw sentences with replacement and write them as documents.

    Parameters
    ----------
    directory : is made, and gets ``files`` Parquet files of one column ``text``
    words : as many at least are written
    seed : sets every draw, whatever the number of threads

    Returns
    -------
    int
        Words written, as the main job counts them.
    """
    directory.mkdir()
    stop = threading.Event()
    pool = ThreadPoolExecutor(os.cpu_count())
    share = math.ceil(words / files)
    try:
        names = [directory / f"part-{number:05d}.parquet" for number in range(files)]
        return sum(pool.map(lambda n: _write_file(sentences, names[n], share, (seed, n), stop), range(files)))
    finally:  # after an interruption nothing must write on
        stop.set()
        pool.shutdown(cancel_futures=True)


def _split_file(file: Path, text: TextConfig) -> list[Sentences]:
    parts = []
    for batch in pq.ParquetFile(file).iter_batches(columns=["text"], batch_size=1024):
        marked = pc.replace_substring_regex(batch.column(0).drop_null(), pattern=SENTENCE_END, replacement=MARKED)
        sentences = pc.split_pattern(marked, "\n").flatten()
        words = _count_each(sentences, text)
        kept = pc.binary_join_element_wise(sentences.filter(pa.array(words > 0)), "", " ")
        parts.append(Sentences(kept.cast(pa.large_string()), words[words > 0]))
    return parts


def _count_each(texts: pa.Array, text: TextConfig) -> Counts:
    """How many words each text has for the job."""
    counts = np.zeros(len(texts), np.int64)
    for words in build_analyzer(text).words(texts):
        counts += np.bincount(words.documents, minlength=len(texts))
    return counts


def _write_file(sentences: Sentences, path: Path, words: int, seed: tuple[int, int], stop: threading.Event) -> int:
    random, written = np.random.default_rng(seed), 0
    # Every value is another, so a dictionary would only take time.
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", use_dictionary=False) as writer:
        while written < words and not stop.is_set():
            drawn = random.integers(0, len(sentences), DRAWN_SENTENCES)
            totals = np.cumsum(sentences.words[drawn])
            enough = int(np.searchsorted(totals, words - written)) + 1
            drawn, totals = drawn[:enough], totals[:enough]
            writer.write_table(pa.table([_documents(sentences.text.take(pa.array(drawn)), totals)], SCHEMA))
            written += int(totals[-1])
    return written


def _documents(drawn: pa.LargeStringArray, totals: Counts) -> pa.StringArray:
    """Put sentences one behind the other; a document ends with the one that makes it about 500 words.

    Parameters
    ----------
    drawn : array of strings
    totals : (sentences,) int64
        Words up to the end of each.
    """
    lasts = np.searchsorted(totals, np.arange(DOCUMENT_WORDS, totals[-1], DOCUMENT_WORDS))
    ends = np.union1d(lasts + 1, [0, len(drawn)])
    _, offsets, text = drawn.buffers()
    starts = np.frombuffer(offsets, np.int64)[ends].astype(np.int32)
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(starts), text)

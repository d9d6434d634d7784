"""What the tasks of a decomposition do: they count, add up and weigh ranges of rows, and multiply them.

Everything goes from task to task in files of the run directory; Spark has their names. Each class is called on the
executors with the number of a piece of work, see `w2v_spark.spark.numbered_tasks`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from w2v_spark.corpus.chunk_files import ChunkFile, read_arrays, write_arrays
from w2v_spark.corpus.parted_files import read_part, write_parts
from w2v_spark.corpus.shards import Part, read_batches
from w2v_spark.corpus.whole_documents import read_whole
from w2v_spark.counting.blocks import Block, Product
from w2v_spark.counting.documents import by_words, count_words, word_statistics
from w2v_spark.counting.pairs import count_pairs, mark_ends, row_sums, window_weights
from w2v_spark.counting.rows import Rows, add_parts, read_rows, write_rows
from w2v_spark.counting.stages import BlockFiles, RowFiles
from w2v_spark.counting.weights import associations, document_norms, term_weights
from w2v_spark.storage import Directory
from w2v_spark.training.matrix_files import open_matrix, write_matrix

_MOST_PAIRS: Final = 1 << 26  # occurrences of pairs, both ways, that are added up before they are written


@dataclass(frozen=True, slots=True)
class Counting:
    """What all tasks that count have in common.

    Attributes
    ----------
    corpus_uri, uri : str
        Where the encoded corpus is, and where counts go.
    parts : tuple of Part
        Files of the corpus.
    vocabulary : int
        V.
    ranges : tuple of int
        Where ranges of words begin, and V.
    """

    corpus_uri: str
    uri: str
    parts: tuple[Part, ...]
    vocabulary: int
    ranges: tuple[int, ...]

    def read(self, number: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The ids of a file of the corpus, and where sentences begin, and the last ends; at most some 8 million."""
        ids, offsets = [np.zeros(0, np.int32)], [np.zeros(1, np.int32)]
        part, size = self.parts[number], 0
        for batch in read_batches(Directory.open(self.corpus_uri), part, range(len(part.batches))):
            sentences = batch.column(0)
            ends = np.asarray(sentences.offsets)
            ids.append(np.asarray(sentences.values)[ends[0] : ends[-1]])
            offsets.append((ends[1:] - ends[0] + size).astype(np.int32))
            size += len(ids[-1])
        return np.concatenate(ids), np.concatenate(offsets)

    def span(self, number: int) -> tuple[int, int]:
        """The words of a range."""
        return self.ranges[number], self.ranges[number + 1]


@dataclass(frozen=True, slots=True)
class CountPairs:
    """Pairs of words in a file of the corpus, to a file with a part for each range of words.

    Attributes
    ----------
    counting : Counting
    window : int
        Words on each side.
    shrinks : bool
    """

    counting: Counting
    window: int
    shrinks: bool

    def __call__(self, number: int) -> list[ChunkFile]:
        """The files: more than one where windows are so wide that one would have too many entries."""
        counting, directory = self.counting, Directory.open(self.counting.uri)
        ids, offsets = counting.read(number)
        longest = int(np.diff(offsets).max(initial=1))  # beyond it there are no neighbours
        weights = window_weights(self.window, self.shrinks)[: max(longest - 1, 1)]
        ranges, signed, files = np.array(counting.ranges, np.int64), mark_ends(ids, offsets), []
        first = 0
        while first < len(signed):
            at = np.searchsorted(offsets, first + _MOST_PAIRS // (2 * len(weights)), "right") - 1
            stop = int(offsets[max(int(at), int(np.searchsorted(offsets, first)) + 1)])
            parts = list(count_pairs(signed[first:stop], counting.vocabulary, weights, ranges))
            files.append(write_parts(directory, parts, "pairs"))
            first = stop
        return files


@dataclass(frozen=True, slots=True)
class CountDocuments:
    """Words of documents in a file of the corpus: rows of documents, the same by words, and what is known of words."""

    counting: Counting

    def __call__(self, number: int) -> tuple[Any, ...]:
        """A `RowFile`, a `ChunkFile` with a part for each range of words, and one of arrays."""
        counting, directory = self.counting, Directory.open(self.counting.uri)
        ids, _ = counting.read(number)
        table = read_whole(Directory.open(counting.corpus_uri), counting.parts[number])
        rows = count_words(ids, np.cumsum(np.asarray(table["tokens"], np.int64)), counting.vocabulary)
        turned = list(by_words(rows, counting.vocabulary, np.array(counting.ranges, np.int64)))
        found, logs = word_statistics(rows, counting.vocabulary)
        statistics = write_arrays(directory, "statistics", {"found": found, "logs": logs})
        return write_rows(directory, rows, "counts"), write_parts(directory, turned, "words"), statistics


@dataclass(frozen=True, slots=True)
class AddRows:
    """Adds up the rows of a range of words.

    Attributes
    ----------
    counting : Counting
    files : tuple of ChunkFile
    offsets : tuple of int
        What the columns of each file are moved by.
    columns : int
    kept : ChunkFile, optional
        How much of each word subsampling keeps: the sums of rows are wanted.
    """

    counting: Counting
    files: tuple[ChunkFile, ...]
    offsets: tuple[int, ...]
    columns: int
    kept: ChunkFile | None = None

    def __call__(self, number: int) -> tuple[Any, ...]:
        """A `RowFile`, and a `ChunkFile` of the sums where they are wanted."""
        directory, ranges = Directory.open(self.counting.uri), len(self.counting.ranges) - 1
        first, stop = self.counting.span(number)
        parts = [read_part(directory, file, number, ranges) for file in self.files]
        rows = add_parts(parts, self.offsets, stop - first, self.columns)
        file = write_rows(directory, rows, "counts")
        if self.kept is None:
            return file, None
        sums = row_sums(*rows, read_arrays(directory, self.kept)["kept"])
        return file, write_arrays(directory, "sums", {"sums": sums})


@dataclass(frozen=True, slots=True)
class Associate:
    """Counts of pairs to associations: the rows of words, and the rows of contexts if they are not the same.

    Attributes
    ----------
    counting : Counting
    files : tuple of RowFile
    terms : ChunkFile
        `AssociationTerms` as arrays.
    symmetric : bool
        Words and contexts have the same terms, but for a constant.
    """

    counting: Counting
    files: RowFiles
    terms: ChunkFile
    symmetric: bool

    def __call__(self, number: int) -> tuple[Any, ...]:
        """Two `RowFile`."""
        directory, (first, stop) = Directory.open(self.counting.uri), self.counting.span(number)
        counts = read_rows(directory, self.files[number], np.int64)
        terms = read_arrays(directory, self.terms)
        words, contexts = terms["words"], terms["contexts"]
        left = write_rows(directory, associations(counts, words[first:stop], contexts), "weights")
        if self.symmetric:
            return left, left
        return left, write_rows(directory, associations(counts, contexts[first:stop], words), "weights")


@dataclass(frozen=True, slots=True)
class WeighDocuments:
    """Counts of a file of documents to weights.

    Attributes
    ----------
    uri : str
    files : tuple of RowFile
    words : ChunkFile
        What each word counts.
    damped : bool
        See `term_weights`.
    """

    uri: str
    files: RowFiles
    words: ChunkFile
    damped: bool

    def __call__(self, number: int) -> tuple[Any, ...]:
        """A `RowFile`, and a `ChunkFile` of what the weights of each document were multiplied by."""
        directory = Directory.open(self.uri)
        counts = read_rows(directory, self.files[number], np.int64)
        words = read_arrays(directory, self.words)["words"]
        norms = document_norms(counts, words, self.damped)
        rows = term_weights(counts, norms, words, self.damped)
        return write_rows(directory, rows, "weights"), write_arrays(directory, "norms", {"norms": norms})


@dataclass(frozen=True, slots=True)
class WeighWords:
    """The same weights, a row a word.

    Attributes
    ----------
    counting : Counting
    files : tuple of RowFile
    words : ChunkFile
    norms : tuple of ChunkFile
        Of `WeighDocuments`, in the order of the documents.
    damped : bool
    """

    counting: Counting
    files: RowFiles
    words: ChunkFile
    norms: tuple[ChunkFile, ...]
    damped: bool

    def __call__(self, number: int) -> Any:
        """A `RowFile`."""
        directory, (first, stop) = Directory.open(self.counting.uri), self.counting.span(number)
        counts = read_rows(directory, self.files[number], np.int64)
        words = read_arrays(directory, self.words)["words"]
        norms = np.concatenate([read_arrays(directory, file)["norms"] for file in self.norms])
        return write_rows(directory, term_weights(counts, words[first:stop], norms, self.damped), "weights")


@dataclass(frozen=True, slots=True)
class Multiply:
    """A range of sparse rows times a block of directions, times a small transformation.

    Attributes
    ----------
    uri : str
    files : tuple of RowFile
    block : tuple of WeightFile
    width : int
        K.
    transform : ChunkFile
    """

    uri: str
    files: RowFiles
    block: BlockFiles
    width: int
    transform: ChunkFile

    def __call__(self, number: int) -> tuple[Any, ...]:
        """A `WeightFile` as a list, and a `ChunkFile` of moments."""
        directory = Directory.open(self.uri)
        rows: Rows = read_rows(directory, self.files[number], np.float32)
        product = Product(read_arrays(directory, self.transform)["transform"])
        made = product.of_sparse(rows, _load_block(self.uri, self.block, self.width))
        name = f"{uuid.uuid4().hex}.npy"
        found = write_matrix(directory, name, self.files[number].rows, self.width, made)
        return (name, self.files[number].rows, found), write_arrays(directory, "moments", {"moments": product.moments})


@lru_cache(maxsize=1)
def _load_block(uri: str, files: BlockFiles, width: int) -> Block:
    """Kept by a process from task to task of a step."""
    return Block.open(Directory.open(uri), files, width)


@dataclass(frozen=True, slots=True)
class Project:
    """A range of the last block to vectors.

    Attributes
    ----------
    uri : str
    block : tuple of WeightFile
    width, dim : int
        K, and D in whole registers.
    transform : ChunkFile
    """

    uri: str
    block: BlockFiles
    width: int
    dim: int
    transform: ChunkFile

    def __call__(self, number: int) -> tuple[Any, ...]:
        """A `WeightFile` as a list, and the largest entry of each column."""
        _load_block.cache_clear()  # no step follows: its files are let go of
        directory, file = Directory.open(self.uri), self.block[number]
        product = Product(read_arrays(directory, self.transform)["transform"])
        rows = open_matrix(directory, file.file, file.rows, self.width, file.checksum)
        name = f"{uuid.uuid4().hex}.npy"
        found = write_matrix(directory, name, file.rows, self.dim, product.of_dense(rows))
        return (name, file.rows, found), [float(peak) for peak in product.peaks]

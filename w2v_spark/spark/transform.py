"""Documents to the means of their words' vectors, as an Arrow function of a column."""

from __future__ import annotations

import secrets
import string
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.ml.functions import array_to_vector
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, DoubleType

from w2v_spark.config import TextConfig
from w2v_spark.errors import ConfigError, InputError
from w2v_spark.kernels.documents import SEPARATOR_BYTES, mean_rows, split_words
from w2v_spark.spark.worker import freeze_modules
from w2v_spark.storage import Directory
from w2v_spark.text.tokenizer import NEW_DOCUMENT, Tokenizer, Words, string_buffers
from w2v_spark.text.word_table import WordTable
from w2v_spark.training.weights import open_matrix, write_matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors

MATRIX_FILE: Final = "matrix.npy"
WORDS_FILE: Final = "words.parquet"
_FIRST_WORD: Final = "a"

Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


def write_served(directory: Directory, vectors: KeyedVectors) -> None:
    """Write the files that executors read: the matrix for memory maps, and the words."""
    directory.create()
    with directory.filesystem.open_output_stream(directory.file(WORDS_FILE)) as sink:
        pq.write_table(pa.table({"word": pa.array(vectors.words, pa.string())}), sink)
    write_matrix(directory, MATRIX_FILE, len(vectors), vectors.dim, iter([vectors.matrix]))


@lru_cache(maxsize=4)
def _load_served(uri: str, rows: int, dim: int) -> tuple[WordTable, npt.NDArray[np.float32]]:
    """What a Python worker keeps from batch to batch; the matrix is shared by all workers of a machine."""
    directory = Directory.open(uri)
    with directory.filesystem.open_input_file(directory.file(WORDS_FILE)) as source:
        words = pq.read_table(source)["word"].combine_chunks()
    served = WordTable.from_words(words), open_matrix(directory, MATRIX_FILE, rows, dim)[0:rows]
    freeze_modules("transform")
    return served


def mean_vectors(
    column: Column, kind: DataType, uri: str, shape: tuple[int, int], text: TextConfig, count_unknown: bool
) -> Column:
    """The mean vector of each document as a column of `VectorUDT`.

    Parameters
    ----------
    column
        Lists of words or text.
    kind
        The column's type.
    uri
        A directory with the files of `write_served`, under a name that executors know.
    shape
        (V, D).
    text
        How text is tokenised.
    count_unknown
        Whether unknown words count as vectors of zeros.

    Notes
    -----
    Lists of words reach Python as one string a document: Spark hands a string over in one copy, the elements of a list
    one by one. The separator is drawn at random. Should it be within a word, the number of words tells.
    """
    arrow_udf = getattr(F, "arrow_udf", None)
    if arrow_udf is None:
        raise ConfigError("transform needs PySpark 4.1 or later, which has arrow_udf; upgrade pyspark")
    if not isinstance(kind, ArrayType):

        def of_text(documents: pa.Array) -> pa.Array:
            _refuse_nulls(documents)
            ids, firsts = _tokenised_ids(documents, text, _load_served(uri, *shape)[0])
            return _means(ids, firsts, uri, shape, count_unknown)

        values = arrow_udf(of_text, ArrayType(DoubleType()))(column)
    else:
        separator = "\0" + "".join(secrets.choice(string.ascii_letters) for _ in range(SEPARATOR_BYTES - 1))

        def of_words(documents: pa.Array, sizes: pa.Array) -> pa.Array:
            _refuse_nulls(documents)
            ids, firsts = _joined_ids(documents, sizes, separator, _load_served(uri, *shape)[0])
            return _means(ids, firsts, uri, shape, count_unknown)

        joined = F.array_join(column, separator, "")  # null words become empty ones, which no vocabulary has
        values = arrow_udf(of_words, ArrayType(DoubleType()))(joined, F.size(column))
    vectors: Column = array_to_vector(values)
    return vectors


def _refuse_nulls(documents: pa.Array) -> None:
    if documents.null_count:
        raise InputError(
            f"{documents.null_count} of {len(documents)} documents of a batch are null; leave them out with "
            "dataset.na.drop() or replace them by empty ones"
        )


def _joined_ids(documents: pa.Array, sizes: pa.Array, separator: str, table: WordTable) -> tuple[Ids, Places]:
    """The ids of words that were joined, and where each document's start."""
    text, starts = string_buffers(documents)
    bytes_ = int(starts[-1] - starts[0])
    out, firsts = np.empty(bytes_ + 8, np.uint8), np.empty(len(documents) + 1, np.int64)
    offsets = np.empty(bytes_ // SEPARATOR_BYTES + len(documents) + 1, np.int32)
    words = split_words(text, starts, np.frombuffer(separator.encode(), np.uint8), out, offsets, firsts)
    expected = np.maximum(sizes.to_numpy(zero_copy_only=False), 1)
    if not np.array_equal(np.diff(firsts), expected):
        raise InputError(f"a word of the input holds {separator!r}, which was drawn at random; run transform again")
    ids = np.empty(words, np.int32)
    table.find(Words(out, offsets[: words + 1], np.zeros(words, np.uint8)), ids)
    return ids, firsts


def _tokenised_ids(documents: pa.Array, config: TextConfig, table: WordTable) -> tuple[Ids, Places]:
    """The ids of the words of text, and where each document's start."""
    # The tokenizer says nothing of documents without words, so each gets one in front, which is taken off below.
    marked = pc.binary_join_element_wise(pa.scalar(_FIRST_WORD), documents.cast(pa.string()), "\n")
    ids, breaks = [], []
    for words in Tokenizer(config).words(marked):
        part = np.empty(len(words), np.int32)
        table.find(words, part)
        ids.append(part)
        breaks.append(words.breaks.copy())
    found = np.concatenate([*ids, np.empty(0, np.int32)])
    is_first = np.concatenate([*breaks, np.empty(0, np.uint8)]) == NEW_DOCUMENT
    firsts = np.append(np.flatnonzero(is_first), len(found))
    return found[~is_first], firsts - np.arange(len(firsts))


def _means(ids: Ids, firsts: Places, uri: str, shape: tuple[int, int], count_unknown: bool) -> pa.Array:
    """Lists of D float64, one a document."""
    rows, dim = len(firsts) - 1, shape[1]
    out = np.empty((rows, dim))
    mean_rows(ids, firsts, _load_served(uri, *shape)[1], count_unknown, out)
    offsets: Any = np.arange(rows + 1, dtype=np.int32) * np.int32(dim)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(out.reshape(-1)))

"""Documents to the means of their words' vectors, by an Arrow function of a column."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.ml.linalg import VectorUDT
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from w2v_spark.config import ModelConfig
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import ConfigError
from w2v_spark.kernels.mean_rows import mean_rows
from w2v_spark.ml.subword_batches import SubwordBatches
from w2v_spark.spark.columns import document_column
from w2v_spark.spark.worker import freeze_modules
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import Analyzer
from w2v_spark.text.words import Words
from w2v_spark.training.matrix_files import open_matrix, write_matrix
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors

MATRIX_FILE: Final = "matrix.npy"
WORDS_FILE: Final = "words.parquet"
NGRAM_MATRIX_FILE: Final = "ngrams.npy"
NGRAMS_FILE: Final = "ngrams.parquet"
_DENSE: Final = 1  # the type of a vector in the columns of VectorUDT

Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


def write_served(directory: Directory, vectors: KeyedVectors) -> None:
    """Write the files that executors read: the matrix for memory maps, and the words."""
    directory.create()
    with directory.filesystem.open_output_stream(directory.file(WORDS_FILE)) as sink:
        pq.write_table(pa.table({"word": pa.array(vectors.words, pa.string())}), sink)
    write_matrix(directory, MATRIX_FILE, len(vectors), vectors.dim, iter([vectors.matrix]))
    if (ngrams := vectors.subwords) is not None:
        with directory.filesystem.open_output_stream(directory.file(NGRAMS_FILE)) as sink:
            pq.write_table(ngrams.labels.select(["ngram"]), sink)
        write_matrix(directory, NGRAM_MATRIX_FILE, len(ngrams), vectors.dim, iter([ngrams.stack.to_matrix()]))


class _Served(NamedTuple):
    """What a Python worker keeps from batch to batch; matrices are shared by all workers of a machine."""

    words: WordTable
    matrix: Matrix
    ngrams: SubwordBatches | None


@lru_cache(maxsize=4)
def _load_served(uri: str, rows: int, dim: int, subwords: ModelConfig | None) -> _Served:
    directory = Directory.open(uri)
    words = _read_column(directory, WORDS_FILE)
    ngrams = None
    if subwords is not None:
        labels = _read_column(directory, NGRAMS_FILE)
        ngrams = SubwordBatches(
            labels, open_matrix(directory, NGRAM_MATRIX_FILE, len(labels), dim)[0 : len(labels)], subwords
        )
    served = _Served(WordTable.from_words(words), open_matrix(directory, MATRIX_FILE, rows, dim)[0:rows], ngrams)
    freeze_modules("transform")
    return served


def _read_column(directory: Directory, file: str) -> pa.Array:
    """The one column of a Parquet file."""
    with directory.filesystem.open_input_file(directory.file(file)) as source:
        return pq.read_table(source).column(0).combine_chunks()


def add_mean_vectors(
    dataset: DataFrame,
    name: str,
    output: str,
    uri: str,
    shape: tuple[int, int],
    analyzer: Analyzer,
    count_unknown: bool,
    subwords: ModelConfig | None,
) -> DataFrame:
    """The dataset and, as another column of `VectorUDT`, the mean vector of each document.

    Parameters
    ----------
    dataset
        Without null documents: evaluated, they are an error.
    name
        The column of documents.
    output
        What the new column is called.
    uri
        A directory with the files of `write_served`, under a name that executors know.
    shape
        (V, D).
    analyzer
        Reads text as the training has read it.
    count_unknown
        Whether unknown words count as vectors of zeros.
    subwords
        Which n-grams give vectors to words outside the vocabulary; None where none do.
    """
    arrow_udf = arrow_function()

    def of_documents(documents: pa.Array) -> pa.Array:
        served = _load_served(uri, *shape, subwords)
        ids, firsts, others = _word_ids(documents, analyzer, served)
        means = np.empty((len(firsts) - 1, shape[1]))
        mean_rows(ids, firsts, served.matrix, others, count_unknown, means)
        return _dense(means)

    column = document_column(dataset, name, "inputCol")
    vectors = arrow_udf(of_documents, VectorUDT())(column)
    error = F.raise_error(
        F.lit(
            f"a document in column {name!r} is null; leave it out with dataset.na.drop() or replace it by an empty one"
        )
    )
    return row_by_row(dataset, column, error).select(
        "*", vectors.alias(output, metadata={"ml_attr": {"num_attrs": shape[1]}})
    )


def arrow_function() -> Any:
    """`pyspark.sql.functions.arrow_udf`. Raises `ConfigError` where PySpark has none."""
    arrow_udf = getattr(F, "arrow_udf", None)
    if arrow_udf is None:
        raise ConfigError("transform needs PySpark 4.1 or later, which has arrow_udf; upgrade pyspark")
    return arrow_udf


def row_by_row(dataset: DataFrame, column: Column, null: Column | None = None) -> DataFrame:
    """The dataset through a filter that keeps every row.

    It stays in the plan, since Spark cannot know that no size is negative, and it is evaluated row by row. Above scans
    that hand over whole columns Spark 4.3 converts what comes from Python once more, and knows no vectors there.

    Parameters
    ----------
    column : Column
        Of documents, text or lists of words.
    null : Column, optional
        What a null document is evaluated to.
    """
    is_words = isinstance(dataset.select(column).schema[0].dataType, ArrayType)
    size = F.size(column) if is_words else F.length(column)
    is_null = column.isNull() | (size < 0)
    return dataset.where(F.when(is_null, F.lit(True) if null is None else null).otherwise(size >= 0))


def _word_ids(documents: pa.Array, analyzer: Analyzer, served: _Served) -> tuple[Ids, Places, Matrix]:
    """The ids of all words, where each document's start, and vectors of words outside the vocabulary.

    These have ids from V on. Words that are null, empty or without a vector are -1.
    """
    ids, rows, others = [np.empty(0, np.int32)], [np.empty(0, np.int32)], [served.matrix[:0]]
    first = len(served.words)
    for words in analyzer.words(documents, keep_unusable=True):
        part = np.empty(len(words), np.int32)
        served.words.find(words, part)
        if served.ngrams is not None and len(unknown := np.flatnonzero(part < 0)):
            vectors, missing = served.ngrams.vectors(*_text_of(words, unknown))
            part[unknown[~missing]] = np.arange(first, first + np.count_nonzero(~missing))
            others.append(vectors[~missing])
            first += len(others[-1])
        ids.append(part)
        rows.append(words.documents.copy())
    sizes = np.bincount(np.concatenate(rows), minlength=len(documents))
    return np.concatenate(ids), np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(others)


def _text_of(words: Words, some: Places) -> tuple[npt.NDArray[np.uint8], Places]:
    """Some of the words, one behind the other, and where each begins."""
    sizes = np.diff(words.offsets)[some].astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    places = np.repeat(words.offsets[:-1][some] - starts[:-1], sizes) + np.arange(starts[-1])
    return words.text[places], starts


def dense_vectors(matrices: Sequence[npt.NDArray[np.float32]], missing: Sequence[npt.NDArray[np.bool_]]) -> pa.Array:
    """Rows of some matrices as vectors of Spark; null where one is missing."""
    if not matrices:
        return _dense(np.empty((0, 0)))
    return _dense(np.concatenate(matrices).astype(np.float64), pa.array(np.concatenate(missing)))


def _dense(matrix: npt.NDArray[np.float64], missing: pa.Array | None = None) -> pa.Array:
    """A dense vector of D float64 for each row, as Spark stores them."""
    rows, dim = matrix.shape
    offsets: Any = np.arange(rows + 1, dtype=np.int32) * np.int32(dim)
    values = pa.ListArray.from_arrays(pa.array(offsets), pa.array(matrix.reshape(-1)))
    fields = {
        "type": pa.array(np.full(rows, _DENSE, np.int8)),
        "size": pa.nulls(rows, pa.int32()),  # of sparse vectors, and so are the indices
        "indices": pa.nulls(rows, pa.list_(pa.int32())),
        "values": values,
    }
    return pa.StructArray.from_arrays(list(fields.values()), list(fields), mask=missing)

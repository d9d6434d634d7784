"""Documents to the means of their words' vectors, by an Arrow function of a column."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.ml.linalg import VectorUDT
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from w2v_spark.config import TextConfig
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import ConfigError
from w2v_spark.kernels.mean_rows import mean_rows
from w2v_spark.spark.columns import document_column
from w2v_spark.spark.worker import freeze_modules
from w2v_spark.storage import Directory
from w2v_spark.text.unicode_tokenizer import NEW_DOCUMENT, Tokenizer, Words, string_buffers
from w2v_spark.training.weights import open_matrix, write_matrix
from w2v_spark.vectors.keyed_vectors import KeyedVectors

MATRIX_FILE: Final = "matrix.npy"
WORDS_FILE: Final = "words.parquet"
_FIRST_WORD: Final = "a"
_DENSE: Final = 1  # the type of a vector in the columns of VectorUDT

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


def add_mean_vectors(
    dataset: DataFrame,
    name: str,
    output: str,
    uri: str,
    shape: tuple[int, int],
    text: TextConfig | None,
    count_unknown: bool,
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
    text
        How text is tokenised; None where documents are lists of words.
    count_unknown
        Whether unknown words count as vectors of zeros.
    """
    arrow_udf = getattr(F, "arrow_udf", None)
    if arrow_udf is None:
        raise ConfigError("transform needs PySpark 4.1 or later, which has arrow_udf; upgrade pyspark")

    def of_documents(documents: pa.Array) -> pa.Array:
        table, matrix = _load_served(uri, *shape)
        ids, firsts = _word_ids(documents, table) if text is None else _tokenised_ids(documents, text, table)
        return _means(ids, firsts, matrix, count_unknown)

    column = document_column(dataset, name, "inputCol")
    vectors = arrow_udf(of_documents, VectorUDT())(column)
    checked = dataset.where(_is_document(column, name, text is None))
    return checked.select("*", vectors.alias(output, metadata={"ml_attr": {"num_attrs": shape[1]}}))


def _is_document(column: Column, name: str, is_words: bool) -> Column:
    """True, or an error where there is no document.

    It stays in the plan, since Spark cannot know that no size is negative, and it is evaluated row by row. Above scans
    that hand over whole columns Spark 4.3 converts what comes from Python once more, and knows no vectors there.
    """
    size = F.size(column) if is_words else F.length(column)
    error = F.raise_error(
        F.lit(
            f"a document in column {name!r} is null; leave it out with dataset.na.drop() or replace it by an empty one"
        )
    )
    checked: Column = F.when(column.isNull() | (size < 0), error).otherwise(F.lit(True))
    return checked


def _word_ids(documents: pa.Array, table: WordTable) -> tuple[Ids, Places]:
    """The ids of words in lists, and where each document's start."""
    words = documents.flatten()
    if words.null_count:
        words = pc.fill_null(words, "")  # which no vocabulary has
    text, starts = string_buffers(words)
    ids = np.empty(len(words), np.int32)
    part = text[starts[0] : starts[-1]]
    table.find(Words(part, (starts - starts[0]).astype(np.int32), np.zeros(len(words), np.uint8)), ids)
    firsts = documents.offsets.to_numpy().astype(np.int64)
    return ids, firsts - firsts[0]


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


def _means(ids: Ids, firsts: Places, matrix: npt.NDArray[np.float32], count_unknown: bool) -> pa.Array:
    """A dense vector of D float64 for each document, as Spark stores them."""
    rows, dim = len(firsts) - 1, matrix.shape[1]
    out = np.empty((rows, dim))
    mean_rows(ids, firsts, matrix, count_unknown, out)
    offsets: Any = np.arange(rows + 1, dtype=np.int32) * np.int32(dim)
    values = pa.ListArray.from_arrays(pa.array(offsets), pa.array(out.reshape(-1)))
    fields = {
        "type": pa.array(np.full(rows, _DENSE, np.int8)),
        "size": pa.nulls(rows, pa.int32()),  # of sparse vectors, and so are the indices
        "indices": pa.nulls(rows, pa.list_(pa.int32())),
        "values": values,
    }
    return pa.StructArray.from_arrays(list(fields.values()), list(fields))

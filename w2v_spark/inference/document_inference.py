"""Vectors of documents that a model has not seen: its weights stay as they are, and only their rows are trained."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.config import Config, ModelConfig
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.errors import ConfigError, InputError, Name
from w2v_spark.inference.encoding import EncodedDocuments, encode_documents
from w2v_spark.kernels.arguments import STATISTICS, Documents, Weights
from w2v_spark.kernels.infer import infer_documents
from w2v_spark.kernels.infer_bags import infer_bags
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rows import draw_rows
from w2v_spark.kernels.window_step import build_scratch
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.tables import SamplingTables
from w2v_spark.phrases.units import NO_UNITS, Units
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.publishing.layout import STATE
from w2v_spark.publishing.state import open_state, read_tables
from w2v_spark.publishing.versions import open_result
from w2v_spark.text.user_tokenizer import other_tokenizer
from w2v_spark.training.matrix_files import Matrix, MatrixReader
from w2v_spark.training.trainer import build_model
from w2v_spark.training.weights import WeightShape
from w2v_spark.vectors.reading import open_vectors

DOCUMENTS_AT_A_TIME: Final = 1 << 10


@dataclass(frozen=True, slots=True, eq=False)
class InferredBatch:
    """Some documents with their vectors.

    Attributes
    ----------
    tokens : (n,) int64
        Words of the vocabulary in each.
    matrix : (n, D) float32
        NaN for a document without a word of the vocabulary.
    """

    tokens: npt.NDArray[np.int64]
    matrix: Matrix

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Documents without a vector, (n,)."""
        return np.asarray(self.tokens == 0)


class DocumentInference:
    """Infers vectors of documents, in this process.

    Equal text gives equal vectors, always and on any machine: what is drawn at random goes by the content. A document
    may have any length. Words that the model does not know count for nothing.

    Parameters
    ----------
    config : Config
        Of the model; ``[infer]`` says how long is trained.
    words : pa.StringArray, (V,)
        The vocabulary.
    tables : SamplingTables
        Of the model.
    weights : Weights
        Both matrices, with D padded; the input matrix may be empty for ``pv_dbow``, whose rows of documents meet the
        output matrix alone.
    units : Units
        Of the model: what words become.
    """

    def __init__(
        self,
        config: Config,
        words: pa.StringArray,
        tables: SamplingTables,
        weights: Weights,
        units: Units = NO_UNITS,
    ) -> None:
        self.config, self._weights, self._tables = config, weights, tables
        model = inferred_model(config.model)
        self._table, self._analyzer = WordTable.from_words(words), units.analyzer(config.text)
        self._model = kernel = build_model(model, self._tables, freeze_input=True, freeze_output=True)
        self._scratch = build_scratch(kernel.most_inputs, kernel.most_rows, kernel.dim)

    @classmethod
    def load(cls, location: str | PathLike[str], **infer: Any) -> DocumentInference:
        """Open a model of documents.

        Parameters
        ----------
        location : str or Path
            The output directory of a run, or a root of versions.
        **infer
            Settings of ``[infer]`` that take the place of the model's: ``epochs=100``.

        Raises
        ------
        ConfigError
            The model knows nothing of documents, or a setting is not allowed.
        StoreError
            There is no complete model, or it is damaged.

        Notes
        -----
        Memory: the output matrix, 4 V D bytes with D padded to 16, for ``pv_dm`` both matrices, and the vocabulary.
        """
        opened = open_model(location)
        config = opened.description.config.replace(infer=infer)
        for warning in other_tokenizer(config.text, opened.description.packages):
            warnings.warn(warning, stacklevel=2)
        weights = Weights(*(padded_matrix(matrix, config.model.dim) for matrix in opened.needed()))
        return cls(config, opened.words, opened.tables, weights, opened.units)

    @property
    def dim(self) -> int:
        """D."""
        return self.config.model.dim

    def infer(self, texts: Sequence[str] | Sequence[Sequence[str]] | pa.Array) -> Matrix:
        """The vectors of some documents, (n, D) float32; NaN for one without a word that the model knows.

        Parameters
        ----------
        texts : sequence of str, or of sequences of str
            Text, which is cut into words as the model's was; or the words. Null has no word.

        Raises
        ------
        InputError
            They are neither, or one string that is not in a list.

        Notes
        -----
        Cost: as training of `infer.epochs` epochs; no other document counts. One core.
        """
        batches = [batch.matrix for batch in self.batches(_as_column(texts))]
        return np.concatenate(batches) if batches else np.empty((0, self.dim), np.float32)

    def batches(self, column: pa.Array) -> Iterator[InferredBatch]:
        """The same for a column of text or of lists of words, some documents at a time."""
        for start in range(0, len(column), DOCUMENTS_AT_A_TIME):
            yield self._batch(column.slice(start, DOCUMENTS_AT_A_TIME))

    def _batch(self, column: pa.Array) -> InferredBatch:
        encoded = encode_documents(column, self._analyzer, self._table, self.config.text.max_sentence_length)
        matrix = self._train(encoded)[:, : self.dim].copy()
        matrix[encoded.tokens == 0] = np.nan
        return InferredBatch(encoded.tokens, matrix)

    def _train(self, encoded: EncodedDocuments) -> Matrix:
        settings, number = self.config.infer, len(encoded.keys)
        rows = aligned_zeros(number, padded(self.dim))
        rows[:, : self.dim] = draw_rows(encoded.keys, np.uint64(self.config.train.seed), self.dim)
        if not self._model.averaged:
            starts = encoded.offsets[encoded.starts]
            infer_bags(
                encoded.ids, starts, encoded.keys, np.argsort(np.diff(starts), kind="stable"), settings.epochs,
                settings.learning_rate, settings.min_learning_rate, np.uint64(self.config.train.seed),
                self._weights.w_out, rows, self._model, self._tables, self._scratch,
            )  # fmt: skip
            return rows
        owners = np.repeat(np.arange(number), np.diff(encoded.starts))
        documents = Documents(rows, owners, np.zeros(number + 1, np.int64), np.zeros(0, np.int64))
        infer_documents(
            encoded.ids, encoded.offsets, encoded.starts, encoded.keys, settings.epochs, settings.learning_rate,
            settings.min_learning_rate, self._weights, documents, self._model, self._tables, self._scratch,
            np.zeros(STATISTICS),
        )  # fmt: skip
        return rows


def inferred_model(model: ModelConfig) -> ModelConfig:
    """What is trained of a model while all rows but those of documents stay as they are.

    With the output matrix frozen nothing of ``pv_dbow``'s rows of words reaches those of documents.
    """
    return model if input_rows_of(model).averaged else replace(model, dbow_words=False)


@dataclass(frozen=True, slots=True, eq=False)
class OpenModel:
    """A published model of documents.

    Attributes
    ----------
    description : ModelDescription
    words : pa.StringArray, (V,)
    counts : (V,) int64
    tables : SamplingTables
    weights : the input and the output matrix, (rows, D) float32 each
        The input matrix has rows of words, if they have some, and of tags behind them.
    units : Units
        What the words of the text have become.
    """

    description: ModelDescription
    words: pa.StringArray
    counts: npt.NDArray[np.int64]
    tables: SamplingTables
    weights: tuple[MatrixReader, MatrixReader]
    units: Units = NO_UNITS

    def needed(self) -> tuple[MatrixReader, MatrixReader]:
        """What of the matrices inference reads."""
        inputs, outputs = self.weights
        is_read = input_rows_of(inferred_model(self.description.config.model)).words
        return inputs[0 : len(self.words) if is_read else 0], outputs


def open_model(location: str | PathLike[str]) -> OpenModel:
    """Open a model of documents; matrices are mapped where they are on a local disk.

    Raises
    ------
    ConfigError, StoreError
        See `DocumentInference.load`.
    """
    directory = open_result(location)
    description = ModelDescription.read(directory)
    model = description.config.model
    if not input_rows_of(model).documents:
        raise ConfigError(
            Name("model"), f" {directory.uri} is a model of words ({model.architecture}), which has no vectors of "
            "documents; train one with ", Name("model.architecture"), " = 'pv_dbow' or 'pv_dm'",
        )  # fmt: skip
    table = open_vectors(directory.uri)
    shape = WeightShape.build(model, len(table.words), description.encoded.tags)
    state = directory.child(STATE)
    return OpenModel(
        description, table.words, table.counts, read_tables(state), open_state(state, shape), Units.read(directory)
    )


def padded_matrix(matrix: MatrixReader, dim: int) -> Matrix:
    """A matrix in memory as the kernels read it: D padded to whole registers with zeros."""
    out = aligned_zeros(len(matrix), padded(dim))
    for start in range(0, len(matrix), 1 << 15):
        out[start : start + (1 << 15), :dim] = matrix[start : start + (1 << 15)]
    return out


def _as_column(texts: Any) -> pa.Array:
    if isinstance(texts, pa.Array):
        return texts
    if isinstance(texts, str):
        raise InputError("texts is one string; expected a list of documents: infer([text])")
    try:
        column = pa.array(texts)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InputError(f"texts are neither all text nor all lists of words: {error}") from error
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    is_words = pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type)
    if not (is_words or pa.types.is_string(column.type)):
        if pa.types.is_list(column.type) and pa.types.is_null(column.type.value_type):
            return column.cast(pa.list_(pa.string()))
        raise InputError(f"texts are of type {column.type}; expected text, or lists of words")
    return column

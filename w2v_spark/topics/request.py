"""What is asked of a search for topics, checked before Spark starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from w2v_spark.config import TextConfig
from w2v_spark.errors import ConfigError, InputError, Name, StoreError
from w2v_spark.publishing.description import ModelDescription, run_of
from w2v_spark.publishing.layout import VECTORS
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.topics.documents import DocumentFiles
from w2v_spark.topics.settings import TopicSettings
from w2v_spark.topics.tables import leaf_rows, read_topics, to_matrix
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.table_files import describe_vectors


@dataclass(frozen=True, slots=True, eq=False)
class KnownTopics:
    """Topics that were found before.

    Attributes
    ----------
    location : str
    ids : int32, (T,)
    vectors : float32, (T, D)
        Of length 1.
    next_id : int
        The first number that no topic has had.
    run : str, optional
        The run that has made the model they were found in.
    """

    location: str
    ids: npt.NDArray[np.int32]
    vectors: Matrix
    next_id: int
    run: str | None = None

    @classmethod
    def read(cls, location: str) -> KnownTopics:
        """Those that a result of ``w2v-spark topics`` has found. Raises `StoreError` as `read_topics` does."""
        directory, table, described = read_topics(location)
        leaves = leaf_rows(table)
        try:
            dim, next_id = int(described["dim"]), int(described["next_id"])
            vectors, run = to_matrix(leaves["vector"], dim), described["model"]["run"]
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{directory.uri}/topics.json is damaged: {error!r}") from error
        return cls(directory.uri, leaves["id"].to_numpy().astype(np.int32), vectors, next_id, run)

    def refuse_other_model(self, location: str) -> None:
        """Raise `InputError` if a model, or documents that were inferred, are known to be of another model."""
        run = run_of(open_result(location))
        if self.run and run and run != self.run:
            raise InputError(
                f"the topics of {self.location} were found in another model (run {self.run}) than that of {location} "
                f"(run {run}), and vectors of two models cannot be compared: give the model that the topics are of, or "
                "documents that it has inferred"
            )


@dataclass(frozen=True, slots=True, eq=False)
class TopicRequest:
    """What is asked for, checked.

    Attributes
    ----------
    model : str
        The directory of the model, of one version.
    documents : DocumentFiles
    settings : TopicSettings
    text : TextConfig, optional
        How the text is read that topics are measured on; None where they are not.
    previous : KnownTopics, optional
        Topics whose numbers are kept.
    previous_model : str, optional
        Where the words of the space are in which these topics are.
    """

    model: str
    documents: DocumentFiles
    settings: TopicSettings
    text: TextConfig | None = None
    previous: KnownTopics | None = None
    previous_model: str | None = None

    @classmethod
    def build(
        cls,
        model: str,
        settings: TopicSettings,
        measured: bool = False,
        previous: str | None = None,
        previous_model: str | None = None,
    ) -> TopicRequest:
        """Look at what is there, without reading vectors of documents.

        Parameters
        ----------
        measured : bool
            Whether topics are measured on text.

        Raises
        ------
        ConfigError
            Only one of ``previous`` and ``previous_model`` is given.
        InputError
            The model has no documents, or none with a vector; or it has no words where they are needed.
        StoreError
            Something is not complete or damaged.
        """
        if (previous is None) != (previous_model is None):
            given, other = ("previous", "previous-model") if previous else ("previous-model", "previous")
            raise ConfigError(
                Name(given),
                " needs ",
                Name(other),
                ": topics are compared by way of the words of both models",
            )
        directory = open_result(model)
        documents = DocumentFiles.find(directory.uri)
        if not documents.dim:
            raise InputError(f"{documents.directory} has {documents.total} documents, none of which has a vector")
        request = cls(
            directory.uri,
            documents,
            settings,
            ModelDescription.read(directory).config.text if measured else None,
            None if previous is None else KnownTopics.read(previous),
            None if previous_model is None else open_result(previous_model).uri,
        )
        if request.has_words:
            describe_vectors(directory.uri)
        elif measured or previous is not None:
            raise InputError(f"{directory.uri} has no {VECTORS}/: without word vectors topics can neither be measured "
                             "nor compared with earlier ones")  # fmt: skip
        if request.previous_model is not None:
            describe_vectors(request.previous_model)
        if request.previous is not None and request.previous_model is not None:
            request.previous.refuse_other_model(request.previous_model)
        if request.previous is not None and request.previous.vectors.shape[1] != documents.dim:
            raise InputError(
                f"the topics of {request.previous.location} are of length {request.previous.vectors.shape[1]} and the "
                f"documents of {directory.uri} of {documents.dim}: they cannot be compared; leave them out"
            )
        return request

    @property
    def has_words(self) -> bool:
        """Whether the model has word vectors, by which topics are named."""
        return open_result(self.model).exists(VECTORS)

    def describe_model(self) -> dict[str, Any]:
        """By which the model is recognised."""
        return {"location": hide(self.model), "run": run_of(open_result(self.model))}

"""What a report is made of, read from the directory of a result."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

from w2v_spark.errors import StoreError
from w2v_spark.publishing.description import FORMAT_VERSION, ModelDescription, read_history
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, REPORT_FILE, SUCCESS_FILE, VECTORS
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.report.words import Words
from w2v_spark.storage import Directory, damage_naming
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.reading import open_vectors


@dataclass(frozen=True, slots=True)
class Round:
    """A round of the history.

    Attributes
    ----------
    number : int
        From 0.
    tokens : int
        Words read.
    end : int
        Words read in this round and all before.
    loss, learning_rate, words_per_second : float
    seconds : dict of str to float
        As in ``history.json``.
    """

    number: int
    tokens: int
    end: int
    loss: float
    learning_rate: float
    words_per_second: float
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Content:
    """All that a report shows.

    Attributes
    ----------
    name : str
        Of the directory.
    described : ModelDescription, optional
        None for vectors of another program.
    imported : dict
        What ``model.json`` says of those, else empty.
    rounds : tuple of Round
        Empty where there is no history.
    words : Words, optional
        None for a model without vectors of words.
    version : dict
        ``report.json`` of a version, else empty.
    evaluation : dict
        What ``w2v-spark evaluate --output`` has written, if it was given, else empty.
    """

    name: str
    described: ModelDescription | None
    imported: Mapping[str, Any]
    rounds: tuple[Round, ...]
    words: Words | None
    version: Mapping[str, Any]
    evaluation: Mapping[str, Any]

    @classmethod
    def read(cls, location: str | PathLike[str], evaluation: str | PathLike[str] | None = None) -> Content:
        """Look at a result.

        Parameters
        ----------
        location : str or Path
            The output directory of a training or an import, a root of versions, or ``ROOT@version``.
        evaluation : str or Path, optional
            A file that ``w2v-spark evaluate --output`` has written.

        Raises
        ------
        StoreError
            There is no complete result, or a file of it is damaged; or ``evaluation`` is no JSON object.
        ConfigError
            There is no such version.

        Notes
        -----
        Cost: words and counts are read, and the vectors once: 30 words are compared with all.
        """
        directory = open_result(location)
        if not directory.exists(SUCCESS_FILE):
            raise StoreError(f"{hide(directory.uri)} holds no complete result: give the output directory of a run")
        model = directory.read_json(MODEL_FILE)
        is_imported = "import" in model and model.get("format_version") == FORMAT_VERSION
        described = None if is_imported else ModelDescription.read(directory)
        return cls(
            posixpath.basename(directory.path.rstrip("/")),
            described,
            model if is_imported else {},
            read_rounds(directory),
            _read_words(directory),
            directory.read_json(REPORT_FILE) if directory.exists(REPORT_FILE) else {},
            {} if evaluation is None else _read_evaluation(evaluation),
        )


def read_rounds(directory: Directory) -> tuple[Round, ...]:
    """The history of a result; nothing where there is none. Raises `StoreError` if it is damaged."""
    if not directory.exists(HISTORY_FILE):
        return ()
    rounds: list[Round] = []
    with damage_naming(f"{directory.uri}/{HISTORY_FILE}"):
        for given in read_history(directory):
            tokens, seconds = int(given["tokens"]), {key: float(value) for key, value in given["seconds"].items()}
            end = tokens + (rounds[-1].end if rounds else 0)
            loss, rate, speed = (float(given[key]) for key in ("loss", "learning_rate", "words_per_second"))
            rounds.append(Round(int(given["round"]), tokens, end, loss, rate, speed, seconds))
    return tuple(rounds)


def _read_words(directory: Directory) -> Words | None:
    if not directory.exists(VECTORS):
        return None
    table = open_vectors(directory.uri)
    return Words.of(KeyedVectors(table.words, table.stack, table.counts))


def _read_evaluation(location: str | PathLike[str]) -> Mapping[str, Any]:
    place = Directory.open(location)
    folder, name = posixpath.split(place.path)
    return Directory(folder, place.filesystem, folder).read_json(name)


def sequence(value: Any) -> Sequence[Any]:
    """A list of a file that may have been written by another version of this program; empty for anything else."""
    return value if isinstance(value, list) else []


def mapping(value: Any) -> Mapping[str, Any]:
    """The same of an object."""
    return value if isinstance(value, dict) else {}

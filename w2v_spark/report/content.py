"""What a report is made of, read from the directory of a result."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, Final

from pyarrow import fs

from w2v_spark.errors import StoreError
from w2v_spark.publishing.description import FORMAT_VERSION, ModelDescription, read_history
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE, REPORT_FILE, SUCCESS_FILE, VECTORS
from w2v_spark.publishing.versions import open_result
from w2v_spark.redaction import hide
from w2v_spark.report.changes import Changes
from w2v_spark.report.counted import Step, read_decomposition
from w2v_spark.report.markup import mapping
from w2v_spark.report.near import Labelled
from w2v_spark.report.topic_list import Topics, find_topics
from w2v_spark.report.words import Words
from w2v_spark.storage import Directory, damage_naming
from w2v_spark.vectors.reading import open_vectors, read_counts
from w2v_spark.vectors.table_files import describe_vectors

_EVALUATION: Final = "give a file that 'w2v-spark evaluate --output' or 'translate --report' has written"


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
    pairs : int
        Without any, as of little text, its loss says nothing.
    loss, learning_rate, words_per_second : float
    seconds : dict of str to float
        As in ``history.json``.
    """

    number: int
    tokens: int
    end: int
    pairs: int
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
    imported, aligned : dict
        What ``model.json`` says of vectors of another program, and of those that were mapped onto another space; else
        empty.
    rounds : tuple of Round
        Empty where there is no history, or where counts were decomposed.
    words : Words, optional
        None for a model without vectors of words.
    version : dict
        ``report.json`` of a version, else empty.
    evaluation : dict
        What ``w2v-spark evaluate --output`` or ``translate --report`` has written, if it was given, else empty.
    labelled : Labelled, optional
        Documents and tags, where the model has them.
    topics : Topics, optional
    changes : Changes, optional
        The words that have changed most, where that is known.
    steps : tuple of Step
        Of the decomposition, where there was one.
    """

    name: str
    described: ModelDescription | None
    imported: Mapping[str, Any]
    aligned: Mapping[str, Any]
    rounds: tuple[Round, ...]
    words: Words | None
    version: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    labelled: Labelled | None = None
    topics: Topics | None = None
    changes: Changes | None = None
    steps: tuple[Step, ...] = ()

    @classmethod
    def read(
        cls,
        location: str | PathLike[str],
        evaluation: str | PathLike[str] | None = None,
        topics: str | PathLike[str] | None = None,
        drift: str | PathLike[str] | None = None,
    ) -> Content:
        """Look at a result.

        Parameters
        ----------
        location : str or Path
            The output directory of a training or an import, a root of versions, or ``ROOT@version``.
        evaluation : str or Path, optional
            A file that ``w2v-spark evaluate --output`` or ``translate --report`` has written.
        topics : str or Path, optional
            A result of ``w2v-spark topics``; without it one is looked for beside the model, see `find_topics`.
        drift : str or Path, optional
            A result of ``w2v-spark drift``, in the place of what the version says itself.

        Raises
        ------
        StoreError
            There is no complete result, or a file of it is damaged; or ``evaluation`` is no JSON object,
            or there are no such results.
        ConfigError
            There is no such version.

        Notes
        -----
        Cost: words and counts are read, and the vectors once: 30 words are compared with all; and each of some
        documents with all documents.
        """
        directory = open_result(location)
        if not directory.exists(SUCCESS_FILE):
            raise StoreError(f"{hide(directory.uri)} holds no complete result: give the output directory of a run")
        if not directory.exists(MODEL_FILE):
            raise StoreError(
                f"{hide(directory.uri)} holds no model: give the output of train, retrain, import or align"
            )
        model = directory.read_json(MODEL_FILE)
        is_ours = model.get("format_version") == FORMAT_VERSION
        imported, aligned = (mapping(model.get(key)) if is_ours else {} for key in ("import", "alignment"))
        described = None if imported or aligned else ModelDescription.read(directory)
        version = directory.read_json(REPORT_FILE) if directory.exists(REPORT_FILE) else {}
        beside = find_topics(directory, described.run) if described is not None and topics is None else topics
        return replace(
            cls.gather(directory, posixpath.basename(directory.path.rstrip("/")), described, version),
            imported=imported,
            aligned=aligned,
            evaluation={} if evaluation is None else _read_evaluation(evaluation),
            labelled=Labelled.read(directory),
            topics=None if beside is None else Topics.read(beside),
            changes=Changes.of_version(directory) if drift is None else Changes.read(drift),
        )

    @classmethod
    def gather(
        cls,
        directory: Directory,
        name: str,
        described: ModelDescription | None,
        version: Mapping[str, Any],
        compares: bool = True,
    ) -> Content:
        """The same of a directory of which nobody has said yet that it is complete, and which has no ``model.json``.

        Parameters
        ----------
        directory : Directory
        name : str
        described : ModelDescription, optional
            What that file will say.
        version : mapping
            What ``report.json`` will say.
        compares : bool
            Read the vectors, and look for neighbours of some words.
        """
        rounds, steps = read_rounds(directory), read_decomposition(directory)
        return cls(name, described, {}, {}, rounds, _read_words(directory, compares), version, {}, steps=steps)


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
            rounds.append(Round(int(given["round"]), tokens, end, int(given["pairs"]), loss, rate, speed, seconds))
    return tuple(rounds)


def _read_words(directory: Directory, compares: bool) -> Words | None:
    if not directory.exists(VECTORS):
        return None
    table = directory.child(VECTORS).uri
    if compares:
        return Words.of(open_vectors(table))
    return Words.counted(*read_counts(table), describe_vectors(table).dim or 0)


def _read_evaluation(location: str | PathLike[str]) -> Mapping[str, Any]:
    place = Directory.open(location)
    if place.filesystem.get_file_info(place.path).type == fs.FileType.Directory:
        raise StoreError(f"{hide(place.uri)} is a directory: {_EVALUATION}")
    folder, name = posixpath.split(place.path)
    evaluation = Directory(folder, place.filesystem, folder).read_json(name)
    if not evaluation.keys() & {"vectors", "dictionary"}:
        raise StoreError(f"{hide(place.uri)} is no evaluation: {_EVALUATION}")
    return evaluation

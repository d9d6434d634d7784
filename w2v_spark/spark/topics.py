"""Topics as tables: found in a sample, given to all documents, named, measured and published."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pyspark.sql import SparkSession

from w2v_spark.phrases.units import Units
from w2v_spark.publishing.description import describe_packages
from w2v_spark.publishing.part_names import name_by_content
from w2v_spark.publishing.publication import Publication
from w2v_spark.retraining.rotation import Rotation
from w2v_spark.run.progress import Progress
from w2v_spark.spark.source import Source
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.spark.topic_assignment import assign_documents
from w2v_spark.spark.topic_sample import Sample, draw_sample, find_nearest
from w2v_spark.spark.topic_text import measure_topics
from w2v_spark.storage import Directory
from w2v_spark.topics.assignment import Tally, Topics, assign_rows
from w2v_spark.topics.centroids import find_topics
from w2v_spark.topics.coherence import MEASURED_WORDS, Measures, diversity
from w2v_spark.topics.discovery import PACKAGES, find_clusters
from w2v_spark.topics.documents import DocumentFiles
from w2v_spark.topics.hierarchy import Hierarchy, build_hierarchy
from w2v_spark.topics.matching import Matching, match_topics, rotate_onto, rotated
from w2v_spark.topics.request import KnownTopics, TopicRequest
from w2v_spark.topics.tables import DOCUMENT_TOPICS, TOPICS, TOPICS_FILE, TopicRows, write_topics
from w2v_spark.topics.words import TopicWords, find_words
from w2v_spark.vectors.blocks import Matrix
from w2v_spark.vectors.reading import open_vectors

_TABLE: Final = "table"


@dataclass(frozen=True, slots=True, eq=False)
class TopicSummary:
    """What a command says at the end.

    Attributes
    ----------
    documents, assigned : int
        Documents, and those that have a topic.
    titles : list of (int, str, int)
        Number, title and size of each topic, the largest first.
    described : dict
        What ``topics.json`` says.
    """

    documents: int
    assigned: int
    titles: list[tuple[int, str, int]]
    described: dict[str, Any]


def write_topic_tables(
    spark: SparkSession,
    request: TopicRequest,
    target: Publication,
    progress: Progress,
    source: Source | None = None,
    tasks: int | None = None,
) -> TopicSummary:
    """Find topics and publish them, whole or not at all.

    Parameters
    ----------
    request, target
        Checked already.
    source : Source, optional
        The text of the documents, with their ids, on which topics are measured.
    tasks : int, optional
        How many Spark tasks share the work; by default as many as there are pieces of it. It changes no byte of the
        tables.

    Raises
    ------
    InputError, StoreError
        See `DocumentFiles`; a table was changed meanwhile; or no document of ``source`` is one of the model.
    MissingExtra
        A library of the extra ``topics`` is not installed.

    Notes
    -----
    The driver holds the sample, its neighbours and its layout, T x D numbers, and V words with their counts. Nothing
    there grows with the number of documents.
    """
    begin, files, settings = time.perf_counter(), request.documents, request.settings
    with target.beside() as staging, translated_errors():
        documents = None if source is None else source.open(spark)  # what is wrong with it is said at once
        rotation = _rotate(request)
        with progress.stage("sample"):
            sample = draw_sample(spark, files, settings, staging, tasks)
        with progress.stage("neighbours"):
            ids, similarities = find_nearest(spark, sample, settings, staging, tasks)
        with progress.stage("layout"):
            vectors, areas = _discover(request, sample, ids, similarities)
        matching = _number(request, vectors, rotation)
        table = staging.child(_TABLE).create()
        with progress.stage("assign"):
            tally = assign_documents(
                spark, files, (vectors, matching.ids), settings.top_documents, staging, table.child(DOCUMENT_TOPICS),
                _metadata(files, vectors), tasks,
            )  # fmt: skip
        with progress.stage("words"):
            hierarchy = build_hierarchy(vectors, tally.sizes)
            numbers = _number_merged(matching, hierarchy)
            words = _name(request, hierarchy, numbers)
        measures = None
        if documents is not None and request.text is not None and len(vectors):
            with progress.stage("measures"):
                first = [row[:MEASURED_WORDS] for row in words.words[: len(vectors)]]
                analyzer = Units.read(Directory.open(request.model)).analyzer(request.text)
                measures = measure_topics(
                    spark, documents, analyzer, files, table.child(DOCUMENT_TOPICS),
                    (matching.ids.tolist(), first),
                )  # fmt: skip
        files.check_unchanged()
        with progress.stage("publish"):
            rows = TopicRows(
                numbers, hierarchy, tally, words,
                {} if measures is None else measures.information_gain, {} if measures is None else measures.npmi,
            )  # fmt: skip
            write_topics(table.child(TOPICS), rows.to_table(files.id_type), _metadata(files, vectors))
            described = {
                **_describe(request, sample, areas, matching, numbers),
                "documents": _describe_documents(files, tally),
                "measures": _describe_measures(rows, measures),
                "packages": describe_packages(*PACKAGES, "pyarrow"),
                "timings": dict(progress.seconds),
            }
            _publish(target, staging, table, described, (TOPICS, DOCUMENT_TOPICS))
    described["timings"] = {**progress.seconds, "total": round(time.perf_counter() - begin, 3)}
    titles = [(int(numbers[row]), words.title(row), int(tally.sizes[row])) for row in range(len(vectors))]
    titles.sort(key=lambda topic: (-topic[2], topic[0]))
    return TopicSummary(files.total, int(tally.sizes.sum()), titles, described)


def write_assignment(
    spark: SparkSession,
    topics: KnownTopics,
    files: DocumentFiles,
    target: Publication,
    progress: Progress,
    tasks: int | None = None,
) -> TopicSummary:
    """Give documents to topics that are there, and publish that; the topics stay as they are.

    Parameters and errors are those of `write_topic_tables`.
    """
    begin = time.perf_counter()
    with target.beside() as staging, translated_errors():
        table = staging.child(_TABLE).create()
        with progress.stage("assign"):
            tally = assign_documents(
                spark, files, (topics.vectors, topics.ids), 0, staging, table.child(DOCUMENT_TOPICS),
                _metadata(files, topics.vectors), tasks,
            )  # fmt: skip
        files.check_unchanged()
        sizes = {str(id): size for id, size in zip(topics.ids.tolist(), tally.sizes.tolist(), strict=True)}
        with progress.stage("publish"):
            described = {
                **_head(files),
                "assigned_to": topics.location,
                "next_id": topics.next_id,
                "topics": len(topics.ids),
                "sizes": sizes,
                "documents": _describe_documents(files, tally),
                "packages": describe_packages("numpy", "numba", "pyarrow"),
                "timings": dict(progress.seconds),
            }
            _publish(target, staging, table, described, (DOCUMENT_TOPICS,))
    described["timings"] = {**progress.seconds, "total": round(time.perf_counter() - begin, 3)}
    return TopicSummary(files.total, int(tally.sizes.sum()), [], described)


def _discover(request: TopicRequest, sample: Sample, ids: Any, similarities: Matrix) -> tuple[Matrix, dict[str, int]]:
    """The vectors of topics, those with most documents of the sample first, and how they came about."""
    settings = request.settings
    labels = find_clusters(sample.unit, ids, similarities, settings)
    vectors = find_topics(sample.unit, labels, settings.merge_distance)
    areas = {"areas": int(labels.max(initial=-1)) + 1, "outside": int(np.count_nonzero(labels < 0))}
    if len(vectors):
        nearest, _ = assign_rows(sample.unit, vectors)
        sizes = np.bincount(nearest, minlength=len(vectors))
        order = np.argsort(-sizes, kind="stable")
        vectors = vectors[order[sizes[order] > 0]]  # what is nobody's nearest is no topic
    return vectors, areas


def _rotate(request: TopicRequest) -> Rotation | None:
    """The rotation of the space onto that of earlier topics; None where there are none."""
    if request.previous_model is None:
        return None
    return rotate_onto(open_vectors(request.previous_model), open_vectors(request.model))


def _number(request: TopicRequest, vectors: Matrix, rotation: Rotation | None) -> Matching:
    """Numbers by falling size in the sample; those of earlier topics where they are the same."""
    previous = request.previous
    if previous is None or rotation is None:
        return Matching(np.arange(len(vectors), dtype=np.int32), len(vectors), {})
    return match_topics(
        rotated(vectors, rotation), previous.vectors, previous.ids, previous.next_id, request.settings.match_similarity
    )


def _number_merged(matching: Matching, hierarchy: Hierarchy) -> Topics:
    """The numbers of all topics of the tree; those that merging has made get new ones, never used before."""
    merged = len(hierarchy.nodes) - len(matching.ids)
    new = np.arange(matching.next_id, matching.next_id + merged, dtype=np.int32)
    return np.concatenate([matching.ids, new]).astype(np.int32)


def _name(request: TopicRequest, hierarchy: Hierarchy, numbers: Topics) -> TopicWords:
    """The words of all topics; where the model has none, topics are called by their numbers."""
    if not request.has_words:
        return TopicWords.nameless([f"topic {number}" for number in numbers.tolist()])
    return find_words(open_vectors(request.model), hierarchy.vectors, request.settings)


def _publish(
    target: Publication, staging: Directory, table: Directory, described: dict[str, Any], folders: tuple[str, ...]
) -> None:
    for folder in folders:
        name_by_content(table.child(folder))
    table.write_json(TOPICS_FILE, described)
    target.replace_by(staging, _TABLE)


def _metadata(files: DocumentFiles, vectors: Matrix) -> dict[str, str]:
    return {"documents": str(files.total), "topics": str(len(vectors)), "dim": str(files.dim)}


def _head(files: DocumentFiles) -> dict[str, Any]:
    return {"made_by": "w2v-spark", "format_version": 1, "dim": files.dim}


def _describe(
    request: TopicRequest, sample: Sample, areas: dict[str, int], matching: Matching, numbers: Topics
) -> dict[str, Any]:
    settings = request.settings
    previous = None if request.previous is None else {"location": request.previous.location, **matching.report}
    return {
        **_head(request.documents),
        "model": request.describe_model(),
        "settings": settings.to_dict(),
        "next_id": matching.next_id + len(numbers) - len(matching.ids),
        "topics": len(matching.ids),
        "sample": {
            "usable": sample.usable,
            "distinct": sample.distinct,
            "drawn": len(sample.unit),
            "min_cluster_size": settings.cluster_size(len(sample.unit)),
            **areas,
        },
        **({} if previous is None else {"previous": previous}),
    }


def _describe_documents(files: DocumentFiles, tally: Tally) -> dict[str, Any]:
    assigned = int(tally.sizes.sum())
    mean = float(tally.similarities.sum()) / assigned if assigned else None
    return {"location": files.directory, "total": files.total, "assigned": assigned, "similarity": mean}


def _describe_measures(rows: TopicRows, measures: Measures | None) -> dict[str, Any]:
    words = rows.words.words[: rows.found]
    if measures is None:
        return {"diversity": diversity(words)} if any(words) else {}
    npmis = list(measures.npmi.values())
    return {
        "documents": measures.documents,
        "tokens": measures.tokens,
        "information_gain": sum(measures.information_gain.values()),
        "npmi": float(np.mean(npmis)) if npmis else None,
        "diversity": measures.diversity,
    }

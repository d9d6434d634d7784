"""``w2v-spark topics``: find topics in the documents of a model, or give documents to topics, on Spark."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from w2v_spark.cli.input_options import add_input_arguments, build_input
from w2v_spark.errors import ConfigError, Name
from w2v_spark.extras import require
from w2v_spark.publishing.layout import Kind
from w2v_spark.publishing.publication import Publication
from w2v_spark.redaction import hide
from w2v_spark.storage import Directory

if TYPE_CHECKING:
    from w2v_spark.spark.source import Input
    from w2v_spark.spark.topics import TopicSummary
    from w2v_spark.topics.settings import TopicSettings

EXAMPLE: Final = (
    "w2v-spark topics --model model --output topics\n"
    "w2v-spark topics --model model --output topics --input texts.parquet --column text --id name\n"
    "w2v-spark topics --assign topics --documents inferred --output new-topics"
)
_SHOWN: Final = 20
_OF_SETTINGS: Final = (
    ("--seed", int, "N", "another one draws other documents and lays them out anew (default 1)"),
    ("--sample", int, "N", "documents, at most, in which topics are looked for (default 200000)"),
    ("--neighbours", int, "N", "nearest documents from which the layout is made (default 15)"),
    ("--dimensions", int, "N", "of the layout in which dense areas are looked for (default 5)"),
    ("--min-cluster-size", int, "N", "documents of the sample that make a topic (default: by --cluster-share)"),
    ("--cluster-share", float, "SHARE", "of the sample that makes a topic, at least 15 documents (default 0.0005)"),
    ("--largest-share", float, "SHARE", "of the sample above which an area is split in its dense parts (default 0.5)"),
    ("--merge-distance", float, "X", "topics are one up to this 1 - cosine (default 0.1)"),
    ("--min-tokens", int, "N", "look for topics in documents of so many words (default 1); all are given to topics"),
    ("--words", int, "N", "nearest words listed with a topic (default 50)"),
    ("--min-word-count", int, "N", "rarer words name no topic (default 50, or less where few words are as frequent)"),
    ("--rarity-weight", float, "X", "let frequent words fall back, 0 not at all, 1 by their logarithm (default 0)"),
    ("--top-documents", int, "N", "most similar documents listed with a topic (default 10)"),
    ("--match-similarity", float, "X", "least cosine with which a topic keeps an earlier number (default 0.7)"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, see `w2v_spark.cli.parsers.CommandModule`."""
    parser.add_argument("--model", metavar="DIR", help="output directory of a training with documents: a path or a URI")
    parser.add_argument("--output", required=True, metavar="DIR", help="where the tables of topics go")
    parser.add_argument(
        "--assign", metavar="DIR", help="look for no topics: give the documents of --documents to those of this result"
    )
    parser.add_argument(
        "--documents", metavar="DIR", help="with --assign: a model, or what 'w2v-spark infer' has written"
    )
    parser.add_argument(
        "--previous",
        metavar="DIR",
        help="an earlier result, whose topics keep their numbers if still there",
    )
    parser.add_argument("--previous-model", metavar="DIR", help="the model that the earlier topics are of")
    for name, kind, value, text in _OF_SETTINGS:
        parser.add_argument(name, type=kind, metavar=value, help=text)
    add_input_arguments(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace the result in the output directory")
    parser.add_argument("--quiet", action="store_true", help="print errors and warnings only")


def run(options: argparse.Namespace) -> int:
    """Write the tables, and print a summary."""
    require("spark")
    check_options(options)
    target = Publication(Directory.open(options.output), Kind.TOPICS, options.overwrite)
    summary = _find(options, target) if options.assign is None else _assign(options, target)
    if not options.quiet:
        print(hide(format_summary(summary, target.directory.uri)))
    return 0


def check_options(options: argparse.Namespace) -> None:
    """Refuse options of the two uses of the command together. Raises `ConfigError`."""
    given = [name for name in (*_settings_given(options), "model", "previous", "previous_model") if _has(options, name)]
    reads_text = options.input or options.table or options.sql
    if options.tag:
        raise ConfigError(Name("tag"), " is for a training: topics are those of documents, whatever tags they have")
    if options.assign is not None:
        if options.documents is None:
            raise ConfigError(Name("assign"), " needs ", Name("documents"), ": what to give to the topics")
        if given or reads_text:
            name = given[0] if given else "input"
            raise ConfigError(Name(name), " is of no use with ", Name("assign"), ": the topics stay as they are")
        return
    if options.documents is not None:
        raise ConfigError(Name("documents"), " goes with ", Name("assign"), "; topics are those of ", Name("model"))
    if options.model is None:
        raise ConfigError(Name("model"), " is needed, or ", Name("assign"), "; see: w2v-spark topics --help")
    if reads_text and options.id is None:
        raise ConfigError(
            Name("id"), " is needed with ", Name("input"), ": text is brought together with documents by their ids"
        )
    if options.id is not None and not reads_text:
        raise ConfigError(Name("id"), " names a column of ", Name("input"), ", which is not given")


def _find(options: argparse.Namespace, target: Publication) -> TopicSummary:
    require("topics")
    from w2v_spark.publishing.description import ModelDescription
    from w2v_spark.run.progress import Progress
    from w2v_spark.spark.session import get_session
    from w2v_spark.spark.topics import write_topic_tables
    from w2v_spark.text.user_tokenizer import other_tokenizer
    from w2v_spark.topics.request import TopicRequest

    measured = bool(options.input or options.table or options.sql)
    request = TopicRequest.build(
        options.model, build_settings(options), measured, options.previous, options.previous_model
    )
    source: Input | None = None
    progress = Progress(quiet=options.quiet)
    if request.text is not None:
        for warning in other_tokenizer(request.text, ModelDescription.read(Directory.open(request.model)).packages):
            progress.warn(warning)
        source = build_input(options, options.column or request.text.column)
        target.check(source.locations)
        source.check()
    places = [request.model] + ([] if request.previous is None else [request.previous.location])
    target.check(places, "the model or the topics before")
    if not request.has_words:
        progress.warn(f"{request.model} has no word vectors: topics have no words")
    return write_topic_tables(get_session(), request, target, progress, source)


def _assign(options: argparse.Namespace, target: Publication) -> TopicSummary:
    from w2v_spark.errors import InputError
    from w2v_spark.run.progress import Progress
    from w2v_spark.spark.session import get_session
    from w2v_spark.spark.topics import write_assignment
    from w2v_spark.topics.documents import DocumentFiles
    from w2v_spark.topics.request import KnownTopics

    topics, files = KnownTopics.read(options.assign), DocumentFiles.find(options.documents)
    if files.dim and files.dim != topics.vectors.shape[1]:
        raise InputError(
            f"{files.directory} has vectors of length {files.dim} and the topics of {topics.location} are of length "
            f"{topics.vectors.shape[1]}: infer the documents with the model that the topics are of"
        )
    topics.refuse_other_model(options.documents)
    target.check([topics.location, options.documents], "the topics or the documents")
    return write_assignment(get_session(), topics, files, target, Progress(quiet=options.quiet))


def build_settings(options: argparse.Namespace) -> TopicSettings:
    """The settings that were given, and defaults for the others. Raises `ConfigError`."""
    from w2v_spark.topics.settings import TopicSettings

    return TopicSettings(**{name: getattr(options, name) for name in _settings_given(options)})


def _settings_given(options: argparse.Namespace) -> list[str]:
    from w2v_spark.topics.settings import TopicSettings

    return [field.name for field in fields(TopicSettings) if _has(options, field.name)]


def _has(options: argparse.Namespace, name: str) -> bool:
    return getattr(options, name) is not None


def format_summary(summary: TopicSummary, place: str) -> str:
    """The table at the end of a run, and the largest topics."""
    described, timings = summary.described, summary.described["timings"]
    measures = described.get("measures", {})
    rows = [
        ("documents", f"{summary.documents:,}, of which {summary.assigned:,} have a topic"),
        ("topics", f"{described['topics']:,}"),
        *((name, f"{measures[name]:.4f}") for name in ("information_gain", "npmi", "diversity") if measures.get(name)),
        *((name, f"{seconds:.1f} s") for name, seconds in timings.items()),
        ("tables", place),
    ]
    lines = [f"{name:<18}{value}" for name, value in rows]
    lines += [f"{id:>6}  {size:>12,}  {title}" for id, title, size in summary.titles[:_SHOWN]]
    if len(summary.titles) > _SHOWN:
        lines.append(f"  ... and {len(summary.titles) - _SHOWN:,} more")
    return "\n".join(lines)

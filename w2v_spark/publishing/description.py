"""What ``model.json`` and ``history.json`` say of a result, read and written in one place."""

from __future__ import annotations

import html
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module, metadata
from typing import Any, Final

import w2v_spark
from w2v_spark.config import COUNTED, Config
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import HISTORY_FILE, MODEL_FILE
from w2v_spark.storage import Directory
from w2v_spark.training.plan import Plan

FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class EncodedStatistics:
    """What of the corpus is trained on.

    Attributes
    ----------
    vocabulary_size : int
        V.
    kept_tokens, kept_sentences : int
        Words of the vocabulary, and sentences that have any.
    digest : str
        Of the encoded corpus: equal for equal text, whatever files it came in.
    kept_documents, tags : int
        Documents with vectors of their own, and values of their tags; 0 where words alone have vectors.
    ngrams : int
        Parts of words with vectors of their own; 0 where words are not taken apart.
    """

    vocabulary_size: int
    kept_tokens: int
    kept_sentences: int
    digest: str
    kept_documents: int = 0
    tags: int = 0
    ngrams: int = 0


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """How a published table was trained: the content of ``model.json``.

    Attributes
    ----------
    run : str
        Identity of the run that made it.
    config : Config
        As the user gave it: ``auto`` stays ``auto``.
    plan : Plan
        What ``auto`` has become.
    counted : CorpusStatistics
        What the first pass saw.
    encoded : EncodedStatistics
    input : dict
        By which the input is recognised, see `w2v_spark.spark.source.fingerprint`.
    packages : dict of str to str
        Versions of what it was made with.
    timings : dict of str to float
        Seconds of wall time of each stage, of all ``rounds``, and ``total``.
    """

    run: str
    config: Config
    plan: Plan
    counted: CorpusStatistics
    encoded: EncodedStatistics
    input: dict[str, Any]
    packages: dict[str, str]
    timings: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in the file."""
        return {
            "format_version": FORMAT_VERSION,
            "run": self.run,
            "config": self.config.to_dict(),
            "plan": asdict(self.plan),
            "corpus": {**asdict(self.counted), **asdict(self.encoded)},
            "input": self.input,
            "packages": self.packages,
            "timings": self.timings,
        }

    def labels(self) -> dict[str, str]:
        """What every file of a table says of the model, as JSON."""
        plain = self.to_dict()
        return {key: json.dumps(plain[key], ensure_ascii=False) for key in ("config", "plan", "corpus", "packages")}

    def write(self, directory: Directory) -> None:
        """Save as ``model.json``, whole or not at all."""
        directory.write_json(MODEL_FILE, self.to_dict())

    @classmethod
    def read(cls, directory: Directory) -> ModelDescription:
        """Load ``model.json``.

        Raises
        ------
        StoreError
            It is missing, damaged, of another format version, or describes no training: an imported table.
        """
        value = directory.read_json(MODEL_FILE)
        name = f"{directory.uri}/{MODEL_FILE}"
        if value.get("format_version") != FORMAT_VERSION:
            raise StoreError(
                f"{name} has format version {value.get('format_version')}, this program reads {FORMAT_VERSION}"
            )
        if "import" in value:
            raise StoreError(f"{name} describes vectors of another program, not a training")
        if "infer" in value:
            raise StoreError(f"{name} describes documents that a model has inferred; give the directory of that model")
        if "alignment" in value:
            raise StoreError(f"{name} describes vectors that were mapped into another space, not a training")
        try:
            corpus = value["corpus"]
            return cls(
                str(value["run"]),
                Config.from_dict(value["config"]),
                Plan(**value["plan"]),
                CorpusStatistics(**_of(CorpusStatistics, corpus)),
                EncodedStatistics(**_of(EncodedStatistics, corpus)),
                dict(value["input"]),
                dict(value["packages"]),
                dict(value["timings"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"{name} is damaged: {error!r}") from error

    def _rows_of_documents(self) -> list[tuple[str, str]]:
        """Of a model of documents."""
        known, tags = self.encoded.kept_documents, self.encoded.tags
        others = self.counted.documents - known
        rows = [("with vectors", f"{known:,} documents" + (f", {others:,} have no known word" if others > 0 else ""))]
        return (rows if known else []) + ([("tags", f"{tags:,} values")] if tags else [])

    def summary_rows(self, table: str) -> list[tuple[str, str]]:
        """The table at the end of a run: names and values as text."""
        stages = [stage for stage in ("count", "encode", "train", "publish") if stage in self.timings]
        other = self.timings["total"] - sum(self.timings[stage] for stage in stages)
        speed = self.encoded.kept_tokens * self.plan.epochs / max(self.timings["rounds"], 1e-3)
        is_counted = self.config.model.objective in COUNTED
        return [
            ("documents", f"{self.counted.documents:,}"),
            ("words", f"{self.counted.tokens:,}"),
            ("vocabulary", f"{self.encoded.vocabulary_size:,} words"),
            *self._rows_of_documents(),
            *([("n-grams", f"{self.encoded.ngrams:,}")] if self.encoded.ngrams else []),
            ("vectors", f"{self.config.model.dim} dimensions"),
            *([] if is_counted else [("shards x rounds", f"{self.plan.shards} x {self.plan.rounds}")]),
            *((stage, f"{self.timings[stage]:.1f} s") for stage in stages),
            ("other", f"{max(other, 0.0):.1f} s"),
            ("total", f"{self.timings['total']:.1f} s"),
            *([] if is_counted else [("training speed", f"{speed:,.0f} words/s")]),
            ("table", table),
        ]


def write_history(
    directory: Directory, rounds: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Save what happened in each round as ``history.json``, or in each step of a decomposition of counts."""
    directory.write_json(HISTORY_FILE, {"rounds": list(rounds), **({"steps": list(steps)} if steps else {})})


def read_history(directory: Directory) -> list[dict[str, Any]]:
    """The rounds of ``history.json``. Raises `StoreError` if it is missing or damaged."""
    rounds = directory.read_json(HISTORY_FILE).get("rounds")
    if not isinstance(rounds, list):
        raise StoreError(f"{directory.uri}/{HISTORY_FILE} is damaged: it has no rounds")
    return rounds


def read_steps(directory: Directory) -> list[dict[str, Any]]:
    """The steps of ``history.json``; none where there were rounds. Raises `StoreError` if it is missing or damaged."""
    steps = directory.read_json(HISTORY_FILE).get("steps", [])
    if not isinstance(steps, list):
        raise StoreError(f"{directory.uri}/{HISTORY_FILE} is damaged: its steps are no list")
    return steps


def describe_packages(*names: str) -> dict[str, str]:
    """Versions of this package, of Python, and of some libraries."""
    own = {"w2v_spark": w2v_spark.__version__, "python": platform.python_version()}
    return own | {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # a cluster's own Spark lies on the path and is not installed
        return str(import_module(name).__version__)


def to_html(caption: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A paragraph and a table, as a notebook shows them at the end of a cell."""

    def row(tag: str, cells: Sequence[str]) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    lines = [row("th", names), *(row("td", cells) for cells in rows)]
    return f"<p>{html.escape(caption)}</p><table>{''.join(lines)}</table>"


def _of(kind: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: values[each.name] for each in fields(kind) if each.name in values}


def run_of(directory: Directory) -> str | None:
    """The run that has made a model, or whose model has inferred documents; None where ``model.json`` says neither."""
    described = directory.read_json(MODEL_FILE) if directory.exists(MODEL_FILE) else {}
    run: str | None = described.get("run", described.get("model"))
    return run

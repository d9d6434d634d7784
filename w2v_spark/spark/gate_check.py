"""The gate between a training and the switch: what a new version is measured by, beside the one that readers follow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import Config
from w2v_spark.corpus.word_counts import WordCounts
from w2v_spark.errors import ConfigError, GateFailed, InputError, Name, StoreError
from w2v_spark.evaluation.gate_set import GateSet, report_of
from w2v_spark.evaluation.gates import DRIFT, HELD_OUT_LOSS, OVERLAP, Measured
from w2v_spark.evaluation.held_out import Trained, measure_held_out_loss
from w2v_spark.evaluation.measures import Result, measure_overlap
from w2v_spark.phrases.units import Units
from w2v_spark.publishing.description import ModelDescription
from w2v_spark.publishing.layout import REPORT_FILE, STATE, VECTORS
from w2v_spark.publishing.state import open_state
from w2v_spark.publishing.versions import State
from w2v_spark.retraining.drift import Common, overlaps
from w2v_spark.retraining.rotation import WordPairs
from w2v_spark.run.manifest import Run
from w2v_spark.run.progress import Progress
from w2v_spark.spark.gate_queries import check_queries, run_queries
from w2v_spark.spark.held_out import collect_held_out
from w2v_spark.storage import Directory
from w2v_spark.training.weights import WeightShape
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.reading import VectorTable, open_vectors


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """The candidate or the incumbent.

    Attributes
    ----------
    directory : Directory
        With ``vectors`` and ``state``.
    model : ModelDescription
    table : VectorTable
    """

    directory: Directory
    model: ModelDescription
    table: VectorTable

    @classmethod
    def open(cls, directory: Directory, model: ModelDescription | None = None) -> _Side:
        """A version; or a staged result, of which nobody has said yet that it is complete."""
        known = model or ModelDescription.read(directory)
        return cls(directory, known, open_vectors(directory.child(VECTORS).uri))

    @property
    def result(self) -> Result:
        """As measures see it."""
        vectors = KeyedVectors(self.table.words, self.table.stack, self.table.counts)
        state = self.directory.child(STATE)
        counted = WordCounts.read(state).tokens if state.exists() else self.model.counted.tokens
        return Result(vectors, counted, self.model.counted.documents)

    @property
    def trained(self) -> Trained:
        """With both matrices. Raises `StoreError` if it keeps none."""
        model = self.model.config.model
        shape = WeightShape.build(model, len(self.table.words), self.model.encoded.tags)
        weights = open_state(self.directory.child(STATE), shape)
        return Trained(model, self.table.words, self.table.counts, weights, Units.read(self.directory))


@dataclass(slots=True, eq=False)
class GateCheck:
    """Measures a result before readers follow it.

    Attributes
    ----------
    gates : GateSet
    """

    gates: GateSet
    _held_out: pa.ChunkedArray | None = field(default=None, init=False)

    def check(self, spark: SparkSession) -> None:
        """Look at the queries before any work starts. Raises `ConfigError` if one cannot be run."""
        check_queries(spark, self.gates.queries)

    def prepare(self, documents: DataFrame, run: Run, progress: Progress) -> None:
        """Read held-out text before training, when the input is there for sure.

        Raises
        ------
        InputError
            No document is held out.
        """
        if self.gates.asks_for(HELD_OUT_LOSS):
            share, sample = run.config.train.held_out, run.config.train.sample
            if run.plan.sample != sample:
                progress.warn(
                    f"frequent words are not skipped alike in this training (sample = {run.plan.sample:g}) and in a "
                    f"first one ({sample:g}), which alone changes {HELD_OUT_LOSS}; to compare by it, set "
                    f"retrain.sample to {sample:g}"
                )
            self._held_out = collect_held_out(documents, share, run.statistics)
            if not len(self._held_out):
                raise InputError(
                    f"there is no text to measure {HELD_OUT_LOSS} on: none of {run.statistics.documents:,} documents "
                    "was held out; raise ", Name("train.held_out"), f" ({share:g}), or leave the gate out",
                )  # fmt: skip

    def judge(
        self,
        spark: SparkSession,
        staging: Directory,
        model: ModelDescription,
        incumbent: Directory | None,
        report: Mapping[str, Any],
        progress: Progress,
    ) -> dict[str, Any]:
        """Measure a staged result and decide.

        Parameters
        ----------
        staging : Directory
            With ``vectors`` and ``state``, and without a ``model.json`` so far.
        model : ModelDescription
            What that file will say.
        incumbent : Directory, optional
            The version that readers follow now.
        report : mapping
            What is known of the result, its drift among it.

        Returns
        -------
        dict
            The report with what the gates say, and with the state that follows.
        """
        with progress.stage("gate"):
            candidate = _Side.open(staging, model)
            other = None if incumbent is None else _Side.open(incumbent)
            later = {
                DRIFT: lambda: _drift(report),
                OVERLAP: lambda: _overlap(candidate, other, model.config),
                HELD_OUT_LOSS: lambda: self._loss(candidate, other),
            }
            measured = self.gates.measure(candidate.result, None if other is None else other.result, later)
            verdicts = self.gates.decide(measured, incumbent is not None)
            verdicts += run_queries(spark, self.gates.queries, staging, incumbent)
        for verdict in verdicts:
            values = {name: value for name, value in verdict.to_dict().items() if name not in ("gate", "passed")}
            progress.events.emit("gate", gate=verdict.gate, passed=verdict.passed, values=values)
            progress.say(f"{'passed' if verdict.passed else 'FAILED'}: {verdict.reason}")
        name = None if incumbent is None else incumbent.path.rpartition("/")[2]
        state = State.PUBLISHED if all(verdict.passed for verdict in verdicts) else State.REJECTED
        return {**report, "state": state, **report_of(verdicts, measured, name)}

    def _loss(self, candidate: _Side, incumbent: _Side | None) -> Measured:
        if self._held_out is None:
            return Measured(math.nan, why="there is no text that was held out")
        try:
            other = None if incumbent is None else incumbent.trained
        except (StoreError, ConfigError) as error:  # or it was made of counts
            return Measured(math.nan, why=f"the incumbent keeps no weights: {error}")
        return measure_held_out_loss(self._held_out, candidate.model.config.text, candidate.trained, other)


def check_passed(report: Mapping[str, Any], version: Directory) -> None:
    """Say that a version was rejected.

    Raises
    ------
    GateFailed
    """
    if report.get("state") != State.REJECTED:
        return
    reasons = "; ".join(_failed(report["gates"]))
    name = version.path.rpartition("/")[2]
    if version.exists(REPORT_FILE) and version.read_json(REPORT_FILE).get("state") == State.PUBLISHED:
        raise GateFailed(
            f"the result is that of version {name}, which was published before, and does not pass the gate now: "
            f"{reasons}; readers stay where they are, and the report of that version is as it was"
        )
    stays = f"{report['incumbent']} stays" if report["incumbent"] else "there is still none"
    raise GateFailed(
        f"version {name} did not pass its gate: {reasons}; {stays} as the version that "
        f"readers follow; all numbers are in {version.uri}/{REPORT_FILE}"
    )


def _failed(gates: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(gate["reason"]) for gate in gates if not gate["passed"]]


def _drift(report: Mapping[str, Any]) -> Measured:
    noise = report.get("drift", {}).get("noise")
    if noise is None:
        return Measured(math.nan, why="it was not measured in units of seed noise")
    return Measured(float(noise))


def _overlap(candidate: _Side, incumbent: _Side | None, config: Config) -> Measured:
    """Of the most frequent words that both know, as many as drift is told of."""
    if incumbent is None:
        return Measured(math.nan, why="there is no incumbent")
    common, words = Common.find(incumbent.table.words, candidate.table.words), config.retrain.drift_words
    if not len(common):
        return measure_overlap(None)
    pairs = WordPairs(incumbent.table.stack, candidate.table.stack, common.old, common.new)
    return measure_overlap(overlaps(pairs, words))

"""The driver's loop: in each round one Spark task a shard, one a block of rows to merge, then a checkpoint."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from w2v_spark.config import Config, Merge
from w2v_spark.errors import DivergedError, StoreError
from w2v_spark.sampling.tables import SamplingTables
from w2v_spark.spark.failures import own_errors
from w2v_spark.spark.resources import task_slots
from w2v_spark.spark.run import Run
from w2v_spark.spark.state import CORPUS_FILE, RunDirectory
from w2v_spark.storage import Directory
from w2v_spark.training.corpus import EncodedCorpus
from w2v_spark.training.exposure import Exposure, build_exposures
from w2v_spark.training.history import Progress, RoundRecord, mean_slope
from w2v_spark.training.merge import (
    Correction,
    Moments,
    build_corrections,
    merge_block,
    moments_of,
    plan_blocks,
    sum_moments,
)
from w2v_spark.training.shard import ShardResult, train_shard
from w2v_spark.training.weights import WeightFiles, WeightShape, all_finite, open_matrices, whole_files

_ARROW_TYPES: Final = {"int": pa.int64(), "float": pa.float64(), "str": pa.string()}
_SQL_TYPES: Final = {"int": "bigint", "float": "double", "str": "string"}
_RESULT_SCHEMA = pa.schema([(f.name, _ARROW_TYPES[str(f.type)]) for f in fields(ShardResult)])
_RESULT_SQL: Final = ", ".join(f"{f.name} {_SQL_TYPES[str(f.type)]}" for f in fields(ShardResult))
_MERGED_SCHEMA = pa.schema([("block", pa.int64()), ("file", pa.string()), ("moments", pa.binary())])
_MERGED_SQL: Final = "block bigint, file string, moments binary"
_WAVES: Final = 4  # tasks that a core is given one after another, at most: a core that is slow then gets fewer


@lru_cache(maxsize=1)
def _load_run(run_uri: str, identity: str) -> tuple[EncodedCorpus, SamplingTables]:
    """What does not change from round to round, kept by an executor's Python worker."""
    state = RunDirectory(Directory.open(run_uri))
    return EncodedCorpus.read(state.directory, CORPUS_FILE), state.read_tables()


@lru_cache(maxsize=1)
def _load_exposures(run_uri: str, identity: str, config: Config) -> tuple[Exposure, Exposure]:
    """The same for merging."""
    state = RunDirectory(Directory.open(run_uri))
    return build_exposures(state.read_counts(), config, _load_run(run_uri, identity)[1])


@dataclass(frozen=True, slots=True)
class TrainShards:
    """Train the shards whose numbers come in: runs on the executors under ``mapInArrow``."""

    run: Run
    run_uri: str
    round_number: int
    files: WeightFiles

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One `ShardResult` a row."""
        state, (config, plan) = RunDirectory(Directory.open(self.run_uri)), (self.run.config, self.run.plan)
        corpus, tables = _load_run(self.run_uri, self.run.identity)
        shape = WeightShape.build(config.model, tables.vocabulary_size)
        weights = open_matrices(state.round_directory(self.round_number), shape, self.files)
        results = state.round_directory(self.round_number + 1)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                result = train_shard(
                    config.model, config.train.seed, plan, self.round_number, number,
                    corpus.shards[number], state.corpus, weights, results, tables,
                    config.train.threads, state.spare,
                )  # fmt: skip
                yield pa.RecordBatch.from_pylist([asdict(result)], schema=_RESULT_SCHEMA)


@dataclass(frozen=True, slots=True, eq=False)
class MergeBlocks:
    """Merge the blocks whose numbers come in: runs on the executors under ``mapInArrow``."""

    run: Run
    run_uri: str
    round_number: int
    files: WeightFiles
    shards: tuple[str, ...]
    corrections: tuple[Correction, Correction] | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One `MergedBlock` a row."""
        state, config = RunDirectory(Directory.open(self.run_uri)), self.run.config
        exposures = _load_exposures(self.run_uri, self.run.identity, config)
        shape = WeightShape.build(config.model, len(exposures[0].updates))
        target = state.round_directory(self.round_number + 1)
        before = open_matrices(state.round_directory(self.round_number), shape, self.files)
        shards = [open_matrices(target, shape, whole_files(shape, stem)) for stem in self.shards]
        blocks = plan_blocks(shape)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                block, file = blocks[number], f"{number:05d}-{uuid.uuid4().hex}.npy"
                correction = self.corrections[block.matrix] if self.corrections else None
                moments = merge_block(
                    block,
                    before[block.matrix],
                    [s[block.matrix] for s in shards],
                    exposures,
                    correction,
                    self.round_number,
                    target,
                    file,
                    state.spare,
                )
                row = {"block": number, "file": file, "moments": moments.tobytes()}
                yield pa.RecordBatch.from_pylist([row], schema=_MERGED_SCHEMA)


def train_rounds(
    spark: SparkSession,
    state: RunDirectory,
    run: Run,
    corpus: EncodedCorpus,
    counts: npt.NDArray[np.int64],
    progress: Progress,
) -> list[RoundRecord]:
    """Run all rounds that are not done yet; the history of all rounds.

    Raises
    ------
    DivergedError
        Weights became NaN or infinite; the run directory keeps those of the round before.
    """
    config, plan = run.config, run.plan
    shape = WeightShape.build(config.model, len(counts))
    checkpoint = state.last_round(shape)
    if checkpoint is None:
        state.begin_rounds(shape, config.train.seed)
        checkpoint = 0, []
    done, history = checkpoint
    if done:
        progress.say(f"going on after round {done} of {plan.rounds}")
    exposures = build_exposures(counts, config, state.read_tables())
    slots = task_slots(spark, config.train.threads)
    with progress.rounds(corpus.tokens * plan.epochs, plan.rounds, history) as shown:
        for number in range(done, plan.rounds):
            history = [*history, _train_round(spark, state, run, shape, exposures, slots, history, number)]
            shown.update(history[-1])
    return history


def _train_round(
    spark: SparkSession,
    state: RunDirectory,
    run: Run,
    shape: WeightShape,
    exposures: tuple[Exposure, Exposure],
    slots: int,
    history: list[RoundRecord],
    number: int,
) -> RoundRecord:
    """One round, from the weights on disk to the next weights on disk."""
    plan = run.plan
    begin = time.perf_counter()
    state.round_directory(number + 1).create()
    files = old = state.read_files(number)
    frame = _numbers(spark, plan.shards, _WAVES * slots).mapInArrow(
        TrainShards(run, state.directory.uri, number, files), _RESULT_SQL
    )  # fmt: skip
    results = [ShardResult(**row) for row in _collect(frame, "shard", plan.shards, number)]
    trained = time.perf_counter()
    try:
        if plan.shards == 1 and results[0].file:  # nothing to average: the shard's own files
            files = whole_files(shape, f"{results[0].file}.")
            for matrix in open_matrices(state.round_directory(number + 1), shape, files):
                if not all_finite(matrix):
                    raise DivergedError("weights became NaN or infinite")
        else:
            files = _merge(spark, state, run, shape, files, exposures, slots, results, number)
    except DivergedError as error:
        raise DivergedError(
            f"round {number + 1}: {error}; the weights after round {number} are kept in "
            f"{state.round_directory(number).uri}; lower train.learning_rate ({run.config.train.learning_rate})"
        ) from error
    now = time.perf_counter()
    record = RoundRecord.build(number, results, plan.mean_rate(number), now - begin, now - trained)
    written = [old, *(whole_files(shape, f"{result.file}.") for result in results if result.file)]
    complete = frozenset(file for matrices in written for parts in matrices.values() for file, _ in parts)
    state.finish_round(number + 1, shape, files, [*history, record], complete)
    return record


def _merge(
    spark: SparkSession,
    state: RunDirectory,
    run: Run,
    shape: WeightShape,
    files: WeightFiles,
    exposures: tuple[Exposure, Exposure],
    slots: int,
    results: Sequence[ShardResult],
    number: int,
) -> WeightFiles:
    """Merge what the shards have written, block by block on the executors; the files of the new weights."""
    plan = run.plan
    stems = tuple(f"{result.file}." for result in results if result.file)
    corrections = None
    if run.config.train.merge is Merge.CURVATURE and len(stems) > 1:
        corrections = build_corrections(
            _moments(state, shape, exposures, number), exposures, mean_slope(results), plan.epoch_share(number),
            plan.mean_rate(number), len(stems),
        )  # fmt: skip
    blocks = plan_blocks(shape)
    task = MergeBlocks(run, state.directory.uri, number, files, stems, corrections)
    frame = _numbers(spark, len(blocks), slots).mapInArrow(task, _MERGED_SQL)
    with own_errors():
        merged = _collect(frame, "block", len(blocks), number)
    moments = [np.frombuffer(row["moments"]).reshape(-1, shape.dim) for row in merged]
    state.write_moments(number + 1, sum_moments(moments, blocks))
    names = list(shape.rows)
    new: WeightFiles = {name: [] for name in names}
    for block, row in zip(blocks, merged, strict=True):
        new[names[block.matrix]].append((row["file"], block.stop - block.start))
    return new


def _moments(state: RunDirectory, shape: WeightShape, exposures: tuple[Exposure, Exposure], number: int) -> Moments:
    """Second moments of the weights before a round: the last merge has left them, but for the first round."""
    moments = state.read_moments(number, shape.dim)
    if moments is not None:
        return moments
    weights = state.read_weights(number, shape)
    return np.stack([moments_of(weights[m], exposures[1 - m].met, shape.dim) for m in (0, 1)])


def _numbers(spark: SparkSession, count: int, tasks: int) -> DataFrame:
    """The numbers from 0 on in at most so many tasks, since Spark takes its time to start one."""
    return spark.range(0, count, 1, min(count, tasks))


def _collect(frame: DataFrame, key: str, count: int, round_number: int) -> list[dict[str, Any]]:
    """One row for each number from 0 on, in order."""
    rows: list[dict[str, Any]] = sorted(frame.toArrow().to_pylist(), key=lambda row: row[key])
    if [row[key] for row in rows] != list(range(count)):
        raise StoreError(f"round {round_number + 1}: Spark returned {len(rows)} results for {count} {key}s")
    return rows

"""The driver's loop: in each round one Spark task a shard, then the merge, then a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import SparkSession

from w2v_spark.config import Config
from w2v_spark.errors import DivergedError, StoreError
from w2v_spark.sampling.tables import SamplingTables
from w2v_spark.spark.state import CORPUS_FILE, Run, RunDirectory
from w2v_spark.storage import Directory
from w2v_spark.training.corpus import EncodedCorpus
from w2v_spark.training.exposure import Exposure, build_exposures
from w2v_spark.training.history import Progress, RoundRecord
from w2v_spark.training.merge import merge_round
from w2v_spark.training.plan import Plan
from w2v_spark.training.shard import ShardResult, train_shard
from w2v_spark.training.weights import Matrix, WeightShape, open_matrices

_ARROW_TYPES: Final = {"int": pa.int64(), "float": pa.float64(), "str": pa.string()}
_SQL_TYPES: Final = {"int": "bigint", "float": "double", "str": "string"}
_RESULT_SCHEMA = pa.schema([(f.name, _ARROW_TYPES[str(f.type)]) for f in fields(ShardResult)])
_RESULT_SQL: Final = ", ".join(f"{f.name} {_SQL_TYPES[str(f.type)]}" for f in fields(ShardResult))


@lru_cache(maxsize=1)
def _load_run(run_uri: str, identity: str) -> tuple[EncodedCorpus, SamplingTables]:
    """What does not change from round to round, kept by an executor's Python worker."""
    run = Directory.open(run_uri)
    return EncodedCorpus.read(run, CORPUS_FILE), RunDirectory(run).read_tables()


@dataclass(frozen=True, slots=True)
class TrainShards:
    """Train the shards whose numbers come in: runs on the executors under ``mapInArrow``."""

    config: Config
    plan: Plan
    run_uri: str
    identity: str
    round_number: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One `ShardResult` a row."""
        state = RunDirectory(Directory.open(self.run_uri))
        weights = state.round_directory(self.round_number)
        results = weights.child("shards")
        corpus, tables = _load_run(self.run_uri, self.identity)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                result = train_shard(
                    self.config.model, self.config.train.seed, self.plan, self.round_number, number,
                    corpus.shards[number], state.corpus, weights, results, tables,
                    self.config.train.threads,
                )  # fmt: skip
                yield pa.RecordBatch.from_pylist([asdict(result)], schema=_RESULT_SCHEMA)


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
    with progress.rounds(corpus.tokens * plan.epochs, plan.rounds, history) as shown:
        for number in range(done, plan.rounds):
            history = _train_round(spark, state, run, shape, exposures, history, number)
            shown.update(history[-1])
    return history


def _train_round(
    spark: SparkSession,
    state: RunDirectory,
    run: Run,
    shape: WeightShape,
    exposures: tuple[Exposure, Exposure],
    history: list[RoundRecord],
    number: int,
) -> list[RoundRecord]:
    """One round, from the weights on disk to the next weights on disk; the history with this round."""
    config, plan = run.config, run.plan
    begin = time.perf_counter()
    state.round_directory(number).child("shards").create()
    task = TrainShards(config, plan, state.directory.uri, run.identity, number)
    frame = spark.range(0, plan.shards, 1, plan.shards).mapInArrow(task, _RESULT_SQL)
    results = sorted((ShardResult(**row) for row in frame.toArrow().to_pylist()), key=lambda r: r.shard)
    if [r.shard for r in results] != list(range(plan.shards)):
        raise StoreError(f"round {number + 1}: Spark returned {len(results)} results for {plan.shards} shards")
    trained = time.perf_counter()
    rate = plan.mean_rate(number)
    blocks = _merge(state, run, shape, exposures, results, number, rate)

    def longer_history() -> list[RoundRecord]:
        now = time.perf_counter()
        return [*history, RoundRecord.build(number, results, rate, now - begin, now - trained)]

    try:
        return state.write_round(number + 1, shape, blocks, longer_history)
    except DivergedError as error:
        raise DivergedError(
            f"round {number + 1}: {error}; the weights after round {number} are kept in "
            f"{state.round_directory(number).uri}; lower train.learning_rate ({config.train.learning_rate})"
        ) from error


def _merge(
    state: RunDirectory,
    run: Run,
    shape: WeightShape,
    exposures: tuple[Exposure, Exposure],
    results: list[ShardResult],
    number: int,
    rate: float,
) -> Iterator[Iterator[Matrix]]:
    """The new rows of each matrix, block by block."""
    config, plan = run.config, run.plan
    before = state.read_weights(number, shape)
    folder = state.round_directory(number).child("shards")
    trained = [r for r in results if r.file]
    shards = [open_matrices(folder, shape, f"{r.file}.") for r in trained]
    share = ((number + 1) ** 2 - number**2) / plan.rounds**2 * plan.epochs
    merged = merge_round(before, shards or [before], config.train.merge, exposures, share, rate)
    for _, blocks in groupby(merged, itemgetter(0)):
        yield (rows for _, rows in blocks)

"""What executors do in a round, as functions that run under ``mapInArrow``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Final

import pyarrow as pa

from w2v_spark.sampling.tables import SamplingTables
from w2v_spark.spark.run import Run
from w2v_spark.spark.state import CORPUS_FILE, RunDirectory
from w2v_spark.spark.worker import freeze_modules
from w2v_spark.storage import Directory
from w2v_spark.training.corpus import EncodedCorpus
from w2v_spark.training.exposure import Exposure
from w2v_spark.training.merge import deal_blocks, merge_block, plan_blocks
from w2v_spark.training.shard import ShardResult, train_shard
from w2v_spark.training.weights import WeightShape, open_matrices, whole_files

_ARROW_TYPES: Final = {"int": pa.int64(), "float": pa.float64(), "str": pa.string()}
_SQL_TYPES: Final = {"int": "bigint", "float": "double", "str": "string"}
_RESULT_SCHEMA = pa.schema([(f.name, _ARROW_TYPES[str(f.type)]) for f in fields(ShardResult)])
_MERGED_SCHEMA = pa.schema([("block", pa.int64()), ("file", pa.string()), ("moments", pa.binary())])
RESULT_SQL: Final = ", ".join(f"{f.name} {_SQL_TYPES[str(f.type)]}" for f in fields(ShardResult))
MERGED_SQL: Final = "block bigint, file string, moments binary"


@lru_cache(maxsize=1)
def _load_run(run_uri: str, identity: str) -> tuple[EncodedCorpus, SamplingTables]:
    """What does not change from round to round, kept by an executor's Python worker."""
    state = RunDirectory(Directory.open(run_uri))
    return EncodedCorpus.read(state.directory, CORPUS_FILE), state.read_tables()


@lru_cache(maxsize=1)
def _load_exposures(run_uri: str, identity: str) -> tuple[Exposure, Exposure]:
    """The same for merging."""
    return RunDirectory(Directory.open(run_uri)).read_exposures()


@dataclass(frozen=True, slots=True)
class TrainShards:
    """Train the shards whose numbers come in, for one round."""

    run: Run
    run_uri: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One `ShardResult` a row."""
        state, (config, plan) = RunDirectory(Directory.open(self.run_uri)), (self.run.config, self.run.plan)
        order = state.read_order()
        corpus, tables = _load_run(self.run_uri, self.run.identity)
        shape = WeightShape.build(config.model, tables.vocabulary_size)
        weights = open_matrices(state.round_directory(order.round), shape, order.files)
        results = state.round_directory(order.round + 1)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                result = train_shard(
                    config.model, config.train.seed, plan, order.round, number,
                    corpus.shards[number], state.corpus, weights, results, tables,
                    config.train.threads, state.spare,
                )  # fmt: skip
                yield pa.RecordBatch.from_pylist([asdict(result)], schema=_RESULT_SCHEMA)
        freeze_modules("train")


@dataclass(frozen=True, slots=True)
class MergeBlocks:
    """Merge what the shards of a round have written: what comes in are numbers of tasks, each with its blocks."""

    run: Run
    run_uri: str
    tasks: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """A block a row: the file of its new rows, and their second moment."""
        state = RunDirectory(Directory.open(self.run_uri))
        order = state.read_order()
        exposures = _load_exposures(self.run_uri, self.run.identity)
        shape = WeightShape.build(self.run.config.model, len(exposures[0].updates))
        target = state.round_directory(order.round + 1)
        before = open_matrices(state.round_directory(order.round), shape, order.files)
        shards = [open_matrices(target, shape, whole_files(shape, stem)) for stem in order.shards]
        blocks = plan_blocks(shape)
        for batch in batches:
            mine = deal_blocks(blocks, self.tasks)
            for number in (number for task in batch.column(0).to_pylist() for number in mine[task]):
                block, file = blocks[number], f"{number:05d}-{uuid.uuid4().hex}.npy"
                moments = merge_block(
                    block, before[block.matrix], [shard[block.matrix] for shard in shards], exposures,
                    order.corrections[block.matrix] if order.corrections else None, order.round, target, file,
                    state.spare,
                )  # fmt: skip
                row = {"block": number, "file": file, "moments": moments.tobytes()}
                yield pa.RecordBatch.from_pylist([row], schema=_MERGED_SCHEMA)
        freeze_modules("merge")

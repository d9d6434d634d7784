"""What executors do in a round, as a function that runs under ``mapInArrow``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.run.commands import Order, Step, report_to_bytes
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.mailbox import Board
from w2v_spark.run.manifest import Run
from w2v_spark.sampling.tables import SamplingTables
from w2v_spark.spark.worker import freeze_modules
from w2v_spark.storage import Directory
from w2v_spark.training.merge import deal_blocks, merge_block, plan_blocks
from w2v_spark.training.shard import ShardResult, train_shard
from w2v_spark.training.update_statistics import Exposure
from w2v_spark.training.weights import WeightShape, open_matrices, whole_files

_ARROW_TYPES: Final = {"int": pa.int64(), "float": pa.float64(), "str": pa.string()}
_SCHEMAS: Final = {
    Step.TRAIN: pa.schema([(f.name, _ARROW_TYPES[str(f.type)]) for f in fields(ShardResult)]),
    Step.MERGE: pa.schema([("block", pa.int64()), ("file", pa.string()), ("moments", pa.binary())]),
}
_REPORT_SCHEMA: Final = pa.schema([("task", pa.int64()), ("report", pa.binary())])
REPORT_SQL: Final = "task bigint, report binary"

_Row = dict[str, Any]


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
class CarryOut:
    """Carry out the order in force, and those that follow for as long as they say to stay.

    What comes in are the numbers of tasks, what goes out is the last report of each.
    """

    run: Run
    run_uri: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """See `report_to_bytes`."""
        board = Board(Directory.open(self.run_uri))
        for task in (task for batch in batches for task in batch.column(0).to_pylist()):
            order: Order | None = board.order()
            while order is not None:
                report = report_to_bytes(order, self.perform(order, task), _SCHEMAS[order.step])
                freeze_modules(order.step)
                if not order.stay:
                    break
                board.report(task, report)
                order = board.wait(order)
            yield pa.RecordBatch.from_pylist([{"task": task, "report": report}], schema=_REPORT_SCHEMA)

    def perform(self, order: Order, task: int) -> Sequence[_Row]:
        """One task's part of an order."""
        return [self._train(order, task)] if order.step is Step.TRAIN else list(self._merge(order, task))

    def _train(self, order: Order, number: int) -> _Row:
        """Train the shard of that number for a round: a `ShardResult`."""
        state, (config, plan) = RunDirectory(Directory.open(self.run_uri)), (self.run.config, self.run.plan)
        corpus, tables = _load_run(self.run_uri, self.run.identity)
        shape = WeightShape.build(config.model, tables.vocabulary_size)
        weights = open_matrices(state.round_directory(order.round), shape, order.files)
        results = state.round_directory(order.round + 1)
        result = train_shard(
            config.model, config.train.seed, plan, order.round, number, corpus.shards[number], state.corpus, weights,
            results, tables, config.train.threads, state.spare,
        )  # fmt: skip
        return asdict(result)

    def _merge(self, order: Order, task: int) -> Iterator[_Row]:
        """Merge a task's blocks of what the shards have written: of each the file of its new rows, and their moment."""
        state = RunDirectory(Directory.open(self.run_uri))
        exposures = _load_exposures(self.run_uri, self.run.identity)
        shape = WeightShape.build(self.run.config.model, len(exposures[0].updates))
        target = state.round_directory(order.round + 1)
        before = open_matrices(state.round_directory(order.round), shape, order.files)
        shards = [open_matrices(target, shape, whole_files(shape, stem)) for stem in order.shards]
        blocks = plan_blocks(shape)
        for number in deal_blocks(blocks, order.tasks)[task]:
            block, file = blocks[number], f"{number:05d}-{uuid.uuid4().hex}.npy"
            moments = merge_block(
                block, before[block.matrix], [shard[block.matrix] for shard in shards], exposures,
                order.corrections[block.matrix] if order.corrections else None, order.round, target, file, state.spare,
            )  # fmt: skip
            yield {"block": number, "file": file, "moments": moments.tobytes()}

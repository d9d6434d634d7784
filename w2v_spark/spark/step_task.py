"""What executors do in a round, as a function that runs under ``mapInArrow``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.whole_documents import ShardDocuments
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.models.tables import SamplingTables
from w2v_spark.run.commands import Step, StepCommand, report_to_bytes
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.mailbox import Mailbox
from w2v_spark.run.manifest import SAMPLING_FILE, SUBWORDS_FILE, UPDATE_STATISTICS_FILE, Run
from w2v_spark.spark.worker import freeze_modules, release_memory
from w2v_spark.storage import Directory
from w2v_spark.training.matrix_files import MatrixReader
from w2v_spark.training.merge import ShardRows, merge_row_range, open_shard
from w2v_spark.training.row_ranges import deal_row_ranges, plan_row_ranges
from w2v_spark.training.shard import train_shard
from w2v_spark.training.shard_memory import ShardMemory, content_of, forget_memory, memory_of
from w2v_spark.training.shard_work import RoundStart, ShardWork
from w2v_spark.training.update_statistics import BothStatistics
from w2v_spark.training.weights import WeightShape, open_matrices

_SCHEMAS: Final = {
    Step.TRAIN: pa.schema(  # a `ShardResult`
        [
            ("shard", pa.int64()),
            ("file", pa.string()),
            ("checksums", pa.list_(pa.string())),
            ("tokens", pa.int64()),
            ("kept", pa.int64()),
            ("pairs", pa.int64()),
            ("loss", pa.float64()),
            ("slopes", pa.float64()),
            ("scores", pa.int64()),
            ("read_seconds", pa.float64()),
            ("train_seconds", pa.float64()),
            ("write_seconds", pa.float64()),
            ("moments", pa.binary()),
            ("documents", pa.string()),  # as JSON
            ("private", pa.binary()),
            ("met", pa.int64()),
            ("changed", pa.list_(pa.int64())),
            ("bytes_read", pa.int64()),
            ("bytes_written", pa.int64()),
        ]
    ),
    Step.MERGE: pa.schema(
        [("row_range", pa.int64()), ("file", pa.string()), ("checksum", pa.string()), ("moments", pa.binary())]
    ),
}
_REPORT_SCHEMA: Final = pa.schema([("task", pa.int64()), ("report", pa.binary())])
REPORT_SQL: Final = "task bigint, report binary"

_Row = dict[str, Any]
Weights = tuple[MatrixReader, MatrixReader]

_opened: dict[str, Weights] = {}  # of the command in force


@lru_cache(maxsize=1)
def _load_run(
    run_uri: str, identity: str, sampling: str, subwords: str | None
) -> tuple[EncodedCorpus, SamplingTables, SubwordTable | None]:
    """What does not change from round to round, kept by an executor's Python worker."""
    state = RunDirectory(Directory.open(run_uri))
    corpus = EncodedCorpus.read(state.directory, CORPUS_FILE, identity)
    return corpus, state.read_tables(sampling), state.read_subwords(subwords)


@lru_cache(maxsize=1)
def load_documents(run_uri: str, identity: str, number: int) -> ShardDocuments:
    """The documents of a shard, kept in the same way."""
    state = RunDirectory(Directory.open(run_uri))
    corpus = EncodedCorpus.read(state.directory, CORPUS_FILE, identity)
    return ShardDocuments.read(state.corpus, corpus.shards[number])


@lru_cache(maxsize=1)
def _load_update_statistics(run_uri: str, expected: str) -> BothStatistics:
    """The same for merging, and for what merging needs of a shard."""
    return RunDirectory(Directory.open(run_uri)).read_update_statistics(expected)


def _weights_before(state: RunDirectory, shape: WeightShape, command: StepCommand) -> Weights:
    """The weights that a round starts from; the next shard of the same worker finds them open, and verified."""
    if command.key not in _opened:
        _opened.clear()
        _opened[command.key] = open_matrices(state.rounds.directory(command.round), shape, command.files)
    return _opened[command.key]


@dataclass(frozen=True, slots=True)
class StepTask:
    """Carries out the command in force, and those that follow for as long as they keep the task alive.

    What comes in are the numbers of tasks, what goes out is the last report of each.
    """

    run: Run
    run_uri: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """See `report_to_bytes`."""
        mailbox = Mailbox(Directory.open(self.run_uri))
        for task in (task for batch in batches for task in batch.column(0).to_pylist()):
            command: StepCommand | None = mailbox.command()
            in_memory = command is not None and command.threads > 0
            while command is not None:
                report = report_to_bytes(command, self.perform(command, task), _SCHEMAS[command.step])
                freeze_modules(command.step)
                if not command.keep_alive:
                    break
                mailbox.report(task, report)
                command = mailbox.wait(command)
            if in_memory:  # Spark may give the next run to another worker: this one would keep what nobody needs
                forget_memory()
                _opened.clear()
                release_memory()
            yield pa.RecordBatch.from_pylist([{"task": task, "report": report}], schema=_REPORT_SCHEMA)

    def perform(self, command: StepCommand, task: int) -> Sequence[_Row]:
        """One task's part of a command: every so many shards, or ranges of rows."""
        if command.threads:
            return self._perform_in_memory(command)
        if command.step is Step.TRAIN:
            return [self._train(command, number) for number in range(task, self.run.plan.shards, command.tasks)]
        state, shape = RunDirectory(Directory.open(self.run_uri)), self._shape()
        target = state.rounds.directory(command.round + 1)
        shards = [open_shard(target, shape, files) for files in command.shards]
        return list(self._merge(command, deal_row_ranges(plan_row_ranges(shape), command.tasks)[task], shards))

    def _perform_in_memory(self, command: StepCommand) -> Sequence[_Row]:
        """The whole command, with a thread for each shard, and as many for merging."""
        plan, shape, corpus = self.run.plan, self._shape(), self._load()[0]
        memories, trained = memory_of(shape, plan.shards), f"{self.run.identity} {command.round}"
        working = [n for n, shard in enumerate(corpus.shards) if plan.slices(command.round, shard.tokens)]

        def train(number: int) -> _Row:
            result = self._train(command, number, memories[number])
            memories[number].trained = trained
            return result

        _weights_before(RunDirectory(Directory.open(self.run_uri)), shape, command)  # opened once
        with ThreadPoolExecutor(command.threads) as pool:
            if command.step is Step.TRAIN:
                return list(pool.map(train, range(plan.shards)))
            # A process that takes the place of one that has died knows nothing of what that had trained.
            list(pool.map(train, (n for n in working if memories[n].trained != trained)))
            for memory in memories:
                memory.let_go()
            shards = [memories[n].rows(shape.dim) for n in working]
            dealt = deal_row_ranges(plan_row_ranges(shape), command.threads)
            parts = pool.map(lambda numbers: list(self._merge(command, numbers, shards)), dealt)
            rows = [row for part in parts for row in part]
        merged = frozenset((row["file"], row["checksum"]) for row in rows)
        for n in working:
            memories[n].holds = merged
        return rows

    def _shape(self) -> WeightShape:
        return WeightShape.of_rows(self.run.config.model, *(len(each.updates) for each in self._statistics()))

    def _load(self) -> tuple[EncodedCorpus, SamplingTables, SubwordTable | None]:
        files = self.run.files
        return _load_run(self.run_uri, self.run.identity, files[SAMPLING_FILE], files.get(SUBWORDS_FILE))

    def _train(self, command: StepCommand, number: int, memory: ShardMemory | None = None) -> _Row:
        """Train the shard of that number for a round: a `ShardResult`."""
        run, state = self.run, RunDirectory(Directory.open(self.run_uri))
        corpus, tables, subwords = self._load()
        documents = load_documents(self.run_uri, run.identity, number) if command.documents else None
        statistics = self._statistics() if run.corrects else None
        work = ShardWork(
            number, corpus.shards[number], state.corpus, tables, statistics, documents, run.tags, subwords
        )  # fmt: skip
        shape = WeightShape.build(run.config.model, tables.vocabulary_size, run.others)
        start = RoundStart(
            command.round,
            _weights_before(state, shape, command),
            state.rounds.directory(command.round + 1),
            state.rounds.spare,
            command.documents[number] if command.documents else (),
            state.rounds.documents if command.documents else None,
            memory,
            content_of(command.files),
        )
        result = asdict(train_shard(work, start, run.config, run.plan))
        return {**result, "documents": json.dumps(result["documents"])}

    def _merge(
        self, command: StepCommand, numbers: Sequence[int], shards: Sequence[tuple[ShardRows, ShardRows]]
    ) -> Iterator[_Row]:
        """Merge row ranges of what the shards have made of the weights: for each its file and moment."""
        state, statistics, shape = RunDirectory(Directory.open(self.run_uri)), self._statistics(), self._shape()
        target = state.rounds.directory(command.round + 1)
        before, row_ranges = _weights_before(state, shape, command), plan_row_ranges(shape)
        for number in numbers:
            row_range, file = row_ranges[number], f"{number:05d}-{uuid.uuid4().hex}.npy"
            correction = command.corrections[row_range.matrix] if command.corrections else None
            moments, found = merge_row_range(
                row_range, before[row_range.matrix], [shard[row_range.matrix] for shard in shards], statistics,
                correction, command.round, target, file, state.rounds.spare,
            )  # fmt: skip
            yield {"row_range": number, "file": file, "checksum": found, "moments": moments.tobytes()}

    def _statistics(self) -> BothStatistics:
        return _load_update_statistics(self.run_uri, self.run.files[UPDATE_STATISTICS_FILE])

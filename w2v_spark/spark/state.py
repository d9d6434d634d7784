"""The run directory: everything a run needs to go on after a kill, ``<output>/_run``.

::

    run.json             what is trained: configuration, input, plan, corpus statistics
    vocabulary.parquet   sampling.npz
    corpus.json          corpus/*.arrow
    rounds/00007/        weights after 7 rounds: w_in.npy, and w_out.npy or w_node.npy; round.json is written last
                         and makes it count
    rounds/00007/shards/ what the shards of the next round hand back

A file counts once the driver has listed it in a JSON file. So what killed, retried or speculative tasks leave behind
is never read, and the newest round with a ``round.json`` is a checkpoint.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa

from w2v_spark.config import Config
from w2v_spark.errors import CheckpointMismatch, StoreError
from w2v_spark.sampling.tables import SamplingTables
from w2v_spark.spark.stages import CorpusStatistics
from w2v_spark.storage import Directory, errors_naming
from w2v_spark.text.vocabulary import Vocabulary
from w2v_spark.training.corpus import EncodedCorpus
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.plan import Plan
from w2v_spark.training.weights import Matrix, Rows, WeightShape, initial_rows, open_matrices, write_matrix, zero_rows

FORMAT_VERSION: Final = 2
VOCABULARY_FILE: Final = "vocabulary.parquet"
SAMPLING_FILE: Final = "sampling.npz"
CORPUS_FILE: Final = "corpus.json"
_RUN_FILE: Final = "run.json"
_ROUND_FILE: Final = "round.json"


@dataclass(frozen=True, slots=True)
class Run:
    """What is trained, as ``run.json`` says it.

    Attributes
    ----------
    identity : str
        Different for every run, so that executors never mix up two runs at one place.
    config : Config
        As the user gave it: ``auto`` stays ``auto``.
    input : dict
        See `source.fingerprint`.
    plan : Plan
        What ``auto`` has become.
    statistics : CorpusStatistics
    """

    identity: str
    config: Config
    input: dict[str, Any]
    plan: Plan
    statistics: CorpusStatistics

    @classmethod
    def start(cls, config: Config, source: dict[str, Any], plan: Plan, statistics: CorpusStatistics) -> Run:
        """A new run."""
        return cls(uuid.uuid4().hex, config, source, plan, statistics)

    def write(self, directory: Directory) -> None:
        """Save as ``run.json``."""
        directory.write_json(
            _RUN_FILE,
            {
                "format_version": FORMAT_VERSION,
                "identity": self.identity,
                "config": self.config.to_dict(),
                "input": self.input,
                "plan": asdict(self.plan),
                "statistics": self.statistics.to_dict(),
            },
        )

    @classmethod
    def read(cls, directory: Directory) -> Run:
        """Load ``run.json``.

        Raises
        ------
        StoreError
            It is missing, damaged, or of another format version.
        """
        value = directory.read_json(_RUN_FILE)
        if value.get("format_version") != FORMAT_VERSION:
            raise StoreError(
                f"{directory.uri}/{_RUN_FILE} has format version {value.get('format_version')}, this program reads "
                f"{FORMAT_VERSION}"
            )
        try:
            return cls(
                value["identity"],
                Config.from_dict(value["config"]),
                dict(value["input"]),
                Plan(**value["plan"]),
                CorpusStatistics(**value["statistics"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"{directory.uri}/{_RUN_FILE} is damaged: {error!r}") from error


def check_same(before: Config, now: Config, source: dict[str, Any], seen: dict[str, Any], directory: Directory) -> None:
    """Refuse to go on with another configuration or input.

    Parameters
    ----------
    source, seen : dict
        Fingerprints of the input of then and of now.

    Raises
    ------
    CheckpointMismatch
        Names the differences.
    """
    differences = compare_configs(before, now) or [
        f"input {key} was {source.get(key)}, is {seen.get(key)}"
        for key in ("files", "bytes", "digest")
        if source.get(key) != seen.get(key)
    ]
    if differences:
        raise CheckpointMismatch(
            f"the run in {directory.uri} differs: {'; '.join(differences)}; give the same configuration and "
            "input, or start again with --overwrite"
        )


def compare_configs(before: Config, now: Config) -> list[str]:
    """The keys in which two configurations differ, with both values."""
    old, new = before.to_dict(), now.to_dict()
    return [
        f"{section}.{key} was {old[section][key]!r}, is {new[section][key]!r}"
        for section in old
        for key in old[section]
        if old[section][key] != new[section][key]
    ]


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Reads and writes the run directory of one output."""

    directory: Directory

    @property
    def corpus(self) -> Directory:
        """Where the encoded corpus is."""
        return self.directory.child("corpus")

    def begin(self, run: Run, vocabulary: Vocabulary) -> None:
        """Start over: the directory holds this run and nothing else; ``run.json`` comes last."""
        tables = SamplingTables.build(vocabulary.counts, run.config.model, run.config.train.sample)
        self.directory.delete()
        self.directory.create()
        vocabulary.write(self.directory, VOCABULARY_FILE)
        self.directory.write_bytes(SAMPLING_FILE, tables.to_bytes())
        run.write(self.directory)

    def has_run(self) -> bool:
        """Whether there is a run to go on with."""
        return self.directory.exists(_RUN_FILE)

    def read_vocabulary(self) -> Vocabulary:
        """The vocabulary, after a look at the tables that belong to it.

        Raises
        ------
        StoreError
            One of the two files is missing or damaged.
        """
        with errors_naming(f"{self.directory.uri}/{VOCABULARY_FILE}"):
            vocabulary = Vocabulary.read(self.directory, VOCABULARY_FILE)
        if self.read_tables().vocabulary_size != len(vocabulary):
            raise StoreError(f"{self.directory.uri}/{SAMPLING_FILE} does not fit the vocabulary")
        return vocabulary

    def read_tables(self) -> SamplingTables:
        """The tables that the kernels draw from.

        Raises
        ------
        StoreError
            The file is missing or damaged.
        """
        return SamplingTables.from_bytes(
            self.directory.read_bytes(SAMPLING_FILE), f"{self.directory.uri}/{SAMPLING_FILE}"
        )

    def read_corpus(self, shards: int) -> EncodedCorpus | None:
        """The encoded corpus, if the second pass was finished.

        Raises
        ------
        StoreError
            There are not as many shards as planned, or a file is missing or damaged.
        """
        if not self.directory.exists(CORPUS_FILE):
            return None
        corpus = EncodedCorpus.read(self.directory, CORPUS_FILE)
        if len(corpus.shards) != shards:
            raise StoreError(f"{self.directory.uri}/{CORPUS_FILE} lists {len(corpus.shards)} shards, expected {shards}")
        for part in (part for shard in corpus.shards for part in shard.parts):
            name = f"{self.corpus.uri}/{part.file}"
            with errors_naming(name), self.corpus.filesystem.open_input_file(self.corpus.file(part.file)) as file:
                batches = pa.ipc.open_file(file).num_record_batches
            if batches != len(part.batches):
                raise StoreError(f"{name} holds {batches} batches, expected {len(part.batches)}")
        return corpus

    def round_directory(self, rounds_done: int) -> Directory:
        """Where the weights after some rounds are."""
        return self.directory.child(f"rounds/{rounds_done:05d}")

    def begin_rounds(self, shape: WeightShape, seed: int) -> None:
        """Write the weights that training starts from."""
        blocks = [initial_rows(shape.input_rows, shape.dim, seed), zero_rows(shape.output_rows, shape.dim)]
        self.write_round(0, shape, iter(blocks), list)

    def write_round(
        self,
        rounds_done: int,
        shape: WeightShape,
        matrices: Iterator[Iterator[Matrix]],
        history: Callable[[], list[RoundRecord]],
    ) -> list[RoundRecord]:
        """Write a checkpoint and drop the one before.

        Parameters
        ----------
        matrices : iterator of blocks of rows
            The input matrix, then the output matrix.
        history : function
            Called once the weights are written, so that it can tell the time they took; what it returned is returned.
        """
        directory = self.round_directory(rounds_done).create()
        for (name, rows), blocks in zip(shape.rows.items(), matrices, strict=True):
            write_matrix(directory, f"{name}.npy", rows, shape.dim, blocks)
        records = history()
        value = {"rounds_done": rounds_done, **asdict(shape), "history": [r.to_dict() for r in records]}
        directory.write_json(_ROUND_FILE, value)
        for info in self.directory.child("rounds").list():
            if info.base_name != f"{rounds_done:05d}":
                self.directory.child(f"rounds/{info.base_name}").delete()
        return records

    def last_round(self, shape: WeightShape) -> tuple[int, list[RoundRecord]] | None:
        """The newest checkpoint: rounds done and their history; None if training has not begun.

        Raises
        ------
        StoreError
            The checkpoint is damaged.
        """
        finished = [
            info.base_name
            for info in self.directory.child("rounds").list()
            if self.directory.exists(f"rounds/{info.base_name}/{_ROUND_FILE}")
        ]
        if not finished:
            return None
        directory = self.directory.child(f"rounds/{finished[-1]}")
        value = directory.read_json(_ROUND_FILE)
        try:
            history = [RoundRecord(**record) for record in value["history"]]
            done, found = int(value["rounds_done"]), WeightShape(value["rows"], value["dim"])
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{directory.uri}/{_ROUND_FILE} is damaged: {error!r}") from error
        if len(history) != done:
            raise StoreError(f"{directory.uri}/{_ROUND_FILE} is damaged: {len(history)} records of {done} rounds")
        if found != shape:
            raise StoreError(f"{directory.uri} holds weights of {found}, expected {shape}")
        self.read_weights(done, shape)
        return done, history

    def read_weights(self, rounds_done: int, shape: WeightShape) -> tuple[Rows, Rows]:
        """The input and the output matrix after some rounds, (rows, D) float32; memory maps where possible."""
        return open_matrices(self.round_directory(rounds_done), shape)

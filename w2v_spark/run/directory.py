"""The run directory: everything a run needs to go on after a kill, ``<output>/_run``.

::

    w2v_spark.json       says that this program made the directory, and may remove it; written first
    run.json             what is trained: configuration, input, plan, corpus statistics
    vocabulary.parquet   sampling.npz  update_statistics.npz
    corpus.json          corpus/*.arrow
    rounds/00007/        weights after 7 rounds, and before that what the shards of the round hand back; round.json,
                         which says what the weights' files are, is written last and makes them count
    rounds/spare/        files of earlier rounds, to be written over
    commands.npz         what executors are to do next, and report-*.arrow, what they have done: see `mailbox`

A file counts once the driver has listed it in a JSON file. So what killed, retried or speculative tasks leave behind
is never read, and the newest round with a ``round.json`` is a checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import RUN_FILE, mark
from w2v_spark.run.manifest import Run
from w2v_spark.sampling.tables import SamplingTables
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, damage_naming, errors_naming
from w2v_spark.training.correction import Moments
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.row_ranges import plan_row_ranges
from w2v_spark.training.update_statistics import (
    BothStatistics,
    build_update_statistics,
    statistics_from_bytes,
    statistics_to_bytes,
)
from w2v_spark.training.weights import (
    CACHED_ROWS,
    Matrix,
    MatrixReader,
    WeightFiles,
    WeightShape,
    initial_rows,
    open_matrices,
    whole_files,
    write_matrix,
    zero_rows,
)

VOCABULARY_FILE: Final = "vocabulary.parquet"
SAMPLING_FILE: Final = "sampling.npz"
UPDATE_STATISTICS_FILE: Final = "update_statistics.npz"
CORPUS_FILE: Final = "corpus.json"
_ROUND_FILE: Final = "round.json"
_MOMENTS_FILE: Final = "moments.npz"
_SPARE: Final = "spare"


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
        mark(self.directory)
        vocabulary.write(self.directory, VOCABULARY_FILE)
        self.directory.write_bytes(SAMPLING_FILE, tables.to_bytes())
        statistics = build_update_statistics(
            vocabulary.counts, run.config, tables, run.statistics.sentences, vocabulary.trained
        )
        self.directory.write_bytes(UPDATE_STATISTICS_FILE, statistics_to_bytes(statistics))
        run.write(self.directory)

    def has_run(self) -> bool:
        """Whether there is a run to go on with."""
        return self.directory.exists(RUN_FILE)

    def read_vocabulary(self) -> Vocabulary:
        """The vocabulary, after a look at the tables that belong to it.

        Raises
        ------
        StoreError
            One of the three files is missing or damaged.
        """
        with errors_naming(f"{self.directory.uri}/{VOCABULARY_FILE}"):
            vocabulary = Vocabulary.read(self.directory, VOCABULARY_FILE)
        if self.read_tables().vocabulary_size != len(vocabulary):
            raise StoreError(f"{self.directory.uri}/{SAMPLING_FILE} does not fit the vocabulary")
        if len(self.read_update_statistics()[0].updates) != len(vocabulary):
            raise StoreError(f"{self.directory.uri}/{UPDATE_STATISTICS_FILE} does not fit the vocabulary")
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

    def read_update_statistics(self) -> BothStatistics:
        """How often the rows of the input and of the output matrix are updated.

        Raises
        ------
        StoreError
            The file is missing or damaged.
        """
        name = f"{self.directory.uri}/{UPDATE_STATISTICS_FILE}"
        return statistics_from_bytes(self.directory.read_bytes(UPDATE_STATISTICS_FILE), name)

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

    def begin_rounds(
        self, shape: WeightShape, seed: int, shards: int, start: tuple[Iterator[Matrix], Iterator[Matrix]] | None = None
    ) -> None:
        """Write the weights that training starts from, in files like those of later rounds, which are written over.

        Parameters
        ----------
        start : batches of the input and of the output matrix, optional
            See `WarmStart.rows`; without it a first training begins.
        """
        directory, files = self.round_directory(0).create(), whole_files(shape)
        if shards > 1:
            files = {name: [] for name in shape.rows}
            for number, row_range in enumerate(plan_row_ranges(shape)):
                file = f"{number:05d}.npy", row_range.stop - row_range.start
                files[list(shape.rows)[row_range.matrix]].append(file)
        matrices = start or (initial_rows(shape.input_rows, shape.dim, seed), zero_rows(shape.output_rows, shape.dim))
        for parts, batches in zip(files.values(), matrices, strict=True):
            for name, rows in parts:
                write_matrix(directory, name, rows, shape.dim, islice(batches, -(-rows // CACHED_ROWS)))
        self.finish_round(0, shape, files, [])

    def finish_round(
        self,
        rounds_done: int,
        shape: WeightShape,
        files: WeightFiles,
        history: list[RoundRecord],
        complete: frozenset[str] = frozenset(),
    ) -> None:
        """Make the weights in a round's directory the newest checkpoint, and drop everything else about rounds.

        Of what is dropped only the files in ``complete`` may be written over: an attempt that Spark has given up may
        still be writing to the others.
        """
        directory = self.round_directory(rounds_done)
        records = [record.to_dict() for record in history]
        value = {"rounds_done": rounds_done, **asdict(shape), "files": files, "history": records}
        directory.write_json(_ROUND_FILE, value)
        kept = {_ROUND_FILE, _MOMENTS_FILE, *(file for parts in files.values() for file, _ in parts)}
        self._retire(directory, kept, complete)
        for info in self.directory.child("rounds").list():
            if info.base_name not in (f"{rounds_done:05d}", _SPARE):
                folder = self.directory.child(f"rounds/{info.base_name}")
                self._retire(folder, set(), complete)
                folder.delete()

    @property
    def spare(self) -> Directory:
        """Files of weights that nobody needs any more, to be written over."""
        return self.directory.child(f"rounds/{_SPARE}")

    def _retire(self, directory: Directory, kept: set[str], complete: frozenset[str]) -> None:
        """Remove all files of a round but some; complete ones on a local file system become spare."""
        for info in directory.list():
            if info.base_name in kept:
                continue
            if directory.is_local and info.base_name in complete:
                directory.move(info.base_name, self.spare.create(), info.base_name)
            else:
                directory.remove(info.base_name)

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
        with damage_naming(f"{directory.uri}/{_ROUND_FILE}"):
            history = [RoundRecord(**record) for record in value["history"]]
            done, found = int(value["rounds_done"]), WeightShape(value["rows"], value["dim"])
        if len(history) != done:
            raise StoreError(f"{directory.uri}/{_ROUND_FILE} is damaged: {len(history)} records of {done} rounds")
        if found != shape:
            raise StoreError(f"{directory.uri} holds weights of {found}, expected {shape}")
        self.read_weights(done, shape)
        return done, history

    def read_files(self, rounds_done: int) -> WeightFiles:
        """The files of the weights after some rounds.

        Raises
        ------
        StoreError
            The checkpoint is damaged.
        """
        directory = self.round_directory(rounds_done)
        with damage_naming(f"{directory.uri}/{_ROUND_FILE}"):
            files = directory.read_json(_ROUND_FILE)["files"]
            return {str(name): [(str(file), int(rows)) for file, rows in parts] for name, parts in files.items()}

    def read_weights(self, rounds_done: int, shape: WeightShape) -> tuple[MatrixReader, MatrixReader]:
        """The input and the output matrix after some rounds, (rows, D) float32; memory maps where possible."""
        return open_matrices(self.round_directory(rounds_done), shape, self.read_files(rounds_done))

    def write_moments(self, rounds_done: int, moments: Moments) -> None:
        """Keep the second moments of both matrices, (2, D + 1, D), with the weights after some rounds."""
        self.round_directory(rounds_done).write_bytes(_MOMENTS_FILE, arrays_to_bytes({"moments": moments}))

    def read_moments(self, rounds_done: int, dim: int) -> Moments | None:
        """What `write_moments` kept; None if it kept nothing.

        Raises
        ------
        StoreError
            The file is damaged.
        """
        directory = self.round_directory(rounds_done)
        if not directory.exists(_MOMENTS_FILE):
            return None
        name = f"{directory.uri}/{_MOMENTS_FILE}"
        arrays = arrays_from_bytes(directory.read_bytes(_MOMENTS_FILE), name)
        with damage_naming(name):
            moments: Moments = arrays["moments"]
        if moments.shape != (2, dim + 1, dim) or moments.dtype != np.float64 or not np.isfinite(moments).all():
            raise StoreError(f"{name} is damaged: expected finite numbers for D = {dim}")
        return moments

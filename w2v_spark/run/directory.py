"""The run directory: everything a run needs to go on after a kill, ``<output>/_run``.

::

    w2v_spark.json       says that this program made the directory, and may remove it; written first
    run.json             what is trained: configuration, input, plan, corpus statistics
    vocabulary.parquet   sampling.npz  update_statistics.npz
    counts/              the counts of all words, for a version
    corpus.json          corpus/*.arrow
    rounds/00007/        weights after 7 rounds, and before that what the shards of the round hand back; round.json,
                         which says what the weights' files are, is written last and makes them count
    rounds/00006/        those of the round before, to go back to where the newest ones are damaged
    rounds/spare/        files of earlier rounds, to be written over
    commands.npz         what executors are to do next, and report-*.arrow, what they have done: see `mailbox`

A file counts once the driver has listed it in a JSON file. So what killed, retried or speculative tasks leave behind
is never read, and the newest round with a ``round.json`` is a checkpoint.

Every file carries a checksum or is listed with one, and the JSON files that list them carry their own: ``run.json``
lists the tables, ``corpus.json`` the record batches, ``round.json`` the weights. All is verified when it is read, by
whoever reads it. Damage of what a run cannot do without is a `StoreError`; it never gives other vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import StoreError
from w2v_spark.publishing.layout import COUNTS, MARK_FILE, RUN_FILE, mark
from w2v_spark.run.checkpoint import ROUND_FILE, Checkpoint, round_name
from w2v_spark.run.manifest import SAMPLING_FILE, UPDATE_STATISTICS_FILE, VOCABULARY_FILE, Run
from w2v_spark.sampling.tables import SamplingTables
from w2v_spark.storage import Directory, arrays_from_bytes, arrays_to_bytes, damage_naming, digest, errors_naming
from w2v_spark.training.correction import Moments
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.matrix_files import (
    BLOCK_ROWS,
    Matrix,
    MatrixReader,
    WeightFile,
    WeightFiles,
    read_all,
    write_matrix,
)
from w2v_spark.training.row_ranges import plan_row_ranges
from w2v_spark.training.update_statistics import (
    BothStatistics,
    build_update_statistics,
    statistics_from_bytes,
    statistics_to_bytes,
)
from w2v_spark.training.weights import WeightShape, initial_rows, open_matrices, zero_rows

CORPUS: Final = "corpus"
CORPUS_FILE: Final = "corpus.json"
_MOMENTS_FILE: Final = "moments.npz"
ROUNDS: Final = "rounds"
_SPARE: Final = "spare"


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Reads and writes the run directory of one output.

    Attributes
    ----------
    directory : Directory
    run : str
        Identity of the run; what another one has left here is refused. It is known once there is a ``run.json``.
    """

    directory: Directory
    run: str = ""

    @property
    def corpus(self) -> Directory:
        """Where the encoded corpus is."""
        return self.directory.child(CORPUS)

    @property
    def counts(self) -> Directory:
        """Where the counts of all words are, if the first pass has kept them."""
        return self.directory.child(COUNTS)

    def begin(self, run: Run, vocabulary: Vocabulary, corpus: EncodedCorpus | None = None) -> Run:
        """Start over: the directory holds this run, the counts it was made of, and nothing else.

        ``run.json`` comes last.

        Parameters
        ----------
        corpus : EncodedCorpus, optional
            The encoded text, where it is here already, see `begin_corpus`.

        Returns
        -------
        The run with the digests of its files.
        """
        sample = 0.0 if run.trains_on_every_word(vocabulary) else run.plan.sample
        config = run.config.replace(train={"sample": sample})
        tables = SamplingTables.build(vocabulary.counts, config.model, sample)
        statistics = build_update_statistics(
            vocabulary.counts, config, tables, run.statistics.sentences, vocabulary.trained
        )
        self._clear(*([] if corpus is None else [CORPUS]))
        if corpus is not None:
            corpus.write(self.directory, CORPUS_FILE, run.identity)
        files = {
            VOCABULARY_FILE: vocabulary.to_bytes(),
            SAMPLING_FILE: tables.to_bytes(),
            UPDATE_STATISTICS_FILE: statistics_to_bytes(statistics),
        }
        for name, data in files.items():
            self.directory.write_bytes(name, data)
        digests = {name: digest(data) for name, data in files.items()}
        for info in self.counts.list():
            digests[f"{COUNTS}/{info.base_name}"] = digest(self.counts.read_bytes(info.base_name))
        listed = replace(run, files=digests)
        listed.write(self.directory)
        return listed

    def checked_counts(self, run: Run) -> Directory:
        """Where the counts of all words are, after a look at all that is in their files.

        Raises
        ------
        StoreError
            A file is missing or damaged.
        """
        for name, expected in run.files.items():
            if name.startswith(f"{COUNTS}/"):
                self.directory.read_bytes(name, expected)
        return self.counts

    def begin_counts(self) -> Directory:
        """An empty `counts`, in a directory that holds no run any more: an earlier one had other counts."""
        self._clear()
        self.counts.delete()
        return self.counts.create()

    def begin_corpus(self, vocabulary: Vocabulary) -> str:
        """Make room for text that is encoded before its run begins, and write the vocabulary for it; its digest."""
        self._clear()
        data = vocabulary.to_bytes()
        self.directory.write_bytes(VOCABULARY_FILE, data)
        return digest(data)

    def _clear(self, *kept: str) -> None:
        """Remove all but counts, the mark and what is kept; ``run.json``, which makes the rest count, goes first."""
        mark(self.directory).remove(RUN_FILE)
        for info in self.directory.list():
            if info.base_name not in (MARK_FILE, COUNTS, *kept):
                self.directory.remove(info.base_name)

    def has_run(self) -> bool:
        """Whether there is a run to go on with."""
        return self.directory.exists(RUN_FILE)

    def read_vocabulary(self, run: Run) -> Vocabulary:
        """The vocabulary, after a look at the tables that belong to it.

        Raises
        ------
        StoreError
            One of the three files is missing, damaged, or of another run.
        """
        with errors_naming(f"{self.directory.uri}/{VOCABULARY_FILE}"):
            vocabulary = Vocabulary.read(self.directory, VOCABULARY_FILE, run.files[VOCABULARY_FILE])
        if self.read_tables(run.files[SAMPLING_FILE]).vocabulary_size != len(vocabulary):
            raise StoreError(f"{self.directory.uri}/{SAMPLING_FILE} does not fit the vocabulary")
        if len(self.read_update_statistics(run.files[UPDATE_STATISTICS_FILE])[0].updates) != len(vocabulary):
            raise StoreError(f"{self.directory.uri}/{UPDATE_STATISTICS_FILE} does not fit the vocabulary")
        return vocabulary

    def read_tables(self, expected: str) -> SamplingTables:
        """The tables that the kernels draw from, by the digest that ``run.json`` has of the file.

        Raises
        ------
        StoreError
            The file is missing or damaged.
        """
        data = self.directory.read_bytes(SAMPLING_FILE, expected)
        return SamplingTables.from_bytes(data, f"{self.directory.uri}/{SAMPLING_FILE}")

    def read_update_statistics(self, expected: str) -> BothStatistics:
        """How often the rows of the input and of the output matrix are updated, by the digest of the file.

        Raises
        ------
        StoreError
            The file is missing or damaged.
        """
        data = self.directory.read_bytes(UPDATE_STATISTICS_FILE, expected)
        return statistics_from_bytes(data, f"{self.directory.uri}/{UPDATE_STATISTICS_FILE}")

    def read_corpus(self, shards: int) -> EncodedCorpus | None:
        """The encoded corpus, if the second pass was finished.

        Raises
        ------
        StoreError
            There are not as many shards as planned, or a file is missing or of another length. Record batches are
            verified when they are read.
        """
        if not self.directory.exists(CORPUS_FILE):
            return None
        corpus = EncodedCorpus.read(self.directory, CORPUS_FILE, self.run)
        if len(corpus.shards) != shards:
            raise StoreError(f"{self.directory.uri}/{CORPUS_FILE} lists {len(corpus.shards)} shards, expected {shards}")
        for part in (part for shard in corpus.shards for part in shard.parts):
            part.check(self.corpus)
        return corpus

    def round_directory(self, rounds_done: int) -> Directory:
        """Where the weights after some rounds are."""
        return self.directory.child(f"{ROUNDS}/{round_name(rounds_done)}")

    def begin_rounds(
        self, shape: WeightShape, seed: int, shards: int, start: tuple[Iterator[Matrix], Iterator[Matrix]] | None = None
    ) -> None:
        """Write the weights that training starts from, in files like those of later rounds, which are written over.

        Parameters
        ----------
        start : batches of the input and of the output matrix, optional
            See `WarmStart.rows`; without it a first training begins.
        """
        directory = self.round_directory(0).create()
        ranges: dict[str, list[tuple[str, int]]] = {name: [(f"{name}.npy", rows)] for name, rows in shape.rows.items()}
        if shards > 1:
            ranges = {name: [] for name in shape.rows}
            for number, row_range in enumerate(plan_row_ranges(shape)):
                file = f"{number:05d}.npy", row_range.stop - row_range.start
                ranges[list(shape.rows)[row_range.matrix]].append(file)
        matrices = start or (initial_rows(shape.input_rows, shape.dim, seed), zero_rows(shape.output_rows, shape.dim))
        files: WeightFiles = {
            matrix: [
                WeightFile(
                    name, rows, write_matrix(directory, name, rows, shape.dim, islice(batches, -(-rows // BLOCK_ROWS)))
                )
                for name, rows in parts
            ]
            for (matrix, parts), batches in zip(ranges.items(), matrices, strict=True)
        }
        self.finish_round(0, shape, files, [])

    def finish_round(
        self,
        rounds_done: int,
        shape: WeightShape,
        files: WeightFiles,
        history: list[RoundRecord],
        moments: str | None = None,
        complete: frozenset[str] = frozenset(),
    ) -> None:
        """Make the weights in a round's directory the newest checkpoint, and drop all rounds but the one before.

        Of what is dropped only files that a checkpoint has listed, and those in ``complete``, may be written over: an
        attempt that Spark has given up may still be writing to the others.

        Parameters
        ----------
        moments : str, optional
            What `write_moments` has returned for this round.
        """
        directory = self.round_directory(rounds_done)
        Checkpoint(self.run, rounds_done, shape, files, moments, history).write(directory)
        self._retire(directory, {ROUND_FILE, _MOMENTS_FILE, *_names(files)}, complete)
        for info in self.directory.child(ROUNDS).list():
            if info.base_name not in (round_name(rounds_done), round_name(rounds_done - 1), _SPARE):
                folder = self.directory.child(f"{ROUNDS}/{info.base_name}")
                with suppress(StoreError):  # no checkpoint, or a damaged one: none of its files is known to be complete
                    complete |= _names(Checkpoint.read(folder).files)
                self._retire(folder, set(), complete)
                folder.delete()

    @property
    def spare(self) -> Directory:
        """Files of weights that nobody needs any more, to be written over."""
        return self.directory.child(f"{ROUNDS}/{_SPARE}")

    def _retire(self, directory: Directory, kept: set[str], complete: frozenset[str]) -> None:
        """Remove all files of a round but some; complete ones on a local file system become spare."""
        for info in directory.list():
            if info.base_name in kept:
                continue
            if directory.is_local and info.base_name in complete:
                directory.move(info.base_name, self.spare.create(), info.base_name)
            else:
                directory.remove(info.base_name)

    def last_round(
        self, shape: WeightShape, warn: Callable[[str], object] = lambda _: None
    ) -> tuple[int, list[RoundRecord]] | None:
        """The newest checkpoint that is whole: rounds done and their history; None if training has not begun.

        Parameters
        ----------
        warn : function of a line of text
            Is told of a damaged checkpoint where an earlier one takes its place.

        Raises
        ------
        StoreError
            No checkpoint is whole.

        Notes
        -----
        Reads all weights of the checkpoint.
        """
        rounds = self.directory.child(ROUNDS)
        finished = [info.base_name for info in rounds.list() if rounds.child(info.base_name).exists(ROUND_FILE)]
        damage: StoreError | None = None
        for name in reversed(finished):
            try:
                checkpoint = self._verified(rounds.child(name), shape)
            except StoreError as error:
                damage = damage or error
                continue
            if damage is not None:
                warn(f"{damage}; going back to what was there after round {checkpoint.rounds_done}")
            return checkpoint.rounds_done, checkpoint.history
        if damage is not None:
            raise damage
        return None

    def _verified(self, directory: Directory, shape: WeightShape) -> Checkpoint:
        """A checkpoint, all of it read."""
        checkpoint = Checkpoint.read(directory)
        checkpoint.check(directory, self.run, shape)
        for matrix in open_matrices(directory, shape, checkpoint.files):
            read_all(matrix)
        return checkpoint

    def read_files(self, rounds_done: int) -> WeightFiles:
        """The files of the weights after some rounds.

        Raises
        ------
        StoreError
            The checkpoint is damaged.
        """
        return Checkpoint.read(self.round_directory(rounds_done)).files

    def read_weights(self, rounds_done: int, shape: WeightShape) -> tuple[MatrixReader, MatrixReader]:
        """The input and the output matrix after some rounds, (rows, D) float32; memory maps where possible."""
        return open_matrices(self.round_directory(rounds_done), shape, self.read_files(rounds_done))

    def write_moments(self, rounds_done: int, moments: Moments) -> str:
        """Keep the second moments of both matrices, (2, D + 1, D), with the weights after some rounds; their digest."""
        data = arrays_to_bytes({"moments": moments})
        self.round_directory(rounds_done).write_bytes(_MOMENTS_FILE, data)
        return digest(data)

    def read_moments(self, rounds_done: int, dim: int) -> Moments | None:
        """What `write_moments` kept; None if it kept nothing, or not what is there: they can be worked out again.

        Raises
        ------
        StoreError
            The checkpoint is damaged.
        """
        directory = self.round_directory(rounds_done)
        expected = Checkpoint.read(directory).moments
        if expected is None or not directory.exists(_MOMENTS_FILE):
            return None
        data = directory.read_bytes(_MOMENTS_FILE)
        if digest(data) != expected:
            return None
        name = f"{directory.uri}/{_MOMENTS_FILE}"
        with damage_naming(name):
            moments: Moments = arrays_from_bytes(data, name)["moments"]
        if moments.shape != (2, dim + 1, dim) or moments.dtype != np.float64 or not np.isfinite(moments).all():
            raise StoreError(f"{name} is damaged: expected finite numbers for D = {dim}")
        return moments


def _names(files: WeightFiles) -> frozenset[str]:
    return frozenset(part.file for parts in files.values() for part in parts)

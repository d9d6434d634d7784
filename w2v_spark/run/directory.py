"""The run directory: everything a run needs to go on after a kill, ``<output>/_run``.

::

    w2v_spark.json       says that this program made the directory, and may remove it; written first
    run.json             what is trained: configuration, input, plan, corpus statistics
    vocabulary.parquet   sampling.npz  update_statistics.npz  subwords.npz  tags.parquet  phrases.parquet
    dictionary.parquet
    counts/              the counts of all words, for a version
    words/               the words of text that has been counted, until it is encoded
    corpus.json          corpus/*.arrow
    rounds/00007/        weights after 7 rounds, and before that what the shards of the round hand back; round.json,
                         which says what the weights' files are, is written last and makes them count
    rounds/00006/        those of the round before, to go back to where the newest ones are damaged
    rounds/documents/    rows of documents, a file a shard and slice
    rounds/spare/        files of earlier rounds, to be written over
    factorization/       where counts are decomposed, in the place of rounds: see `counting.stages`
    commands.npz         what executors are to do next, and report-*.arrow, what they have done: see `mailbox`

A file counts once the driver has listed it in a JSON file. So what killed, retried or speculative tasks leave behind
is never read, and the newest round with a ``round.json`` is a checkpoint.

Every file carries a checksum or is listed with one, and the JSON files that list them carry their own: ``run.json``
lists the tables, ``corpus.json`` the record batches, ``round.json`` the weights. All is verified when it is read, by
whoever reads it. Damage of what a run cannot do without is a `StoreError`; it never gives other vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from w2v_spark.config import COUNTED, Config
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.tags import Tags
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import StoreError
from w2v_spark.models.subsample import keep_probabilities
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.models.tables import SamplingTables
from w2v_spark.phrases.units import NO_UNITS, Units
from w2v_spark.publishing.layout import COUNTS, MARK_FILE, RUN_FILE, WORDS, mark
from w2v_spark.run.manifest import (
    SAMPLING_FILE,
    SUBWORDS_FILE,
    TAGS_FILE,
    UPDATE_STATISTICS_FILE,
    VOCABULARY_FILE,
    Run,
)
from w2v_spark.run.rounds import RoundFiles
from w2v_spark.storage import Directory, digest, errors_naming
from w2v_spark.training.update_statistics import (
    BothStatistics,
    build_update_statistics,
    statistics_from_bytes,
    statistics_to_bytes,
)
from w2v_spark.training.weights import WeightShape

CORPUS: Final = "corpus"
CORPUS_FILE: Final = "corpus.json"
ROUNDS: Final = "rounds"
FACTORIZATION: Final = "factorization"


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

    @property
    def words(self) -> Directory:
        """Where the first pass keeps words for the second, if it does; see `w2v_spark.corpus.numbered_words`."""
        return self.directory.child(WORDS)

    @contextmanager
    def keeping_words(self, wanted: bool) -> Iterator[None]:
        """Room for `words` if they are wanted; an error leaves nothing of it."""
        if not wanted:
            yield
            return
        mark(self.directory)
        self.words.delete()
        self.words.create()
        try:
            yield
        except BaseException:
            with suppress(OSError):  # a task that has not heard of it yet may still be writing
                self.words.delete()
                if [info.base_name for info in self.directory.list()] == [MARK_FILE]:
                    self.directory.delete()
            raise

    @contextmanager
    def using_words(self) -> Iterator[None]:
        """The last use of `words`, which do not outlive it: after an error, resuming needs their room."""
        try:
            yield
        finally:
            with suppress(OSError):  # they go with the run at the latest
                self.words.delete()

    def begin(
        self,
        run: Run,
        vocabulary: Vocabulary,
        corpus: EncodedCorpus | None = None,
        tags: Tags | None = None,
        units: Units = NO_UNITS,
    ) -> Run:
        """Start over: the directory holds this run, what it was counted from, and nothing else.

        ``run.json`` comes last.

        Parameters
        ----------
        corpus : EncodedCorpus, optional
            The encoded text, where it is here already, see `begin_corpus`.
        tags : Tags, optional
            Of documents that have rows.
        units : Units
            What words of the text become.

        Returns
        -------
        The run with the digests of its files.
        """
        sample = 0.0 if run.trains_on_every_word(vocabulary) else run.plan.sample
        config = run.config.replace(train={"sample": sample})
        subwords = _find_subwords(vocabulary, config)
        drawn = None if config.model.objective in COUNTED else _drawn_from(run, config, vocabulary, tags, subwords)
        self._clear(WORDS if corpus is None else CORPUS)
        if corpus is not None:
            corpus.write(self.directory, CORPUS_FILE, run.identity)
        files = {
            VOCABULARY_FILE: vocabulary.to_bytes(),
            **({} if drawn is None else _files_of(*drawn)),
            **({} if tags is None else {TAGS_FILE: tags.to_bytes()}),
            **({} if subwords is None else {SUBWORDS_FILE: subwords.to_bytes()}),
            **units.files(),
        }
        for name, data in files.items():
            self.directory.write_bytes(name, data)
        digests = {name: digest(data) for name, data in files.items()}
        for info in self.counts.list():
            digests[f"{COUNTS}/{info.base_name}"] = digest(self.counts.read_bytes(info.base_name))
        listed = replace(run, files=digests, ngrams=0 if subwords is None else subwords.ngrams)
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

    def begin_corpus(self, vocabulary: Vocabulary, tags: Tags | None = None) -> dict[str, str]:
        """Make room for text that is encoded before its run begins, and write what that needs; the digests."""
        self._clear(WORDS)
        files = {VOCABULARY_FILE: vocabulary.to_bytes()} | ({} if tags is None else {TAGS_FILE: tags.to_bytes()})
        for name, data in files.items():
            self.directory.write_bytes(name, data)
        return {name: digest(data) for name, data in files.items()}

    def read_units(self, run: Run) -> Units:
        """What words of the text become. Raises `StoreError` if a file is missing or damaged."""
        return Units.read(self.directory, run.files)

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
        if run.config.model.objective in COUNTED:
            return vocabulary
        if self.read_tables(run.files[SAMPLING_FILE]).vocabulary_size != len(vocabulary):
            raise StoreError(f"{self.directory.uri}/{SAMPLING_FILE} does not fit the vocabulary")
        statistics = self.read_update_statistics(run.files[UPDATE_STATISTICS_FILE])
        rows = WeightShape.build(run.config.model, len(vocabulary), run.others).input_rows
        if len(statistics[0].updates) != rows or (run.tags and len(self.read_tags(run)) != run.tags):
            raise StoreError(f"{self.directory.uri}/{UPDATE_STATISTICS_FILE} does not fit the vocabulary")
        return vocabulary

    def read_tags(self, run: Run) -> Tags:
        """The tags of documents. Raises `StoreError` if their file is missing or damaged."""
        return Tags.read(self.directory, TAGS_FILE, run.files[TAGS_FILE]) if TAGS_FILE in run.files else Tags.none()

    def read_subwords(self, expected: str | None) -> SubwordTable | None:
        """The n-grams of the words, by the digest of their file; None where they have none, and there is no file.

        Raises
        ------
        StoreError
            The file is missing or damaged.
        """
        if expected is None:
            return None
        data = self.directory.read_bytes(SUBWORDS_FILE, expected)
        return SubwordTable.from_bytes(data, f"{self.directory.uri}/{SUBWORDS_FILE}")

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

    @property
    def rounds(self) -> RoundFiles:
        """The weights after each round."""
        return RoundFiles(self.directory.child(ROUNDS), self.run)


def _drawn_from(
    run: Run, config: Config, vocabulary: Vocabulary, tags: Tags | None, subwords: SubwordTable | None
) -> tuple[SamplingTables, BothStatistics]:
    """What training draws from, and merges by; ``train.sample`` is what words are skipped by."""
    tables = SamplingTables.build(vocabulary.counts, config.model, config.train.sample)
    statistics = build_update_statistics(
        vocabulary.counts, config, tables, run.statistics.sentences, vocabulary.trained,
        None if tags is None else tags.shares, subwords,
    )  # fmt: skip
    return tables, statistics


def _files_of(tables: SamplingTables, statistics: BothStatistics) -> dict[str, bytes]:
    return {SAMPLING_FILE: tables.to_bytes(), UPDATE_STATISTICS_FILE: statistics_to_bytes(statistics)}


def _find_subwords(vocabulary: Vocabulary, config: Config) -> SubwordTable | None:
    """The n-grams of a vocabulary, for a model that has them; ``train.sample`` is what words are skipped by."""
    if not config.model.subwords:
        return None
    kept = vocabulary.trained_counts * keep_probabilities(vocabulary.counts, config.train.sample)
    return SubwordTable.build(*vocabulary.text(), vocabulary.counts, kept, config.model)

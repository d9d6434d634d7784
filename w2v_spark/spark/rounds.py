"""Training by rounds, from the first or from the last checkpoint to the weights that are published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from pyspark.sql import SparkSession

from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.errors import Name, StoreError
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.retraining.start import WarmStart
from w2v_spark.run.directory import ROUNDS, RunDirectory
from w2v_spark.run.manifest import SAMPLING_FILE, SUBWORDS_FILE, Run
from w2v_spark.run.progress import Progress
from w2v_spark.spark.learner import Learned
from w2v_spark.spark.long_tasks import StepExecutor
from w2v_spark.spark.round_trainer import RoundTrainer
from w2v_spark.spark.spark_errors import translated_errors
from w2v_spark.training.composed import ComposedRows, Ngrams
from w2v_spark.training.history import RoundRecord, check_trained
from w2v_spark.training.weights import WeightShape, word_vectors


@dataclass(frozen=True, slots=True)
class RoundsLearner:
    """Stochastic gradient descent on the weights of skip-gram or CBOW, in the rounds of the run's plan.

    Attributes
    ----------
    start : WarmStart, optional
        Weights to go on from.
    """

    start: WarmStart | None = None

    def learn(
        self,
        spark: SparkSession,
        directory: RunDirectory,
        run: Run,
        corpus: EncodedCorpus,
        vocabulary: Vocabulary,
        progress: Progress,
    ) -> Learned:
        """See `Learner`.

        Raises
        ------
        DivergedError
            Weights became NaN or infinite; the run directory keeps those of the round before.
        InputError
            No two words of a sentence were left to train on.
        """
        shape = WeightShape.build(run.config.model, len(vocabulary), run.others)
        begin = partial(self._begin, directory, run, shape, vocabulary)
        history = _train_rounds(spark, directory, run, shape, corpus, progress, begin)
        size, section = (0, "retrain") if self.start else (len(vocabulary), "train")
        for warning in check_trained(history, run.config, run.plan, size, section):
            progress.warn(warning)
        weights = directory.rounds.read_weights(run.plan.rounds, shape)
        tables, subwords = (
            directory.read_tables(run.files[SAMPLING_FILE]),
            directory.read_subwords(run.files.get(SUBWORDS_FILE)),
        )
        ngrams = None if subwords is None else Ngrams(subwords, weights[0])
        if subwords is not None:
            weights = ComposedRows(subwords, weights[0]), weights[1]
        return Learned(
            word_vectors(run.config.model, *weights, tables),
            history,
            dict(zip(shape.rows, weights, strict=True)),
            directory.rounds.read_documents(run.plan.rounds),
            ngrams,
        )

    def _begin(self, directory: RunDirectory, run: Run, shape: WeightShape, vocabulary: Vocabulary) -> None:
        seed = run.config.train.seed
        start = self.start.rows(vocabulary.words, shape.dim, seed) if self.start else None
        documents = input_rows_of(run.config.model).documents
        directory.rounds.begin(shape, seed, run.plan.shards, start, documents)


def _train_rounds(
    spark: SparkSession,
    directory: RunDirectory,
    run: Run,
    shape: WeightShape,
    corpus: EncodedCorpus,
    progress: Progress,
    begin: Callable[[], None],
) -> list[RoundRecord]:
    """Run all rounds that are not done yet; the history of all rounds."""
    plan = run.plan
    checkpoint = directory.rounds.last(shape, progress.warn)
    if checkpoint is None:
        begin()
        checkpoint = 0, []
    done, history = checkpoint
    if done:
        progress.say(f"going on after round {done} of {plan.rounds}")
    with (
        StepExecutor(spark, directory.directory, run, shape) as steps,
        progress.rounds(corpus.tokens * plan.epochs, plan.rounds, history) as shown,
        _damage_of_rounds(),
        RoundTrainer(steps, directory, run, shape, history, shown.update) as rounds,
    ):
        for number in range(done, plan.rounds):
            if progress.stopping.requested is not None:  # which is seen while no shard is at work
                rounds.finish_last()
            rounds.train(number)
    return rounds.history


@contextmanager
def _damage_of_rounds() -> Iterator[None]:
    """Say of weights that are not what was written that there is a round to go back to."""
    try:
        with translated_errors():
            yield
    except StoreError as error:
        if f"/{ROUNDS}/" not in str(error):
            raise
        raise StoreError(*error.parts, "; go on from the last round that is whole with ", Name("resume")) from error

"""A second training with another seed, to learn what two seeds differ by."""

from __future__ import annotations

from typing import Final

from w2v_spark.publishing.layout import NOISE
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import VOCABULARY_FILE, Run
from w2v_spark.spark.encode_pass import EncodePass
from w2v_spark.spark.learner import Learned, Learner
from w2v_spark.spark.origin import Work
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.settings import text_pass_conf, training_conf

_ALL_SEEDS: Final = 1 << 63


def learn_with_another_seed(work: Work, learner: Learner) -> tuple[Learned, int]:
    """Train the same words once more, in a directory below that of the run; what was learned, and the seed.

    The seed decides the order of the text as well, so it is encoded again. A run that was interrupted goes on.
    """
    run, spark = work.run, work.spark
    seed = (run.config.train.seed + 1) % _ALL_SEEDS
    config = run.config.replace(train={"seed": seed})
    directory = RunDirectory(work.directory.directory.child(NOISE))
    if directory.has_run():
        other = Run.read(directory.directory)
    else:
        other = directory.begin(Run.start(config, run.input, run.plan, run.statistics), work.vocabulary)
    directory = RunDirectory(directory.directory, other.identity)
    corpus = directory.read_corpus(run.plan.shards)
    if corpus is None:
        with text_pass_conf(spark, default_parallelism(spark)):
            digest = other.files[VOCABULARY_FILE]
            encode = EncodePass(config, directory.directory, VOCABULARY_FILE, digest, work.vocabulary, run.plan.shards)
            corpus = encode.encode(work.frames)
            corpus.write(directory.directory, CORPUS_FILE, other.identity)
    with training_conf(spark):
        return learner.learn(spark, directory, other, corpus, work.vocabulary, work.progress), seed

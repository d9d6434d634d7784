"""The four models, each trained by this project and by gensim with the same settings on the same words."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import timed
from benchmarks.corpus import Corpus
from w2v_spark.config import COUNTED, Architecture, Config, ModelConfig, Objective, TrainConfig
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.kernels.arguments import Schedule, Sentences, Weights
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.models.subsample import keep_probabilities
from w2v_spark.models.subwords import SubwordTable
from w2v_spark.models.tables import SamplingTables
from w2v_spark.training.composed import ComposedRows
from w2v_spark.training.noise_pool import pool_size
from w2v_spark.training.trainer import ThreadedTrainer, Trainer
from w2v_spark.training.weights import WeightShape, initial_rows

Matrix = npt.NDArray[np.float32]

TRAINED = [objective for objective in Objective if objective not in COUNTED]
OF_WORDS = (Architecture.SKIPGRAM, Architecture.CBOW)  # the others need documents
MODELS = {f"{first}_{second}": (first, second) for first, second in itertools.product(OF_WORDS, TRAINED)}


def model_config(name: str, dim: int) -> ModelConfig:
    """The model of a name in `MODELS`, window 5, 5 negatives."""
    architecture, objective = MODELS[name]
    return ModelConfig(architecture=architecture, objective=objective, dim=dim, window=5, negatives=5)


def ngrams_of(model: ModelConfig, train: TrainConfig, vocabulary: Vocabulary) -> SubwordTable | None:
    """The n-grams of a vocabulary, for a model that has them."""
    if not model.subwords:
        return None
    kept = vocabulary.counts * keep_probabilities(vocabulary.counts, train.sample)
    return SubwordTable.build(*vocabulary.text(), vocabulary.counts, kept, model)


class Ours:
    """The kernels of this project on one core, as the main job runs them for a single shard.

    Attributes
    ----------
    tables : SamplingTables
    pool : int
        See `pool_size`.
    trainer : Trainer or ThreadedTrainer
        Its statistics add up over all calls.
    """

    def __init__(self, model: ModelConfig, train: TrainConfig, vocabulary: Vocabulary) -> None:
        self.tables = SamplingTables.build(vocabulary.counts, model, train.sample)
        self.ngrams = ngrams_of(model, train, vocabulary)
        self.pool = pool_size(Config(model=model, train=train), len(vocabulary), 0, 1)
        self.trainer: Trainer | ThreadedTrainer = Trainer(model, self.tables, subwords=self.ngrams, pool=self.pool)
        self._settings = train
        self._dim = model.dim
        shape = WeightShape.build(model, len(vocabulary), self.ngrams.ngrams if self.ngrams else 0)
        self._w_in = aligned_zeros(shape.input_rows, padded(model.dim))
        self._w_out = aligned_zeros(shape.output_rows, padded(model.dim))
        self._w_out.fill(0)  # memory that was never written to is not there yet
        start = 0
        for block in initial_rows(shape.input_rows, model.dim, train.seed):
            self._w_in[start : start + len(block), : model.dim] = block
            start += len(block)

    def train(self, corpus: Corpus, epoch: int = 0) -> float:
        """Train one epoch of the whole corpus; the seconds that it took."""
        settings = self._settings
        fall = (settings.learning_rate - settings.min_learning_rate) / settings.epochs
        key = np.uint64(stream_key(settings.seed, epoch, 0))
        rate = settings.learning_rate - fall * epoch
        with timed() as timing:
            schedule = Schedule(key, rate, fall / len(corpus), settings.min_learning_rate)
            self.trainer.train(Sentences(corpus.ids, corpus.offsets, 0), schedule, Weights(self._w_in, self._w_out))
        return timing.seconds

    @property
    def vectors(self) -> Matrix:
        """The input vectors, or those that sub-words make up, (V, D)."""
        rows = self._w_in[:, : self._dim]
        return rows if self.ngrams is None else ComposedRows(self.ngrams, rows)[:]

    @property
    def ngram_vectors(self) -> Matrix:
        """The vectors of n-grams, (B, D)."""
        return self._w_in[self.tables.vocabulary_size :, : self._dim]


class Gensim:
    """gensim's Word2Vec, told the counts of the words so that a part of a corpus can be trained on.

    Its own name for the learning rate is alpha, and for the words' rows in w_out syn1neg, or syn1 for the nodes of the
    Huffman tree.
    """

    def __init__(self, model: ModelConfig, train: TrainConfig, vocabulary: Vocabulary, workers: int = 1) -> None:
        from gensim.models import Word2Vec

        logging.getLogger("gensim").setLevel(logging.ERROR)  # it warns of files that are not the counted corpus
        tree = model.objective is Objective.HIERARCHICAL_SOFTMAX
        self._words = vocabulary.words.to_pylist()
        self._epochs = train.epochs
        self._model: Any = Word2Vec(
            vector_size=model.dim,
            window=model.window,
            sg=int(model.architecture is Architecture.SKIPGRAM),
            hs=int(tree),
            negative=0 if tree else model.negatives,
            cbow_mean=int(model.cbow_mean),
            sample=train.sample,
            alpha=train.learning_rate,
            min_alpha=train.min_learning_rate,
            min_count=1,  # the vocabulary has been chosen
            epochs=train.epochs,
            seed=train.seed,
            workers=workers,
        )
        self._model.build_vocab_from_freq(dict(zip(self._words, vocabulary.counts.tolist(), strict=True)))
        (self._model.syn1 if tree else self._model.syn1neg).fill(0)

    def train(self, text: Path, corpus: Corpus) -> float:
        """Train all epochs from a file that `Corpus.write_text` wrote (its fastest way); the seconds that it took."""
        with timed() as timing:
            self._model.train(
                corpus_file=str(text), total_examples=corpus.sentences, total_words=len(corpus), epochs=self._epochs
            )
        return timing.seconds

    @property
    def vectors(self) -> Matrix:
        """The input vectors in the order of the vocabulary, (V, D)."""
        rows = [self._model.wv.key_to_index[word] for word in self._words]
        vectors: Matrix = self._model.wv.vectors[rows]
        return vectors

"""Vectors of k-mers by both programs, one shard against one worker, of the same k-mers with the same settings."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.corpus import Corpus, read_corpus
from benchmarks.models import Gensim, Ours
from w2v_spark.config import (
    Alphabet,
    Architecture,
    Config,
    ModelConfig,
    Objective,
    ReverseComplement,
    TextConfig,
    Tokenizer,
    TrainConfig,
)

DIM: Final = 100
OURS, THEIRS = "w2v-spark", "gensim"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How sequences are cut into k-mers and trained on: skip-gram, 5 negatives, no subsampling."""

    text: TextConfig
    window: int
    min_count: int
    epochs: int

    def config(self, seed: int) -> Config:
        """As a configuration of the main job, which has one shard."""
        model = ModelConfig(
            architecture=Architecture.SKIPGRAM, objective=Objective.NEGATIVE_SAMPLING, dim=DIM, window=self.window
        )
        train = TrainConfig(epochs=self.epochs, sample=0.0, seed=seed, shards=1)
        counted = replace(Config().vocabulary, min_count=self.min_count)
        return replace(Config(), text=self.text, vocabulary=counted, model=model, train=train)


_KMERS = TextConfig(tokenizer=Tokenizer.KMER)
PROTVEC: Final = Recipe(replace(_KMERS, k=3, frames=True), window=10, min_count=2, epochs=4)
"""3-mers of proteins in three frames as in ProtVec, with a narrower window than its 25, which takes gensim too long."""

CODONS: Final = Recipe(replace(_KMERS, alphabet=Alphabet.DNA, k=6, stride=3), window=5, min_count=5, epochs=3)
"""Coding DNA: two codons, one on."""

DNA2VEC: Final = Recipe(
    replace(_KMERS, alphabet=Alphabet.DNA, k=(3, 8), reverse_complement=ReverseComplement.RANDOM),
    window=10,
    min_count=5,
    epochs=2,
)
"""As dna2vec: k drawn from 3 to 8 at each letter, either strand."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """Vectors of k-mers.

    Attributes
    ----------
    words : list of str
    vectors : (V, D) float32
    seconds : float
        Of one core, for training alone; of the process, so that others on the machine count little.
    """

    words: list[str]
    vectors: npt.NDArray[np.float32]
    seconds: float


def train(program: str, sequences: Sequence[str], recipe: Recipe, seed: int) -> Trained:
    """The vectors of one program; ours are those of the main job with one shard."""
    config = recipe.config(seed)
    with tempfile.TemporaryDirectory(prefix="w2v-bench-") as name:
        file, text = Path(name, "a.parquet"), Path(name, "a.txt")
        pq.write_table(pa.table({"text": list(sequences)}), file)
        corpus = read_corpus([file], 1 << 62, config)
        model = _ours(config, corpus) if program == OURS else Gensim(config.model, config.train, corpus.vocabulary)
        if isinstance(model, Gensim):
            corpus.write_text(text)
        begin = time.process_time()
        if isinstance(model, Gensim):
            model.train(text, corpus)
        else:
            for epoch in range(recipe.epochs):
                model.train(corpus, epoch)
        seconds = time.process_time() - begin
    return Trained(corpus.vocabulary.words.to_pylist(), np.array(model.vectors), seconds)


def _ours(config: Config, corpus: Corpus) -> Ours:
    Ours(config.model, config.train, corpus.vocabulary).train(corpus.head(1))  # compiles
    return Ours(config.model, config.train, corpus.vocabulary)

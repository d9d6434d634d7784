"""Vectors of k-mers by both programs, one shard against one worker, of the same k-mers with the same settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.common import setting_arguments, timed
from benchmarks.sequences import Sentences
from w2v_spark.config import Alphabet, ReverseComplement, TextConfig, Tokenizer
from w2v_spark.vectors.keyed_vectors import KeyedVectors

DIM: Final = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """How sequences are cut into k-mers and trained on: skip-gram, 5 negatives, no subsampling."""

    text: TextConfig
    window: int
    min_count: int
    epochs: int = 5

    def settings(self, seed: int) -> list[str]:
        """For the main job, ``section.key=value``."""
        text = {name: value for name, value in asdict(self.text).items() if value != getattr(TextConfig(), name)}
        return [
            *(f"text.{name}={json.dumps(value)}" for name, value in text.items()),
            f"vocabulary.min_count={self.min_count}", f"model.dim={DIM}", f"model.window={self.window}",
            f"train.epochs={self.epochs}", "train.sample=0", "train.shards=1", f"train.seed={seed}",
        ]  # fmt: skip


_KMERS = TextConfig(tokenizer=Tokenizer.KMER)
PROTVEC: Final = Recipe(replace(_KMERS, k=3, frames=True), window=25, min_count=2)
"""As ProtVec: 3-mers of proteins, in three frames."""

CODONS: Final = Recipe(replace(_KMERS, alphabet=Alphabet.DNA, k=6, stride=3), window=10, min_count=5)
"""Coding DNA: two codons, one on."""

DNA2VEC: Final = Recipe(
    replace(_KMERS, alphabet=Alphabet.DNA, k=(3, 8), reverse_complement=ReverseComplement.RANDOM),
    window=10,
    min_count=5,
    epochs=3,
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
        Of training alone, without reading, counting and encoding.
    """

    words: list[str]
    vectors: npt.NDArray[np.float32]
    seconds: float


def train_ours(sequences: Sequence[str], recipe: Recipe, work: Path, seed: int) -> Trained:
    """From a FASTA file on Spark."""
    from w2v_spark.cli.main import main as run

    source, out = work / "a.fasta", work / "out"
    source.write_text("".join(f">{row}\n{sequence}\n" for row, sequence in enumerate(sequences)))
    files = ["--input", str(source), "--output", str(out), "--quiet"]
    if run(["train", *files, *setting_arguments(recipe.settings(seed))]):
        sys.exit("training has failed")
    vectors = KeyedVectors.load(out)
    rounds = json.loads((out / "history.json").read_text())["rounds"]
    seconds = sum(entry["seconds"]["train"] for entry in rounds)
    return Trained(list(vectors.words), np.array(vectors.take(np.arange(len(vectors)))), seconds)


def train_gensim(kmers: Sentences, recipe: Recipe, seed: int) -> Trained:
    """From lists in memory, whose words are one Python string each however often they occur."""
    from gensim.models import Word2Vec

    names: dict[str, str] = {}
    sentences = [[names.setdefault(kmer, kmer) for kmer in one] for document in kmers for one in document]
    model: Any = Word2Vec(
        vector_size=DIM, window=recipe.window, sg=1, negative=5, min_count=recipe.min_count, sample=0,
        epochs=recipe.epochs, workers=1, seed=seed,
    )  # fmt: skip
    model.build_vocab(sentences)
    with timed() as timing:
        model.train(sentences, total_examples=model.corpus_count, epochs=recipe.epochs)
    return Trained(list(model.wv.index_to_key), model.wv.vectors, timing.seconds)

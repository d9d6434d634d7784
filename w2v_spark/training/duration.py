"""About how long the parts of a run take, on two cores of one machine: enough to tell what is done first.

The figures behind it are in "How many shards a short run has" of benchmarks/notes/shards.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from w2v_spark.config import ModelConfig, Objective
from w2v_spark.models.architectures import InputRows, input_rows_of

_WORD: Final = 85e-9  # seconds for a word of the text, and for each pair of rows and each number of it
_PAIR: Final = 0.041e-9
_PATH: Final = 15  # output rows that the nodes of a path take as long as
_COMPOSED: Final = 120  # pairs that composing a word of its n-grams, and spreading its change, take as long as
_SENTENCE: Final = 25.0  # words, where a window is the whole sentence
_NGRAMS: Final = 6  # rows of n-grams for each word, about
# Seconds of a round besides training: so many, so many for each number of the weights, so many more for each dimension.
_CHECKPOINT: Final = (8e-3, 2.5e-9, 0.0)
_MERGE: Final = (26e-3, 2.2e-9, 0.016e-9)
_SIDE_BY_SIDE: Final = 1.15  # times as long as alone: shards share the memory's bandwidth, and wait for the slowest


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a model takes.

    Attributes
    ----------
    word : float
        Seconds in which one thread trains a word of the text.
    weights : int
        Numbers of both matrices.
    dim : int
        D.
    """

    word: float
    weights: int
    dim: int

    @classmethod
    def of(cls, model: ModelConfig, vocabulary: int) -> Duration:
        """For a vocabulary of V words."""
        rows, others = input_rows_of(model), 0
        if model.subwords:
            others = model.bucket or _NGRAMS * vocabulary
        pairs = _pairs(model, rows) + (_COMPOSED if model.subwords else 0)
        weights = (rows.word_rows(vocabulary) + others + vocabulary) * model.dim
        return cls(_WORD + _PAIR * model.dim * pairs, weights, model.dim)

    def rounds(self, tokens: int, shards: int, threads: int, rounds: int) -> float:
        """Seconds of all rounds over so many tokens, all epochs counted, of P shards side by side."""
        fixed, per_number, per_dimension = _CHECKPOINT if shards == 1 else _MERGE
        trained = self.word * tokens / (shards * threads) * (1.0 if shards == 1 else _SIDE_BY_SIDE)
        return trained + rounds * (fixed + (per_number + per_dimension * self.dim) * self.weights)


def _pairs(model: ModelConfig, rows: InputRows) -> float:
    """Pairs of rows of a window, as if it were skip-gram's: what multiplications a word takes."""
    inputs = float(rows.context_sizes(_SENTENCE, 1.0 if rows.documents else 0.0).mean())
    outputs = _PATH if model.objective is Objective.HIERARCHICAL_SOFTMAX else model.negatives + 1
    return 2 * (inputs + outputs) if rows.averaged else inputs * outputs

"""How much memory a run will need, said before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from w2v_spark.config import ModelConfig
from w2v_spark.kernels.memory import padded
from w2v_spark.models.architectures import input_rows_of
from w2v_spark.models.objectives import output_rows_of

PYTHON = 250 << 20  # interpreter, numpy, numba and pyarrow
_CORPUS = 64 << 20  # a record batch of the corpus and the kernel's own arrays
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes of memory outside the Java heap.

    Attributes
    ----------
    driver : int
        The driver's Python: the vocabulary, and how often each row is updated and met; no weights.
    task : int
        The Python worker of one running shard: one copy of the weights and the sampling tables, whatever its threads.
    run_directory : int
        Space at the largest: the weights of three rounds and those of all shards, and the rows of documents twice,
        without the encoded corpus.
    task_name : str
        What a task is called.
    """

    driver: int
    task: int
    run_directory: int
    task_name: str = "each running shard"

    @classmethod
    def build(
        cls, model: ModelConfig, vocabulary: int, shards: int, others: int = 0, documents: int = 0
    ) -> MemoryEstimate:
        """For a vocabulary of so many words, P shards, so many tags or n-grams, and documents with rows."""
        words = input_rows_of(model).word_rows(vocabulary)
        rows = words + others + vocabulary
        weights = 4 * rows * model.dim
        tables = output_rows_of(model).table_bytes(vocabulary)
        return cls(
            driver=PYTHON + 250 * (vocabulary + others),
            task=PYTHON + _CORPUS + 4 * rows * padded(model.dim) + tables,
            run_directory=(3 + shards) * weights + 8 * documents * model.dim,
        )

    def __str__(self) -> str:
        parts = {"driver": self.driver, self.task_name: self.task, "run directory": self.run_directory}
        return "memory estimate: " + ", ".join(f"{name} {size / _GIB:.2f} GiB" for name, size in parts.items())

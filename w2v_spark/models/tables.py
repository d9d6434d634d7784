"""All tables that the kernels draw from, kept in one file."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from w2v_spark.config import ModelConfig
from w2v_spark.models.array_tables import table_from_bytes
from w2v_spark.models.objectives import output_rows_of
from w2v_spark.models.subsample import keep_thresholds
from w2v_spark.storage import arrays_to_bytes


class SamplingTables(NamedTuple):
    """What the kernels draw from; built once on the driver, since powers may differ in the last bit between machines.

    A model has either noise or paths; the arrays of the other objective are empty.

    Attributes
    ----------
    keep : (V,) uint32
        Thresholds of subsampling, see `keep_thresholds`.
    accept : (V,) uint32, alias : (V,) int32
        The noise distribution, see `build_alias_table`.
    starts : (V + 1,) int64, steps : (length of all paths,) int32
        The Huffman tree, see `build_paths`.
    """

    keep: npt.NDArray[np.uint32]
    accept: npt.NDArray[np.uint32]
    alias: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int32]

    @classmethod
    def build(cls, counts: npt.NDArray[np.int64], model: ModelConfig, sample: float) -> Self:
        """Tables for a vocabulary with these counts, (V,) falling.

        Raises
        ------
        VocabularyError
            Hierarchical softmax with a single word.
        """
        outputs = output_rows_of(model)
        return cls(keep_thresholds(counts, sample), *outputs.noise(counts), *outputs.paths(counts))

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return len(self.keep)

    @property
    def output_rows(self) -> int:
        """Rows of the output matrix: one a word, or one an inner node of the Huffman tree."""
        return len(self.accept) or self.vocabulary_size - 1

    def to_bytes(self) -> bytes:
        """All tables as one file, in numpy's format."""
        return arrays_to_bytes(self._asdict())

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Self:
        """What `to_bytes` made, see `table_from_bytes`."""
        return table_from_bytes(cls, data, name)

    def check(self) -> None:
        """Raise `ValueError` if a table points outside the vocabulary."""
        kinds = (np.uint32, np.uint32, np.int32, np.int64, np.int32)
        arrays: tuple[npt.NDArray[np.generic], ...] = tuple(self)
        if any(array.dtype != kind or array.ndim != 1 for array, kind in zip(arrays, kinds, strict=True)):
            raise ValueError("a table is of another type")
        size, paths = self.vocabulary_size, len(self.starts) - 1
        if not (len(self.accept) == len(self.alias) and (len(self.accept), paths) in ((size, 0), (0, size))):
            raise ValueError("the tables differ in length")
        if len(self.alias) and (self.alias.min() < 0 or self.alias.max() >= size):
            raise ValueError("a noise word is outside the vocabulary")
        if self.starts[0] != 0 or self.starts[-1] != len(self.steps) or (np.diff(self.starts) < 0).any():
            raise ValueError("the paths have wrong lengths")
        if len(self.steps) and (self.steps.min() < 0 or self.steps.max() >> 1 >= size - 1):
            raise ValueError("a path leads outside the tree")

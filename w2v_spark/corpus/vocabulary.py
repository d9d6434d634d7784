"""The vocabulary: which words get a vector, in rank order, with their counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from w2v_spark.config import VocabularyConfig
from w2v_spark.errors import Name, StoreError, VocabularyError
from w2v_spark.storage import Directory, damage_naming, errors_naming
from w2v_spark.text.words import string_buffers

_SCHEMA = pa.schema(
    [pa.field("id", pa.int32(), False), pa.field("word", pa.string(), False), pa.field("count", pa.int64(), False)]
)
_TRAINED = pa.field("trained", pa.int64(), False)


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Words by rank: the most frequent first, equally frequent ones in the order of their UTF-8 bytes.

    Attributes
    ----------
    words : (V,) pyarrow string array
    counts : (V,) int64
        All occurrences that have been counted: by these words are ranked, subsampled, and drawn as noise.
    trained : (V,) int64, optional
        Occurrences in the text that is trained on, where that is not all that has been counted.
    """

    words: pa.Array
    counts: npt.NDArray[np.int64]
    trained: npt.NDArray[np.int64] | None = None

    @classmethod
    def build(
        cls,
        words: pa.Array,
        counts: npt.NDArray[np.int64],
        config: VocabularyConfig,
        trained: npt.NDArray[np.int64] | None = None,
    ) -> Vocabulary:
        """Rank counted words and drop those below ``min_count`` or beyond ``max_size``.

        Raises
        ------
        VocabularyError
            Fewer than two words are left: there is nothing to learn from one word.
        """
        table = pa.table({"word": words, "count": counts, "trained": counts if trained is None else trained})
        table = table.filter(pc.field("count") >= config.min_count)
        order = pc.sort_indices(table, sort_keys=[("count", "descending"), ("word", "ascending")])
        if config.max_size:
            order = order[: config.max_size]
        table = table.take(order)
        if len(table) < 2:
            most = (
                f"the most frequent of {len(words):,} words occurs {counts.max():,} times"
                if len(words)
                else "there are no words"
            )
            within = (" within ", Name("vocabulary.max_size"), f" = {config.max_size}") if config.max_size else ()
            raise VocabularyError(
                f"{'only one word' if len(table) else 'no word'} reaches ", Name("vocabulary.min_count"),
                f" = {config.min_count}", *within, f" ({most}); lower ", Name("vocabulary.min_count"),
                ", or check that the input and ", Name("text.column"), " are what you meant",
            )  # fmt: skip
        column = None if trained is None else table["trained"].to_numpy()
        return cls(table["word"].combine_chunks(), table["count"].to_numpy(), column)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def tokens(self) -> int:
        """Occurrences of all words of the vocabulary in the text that is trained on."""
        return int(self.trained_counts.sum())

    @property
    def trained_counts(self) -> npt.NDArray[np.int64]:
        """Occurrences of each word in the text that is trained on, (V,) int64."""
        return self.counts if self.trained is None else self.trained

    def text(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The bytes of all words, UTF-8, and their places: word ``w`` is ``text[starts[w]:starts[w + 1]]``."""
        return string_buffers(self.words)

    def to_bytes(self) -> bytes:
        """As Parquet: ``id int32, word string, count int64``, and ``trained int64`` where that differs."""
        ids = np.arange(len(self), dtype=np.int32)
        table, sink = pa.table([ids, self.words, self.counts], schema=_SCHEMA), pa.BufferOutputStream()
        if self.trained is not None:
            table = table.append_column(_TRAINED, [self.trained])
        pq.write_table(table, sink)
        return bytes(sink.getvalue().to_pybytes())

    @classmethod
    def read(cls, directory: Directory, name: str, expected: str) -> Vocabulary:
        """Load what `to_bytes` made, by its digest; `StoreError` if it is something else."""
        shown = f"{directory.uri}/{name}"
        with damage_naming(shown), errors_naming(shown):
            table = pq.read_table(pa.BufferReader(directory.read_bytes(name, expected)))
            _ = table.schema.names  # one that is not UTF-8 is found here
        if table.schema.names not in (_SCHEMA.names, [*_SCHEMA.names, _TRAINED.name]):
            raise StoreError(f"{directory.uri}/{name} is no vocabulary: its columns are {table.schema.names}")
        words = table["word"].combine_chunks()
        trained = table[_TRAINED.name].to_numpy() if _TRAINED.name in table.schema.names else None
        return cls(words, table["count"].to_numpy(), trained)

"""Words that the first pass keeps as numbers, for the second one and for phrases: the text is read once.

For text that tasks read by themselves, where the run directory is local: there nothing that is written is as slow as
text that is read, split into words and looked up again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from w2v_spark.corpus.chunks import MOST_WORDS
from w2v_spark.corpus.numbered_words import WordsReader, find_indices
from w2v_spark.run.directory import RunDirectory
from w2v_spark.spark.encode_tasks import EncodeDocuments
from w2v_spark.spark.parquet_pieces import Pieces, Task
from w2v_spark.storage import Directory


@dataclass(frozen=True, slots=True)
class KeptWords:
    """The words of all pieces of a text.

    Attributes
    ----------
    uri : str
        Where they are.
    indices : tuple of str
        One for each piece.
    """

    uri: str
    indices: tuple[str, ...]

    @classmethod
    def find(cls, pieces: Pieces | None) -> KeptWords | None:
        """Those that the first pass of this process has kept; None where it has not."""
        if pieces is None or not pieces.kept:
            return None
        indices = find_indices(Directory.open(pieces.kept), len(pieces.parts))
        return None if indices is None else cls(pieces.kept, indices)


def kept_in(state: RunDirectory, pieces: Pieces | None) -> Pieces | None:
    """Pieces whose words the first pass is to keep in a run directory, where that is local."""
    return replace(pieces, kept=state.words.uri) if pieces is not None and state.directory.is_local else pieces


@dataclass(frozen=True, slots=True)
class EncodeKept:
    """Kept words to what `EncodeDocuments` makes of their documents: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    encode : EncodeDocuments
        Of documents without names.
    words : KeptWords
    """

    encode: EncodeDocuments
    words: KeptWords

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """See `EncodeDocuments`; what comes in are the numbers of pieces."""
        table, encoder = self.encode.open()
        labels = self.encode.labels.open(Directory.open(self.encode.run_uri))
        reader, nowhere = WordsReader(Directory.open(self.words.uri), table), np.zeros(MOST_WORDS, np.int32)
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            for found, breaks in reader.read(self.words.indices[number]):
                yield from map(labels.attach, encoder.add_found(found, breaks, nowhere))
        if len(chunks := encoder.finish()):
            yield labels.attach(chunks)


def encode_pieces(
    spark: SparkSession,
    pieces: Pieces,
    encode: EncodeDocuments,
    schema: str | StructType,
    wrap: Callable[[Task], Task] = lambda task: task,
) -> DataFrame:
    """The chunks of a text in pieces, or what another task makes of them: by its kept words where there are any."""
    words = KeptWords.find(pieces)
    if words is None:
        return pieces.map(spark, wrap(encode), schema)
    return pieces.numbers(spark).mapInArrow(wrap(EncodeKept(encode, words)), schema)

"""What the tasks of a search for phrases do: files of chunks to sums of pairs, sums to candidates with their counts.

Sums go from task to task in files of the run directory, each part read by the one task that adds it up: through a
shuffle of Spark they would be copied eight times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.config.choices import PhraseScorer
from w2v_spark.corpus.chunk_files import ChunkFile, read_arrays, read_ids, write_arrays, write_ids
from w2v_spark.phrases.pair_files import read_part, write_sums
from w2v_spark.phrases.pair_sums import add_up, list_pairs
from w2v_spark.phrases.pair_table import Pairs
from w2v_spark.phrases.scores import Bounds, Corpus, score_pairs
from w2v_spark.spark.join_tasks import JoinedWords, one_row
from w2v_spark.spark.worker import freeze_modules
from w2v_spark.storage import Directory

COUNT_SCHEMA: Final = (
    "number bigint, pairs string, pairs_digest string, distinct bigint, times string, times_digest string, ids string, "
    "ids_digest string"
)
SCORE_SCHEMA: Final = "pair bigint, run bigint, count bigint, distinct bigint"


@dataclass(frozen=True, slots=True)
class PairBounds:
    """`Bounds` whose limits are in a file."""

    limits: ChunkFile
    factor: float

    def load(self, directory: Directory) -> Bounds:
        """The bounds themselves."""
        return Bounds(read_arrays(directory, self.limits)["limits"], self.factor)


@dataclass(frozen=True, slots=True)
class CountPairs:
    """Joins what a pass has found and counts pairs, file by file: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    uri : str
        Where the files are, and where counts go.
    files : tuple of ChunkFile
        Of ids, by number.
    words : JoinedWords
    bounds : PairBounds, optional
        Without, it counts how often phrases are joined alone.
    """

    uri: str
    files: tuple[ChunkFile, ...]
    words: JoinedWords
    bounds: PairBounds | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of `COUNT_SCHEMA`, one a file: sums of pairs, how often each phrase is joined, and the ids then."""
        kinds, index = self.words.load()
        directory = Directory.open(self.uri)
        bounds = None if self.bounds is None else self.bounds.load(directory)
        for number in (number for batch in batches for number in batch.column(0).to_pylist()):
            written, joins = self.files[number], ChunkFile("", "")
            signed, ends = read_ids(directory, written)
            if len(index):
                times = np.zeros(len(index), np.int64)
                signed, ends = index.join(signed, ends, times)
                written, joins = write_ids(directory, signed, ends), write_arrays(directory, "times", {"times": times})
            sums, distinct = ChunkFile("", ""), 0
            if bounds is not None:
                found = add_up(list_pairs(signed, kinds, bounds), len(self.files))
                sums, distinct = write_sums(directory, found), len(found.pairs.ids)
            yield one_row({
                "number": number, "pairs": sums.name, "pairs_digest": sums.digest, "distinct": distinct,
                "times": joins.name, "times_digest": joins.digest, "ids": written.name, "ids_digest": written.digest,
            })  # fmt: skip
        freeze_modules("count pairs")


@dataclass(frozen=True, slots=True)
class ScorePairs:
    """Adds up pairs, a part at a time, and scores them: runs on the executors under ``mapInArrow``.

    Attributes
    ----------
    uri : str
    files : tuple of ChunkFile
        Of sums.
    parts : int
        So many they have.
    runs : bool
        Whether there are connector words.
    counts : ChunkFile
        How often each id occurs.
    scorer, corpus, min_count, threshold
        See `score_pairs`; the corpus may have more distinct pairs than there are, so that scores are too high.
    """

    uri: str
    files: tuple[ChunkFile, ...]
    parts: int
    runs: bool
    counts: ChunkFile
    scorer: PhraseScorer
    corpus: Corpus
    min_count: int
    threshold: float

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of `SCORE_SCHEMA`: pairs above the threshold, the best one of the others, and how many all are."""
        directory = Directory.open(self.uri)
        counts = read_arrays(directory, self.counts)["counts"]
        for part in (part for batch in batches for part in batch.column(0).to_pylist()):
            pairs = add_up(read_part(directory, self.files, part, self.parts, self.runs), self.parts, part).pairs
            often = pairs.where(pairs.counts >= self.min_count)
            kept = often.where(self._candidates(often, counts))
            n = len(kept.ids)
            runs = kept.runs if self.runs else np.zeros(n, np.int64)
            columns = [*map(pa.array, (kept.ids, runs, kept.counts)), pa.nulls(n, pa.int64())]
            yield pa.record_batch(columns, names=["pair", "run", "count", "distinct"])
            yield one_row({
                **dict.fromkeys(("pair", "run", "count"), pa.scalar(None, pa.int64())), "distinct": len(pairs.ids),
            })  # fmt: skip
        freeze_modules("score pairs")

    def _candidates(self, pairs: Pairs, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which ones may be phrases, and the best of the others."""
        first, second = counts[pairs.ids >> 32], counts[pairs.ids & 0xFFFFFFFF]
        scores = score_pairs(self.scorer, pairs.counts, first, second, self.corpus, self.min_count)
        kept = scores > self.threshold
        others = np.where(kept | np.isnan(scores), -np.inf, scores)
        if np.max(others, initial=-np.inf) > -np.inf:
            kept[np.argmax(others)] = True
        return kept

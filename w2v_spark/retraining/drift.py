"""What has moved from one version to the next, word by word, and in units of what two seeds differ by."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from w2v_spark.retraining.rotation import Vectors, WordPairs
from w2v_spark.retraining.start import find_rows
from w2v_spark.vectors.row_stack import RowStack
from w2v_spark.vectors.search.tiled import find_neighbours, normalise

NEIGHBOURS: Final = 10
_CANDIDATES: Final = 3  # times as many words as are compared by their neighbours: where these are looked for
DRIFT_SCHEMA: Final = pa.schema(
    [
        pa.field("word", pa.string(), nullable=False),
        pa.field("count_before", pa.int64()),
        pa.field("count_after", pa.int64()),
        pa.field("rank_before", pa.int32()),
        pa.field("rank_after", pa.int32()),
        pa.field("rank_change", pa.int32()),
        pa.field("cosine", pa.float64()),
        pa.field("overlap", pa.float64()),
    ]
)
"""Columns of the drift table: words of the new version by rank, then those that have gone, by their old rank.

``rank_change`` is the old rank minus the new one, above 0 for a word that has risen. ``overlap`` is the share of the
ten nearest neighbours that are the same, of the most frequent words only.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """The words of a version and their vectors.

    Attributes
    ----------
    words : (V,) pyarrow string array
        In rank order.
    counts : (V,) int64
    vectors : Vectors
        Read only where needed.
    """

    words: pa.Array
    counts: npt.NDArray[np.int64]
    vectors: Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Common:
    """The words that two versions share, by their rank in the new one.

    Attributes
    ----------
    old, new : (n,) int64
        Their rows.
    """

    old: npt.NDArray[np.int64]
    new: npt.NDArray[np.int64]

    @classmethod
    def find(cls, old: pa.Array, new: pa.Array) -> Common:
        """Of two vocabularies."""
        places = find_rows(old, new)
        known = np.flatnonzero(places >= 0)
        return cls(places[known], known)

    def __len__(self) -> int:
        return len(self.new)


def overlaps(pairs: WordPairs, words: int) -> npt.NDArray[np.float64]:
    """The share of the ten nearest neighbours, by cosine, that the first words have in both of two spaces, (words,).

    Parameters
    ----------
    pairs : WordPairs
        The most frequent words first.
    words : int
        How many are compared. Their neighbours are looked for among three times as many.

    Notes
    -----
    Cost: ``12 words^2 D`` operations at most, in float32, in two threads; memory: ``48 words D`` bytes.
    """
    words = min(words, len(pairs))
    candidates = min(_CANDIDATES * words, len(pairs))
    queries = np.arange(words, dtype=np.int32)

    def find(vectors: Vectors, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        unit = normalise(RowStack([vectors.take(rows[:candidates])]))
        return np.concatenate([some.ids for some in find_neighbours(unit, queries, NEIGHBOURS)])

    with ThreadPoolExecutor(2) as pool:  # the kernels of the search let go of the interpreter
        found = list(pool.map(find, (pairs.old, pairs.new), (pairs.old_rows, pairs.new_rows)))
    topn = found[0].shape[1]
    if not topn:
        return np.ones(words)
    same = (found[0][:, :, None] == found[1][:, None, :]).sum(axis=(1, 2))
    return np.asarray(same / topn)


def build_drift_table(
    before: Space,
    after: Space,
    common: Common,
    cosines: npt.NDArray[np.float64],
    overlap: npt.NDArray[np.float64],
) -> pa.Table:
    """The table of `DRIFT_SCHEMA`.

    Parameters
    ----------
    cosines : (n,) float64
        Of the common words, with their vector before.
    overlap : (<= n,) float64
        Of the first of them.
    """
    size, gone = len(after.words), np.setdiff1d(np.arange(len(before.words)), common.old)
    total = size + len(gone)
    old_rank, new_rank = np.full(total, -1), np.full(total, -1)
    old_rank[common.new], new_rank[:size], old_rank[size:] = common.old, np.arange(size), gone
    has_old, has_new = old_rank >= 0, new_rank >= 0
    cosine, overlapping = np.full(total, np.nan), np.full(total, np.nan)
    cosine[common.new] = cosines
    overlapping[common.new[: len(overlap)]] = overlap
    columns = [
        pa.concat_arrays([_plain(after.words), _plain(before.words.take(pa.array(gone)))]),
        _nullable(before.counts[old_rank], has_old, pa.int64()),
        _nullable(np.concatenate([after.counts, np.zeros(len(gone), np.int64)]), has_new, pa.int64()),
        _nullable(old_rank, has_old, pa.int32()),
        _nullable(new_rank, has_new, pa.int32()),
        _nullable(old_rank - new_rank, has_old & has_new, pa.int32()),
        _nullable(cosine, ~np.isnan(cosine), pa.float64()),
        _nullable(overlapping, ~np.isnan(overlapping), pa.float64()),
    ]
    return pa.table(columns, schema=DRIFT_SCHEMA)


def describe_words(table: pa.Table, shown: int = 20) -> dict[str, Any]:
    """How many words came and went, how much of the text they are, and the most frequent of them."""
    counts = {when: np.asarray(table[f"count_{when}"].fill_null(0)) for when in ("before", "after")}
    here = {when: np.asarray(table[f"rank_{when}"].is_valid()) for when in ("before", "after")}
    result: dict[str, Any] = {"kept": int(np.count_nonzero(here["before"] & here["after"]))}
    for name, when, other in (("came", "after", "before"), ("went", "before", "after")):
        rows = np.flatnonzero(here[when] & ~here[other])
        result[name] = {
            "words": len(rows),
            "share_of_tokens": float(counts[when][rows].sum() / max(counts[when].sum(), 1)),
            "most_frequent": table["word"].take(pa.array(rows[:shown])).to_pylist(),
        }
    return result


def quantiles(values: npt.NDArray[np.float64], names: Sequence[float] = (0.1, 0.5, 0.9)) -> dict[str, float]:
    """Some quantiles by name, such as ``q50``; empty for no values."""
    return {f"q{round(100 * q)}": float(np.quantile(values, q)) for q in names} if len(values) else {}


def _plain(words: pa.Array) -> pa.Array:
    return (words.combine_chunks() if isinstance(words, pa.ChunkedArray) else words).cast(pa.string())


def _nullable(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    return pa.array(np.where(valid, values, 0), kind, mask=~valid)

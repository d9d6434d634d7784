"""The text of earlier versions: which inputs it came from, and a share of it that is drawn again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from w2v_spark.errors import W2VError
from w2v_spark.run.progress import Progress
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.source import Input

_HASHES: Final = 1 << 32
_OPENED_AT_A_TIME: Final = 8
_SALT: Final = 0x5EED  # other hashes of documents decide what is held out and where a document goes
_RECOGNISED_BY: Final = ("files", "bytes", "digest", "version", "reading")


def chain_of(seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The inputs of a version, its own last, from what its ``model.json`` says of its input."""
    own = {key: value for key, value in seen.items() if key not in ("earlier", "parent", "text")}
    return [*seen.get("earlier", []), own]


def find_same(chain: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]) -> bool:
    """Whether an input was trained on already, as far as files or a version tell."""
    if not (seen.get("files") or seen.get("version")):
        return False
    return any(all(entry.get(key) == seen.get(key) for key in _RECOGNISED_BY) for entry in chain)


def find_changed(chain: Sequence[Mapping[str, Any]], seen: Mapping[str, Any]) -> bool:
    """Whether an earlier input was the same place, read in the same way, with other content."""
    return any(entry.get("source") == seen.get("source") for entry in chain)


def draw(documents: DataFrame, share: float, generation: int) -> DataFrame:
    """A share of the documents, by a hash of their content, a part of the hashes' circle that moves on each time.

    So every document comes again after equally many generations, which documents drawn at random do not.
    """
    width = int(share * _HASHES)
    place = F.pmod(F.xxhash64("document", F.lit(_SALT)), F.lit(_HASHES))
    moved = F.pmod(place - F.lit(generation * width % _HASHES), F.lit(_HASHES))
    return documents.where(moved < F.lit(width))


def replay(
    spark: SparkSession, chain: Sequence[Mapping[str, Any]], share: float, generation: int, progress: Progress
) -> list[DataFrame]:
    """A share of the text of each earlier input; what is not there any more is left out, with a warning.

    Inputs of one kind become one DataFrame, in as many partitions as what is drawn of them is worth: a hundred nights
    are a hundred files.
    """
    sources = [entry.get("source") for entry in chain if share > 0]
    frames: dict[str, list[DataFrame]] = {}
    with ThreadPoolExecutor(_OPENED_AT_A_TIME) as pool:  # Spark takes its time to look at each, and no computing
        opened = list(pool.map(lambda source: _open(spark, source), sources))
    for source, documents in zip(sources, opened, strict=True):
        if isinstance(documents, Exception):
            where = " ".join((source or {}).get("paths") or []) or (source or {}).get("table") or "an input"
            progress.warn(f"older text is not drawn again from {where}: {documents}")
        else:
            frames.setdefault(documents.schema.simpleString(), []).append(draw(documents, share, generation))
    least = 2 * default_parallelism(spark)
    return [
        reduce(DataFrame.union, some).coalesce(
            max(least, math.ceil(share * sum(len(frame.inputFiles()) for frame in some)))
        )
        for some in frames.values()
    ]


def _open(spark: SparkSession, source: Mapping[str, Any] | None) -> DataFrame | Exception:
    """The documents of an earlier input, or why there are none."""
    try:
        if source is None:
            raise W2VError("it was given as a DataFrame")
        return Input.from_dict(source).open(spark)
    except (W2VError, TypeError, KeyError) as error:
        return error

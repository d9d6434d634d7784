"""Documents that are kept out of training: which they are, and some of them on the driver."""

from __future__ import annotations

import math
from typing import Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.evaluation.held_out import HELD_OUT_WORDS

_HASHES: Final = 1 << 32
_SALT: Final = "held out"  # so that these are others than those that older text is drawn by
_MARGIN: Final = 1.2  # documents differ in length


def trained_documents(documents: DataFrame, share: float) -> DataFrame:
    """The documents that are trained on: all but a share, which a hash of the content alone decides.

    A document is in or out whatever the run, the vocabulary, and the other documents. A larger share holds out the same
    documents and more.
    """
    return documents.where(_place() >= F.lit(int(share * _HASHES))) if share else documents


def collect_held_out(documents: DataFrame, share: float, trained: CorpusStatistics) -> pa.ChunkedArray:
    """The documents that are held out, on the driver: all, or those with the lowest hashes.

    Parameters
    ----------
    documents : DataFrame
        With a column ``document``, of all documents.
    share : float
        Above 0.
    trained : CorpusStatistics
        Of the others, by which it is known how many documents have about `HELD_OUT_WORDS` words.

    Notes
    -----
    Cost: another pass over the input. Memory: about ten MB.
    """
    most = math.ceil(_MARGIN * HELD_OUT_WORDS * max(trained.documents, 1) / max(trained.tokens, 1))
    held = documents.where(F.col("document").isNotNull() & (_place() < F.lit(int(share * _HASHES))))
    rows = held.select("document", _place().alias("place")).orderBy("place").limit(most)
    return rows.select("document").toArrow()["document"]


def _place() -> Column:
    """A number for each document, evenly from 0 to `_HASHES` - 1."""
    return F.pmod(F.xxhash64("document", F.lit(_SALT)), F.lit(_HASHES))

"""The table of the kinds of test sets. A new kind is a module that makes a `Kind`, and an entry here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from w2v_spark.evaluation.analogies import ANALOGIES
from w2v_spark.evaluation.categories import CATEGORIES
from w2v_spark.evaluation.kind import Kind
from w2v_spark.evaluation.outliers import OUTLIERS
from w2v_spark.evaluation.rnd import RND
from w2v_spark.evaluation.similarity import SIMILARITY
from w2v_spark.evaluation.weat import WEAT

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind for kind in (ANALOGIES, SIMILARITY, CATEGORIES, OUTLIERS, WEAT, RND)
}

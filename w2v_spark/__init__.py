"""word2vec for data lakes: trained on Spark, published as Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from w2v_spark.config import Config
from w2v_spark.publishing.versions import table_path
from w2v_spark.vectors.document_vectors import DocumentVectors
from w2v_spark.vectors.keyed_vectors import KeyedVectors

if TYPE_CHECKING:
    from w2v_spark.estimator import Word2Vec, Word2VecModel

__version__ = "0.1.0"

__all__ = ["Config", "DocumentVectors", "KeyedVectors", "Word2Vec", "Word2VecModel", "__version__", "table_path"]


def __getattr__(name: str) -> Any:
    """The Estimator and its model, which need PySpark, at the first look; `MissingExtra` where it is missing."""
    if name in ("Word2Vec", "Word2VecModel"):
        from w2v_spark import estimator

        return getattr(estimator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""word2vec for data lakes: trained on Spark, published as Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from w2v_spark.config import Config
from w2v_spark.publishing.versions import table_path
from w2v_spark.vectors.document_vectors import DocumentVectors
from w2v_spark.vectors.keyed_vectors import KeyedVectors

if TYPE_CHECKING:
    from w2v_spark.estimator import Doc2Vec, Doc2VecModel, Word2Vec, Word2VecModel
    from w2v_spark.inference.document_inference import DocumentInference
    from w2v_spark.topics.model import TopicModel

__version__ = "0.1.0"

__all__ = [
    "Config",
    "Doc2Vec",
    "Doc2VecModel",
    "DocumentInference",
    "DocumentVectors",
    "KeyedVectors",
    "TopicModel",
    "Word2Vec",
    "Word2VecModel",
    "__version__",
    "table_path",
]


def __getattr__(name: str) -> Any:
    """What few need, or needs PySpark or the compiler, at the first look; `MissingExtra` where these are missing."""
    if name in ("Doc2Vec", "Doc2VecModel", "Word2Vec", "Word2VecModel"):
        from w2v_spark import estimator

        return getattr(estimator, name)
    if name == "DocumentInference":
        from w2v_spark.extras import require

        require("train")
        from w2v_spark.inference.document_inference import DocumentInference

        return DocumentInference
    if name == "TopicModel":
        from w2v_spark.topics.model import TopicModel

        return TopicModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""word2vec for data lakes: trained on Spark, published as Parquet."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from w2v_spark.config import Config
    from w2v_spark.estimator import Doc2Vec, Doc2VecModel, Word2Vec, Word2VecModel
    from w2v_spark.inference.document_inference import DocumentInference
    from w2v_spark.publishing.versions import table_path
    from w2v_spark.topics.model import TopicModel
    from w2v_spark.vectors.document_vectors import DocumentVectors
    from w2v_spark.vectors.keyed_vectors import KeyedVectors

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


_MODULES = {
    "Config": "config",
    "Doc2Vec": "estimator",
    "Doc2VecModel": "estimator",
    "DocumentInference": "inference.document_inference",
    "DocumentVectors": "vectors.document_vectors",
    "KeyedVectors": "vectors.keyed_vectors",
    "TopicModel": "topics.model",
    "Word2Vec": "estimator",
    "Word2VecModel": "estimator",
    "table_path": "publishing.versions",
}
"""Where each is; imported when it is asked for, since a command or a worker of Spark needs few of them."""


def __getattr__(name: str) -> Any:
    """What the package offers, at the first look; `MissingExtra` where PySpark or the compiler is missing for it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "DocumentInference":
        from w2v_spark.extras import require

        require("train")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return found


def __dir__() -> list[str]:
    """For completion in notebooks."""
    return sorted({*globals(), *__all__})

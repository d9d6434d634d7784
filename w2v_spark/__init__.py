"""word2vec for data lakes: trained on Spark, published as Parquet."""

from w2v_spark.config import Config
from w2v_spark.vectors.keyed_vectors import KeyedVectors

__version__ = "0.1.0"

__all__ = ["Config", "KeyedVectors", "__version__"]

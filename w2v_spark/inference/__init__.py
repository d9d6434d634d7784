"""Vectors of documents that a model has not seen, without Spark."""

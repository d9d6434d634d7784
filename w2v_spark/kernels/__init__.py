"""Compiled inner loops. They know numpy arrays and nothing else: no Spark, no files, no configuration."""

"""The files of an input, before Spark reads them: their names, formats and first bytes."""

"""A run on disk: what it trains, what is done, what executors are to do next. Knows nothing of pyspark."""

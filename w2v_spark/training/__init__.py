"""Training without Spark: the plan of a run, one shard's part of a round, the merge of all shards."""

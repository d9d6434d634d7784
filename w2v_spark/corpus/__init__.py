"""The corpus as training reads it: vocabulary, chunks of ids, shards on disk."""

"""The command ``w2v-spark``; each of its commands is a module, and an entry in the table of `w2v_spark.cli.parsers`."""

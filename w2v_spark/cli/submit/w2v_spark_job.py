"""The command ``w2v-spark`` as a file for ``spark-submit``: ``spark-submit $(w2v-spark path) train --input ...``."""

from w2v_spark.cli.main import entry_point

if __name__ == "__main__":
    entry_point()

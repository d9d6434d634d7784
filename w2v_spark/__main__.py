"""``python -m w2v_spark``: the command ``w2v-spark``, where its script is not on the path."""

from w2v_spark.cli.main import entry_point

if __name__ == "__main__":
    entry_point()

"""``w2v-spark translate`` as a file of a checkout, for ``spark-submit`` and ``python``."""

import sys

from w2v_spark.cli.main import entry_point

if __name__ == "__main__":
    entry_point(["translate", *sys.argv[1:]])

"""``w2v-spark phrases`` as a file of a checkout, for ``spark-submit`` and ``python``."""

import sys

from w2v_spark.cli.main import entry_point

if __name__ == "__main__":
    entry_point(["phrases", *sys.argv[1:]])

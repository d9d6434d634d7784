"""Everything that runs on Spark; importing it without PySpark says what to install."""

from w2v_spark.extras import require

require("spark")

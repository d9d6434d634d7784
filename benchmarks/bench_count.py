"""Count the words of a corpus with this project's first stage and with Spark SQL's ``split + explode + groupBy``."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence

import pyspark.sql.functions as sf
from pyspark.sql import DataFrame

from benchmarks.common import Target, add_data_argument, data_files, print_table, report_targets, timed, write_result
from w2v_spark.config import Config
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.spark.count_pass import build_vocabulary
from w2v_spark.spark.resources import default_parallelism
from w2v_spark.spark.session import get_session
from w2v_spark.spark.settings import text_pass_conf

Counter = Callable[[DataFrame], None]


def main(argv: Sequence[str] | None = None) -> int:
    """Time both in turn in one session, write ``results/count.json``. Returns 1 when the target is missed."""
    options = _parse(argv)
    spark = get_session("w2v-spark benchmark", "local[2]")
    frame = spark.read.parquet(*map(str, data_files(options.data))).select(sf.col("text").alias("document"))
    counters: dict[str, Counter] = {"w2v-spark": count_ours, "Spark SQL": count_sql}
    for count in counters.values():  # once without the clock, for the compilers on both sides
        count(frame)
    times = measure(counters, frame, options.repeats)
    result = {name: {"median": statistics.median(seconds), "all": seconds} for name, seconds in times.items()}
    words = {"w2v-spark": _statistics(frame).tokens, "Spark SQL": _words_of_sql(frame)}
    spark.stop()
    rows = [(name, *(f"{s:.2f}" for s in seconds), f"{words[name]:,}") for name, seconds in times.items()]
    print_table(("seconds", *(f"run {run + 1}" for run in range(options.repeats)), "words"), rows)
    ratio = statistics.median(times["w2v-spark"]) / statistics.median(times["Spark SQL"])
    targets = [Target("time as a fraction of Spark SQL's", ratio, 0.25, at_least=False)]
    passed = report_targets(targets)
    write_result("count", {"corpus": options.data.name, "seconds": result, "words": words, "ratio": ratio}, targets)
    return 0 if passed else 1


def measure(counters: dict[str, Counter], frame: DataFrame, repeats: int) -> dict[str, list[float]]:
    """Seconds of every run, the counters taking turns so that a slow minute of the machine hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in counters}
    for _ in range(repeats):
        for name, count in counters.items():
            with timed() as timing:
                count(frame)
            times[name].append(timing.seconds)
            print(f"{name}: {timing.seconds:.2f} s", flush=True)
    return times


def count_ours(frame: DataFrame) -> None:
    """The first stage of the main job, to the point where the driver has the vocabulary."""
    _statistics(frame)


def count_sql(frame: DataFrame) -> None:
    """The same in Spark SQL, whose counts are dropped where they are made: fetching them would cost it more."""
    _sql(frame).write.format("noop").mode("overwrite").save()


def _sql(frame: DataFrame) -> DataFrame:
    """Counts of the same words as the tokenizer's: lower-cased runs of letters, marks and digits."""
    words = sf.explode(sf.split(sf.lower("document"), r"[^\p{L}\p{M}\p{Nd}]+")).alias("word")
    return frame.select(words).where("word <> ''").groupBy("word").count()


def _statistics(frame: DataFrame) -> CorpusStatistics:
    with text_pass_conf(frame.sparkSession, default_parallelism(frame.sparkSession)):
        return build_vocabulary(frame, Config())[1]


def _words_of_sql(frame: DataFrame) -> int:
    return int(_sql(frame).agg(sf.sum("count")).collect()[0][0])


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_data_argument(parser)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each, of which the median counts")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

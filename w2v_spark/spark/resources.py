"""What the session offers: parallelism and memory."""

from __future__ import annotations

import os

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from w2v_spark.training.memory import MemoryEstimate

_GIB = 1 << 30


def parse_size(text: str) -> int:
    """Bytes of a Java memory setting such as ``512m`` or ``4g``; a bare number counts MiB, as Spark counts it."""
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    text = text.strip().lower().removesuffix("b")
    if text and text[-1] in units:
        return int(float(text[:-1]) * units[text[-1]])
    return int(text) << 20


def default_parallelism(spark: SparkSession) -> int:
    """How many tasks of one core the cluster runs side by side."""
    try:
        return int(spark.sparkContext.defaultParallelism)
    except PySparkException:  # Spark Connect has no context; the number of parts of a range tells as well
        parts = spark.range(1 << 20).select(F.spark_partition_id().alias("part"))
        last = parts.agg(F.max("part").alias("part")).collect()
        return int(last[0]["part"]) + 1


def task_cpus(spark: SparkSession) -> int:
    """How many cores Spark sets aside for a task."""
    return int(spark.conf.get("spark.task.cpus", None) or 1)


def task_slots(spark: SparkSession, threads: int) -> int:
    """How many tasks of so many threads the cluster has cores for, at least one."""
    return max(1, default_parallelism(spark) // max(threads, task_cpus(spark)))


def thread_warnings(spark: SparkSession, threads: int) -> list[str]:
    """Whether Spark will start more threads than there are cores, and the setting that helps."""
    cpus = task_cpus(spark)
    if cpus >= threads:
        return []
    return [
        f"train.threads = {threads}, but spark.task.cpus = {cpus}: Spark sets aside {cpus} of its cores for a task "
        f"that keeps {threads} busy, and starts more threads than it has cores; start Spark with "
        f"spark.task.cpus={threads}, or lower train.threads to {cpus}"
    ]


def memory_warnings(spark: SparkSession, estimate: MemoryEstimate, shards: int) -> list[str]:
    """What will be too small for the estimate, each with the setting that helps."""
    master = spark.conf.get("spark.master", None) or ""
    side_by_side = min(task_slots(spark, 1), shards)  # what Spark will do, whatever the threads of a task are
    if master.startswith("local"):
        heap = parse_size(spark.conf.get("spark.driver.memory", None) or "1g")
        needed, there = heap + estimate.driver + side_by_side * estimate.task, _physical_memory()
        if needed > there:
            return [
                f"about {needed / _GIB:.1f} GiB needed ({side_by_side} shards side by side and a Java heap of "
                f"{heap / _GIB:.1f} GiB), this machine has {there / _GIB:.1f} GiB; lower spark.driver.memory or "
                f"model.dim, raise vocabulary.min_count, or use fewer cores (local[N])"
            ]
        return []
    if not master.startswith(("yarn", "k8s")):  # only these two enforce a limit on Python's memory
        return []
    heap = parse_size(spark.conf.get("spark.executor.memory", None) or "1g")
    factor = float(spark.conf.get("spark.executor.memoryOverheadFactor", None) or 0.1)
    overhead = parse_size(
        spark.conf.get("spark.executor.memoryOverhead", None) or f"{max(384, int(heap * factor) >> 20)}m"
    )
    cores = int(spark.conf.get("spark.executor.cores", None) or 1)
    tasks = max(1, cores // task_cpus(spark))
    needed = tasks * estimate.task
    if needed <= overhead:
        return []
    return [
        f"an executor runs {tasks} shards side by side, which takes {needed / _GIB:.1f} GiB outside the Java heap, but "
        f"has {overhead / _GIB:.1f} GiB; set spark.executor.memoryOverhead to {-(-needed // (1 << 20))}m or more"
    ]


def _physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

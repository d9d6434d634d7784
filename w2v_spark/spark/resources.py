"""What the session offers: parallelism and memory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from w2v_spark.errors import ConfigError, Name

if TYPE_CHECKING:
    from w2v_spark.training.memory import MemoryEstimate

_GIB: Final = 1 << 30
_LEAST_HEAP: Final = 256 << 20  # of a Java that does hardly anything
_OTHER_MEMORY: Final = ("executor.pyspark.memory", "memory.offHeap.size")  # of a container, beside heap and overhead


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


def check_memory(spark: SparkSession, estimate: MemoryEstimate, shards: int, force: bool = False) -> list[str]:
    """What will be too small for the estimate, each with the setting that helps.

    Parameters
    ----------
    force : bool
        Warn of what cannot work as well.

    Raises
    ------
    ConfigError
        Memory is certain to run out: the weights alone, which each running shard has for itself, take more than there
        is, whatever Java leaves unused of its heap. Whatever might work is a warning.
    """
    master = spark.conf.get("spark.master", None) or ""
    side_by_side = min(task_slots(spark, 1), shards)  # what Spark will do, whatever the threads of a task are
    if master == "local" or master.startswith("local["):
        found = _on_this_machine(spark, estimate, side_by_side)
    elif master.startswith(("yarn", "k8s")):  # only these two enforce a limit on Python's memory
        found = _in_a_container(spark, estimate, shards)
    else:
        return []
    if found is not None and found.is_certain and not force:
        raise ConfigError(f"memory is certain to run out: {found.text}; or give ", Name("force"), " to try it")
    return [] if found is None else [found.text]


class _Shortage(NamedTuple):
    text: str
    is_certain: bool


def _on_this_machine(spark: SparkSession, estimate: MemoryEstimate, side_by_side: int) -> _Shortage | None:
    heap = parse_size(spark.conf.get("spark.driver.memory", None) or "1g")
    least = estimate.driver + side_by_side * estimate.task
    needed, (memory, swap) = heap + least, available_memory()
    if needed <= memory:
        return None
    text = (
        f"about {needed / _GIB:.1f} GiB needed ({side_by_side} shards side by side and a Java heap of "
        f"{heap / _GIB:.1f} GiB), this machine has {memory / _GIB:.1f} GiB; lower spark.driver.memory or "
        f"model.dim, raise vocabulary.min_count, or use fewer cores (local[N])"
    )
    return _Shortage(text, least + _LEAST_HEAP > memory + swap)


def _in_a_container(spark: SparkSession, estimate: MemoryEstimate, shards: int) -> _Shortage | None:
    heap = parse_size(spark.conf.get("spark.executor.memory", None) or "1g")
    factor = float(spark.conf.get("spark.executor.memoryOverheadFactor", None) or 0.1)
    overhead = parse_size(
        spark.conf.get("spark.executor.memoryOverhead", None) or f"{max(384, int(heap * factor) >> 20)}m"
    )
    cores = int(spark.conf.get("spark.executor.cores", None) or 1)
    tasks = min(max(1, cores // task_cpus(spark)), shards)
    needed = tasks * estimate.task
    if needed <= overhead:
        return None
    text = (
        f"an executor runs {tasks} shards side by side, which takes {needed / _GIB:.1f} GiB outside the Java heap, but "
        f"has {overhead / _GIB:.1f} GiB; set spark.executor.memoryOverhead to {-(-needed // (1 << 20))}m or more"
    )
    others = (parse_size(spark.conf.get(f"spark.{name}", None) or "0") for name in _OTHER_MEMORY)
    # Java commits its heap as it needs it, and fewer tasks than cores may run: what is left of a container is Python's.
    return _Shortage(text, estimate.task + _LEAST_HEAP > heap + overhead + sum(others))


def available_memory() -> tuple[int, int]:
    """Bytes of memory and of swap that this process may use: the machine's, or its container's where that is less."""
    memory, swap = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        swap = next((int(line.split()[1]) << 10 for line in lines if line.startswith("SwapTotal:")), 0)
    for limit in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit
            memory = min(memory, int(Path("/sys/fs/cgroup", limit).read_text(encoding="ascii")))
    return memory, swap

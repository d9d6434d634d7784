"""``train.threads`` and Spark's own idea of how many cores a task takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.java_start import environment_without
from tests.spark.documents import DOCUMENTS, write_text
from tests.spark.main_job import MainJob, Model, arguments
from tests.spark.refusal import Refusal
from w2v_spark.config import ModelConfig
from w2v_spark.errors import ConfigError
from w2v_spark.spark import resources, session_settings
from w2v_spark.spark.java import Java
from w2v_spark.spark.resources import available_memory, check_memory, parse_size, task_slots, thread_warnings
from w2v_spark.spark.session_settings import check_threads
from w2v_spark.training.memory import MemoryEstimate

THREADS = ("train.threads=2",)


def fake_spark(cores: int, conf: Mapping[str, str] | None = None) -> Any:
    """What `resources` asks of a session."""
    settings = dict(conf or {})
    return SimpleNamespace(
        conf=SimpleNamespace(get=lambda key, default=None: settings.get(key, default)),
        sparkContext=SimpleNamespace(defaultParallelism=cores),
    )


# Before Spark starts


@pytest.mark.parametrize(
    ("master", "most"),
    [("local", 1), ("local[1]", 1), ("local[4]", 4), ("local[4,3]", 4), ("local[ 2 , 4 ]", 2)],
)
def test_more_threads_than_a_local_master_has_cores(master: str, most: int) -> None:
    check_threads(most, master)
    with pytest.raises(ConfigError) as error:
        check_threads(most + 1, master)
    for part in (f"train.threads = {most + 1} is not allowed", master, f"expected at most {most}", "lower"):
        assert part in str(error.value)


@pytest.mark.parametrize("master", ["local[*]", "local[*,4]"])
def test_all_cores_are_those_that_this_process_may_use(master: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_settings.os, "sched_getaffinity", lambda pid: {3, 5, 7}, raising=False)
    check_threads(3, master)
    with pytest.raises(ConfigError, match="expected at most 3"):
        check_threads(4, master)


def test_a_master_without_a_core_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"the master local\[0\] has no core: expected local\[1\] or more"):
        check_threads(1, "local[0]")


@pytest.mark.parametrize("master", ["spark://host:7077", "yarn", "k8s://https://host", "local-cluster[2,1,512]", ""])
def test_the_cores_of_a_cluster_are_not_known(master: str) -> None:
    check_threads(256, master)


@pytest.mark.parametrize(
    ("given", "threads", "chosen"),
    [({}, 1, None), ({}, 2, "2"), ({"spark.task.cpus": "3"}, 2, "3"), ({"spark.task.cpus": "1"}, 2, "1")],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_a_task_gets_a_core_for_each_thread_unless_the_user_has_chosen(
    given: dict[str, str],
    threads: int,
    chosen: str | None,
    in_file: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PYSPARK_SUBMIT_ARGS", "SPARK_REMOTE", "MASTER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    if in_file:
        (tmp_path / "spark-defaults.conf").write_text("".join(f"{key} {value}\n" for key, value in given.items()))
    settings = {"spark.master": "local[4]", **({} if in_file else given)}
    prepared = session_settings.prepare_java_side(settings, threads, Java(None, None, 17, ""))
    assert {**(given if in_file else {}), **prepared}.get("spark.task.cpus") == chosen


def test_too_many_threads_are_refused_before_spark_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_SUBMIT_ARGS", raising=False)
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    with pytest.raises(ConfigError, match=r"train.threads = 3 .*local\[2\]"):
        session_settings.prepare_java_side({"spark.master": "local[2]"}, 3, Java(None, None, 17, ""))


# In a session


@pytest.mark.parametrize(
    ("cores", "cpus", "threads", "slots"),
    [(8, None, 1, 8), (8, "2", 2, 4), (8, "1", 2, 4), (7, "2", 2, 3), (8, "4", 2, 2), (2, "1", 4, 1)],
)
def test_slots_are_cores_by_threads(cores: int, cpus: str | None, threads: int, slots: int) -> None:
    assert task_slots(fake_spark(cores, {} if cpus is None else {"spark.task.cpus": cpus}), threads) == slots


@pytest.mark.parametrize(("cpus", "threads"), [(None, 1), ("2", 2), ("4", 2)])
def test_no_warning_where_a_task_has_a_core_for_each_thread(cpus: str | None, threads: int) -> None:
    assert thread_warnings(fake_spark(8, {} if cpus is None else {"spark.task.cpus": cpus}), threads) == []


@pytest.mark.parametrize("cpus", [None, "1", "2"])
def test_a_warning_where_spark_counts_fewer_cores_for_a_task(cpus: str | None) -> None:
    (warning,) = thread_warnings(fake_spark(8, {} if cpus is None else {"spark.task.cpus": cpus}), 4)
    parts = (
        "train.threads = 4",
        f"spark.task.cpus = {cpus or 1}",
        "start Spark with spark.task.cpus=4",
        f"to {cpus or 1}",
    )
    assert [part for part in parts if part not in warning] == []


@pytest.mark.parametrize(("cpus", "side_by_side"), [("1", 8), ("2", 4), ("8", 1)])
def test_memory_is_needed_for_the_tasks_that_run_side_by_side(
    cpus: str, side_by_side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate = MemoryEstimate.build(ModelConfig(), 1_000_000, 16)
    monkeypatch.setattr(resources, "available_memory", lambda: (0, 0))
    spark = fake_spark(8, {"spark.master": "local[8]", "spark.task.cpus": cpus})
    (warning,) = check_memory(spark, estimate, 16, force=True)
    needed = (1 << 30) + estimate.driver + side_by_side * estimate.task
    assert f"about {needed / 2**30:.1f} GiB needed ({side_by_side} shards side by side" in warning


GIB = 1 << 30
ESTIMATE = MemoryEstimate(driver=1 * GIB, task=2 * GIB, run_directory=0)


@pytest.mark.parametrize(
    ("memory", "swap", "warned", "refused"),
    [
        (14, 0, False, False),  # a heap of 4 and 9 of Python's
        (12, 0, True, False),  # Java need not use all of its heap
        (9, 0, True, True),
        (8, 2, True, False),
        (5, 0, True, True),
    ],
)
def test_only_what_cannot_work_is_refused(
    memory: int, swap: int, warned: bool, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "available_memory", lambda: (memory * GIB, swap * GIB))
    spark = fake_spark(4, {"spark.master": "local[4]", "spark.driver.memory": "4g"})
    assert len(check_memory(spark, ESTIMATE, 16, force=True)) == warned
    if refused:
        with pytest.raises(ConfigError, match=r"memory is certain to run out: .*; or give force to try it"):
            check_memory(spark, ESTIMATE, 16)
    else:
        assert len(check_memory(spark, ESTIMATE, 16)) == warned


@pytest.mark.parametrize(
    ("overhead", "more", "warned", "refused"),
    [
        ("8g", {}, False, False),
        ("6g", {}, True, False),  # four tasks may not all run at once
        ("1g", {}, True, False),  # nor need Java use its heap
        ("384m", {}, True, True),
        ("384m", {"spark.memory.offHeap.size": "1g"}, True, False),
    ],
)
def test_only_a_container_without_room_for_a_task_is_refused(
    overhead: str, more: dict[str, str], warned: bool, refused: bool
) -> None:
    conf = {"spark.executor.memory": "1400m", "spark.executor.memoryOverhead": overhead, "spark.executor.cores": "4"}
    spark = fake_spark(8, {"spark.master": "yarn", **conf, **more})
    assert len(check_memory(spark, ESTIMATE, 16, force=True)) == warned
    if refused:
        with pytest.raises(ConfigError, match=r"spark\.executor\.memoryOverhead"):
            check_memory(spark, ESTIMATE, 16)
    else:
        assert len(check_memory(spark, ESTIMATE, 16)) == warned


def test_memory_of_this_machine_is_known() -> None:
    memory, swap = available_memory()
    assert memory > GIB // 4
    assert swap >= 0


def test_the_job_refuses_what_cannot_work_unless_forced(
    job: MainJob, text: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "available_memory", lambda: (GIB // 4, 0))
    code, _, err = job(text, out, "--quiet")
    assert code == 2, err
    assert "error: memory is certain to run out" in err
    assert "; or give --force to try it" in err
    assert job(text, out, "--quiet", "--force", "--resume")[0] == 0


@pytest.mark.parametrize(
    ("text", "size"), [("1g", 2**30), ("512m", 2**29), ("2048", 2**31), ("1GB", 2**30), ("8k", 2**13)]
)
def test_spark_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_the_job_refuses_too_many_threads(refused: Refusal, text: Path, out: Path) -> None:
    said = refused(text, out, settings=["train.threads=3"])
    assert "train.threads = 3 is not allowed" in said
    assert "local[2]" in said


def test_the_job_warns_in_a_session_of_others(job: MainJob, text: Path, out: Path, tmp_path: Path) -> None:
    code, _, err = job(text, out, settings=THREADS)
    assert code == 0, err
    assert "WARNING: train.threads = 2, but spark.task.cpus = 1" in err
    _, _, err = job(text, tmp_path / "plain")
    assert "spark.task.cpus" not in err


def test_words_and_pairs_are_those_of_one_thread(job: MainJob, text: Path, tmp_path: Path) -> None:
    one, two = (job.train(text, tmp_path / str(threads), settings=[f"train.threads={threads}"]) for threads in (1, 2))
    for key in ("tokens", "kept", "pairs"):
        assert [record[key] for record in two.rounds] == [record[key] for record in one.rounds]


@pytest.mark.slow
def test_plain_python_gives_a_task_its_cores(tmp_path: Path) -> None:
    """In a process of its own: one slot of two cores, so one shard, and nothing to warn of."""
    source, out = write_text(tmp_path / "a.txt", DOCUMENTS), tmp_path / "out"
    command = [sys.executable, str(ROOT / "jobs/train.py"), *arguments(source, out, settings=THREADS)]
    command += ["--set", "train.shards=auto"]
    inherited = environment_without("SPARK_", "PYSPARK_")
    run = subprocess.run(
        command, env={**inherited, "MASTER": "local[2]"}, capture_output=True, text=True, timeout=180, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "WARNING: train.threads" not in run.stderr
    assert Model.read(out).description["plan"]["shards"] == 1

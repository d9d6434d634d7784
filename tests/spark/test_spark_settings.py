"""Whatever a session is set to, training, transform and findSynonyms give what they give without.

`SETTINGS` are those that a session can change, each with a value that is not Spark's own; many are set at once.
`START` are those that count from Spark's start.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.java_start import environment_without
from w2v_spark.estimator import Word2Vec
from w2v_spark.spark.session import get_session

pytestmark = pytest.mark.slow  # starts a Java for each case

ARROW = "spark.sql.execution.arrow"
RULES = "org.apache.spark.sql.catalyst.optimizer"

SETTINGS = [
    ("spark.sql.ansi.enabled", "false"),
    ("spark.sql.caseSensitive", "true"),
    ("spark.sql.session.timeZone", "Asia/Kathmandu"),
    ("spark.sql.storeAssignmentPolicy", "LEGACY"),
    ("spark.sql.mapKeyDedupPolicy", "LAST_WIN"),
    ("spark.sql.legacy.timeParserPolicy", "LEGACY"),
    ("spark.sql.columnNameOfCorruptRecord", "document"),
    ("spark.sql.debug.maxToStringFields", "1"),
    ("spark.sql.repl.eagerEval.enabled", "true"),
    # How queries are planned and compiled
    ("spark.sql.codegen.wholeStage", "false"),
    ("spark.sql.codegen.factoryMode", "NO_CODEGEN"),
    ("spark.sql.codegen.maxFields", "1"),
    ("spark.sql.subexpressionElimination.enabled", "false"),
    ("spark.sql.optimizer.excludedRules", f"{RULES}.ColumnPruning,{RULES}.ConstantFolding,{RULES}.CollapseProject"),
    ("spark.sql.optimizer.nestedSchemaPruning.enabled", "false"),
    ("spark.sql.adaptive.enabled", "false"),
    ("spark.sql.adaptive.forceApply", "true"),
    ("spark.sql.adaptive.coalescePartitions.enabled", "false"),
    ("spark.sql.adaptive.coalescePartitions.parallelismFirst", "false"),
    ("spark.sql.adaptive.advisoryPartitionSizeInBytes", "1k"),
    ("spark.sql.adaptive.localShuffleReader.enabled", "false"),
    ("spark.sql.adaptive.skewJoin.enabled", "false"),
    ("spark.sql.autoBroadcastJoinThreshold", "-1"),
    ("spark.sql.shuffle.partitions", "1"),
    ("spark.sql.shuffle.partitions", "11"),
    ("spark.sql.execution.sortBeforeRepartition", "false"),
    ("spark.sql.execution.useObjectHashAggregateExec", "false"),
    ("spark.sql.execution.replaceHashWithSortAgg", "true"),
    ("spark.sql.execution.topKSortFallbackThreshold", "1"),
    ("spark.sql.execution.rangeExchange.sampleSizePerPartition", "1"),
    ("spark.sql.limit.scaleUpFactor", "2"),
    # How files are read and written
    ("spark.sql.files.maxPartitionBytes", "64"),
    ("spark.sql.files.openCostInBytes", "1"),
    ("spark.sql.files.minPartitionNum", "5"),
    ("spark.sql.files.ignoreCorruptFiles", "true"),
    ("spark.sql.files.ignoreMissingFiles", "true"),
    ("spark.sql.sources.useV1SourceList", ""),
    ("spark.sql.sources.parallelPartitionDiscovery.threshold", "0"),
    ("spark.sql.sources.partitionColumnTypeInference.enabled", "false"),
    ("spark.sql.parquet.enableVectorizedReader", "false"),
    ("spark.sql.parquet.columnarReaderBatchSize", "3"),
    ("spark.sql.parquet.compression.codec", "gzip"),
    ("spark.sql.parquet.filterPushdown", "false"),
    ("spark.sql.parquet.mergeSchema", "true"),
    ("spark.sql.parquet.binaryAsString", "true"),
    ("spark.sql.parquet.writeLegacyFormat", "true"),
    ("spark.sql.readSideCharPadding", "false"),
    ("spark.sql.inMemoryColumnarStorage.compressed", "false"),
    # How columns go to Python and back
    (f"{ARROW}.useLargeVarTypes", "true"),
    (f"{ARROW}.maxRecordsPerBatch", "1"),
    (f"{ARROW}.maxRecordsPerBatch", "0"),
    (f"{ARROW}.maxRecordsPerBatch", "-1"),
    (f"{ARROW}.maxBytesPerBatch", "64"),
    (f"{ARROW}.compression.codec", "zstd"),
    (f"{ARROW}.localRelationThreshold", "1"),
    (f"{ARROW}.pyspark.enabled", "true"),
    (f"{ARROW}.pyspark.fallback.enabled", "false"),
    (f"{ARROW}.pyspark.selfDestruct.enabled", "true"),
    ("spark.sql.execution.pandas.convertToArrowArraySafely", "true"),
    ("spark.sql.execution.pandas.structHandlingMode", "dict"),
    ("spark.sql.execution.pythonUDF.arrow.enabled", "false"),
    ("spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled", "false"),
    ("spark.sql.execution.pyspark.udf.faulthandler.enabled", "true"),
    ("spark.sql.execution.pyspark.udf.hideTraceback.enabled", "true"),
]

START = {
    "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
    "spark.speculation": "true",
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.shuffleTracking.enabled": "true",
    "spark.python.worker.reuse": "false",
    "spark.python.unix.domain.socket.enabled": "false",
    "spark.python.worker.memory": "64m",
    "spark.shuffle.compress": "false",
    "spark.io.compression.codec": "snappy",
    "spark.rdd.compress": "true",
    "spark.memory.offHeap.enabled": "true",
    "spark.memory.offHeap.size": "64m",
    "spark.memory.fraction": "0.3",
    "spark.scheduler.mode": "FAIR",
    "spark.locality.wait": "0",
    "spark.default.parallelism": "5",
    "spark.sql.extensions": "",
    "spark.sql.catalogImplementation": "in-memory",
    f"{ARROW}.useLargeVarTypes": "true",
    f"{ARROW}.maxRecordsPerBatch": "-1",
}

WORDS = [f"w{i}" for i in range(12)]
TEXT = [" ".join(WORDS[(i * k + k) % (len(WORDS) - i % 3)] for k in range(9 + i % 4)) for i in range(60)]


@dataclass(frozen=True)
class Result:
    """What a user gets: words and vectors, means by document, and the nearest words of one."""

    words: list[str]
    vectors: list[list[float]]
    means: list[list[float]]
    synonyms: list[list[object]]


def run(spark: SparkSession, folder: Path) -> Result:
    """Train on text in files, then use the model on text and on lists of words."""
    estimator = Word2Vec(
        vectorSize=4, minCount=1, maxIter=1, rounds=2, numPartitions=2, sample=0.0, inputCol="value",
        outputCol="mean", verbose=False,
    )  # fmt: skip
    model = estimator.fit(spark.read.text(str(folder)))
    lists = spark.createDataFrame([(text.split(),) for text in TEXT[:9]], "value array<string>")
    frames = [spark.read.text(str(folder)), lists]
    means = [row.mean.toArray().tolist() for frame in frames for row in model.transform(frame).collect()]
    table = model.vectors_table
    return Result(
        list(table.words),
        table.matrix.tolist(),
        sorted(means),
        [list(row) for row in model.findSynonyms(WORDS[0], 3).collect()],
    )


def write(folder: Path) -> Path:
    for i in range(2):
        (folder / f"{i}.txt").write_text("\n".join(TEXT[i::2]) + "\n")
    return folder


@contextmanager
def changed(spark: SparkSession, settings: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Some settings of a session, for a while."""
    before = {key: spark.conf.get(key, None) for key, _ in settings}
    try:
        for key, value in settings:
            spark.conf.set(key, value)
        yield
        for key, value in dict(settings).items():
            assert spark.conf.get(key) == value, "the session's own setting was not restored"
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("settings"))


@pytest.fixture(scope="module")
def reference(spark: SparkSession, folder: Path) -> Result:
    result = run(spark, folder)
    assert sorted(result.words) == sorted(WORDS)
    assert len(result.means) == len(TEXT) + 9
    assert len(result.synonyms) == 3
    return result


def groups() -> list[list[tuple[str, str]]]:
    """The settings in as few groups as have no key twice: the second value of a key is in the second group."""
    keys = [key for key, _ in SETTINGS]
    turns = [keys[:i].count(key) for i, key in enumerate(keys)]
    return [[setting for setting, turn in zip(SETTINGS, turns, strict=True) if turn == n] for n in sorted(set(turns))]


@pytest.mark.slow
@pytest.mark.parametrize("group", groups(), ids=lambda group: f"{len(group)} settings")
def test_many_settings_at_once(
    spark: SparkSession, folder: Path, reference: Result, group: list[tuple[str, str]]
) -> None:
    with changed(spark, group):
        is_same = run(spark, folder) == reference
    assert is_same, f"the settings that change something: {[each for each in group if differs(spark, folder, each)]}"


def differs(spark: SparkSession, folder: Path, setting: tuple[str, str]) -> bool:
    """Whether a setting alone changes something."""
    before = run(spark, folder)
    with changed(spark, [setting]):
        return run(spark, folder) != before


@pytest.mark.slow
def test_settings_that_count_from_the_start(reference: Result, folder: Path) -> None:
    inherited = environment_without("SPARK_", "PYSPARK_")
    command = [sys.executable, "-m", "tests.spark.test_spark_settings", str(folder)]
    result = subprocess.run(command, env=inherited, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    assert Result(**report["result"]) == reference
    assert report["settings"] == START


def main(folder: Path) -> None:
    """`run` in a Spark of its own, with `START`."""
    spark = get_session("w2v-spark tests", "local[2]", START)
    settings = {key: spark.conf.get(key) for key in START}
    print(json.dumps({"result": asdict(run(spark, folder)), "settings": settings}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

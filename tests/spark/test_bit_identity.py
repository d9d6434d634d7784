"""The same input and configuration give the same bits, whatever the cluster did."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests import corpora
from tests.commands import train
from w2v_spark import KeyedVectors
from w2v_spark.config import Config, Merge
from w2v_spark.corpus.shards import EncodedCorpus
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.corpus.word_table import WordTable
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import SAMPLING_FILE, VOCABULARY_FILE, Run
from w2v_spark.storage import Directory
from w2v_spark.text.analyzer import build_analyzer
from w2v_spark.training.correction import Correction, curvatures_of, moments_of
from w2v_spark.training.history import mean_slope
from w2v_spark.training.matrix_files import WeightFile
from w2v_spark.training.merge import merge_row_range, open_shard
from w2v_spark.training.row_ranges import RowRange
from w2v_spark.training.shard import train_shard
from w2v_spark.training.shard_work import RoundStart, ShardWork
from w2v_spark.training.update_statistics import build_update_statistics
from w2v_spark.training.weights import WeightShape

SETTINGS = ["train.epochs=2", "model.dim=20", "train.sample=0.01", "train.rounds=4"]


@pytest.fixture(scope="module")
def documents():
    return corpora.planted_documents(300)


def run(directory: Path, documents, *settings, files=3, flags=()):
    corpus = corpora.write_parquet(directory / "corpus", documents, files)
    arguments = ["--input", str(corpus), "--format", "parquet", "--output", str(directory / "out"), "--quiet", *flags]
    assert train(arguments + [x for s in [*SETTINGS, *settings] for x in ("--set", s)]) == 0
    return directory / "out"


def content(output: Path):
    return b"".join(file.read_bytes() for file in sorted((output / "vectors").glob("*.parquet")))


def test_files_and_order_of_the_input_do_not_matter(spark, documents, tmp_path):
    """Three files, one file, or the documents in reverse order in seven: the corpus is the same."""
    reference = content(run(tmp_path / "a", documents, "train.shards=3"))
    assert content(run(tmp_path / "b", documents, "train.shards=3", files=1)) == reference
    assert content(run(tmp_path / "c", documents[::-1], "train.shards=3", files=7)) == reference


def test_another_seed_gives_other_vectors(spark, documents, tmp_path):
    one, two = (KeyedVectors.load(run(tmp_path / s, documents, f"train.seed={s}", "train.shards=2")) for s in "12")
    assert one.words == two.words
    assert not np.array_equal(one.matrix, two.matrix)


@pytest.mark.parametrize(
    "settings",
    [
        ["train.shards=1"],
        ["train.shards=3"],
        ["train.shards=3", "train.merge=mean"],
        ["train.shards=3", "model.objective=hierarchical_softmax"],
        ["train.shards=3", "model.architecture=cbow"],
        ["train.shards=2", "model.architecture=cbow", "model.objective=hierarchical_softmax", "model.cbow_mean=false"],
    ],
    ids=" ".join,
)
def test_spark_equals_a_local_loop(spark, documents, tmp_path, settings):
    """The rounds of the Spark job, run again by calls in this process on the same encoded corpus."""
    output = run(tmp_path, documents, *settings, flags=["--keep-run"])
    folder = Directory.open(output / "_run")
    job, corpus = Run.read(folder), EncodedCorpus.read(folder, CORPUS_FILE)
    counts = Vocabulary.read(folder, VOCABULARY_FILE, job.files[VOCABULARY_FILE]).counts
    tables = RunDirectory(folder).read_tables(job.files[SAMPLING_FILE])
    shape = WeightShape.build(job.config.model, len(counts))
    local = RunDirectory(Directory.open(tmp_path / "local").create())
    local.rounds.begin(shape, job.config.train.seed, 1)
    statistics = build_update_statistics(counts, job.config, tables)
    corrects = statistics if job.config.train.merge is Merge.CURVATURE and job.plan.shards > 1 else None
    for t in range(job.plan.rounds):
        before, there = local.rounds.read_weights(t, shape), local.rounds.directory(t + 1).create()
        results = [
            train_shard(
                ShardWork(p, corpus.shards[p], folder.child("corpus"), tables, corrects), RoundStart(t, before, there),
                job.config, job.plan,
            )
            for p in range(job.plan.shards)
        ]  # fmt: skip
        shards, files = [open_shard(there, shape, r.weight_files(shape)) for r in results], {}
        moments = [moments_of(before[m], statistics[1 - m].partner_counts, shape.dim) for m in (0, 1)]
        changes = [np.frombuffer(r.moments, np.float32).reshape(np.shape(moments)) for r in results if r.moments]
        corrections = (None, None)
        if corrects:
            after = np.stack(moments) + sum(changes, np.zeros(np.shape(moments))) / len(changes)
            during = (np.stack(moments) + after) / 2
            slope, share, rate = mean_slope(results), job.plan.epoch_share(t), job.plan.mean_rate(t)
            curvatures = curvatures_of(during, statistics)
            corrections = [Correction.build(each, slope, share, rate, len(shards)) for each in curvatures]
        for m, (name, rows) in enumerate(shape.rows.items()):
            _, checksum = merge_row_range(
                RowRange(m, 0, rows), before[m], [s[m] for s in shards], statistics, corrections[m], t, there,
                f"{name}.npy",
            )  # fmt: skip
            files[name] = [WeightFile(f"{name}.npy", rows, checksum)]
        local.rounds.finish(t + 1, shape, files, [])
    np.testing.assert_array_equal(
        local.rounds.read_weights(job.plan.rounds, shape)[0][:], KeyedVectors.load(output).matrix
    )


def test_one_shard_does_not_depend_on_the_number_of_rounds(spark, documents, tmp_path):
    one, nine = (
        KeyedVectors.load(run(tmp_path / rounds, documents, "train.shards=1", f"train.rounds={rounds}"))
        for rounds in ("1", "9")
    )
    np.testing.assert_array_equal(one.matrix, nine.matrix)


def test_every_word_is_trained_and_counted(spark, documents, tmp_path):
    output = run(tmp_path, documents, "train.shards=3", flags=["--keep-run"])
    table = WordTable()
    for words in build_analyzer(Config().text).words(pa.array(documents)):
        table.count(words)
    expected = {w: c for w, c in zip(table.words().to_pylist(), table.counts().tolist(), strict=True) if c >= 5}
    vectors = KeyedVectors.load(output)
    assert dict(zip(vectors.words, vectors.counts.tolist(), strict=True)) == expected
    corpus = EncodedCorpus.read(Directory.open(output / "_run"), CORPUS_FILE)
    assert corpus.tokens == sum(expected.values())
    seen = np.zeros(len(expected), np.int64)
    for shard in corpus.shards:
        for ids, _, _ in shard.read(Directory.open(output / "_run/corpus"), 0, shard.tokens):
            seen += np.bincount(ids, minlength=len(seen))
    np.testing.assert_array_equal(seen, vectors.counts)

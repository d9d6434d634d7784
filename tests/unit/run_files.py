"""A small run directory as it is after its second round, and all that a run which goes on reads of it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from w2v_spark.config import Config
from w2v_spark.corpus.shards import EncodedCorpus, Shard, write_part
from w2v_spark.corpus.statistics import CorpusStatistics
from w2v_spark.corpus.vocabulary import Vocabulary
from w2v_spark.run.directory import CORPUS_FILE, RunDirectory
from w2v_spark.run.manifest import Run
from w2v_spark.storage import Directory
from w2v_spark.training.history import RoundRecord
from w2v_spark.training.matrix_files import BLOCK_ROWS, WeightFile, write_matrix
from w2v_spark.training.plan import Plan
from w2v_spark.training.weights import WeightShape

CONFIG = Config.from_dict({"model": {"dim": 8}, "train": {"shards": 2, "rounds": 3, "sample": 0}})
V = 2 * BLOCK_ROWS + 5
COUNTS = np.arange(V, 0, -1)
WORDS = [f"w{i}" for i in range(V - 1)] + ["é"]
SHAPE = WeightShape({"w_in": V, "w_out": V}, 8)


def matrix(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((V, 8), np.float32)


def moments(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((3, 9, 8))


def write_run(path: Path, seed: int = 0) -> Path:
    """A run after its second round; one of another seed is another run."""
    run = RunDirectory(Directory.open(path))
    statistics = CorpusStatistics(**dict.fromkeys(CorpusStatistics.__dataclass_fields__, 3))
    plan = Plan.build(CONFIG, 2, int(COUNTS.sum()), len(COUNTS))
    vocabulary = Vocabulary(pa.array(WORDS), COUNTS)
    run.begin_counts().write_bytes("a.parquet", b"counts of %d" % seed * 100)
    started = run.begin(Run.start(CONFIG, {"files": 1, "bytes": 9, "digest": "x"}, plan, statistics), vocabulary)
    run = RunDirectory(run.directory, started.identity)
    run.corpus.create()
    generator, parts = np.random.default_rng(seed), []
    for _ in range(2):
        ids = generator.integers(0, V, 270_000, dtype=np.int32)
        parts.append(write_part(run.corpus, ids, np.arange(0, 270_001, 1000, dtype=np.int32)))
    corpus = EncodedCorpus(tuple(Shard((part,)) for part in parts), "digest")
    corpus.write(run.directory, CORPUS_FILE, started.identity)
    run.rounds.begin(SHAPE, seed, 2)
    history = []
    for number in (1, 2):
        target, files = run.rounds.directory(number).create(), {}
        for m, name in enumerate(SHAPE.rows):
            weights = matrix(100 * seed + 10 * number + m)
            found = write_matrix(target, f"{name}-{number}-{seed}.npy", V, 8, iter([weights]))
            files[name] = [WeightFile(f"{name}-{number}-{seed}.npy", V, found)]
        kept = run.rounds.write_moments(number, moments(100 * seed + number))
        history.append(RoundRecord(number - 1, 9, 8, 7, 2.5, 0.01, 0.1, 250.0, {"total": 2.0}))
        run.rounds.finish(number, SHAPE, files, history, kept)
    return path


def read(path: Path) -> dict[str, bytes]:
    """All that a run which goes on reads, and the round that it goes on after."""
    run = RunDirectory(Directory.open(path))
    assert run.has_run()
    manifest = Run.read(run.directory)
    run = RunDirectory(run.directory, manifest.identity)
    vocabulary = run.read_vocabulary(manifest)
    shape = WeightShape.build(manifest.config.model, len(vocabulary))
    found = {"words": "\n".join(vocabulary.words.to_pylist()).encode(), "counts": vocabulary.counts.tobytes()}
    if (corpus := run.read_corpus(manifest.plan.shards)) is not None:
        for number, shard in enumerate(corpus.shards):
            found[f"shard {number}"] = b"".join(
                ids[offsets[0] : offsets[-1]].tobytes() + offsets.tobytes()
                for ids, offsets, _ in shard.read(run.corpus, 0, shard.tokens)
            )
    counts = run.checked_counts(manifest)
    found |= {info.base_name: counts.read_bytes(info.base_name) for info in counts.list()}
    warnings: list[str] = []
    if (checkpoint := run.rounds.last(shape, warnings.append)) is not None:
        done, history = checkpoint
        assert len(warnings) == (done < 2)
        found |= {"round": b"%d" % done, "history": repr(history).encode()}
        for m, weights in enumerate(run.rounds.read_weights(done, shape)):
            found[f"weights {m}"] = weights[0 : len(weights)].tobytes()
        if (kept := run.rounds.read_moments(done, shape.dim)) is not None:
            found["moments"] = kept.tobytes()
    return found


read_once = lru_cache(read)

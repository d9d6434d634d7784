"""One shard's part of one round: read the weights, train on a slice of the corpus, write the weights back."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from w2v_spark.config import ModelConfig
from w2v_spark.errors import StoreError
from w2v_spark.kernels.rng import stream_key
from w2v_spark.kernels.skipgram import KEPT, LOSS, PAIRS, STATISTICS, skipgram_ns
from w2v_spark.kernels.step import aligned_zeros, build_masks, build_workspace, padded
from w2v_spark.sampling.alias import build_alias_table, noise_probabilities
from w2v_spark.sampling.subsample import keep_thresholds
from w2v_spark.storage import Directory
from w2v_spark.training.corpus import Shard
from w2v_spark.training.plan import Plan
from w2v_spark.training.weights import ROWS_AT_A_TIME, Matrix, blocks_of, open_matrix, write_matrix


@dataclass(frozen=True, slots=True, eq=False)
class SamplingTables:
    """What the kernels draw from; built once on the driver, since powers may differ in the last bit between machines.

    Attributes
    ----------
    accept : (V,) uint32, alias : (V,) int32
        Alias table of the noise distribution.
    keep : (V,) uint32
        Thresholds of subsampling.
    """

    accept: npt.NDArray[np.uint32]
    alias: npt.NDArray[np.int32]
    keep: npt.NDArray[np.uint32]

    @classmethod
    def build(cls, counts: npt.NDArray[np.int64], noise_exponent: float, sample: float) -> SamplingTables:
        """Tables for a vocabulary with these counts."""
        accept, alias = build_alias_table(noise_probabilities(counts, noise_exponent))
        return cls(accept, alias, keep_thresholds(counts, sample))

    def write(self, directory: Directory, name: str) -> None:
        """Save as one (3, V) array of 32-bit numbers."""
        rows = np.stack([self.accept, self.alias.view(np.uint32), self.keep])
        directory.write_bytes(name, rows.astype("<u4").tobytes())

    @classmethod
    def read(cls, directory: Directory, name: str) -> SamplingTables:
        """Load what `write` saved."""
        data = directory.read_bytes(name)
        if not data or len(data) % 12:
            raise StoreError(f"{directory.uri}/{name} is damaged: {len(data)} bytes are not three rows of numbers")
        accept, alias, keep = np.frombuffer(data, "<u4").reshape(3, -1)
        return cls(accept, alias.view(np.int32), keep)

    def __len__(self) -> int:
        return len(self.keep)


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What a shard hands back to the driver.

    Attributes
    ----------
    shard : int
    file : str
        Stem of the two files that hold the shard's weights; empty if the shard had nothing to train on.
    tokens, kept, pairs : int
        Tokens read, kept by subsampling, and pairs trained on.
    loss : float
        Sum over all pairs, nats.
    read_seconds, train_seconds, write_seconds : float
    """

    shard: int
    file: str
    tokens: int
    kept: int
    pairs: int
    loss: float
    read_seconds: float
    train_seconds: float
    write_seconds: float


def train_shard(
    model: ModelConfig,
    seed: int,
    plan: Plan,
    round_number: int,
    shard_number: int,
    shard: Shard,
    corpus: Directory,
    weights: Directory,
    results: Directory,
    tables: SamplingTables,
) -> ShardResult:
    """Train one shard for one round.

    Parameters
    ----------
    corpus, weights, results : Directory
        Where the shard's files and the round's weights are, and where to write the new weights.

    Notes
    -----
    Memory: one copy of the weights, ``8 V D`` bytes with D padded to 16, and one record batch of the corpus.
    """
    clock = time.perf_counter
    begin = clock()
    slices = plan.slices(round_number, shard.tokens) if shard.tokens else []
    if not slices:
        return ShardResult(shard_number, "", 0, 0, 0, 0.0, clock() - begin, 0.0, 0.0)
    w_in, w_out = (_load_padded(weights, f"{name}.npy", len(tables), model.dim) for name in ("w_in", "w_out"))
    read = clock()
    statistics = np.zeros(STATISTICS)
    masks = build_masks()
    workspace = build_workspace(model.window, model.negatives, model.dim)
    fall = (plan.learning_rate - plan.min_learning_rate) / plan.epochs
    for part in slices:
        key = np.uint64(stream_key(seed, part.epoch, shard_number))
        first_rate = plan.learning_rate - fall * part.epoch
        for ids, offsets, position in shard.read(corpus, part.start, part.stop):
            if ids.view(np.uint32).max() >= len(tables):  # negative ids are large ones here
                raise StoreError(f"{corpus.uri}: shard {shard_number} holds ids outside the vocabulary")
            skipgram_ns(
                ids, offsets, position, key, w_in, w_out, tables.accept, tables.alias, tables.keep,
                model.window, model.negatives, first_rate, fall / shard.tokens, plan.min_learning_rate,
                masks, workspace, statistics,
            )  # fmt: skip
    trained = clock()
    stem = f"{shard_number:05d}-{uuid.uuid4().hex}"
    for name, matrix in (("w_in", w_in), ("w_out", w_out)):
        write_matrix(results, f"{stem}.{name}.npy", len(tables), model.dim, blocks_of(matrix, model.dim))
    return ShardResult(
        shard_number,
        stem,
        sum(part.tokens for part in slices),
        int(statistics[KEPT]),
        int(statistics[PAIRS]),
        float(statistics[LOSS]),
        read - begin,
        trained - read,
        clock() - trained,
    )


def _load_padded(directory: Directory, name: str, rows: int, dim: int) -> Matrix:
    matrix, source = aligned_zeros(rows, padded(dim)), open_matrix(directory, name, rows, dim)
    for start in range(0, rows, ROWS_AT_A_TIME):
        block = slice(start, start + ROWS_AT_A_TIME)
        matrix[block, :dim] = source[block]
    return matrix

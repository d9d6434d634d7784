"""The same bits from code for other processors: compiled for their registers and instructions, run on this one."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # compiles for other processors

PROGRAM = """
import hashlib
import os
import numpy as np
from w2v_spark.kernels import simd
if "TILES" in os.environ:
    simd.has_wide_registers = lambda: os.environ["TILES"] == "wide"
from w2v_spark.config import Config
from w2v_spark.kernels import rng
from w2v_spark.kernels.infer_bags import infer_bags
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.merge import TILE_ROWS, add_correction
from w2v_spark.kernels.product import add_product
from w2v_spark.kernels.tiles import WIDE
from w2v_spark.models.tables import SamplingTables
from w2v_spark.kernels.arguments import Schedule, Sentences, Weights
from w2v_spark.kernels.window_step import build_scratch
from w2v_spark.training.trainer import Trainer, build_model

random = np.random.default_rng(0)
words = 300
counts = np.sort(random.geometric(0.002, words))[::-1].astype(np.int64)
ids, offsets = random.integers(0, words, 3000).astype(np.int32), np.arange(0, 3001, 20)
for architecture in ("skipgram", "cbow"):
    for objective in ("negative_sampling", "hierarchical_softmax"):
        for dim, window, negatives in ((100, 5, 5), (20, 2, 12), (9, 7, 1)):
            values = dict(architecture=architecture, objective=objective, dim=dim, window=window, negatives=negatives)
            model = Config.from_dict({"model": values}).model
            tables = SamplingTables.build(counts, model, 1e-2)
            weights = [aligned_zeros(rows, padded(dim)) for rows in (words, tables.output_rows)]
            for matrix in weights:
                matrix[:, :dim] = random.normal(0, 0.3, (len(matrix), dim))
            schedule = Schedule(np.uint64(rng.stream_key(1, 2, 3)), 0.05, 1e-6, 1e-4)
            trainer = Trainer(model, tables)
            trainer.train(Sentences(ids, offsets, 0), schedule, Weights(*weights))
            updates, curvature = random.random(words, np.float32), random.random(padded(dim), np.float32)
            mean, basis = np.ascontiguousarray(weights[0][:, :dim]), weights[1][:dim]
            scratch, new = np.empty((3, TILE_ROWS, padded(dim)), np.float32), np.empty_like(mean)
            inverse = aligned_zeros(padded(dim), padded(dim))
            inverse[:dim, :dim] = basis[:, :dim].T
            add_correction(mean, mean, 2 * mean, updates, basis, inverse, curvature, 5, scratch, new)
            weights[0][:, :dim] = new
            add_product(weights[0][:50, :dim].copy(), weights[1], weights[0][:dim])  # of rows that do not change
            frozen = build_model(model, tables, True, True)
            scratch = build_scratch(frozen.most_inputs, frozen.most_rows, dim)
            starts, keys, rows = np.arange(0, 3001, 100), np.arange(30, dtype=np.uint64), aligned_zeros(30, padded(dim))
            infer_bags(
                ids, starts, keys, np.arange(30), 2, 0.05, 0.01, np.uint64(1), weights[1], rows,
                frozen, tables, scratch,
            )
            weights += [rows, trainer.statistics]
            print(architecture, objective, dim, hashlib.sha256(b"".join(weights)).hexdigest())
print("wide" if WIDE else "narrow")
"""

OTHERS = {
    "large tiles": {"TILES": "wide"},
    "small tiles": {"TILES": "narrow"},
    "SSE": {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": ""},
}


def results(**environment):
    others = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_CPU")}
    command = [sys.executable, "-c", PROGRAM]
    run = subprocess.run(command, env={**others, **environment}, capture_output=True, text=True, check=True)
    *digests, width = run.stdout.splitlines()
    return digests, width


@pytest.fixture(scope="module")
def here():
    return results()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="compiles for other x86 processors")
@pytest.mark.parametrize("other", OTHERS)
def test_bits_do_not_depend_on_the_processor(here, other):
    """The tiles of wide registers work on narrow ones too: the compiler takes several for each."""
    if here[1] == OTHERS[other].get("TILES"):
        pytest.skip("they are those of this processor")
    digests, width = results(**OTHERS[other])
    assert width == OTHERS[other].get("TILES", "narrow")
    assert len(digests) == 12
    assert digests == here[0]

"""One call of the trainer on a random corpus, and the same call of its naive twin."""

import numpy as np
import pytest

from tests.naive import word2vec as naive
from tests.naive.huffman import huffman_paths
from w2v_spark.config import Config, Freeze
from w2v_spark.kernels.arguments import Schedule, Sentences, Weights
from w2v_spark.kernels.memory import aligned_zeros, padded
from w2v_spark.kernels.rng import stream_key
from w2v_spark.models.tables import SamplingTables
from w2v_spark.training.trainer import Trainer

NEGATIVE_SAMPLING, HIERARCHICAL_SOFTMAX = (
    {"objective": objective} for objective in ("negative_sampling", "hierarchical_softmax")
)
SKIPGRAM, CBOW = ({"architecture": architecture} for architecture in ("skipgram", "cbow"))
MODELS = [
    pytest.param({**SKIPGRAM, **NEGATIVE_SAMPLING}, id="skipgram-ns"),
    pytest.param({**SKIPGRAM, **HIERARCHICAL_SOFTMAX}, id="skipgram-hs"),
    pytest.param({**CBOW, **NEGATIVE_SAMPLING}, id="cbow-ns"),
    pytest.param({**CBOW, **HIERARCHICAL_SOFTMAX}, id="cbow-hs"),
]


class Case:
    """Everything that one call of the trainer needs; words are numbered by falling count."""

    def __init__(
        self, model, seed=0, words=40, sentences=10, longest=30, sample=0.05, scale=0.5, counts=None, lengths=None,
        freeze="none", pool=0,
    ):  # fmt: skip
        config = Config.from_dict({"model": {"dim": 20, **model}, "train": {"sample": sample}})
        self.model, self.freeze, self.pool = config.model, Freeze(freeze), pool
        self.random = np.random.default_rng(seed)
        if lengths is None:
            lengths = self.random.integers(1, longest, sentences)
        self.offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        ids = np.minimum(self.random.geometric(0.1, self.offsets[-1]) - 1, words - 1)
        found = np.bincount(ids, minlength=words)
        self.ids = np.argsort(np.argsort(-found, kind="stable")).astype(np.int32)[ids]
        self.counts = np.maximum(np.sort(found)[::-1], 1) if counts is None else np.array(counts)
        self.tables = SamplingTables.build(self.counts, self.model, sample)
        self.is_tree = self.model.objective == "hierarchical_softmax"
        self.w_in, self.w_out = (
            self.random.normal(0, scale, (rows, self.model.dim)).astype(np.float32)
            for rows in (words, words - 1 if self.is_tree else words)
        )

    def kernel(self, position=1000, key=None, first=0.05, fall=1e-6, last=1e-4, sentences=None):
        """The weights that the trainer makes of this case's, which stay as they are, and its statistics."""
        dim = self.model.dim
        w_in, w_out = (aligned_zeros(len(w), padded(dim)) for w in (self.w_in, self.w_out))
        w_in[:, :dim], w_out[:, :dim] = self.w_in, self.w_out
        trainer = Trainer(self.model, self.tables, self.freeze, pool=self.pool)
        offsets = self.offsets if sentences is None else self.offsets[: sentences + 1]
        key = np.uint64(stream_key(7, 2, 3) if key is None else key)
        trainer.train(Sentences(self.ids, offsets, position), Schedule(key, first, fall, last), Weights(w_in, w_out))
        assert not w_in[:, dim:].any()
        assert not w_out[:, dim:].any()
        return w_in[:, :dim], w_out[:, :dim], trainer.statistics

    def naive(self, position=1000, first=0.05, fall=1e-6, last=1e-4, sentences=None):
        """The same from the twin: its weights, and (loss, pairs, kept words)."""
        offsets = self.offsets if sentences is None else self.offsets[: sentences + 1]
        w_in, w_out = self.w_in.astype(float), self.w_out.astype(float)
        objective = naive.NegativeSampling(self.tables.accept, self.tables.alias, self.model.negatives, self.pool)
        if self.is_tree:
            objective = naive.HierarchicalSoftmax(huffman_paths(self.counts))
        result = naive.train(
            self.ids, offsets, position, naive.stream_key(7, 2, 3), w_in, w_out, self.tables.keep, objective,
            lambda p: max(first - fall * p, last), self.model, self.freeze,
        )  # fmt: skip
        return w_in, w_out, result

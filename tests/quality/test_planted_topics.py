"""Words of a topic must end up next to each other, on one shard and on many."""

import numpy as np
import pytest

from tests import corpora
from tests.commands import train
from w2v_spark import KeyedVectors


def accuracy(output):
    """How many of the five nearest neighbours of each topic's ten most frequent words belong to the topic, 0..1."""
    vectors = KeyedVectors.load(output)
    right = []
    for topic in range(corpora.TOPICS):
        for rank in range(10):
            neighbours = vectors.most_similar(corpora.word(topic, rank), topn=5)
            right += [name.startswith(f"t{topic:02d}") for name, _ in neighbours]
    return float(np.mean(right))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return corpora.write_parquet(tmp_path_factory.mktemp("planted") / "corpus", corpora.planted_documents(1500))


def run(corpus, output, *settings):
    options = ["train.epochs=1", "train.rounds=8", "model.dim=24", "train.sample=0.01", *settings]
    arguments = ["--input", str(corpus), "--format", "parquet", "--output", str(output), "--quiet"]
    assert train(arguments + [item for option in options for item in ("--set", option)]) == 0
    return accuracy(output)


OTHER_MODELS = [
    ["model.architecture=skipgram", "model.objective=hierarchical_softmax"],
    ["model.architecture=cbow", "model.objective=negative_sampling"],
    ["model.architecture=cbow", "model.objective=hierarchical_softmax"],
    ["model.architecture=cbow", "model.objective=negative_sampling", "model.cbow_mean=false"],
]


def test_one_shard_finds_the_topics(spark, corpus, tmp_path):
    assert run(corpus, tmp_path / "out", "train.shards=1") > 0.95


def test_threads_on_one_copy_of_the_weights_find_them_as_well(spark, corpus, tmp_path):
    assert run(corpus, tmp_path / "out", "train.shards=1", "train.threads=2") > 0.95


def test_many_shards_find_them_as_well_only_with_the_correction(spark, corpus, tmp_path):
    """Sixteen shards: the plain mean falls behind, the curvature-corrected mean does not."""
    corrected = run(corpus, tmp_path / "curvature", "train.shards=16")
    plain = run(corpus, tmp_path / "mean", "train.shards=16", "train.merge=mean")
    assert corrected > 0.95
    assert plain < 0.5


@pytest.mark.parametrize("model", OTHER_MODELS, ids=lambda model: " ".join(s.partition("=")[2] for s in model))
def test_many_shards_of_every_model_find_them(spark, corpus, tmp_path, model):
    """With the plain mean at most a quarter of the neighbours are right, whatever the model."""
    assert run(corpus, tmp_path / "out", "train.shards=16", *model) > 0.95

import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2v_spark.config import Architecture, Config, ModelConfig
from w2v_spark.spark.origin import Scratch
from w2v_spark.training.duration import Duration
from w2v_spark.training.memory import MemoryEstimate
from w2v_spark.training.plan import Plan, Slice, choose_rounds


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 1000))
def test_rounds_cover_every_epoch_once(rounds, epochs, tokens):
    plan = Plan(1, rounds, epochs, 0.025, 0.0001, 0.0)
    slices = [part for t in range(rounds) for part in plan.slices(t, tokens)]
    expected = [(epoch, position) for epoch in range(epochs) for position in range(tokens)]
    assert [(s.epoch, p) for s in slices for p in range(s.start, s.stop)] == expected


def test_rounds_grow():
    plan = Plan(1, 10, 3, 0.025, 0.0001, 0.0)
    sizes = [sum(s.tokens for s in plan.slices(t, 1_000_000)) for t in range(10)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 30_000
    assert plan.slices(6, 1_000_000) == [Slice(1, 80_000, 470_000)]


def test_learning_rate_falls_linearly():
    plan = Plan(1, 10, 3, 0.025, 0.005, 0.0)
    assert plan.rate(0) == 0.025
    assert plan.rate(1) == pytest.approx(0.005)
    rates = [plan.mean_rate(t) for t in range(10)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(0.025 - 0.02 * 0.005)


def test_auto():
    config = Config.from_dict({"train": {"epochs": 3}})
    plan = Plan.build(config, 8, 66_000_000, 156_441)
    assert plan.shards == 8
    assert plan.rounds == choose_rounds(3 * 66_000_000, 8) == 66
    fixed = Plan.build(config.replace(train={"shards": 3, "rounds": 7}), 16, 66_000_000, 156_441)
    assert (fixed.shards, fixed.rounds) == (3, 7)
    assert choose_rounds(1, 1) == choose_rounds(10**12, 1) == 20
    assert choose_rounds(1, 8) == choose_rounds(3 * 10**8, 8) == 66
    assert choose_rounds(10**9, 2) == 60
    assert choose_rounds(10**12, 1000) == 200


@pytest.mark.parametrize("retraining", [False, True])
def test_a_short_run_has_few_shards(retraining):
    """Those by which it is done first: where rounds are short, shards meet for longer than they train."""
    build, config = Plan.build_retraining if retraining else Plan.build, Config()
    shards = [build(config, 64, tokens, 10_000).shards for tokens in (0, 10**5, 10**6, 10**7, 10**8, 10**9)]
    assert shards == sorted(shards)
    assert shards[:2] == [1, 1]
    assert 1 < shards[3] < 64
    assert shards[-1] == 64
    assert [build(config, 2, tokens, 10_000).shards for tokens in (10**5, 10**7)] == [1, 2]
    assert build(config, 64, 10**7, 10**6).shards < build(config, 64, 10**7, 10**4).shards  # each round takes longer
    assert build(config.replace(train={"threads": 8}), 64, 10**7, 10**4).shards < shards[3]
    assert build(config.replace(train={"shards": 64}), 1, 0, 10_000).shards == 64
    assert build(config.replace(train={"rounds": 1}), 64, 10**6, 10_000).shards > shards[2]


def test_shards_of_a_short_run_go_by_how_long_the_model_takes():
    """More shards where words take longer, fewer where rounds do."""

    def shards(**model):
        return Plan.build(Config.from_dict({"model": model}), 64, 2 * 10**7, 20_000).shards

    skipgram = shards()
    assert shards(architecture="cbow") < skipgram < shards(objective="hierarchical_softmax")
    assert skipgram < shards(negatives=20)
    assert skipgram < shards(window=20)
    assert shards(subwords=True, bucket=1000) > skipgram > shards(subwords=True, bucket=2_000_000)
    assert shards(subwords=True, bucket=1000) > shards(subwords=True)
    assert shards(architecture="pv_dm") >= 1
    assert shards(architecture="pv_dbow", window="sentence") > 1


def test_a_duration_adds_up():
    """Skip-gram's pairs are six rows with six; those of a mean, which each meet it once, take twice as long."""
    for architecture, pairs in (("skipgram", 6 * 6), ("cbow", 2 * (6 + 6)), ("pv_dm", 2 * (7 + 6))):
        model = ModelConfig(dim=100, architecture=Architecture(architecture))
        found = Duration.of(model, 1000)
        assert found.word == pytest.approx(85e-9 + 0.041e-9 * 100 * pairs)
        assert found.weights == 2 * 1000 * 100
    duration = Duration.of(ModelConfig(dim=100), 1000)
    assert duration.rounds(10**6, 1, 1, 20) == pytest.approx(duration.word * 10**6 + 20 * (8e-3 + 2.5e-9 * 200_000))
    trained = duration.rounds(10**6, 2, 3, 0)
    assert trained == pytest.approx(1.15 * duration.word * 10**6 / 6)
    assert duration.rounds(10**6, 2, 3, 7) - trained == pytest.approx(7 * (26e-3 + 3.8e-9 * 200_000))


def test_what_is_counted_has_no_rounds_that_cost_and_takes_all_cores():
    config = Config.from_dict({"model": {"objective": "ppmi_svd"}})
    assert Scratch().plan(config, 64, 1000, 100).shards == 64
    assert Scratch().plan(config.replace(train={"shards": 3}), 64, 1000, 100).shards == 3


def test_a_retraining_has_rates_and_subsampling_of_its_own():
    config = Config.from_dict({"train": {"sample": 1e-4}, "retrain": {"learning_rate": 0.04}})
    first, later = Plan.build(config, 2, 1000, 100), Plan.build_retraining(config, 2, 1000, 100)
    assert (first.sample, first.learning_rate) == (1e-4, 0.025)
    assert (later.sample, later.learning_rate, later.epochs) == (pytest.approx(1.5e-5), 0.04, 3)
    assert later.rounds < first.rounds
    for sample in (0, 1e-3):
        assert Plan.build_retraining(config.replace(retrain={"sample": sample}), 2, 1000, 100).sample == sample


def test_memory_estimate_grows_with_what_it_should():
    small, large = (MemoryEstimate.build(ModelConfig(dim=dim), 10**6, shards) for dim, shards in ((100, 4), (300, 8)))
    assert large.task > 2 * small.task
    assert large.run_directory == 11 * 8 * 10**6 * 300  # of eight shards, the new ones, and two checkpoints
    assert large.driver == small.driver
    assert small.task >= 8 * 10**6 * 112
    assert "GiB" in str(small)


@pytest.mark.parametrize(("shards", "tell"), [(1, 1), (2, 2), (15, 15), (16, 8), (32, 8), (100, 8), (127, 8)])
def test_about_eight_of_many_shards_tell_how_moments_change_and_each_has_its_turn(shards, tell):
    plan = Plan(shards, 20, 1, 0.025, 0.0001, 0.0)
    asked = [[p for p in range(shards) if plan.asks(number, p)] for number in range(20)]
    assert all(tell <= len(each) <= tell + 1 for each in asked)
    assert {p for each in asked for p in each} == set(range(shards))

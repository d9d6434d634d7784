"""What the kernel draws at random, read from what it does to the weights.

Input rows are the rows of the identity, output rows are zero and the learning rate is so small that they stay as good
as zero, so each label pulls by half the rate: entry (r, c) of the output rows counts how often row r met the context
word c with the label 1, less how often with the label 0.
"""

import numpy as np
import pytest
from scipy import stats

from tests.unit.cases import CBOW, MODELS, SKIPGRAM, Case
from w2v_spark.kernels.arguments import KEPT, PAIRS

RATE = 2.0**-60
SENTENCES = 20_000
ACCEPTED, REJECTED = 1e-3, 1e-6  # smallest p of a right distribution, largest p of a wrong one
ARCHITECTURES = pytest.mark.parametrize("architecture", [SKIPGRAM, CBOW], ids=["skipgram", "cbow"])


def meetings(model, sentence, counts, sentences=SENTENCES, key=1):
    """Train on one sentence many times, each with random numbers of its own; (output rows, V), see above.

    CBOW adds up its context, so each of its words counts whole.
    """
    words = len(counts)
    model = {**model, "dim": words, "cbow_mean": False}
    case = Case(model, words=words, counts=counts, lengths=[len(sentence)] * sentences, sample=0)
    case.ids = np.tile(sentence, sentences).astype(np.int32)
    case.w_in, case.w_out = np.eye(words, dtype=np.float32), np.zeros_like(case.w_out)
    _, w_out, _ = case.kernel(first=RATE, fall=0.0, last=0.0, position=12_345, key=key)
    counted = w_out / (RATE / 2)
    np.testing.assert_array_equal(counted, np.rint(counted))
    return counted.astype(int), case


def contexts_of(model, sentence, counts, **options):
    """How often each word of a sentence of distinct words (row) had each other one in its window (column)."""
    counted, case = meetings(model, sentence, counts, **options)
    if not case.is_tree:
        return counted[np.ix_(sentence, sentence)]
    # Each node counts what the windows of the words below it count; that many equations give each word's own part.
    labels = np.zeros((len(case.w_out), len(counts)))
    for word in range(len(counts)):
        steps = case.tables.steps[case.tables.starts[word] : case.tables.starts[word + 1]]
        labels[steps >> 1, word] = 2 * (steps & 1) - 1
    solved = np.linalg.solve(labels[:, sentence], counted[:, sentence])
    np.testing.assert_allclose(solved, np.rint(solved), atol=1e-6)
    return np.rint(solved).astype(int)


def reaches(model, window, key=1):
    """How often the window of a word in mid-sentence reached 1, 2, ... words."""
    # The first word is so frequent that it is all of the noise, and it is not in the sentence.
    counts, sentence = [10**12] + [1] * (4 * window), np.arange(1, 4 * window + 1)
    contexts = contexts_of({**model, "noise_exponent": 2.0}, sentence, counts, sentences=2000, key=key)
    total = np.zeros(window + 1, int)
    for t in range(window, 3 * window):
        near, before = contexts[t, t + 1 :], contexts[t, :t][::-1]
        np.testing.assert_array_equal(near[:window], before[:window])
        assert not near[window:].any()
        assert not before[window:].any()
        total[:window] += near[:window]
    return total[:-1] - total[1:]


@pytest.mark.parametrize("window", [2, 5, 10])
@pytest.mark.parametrize("model", MODELS)
def test_reach_is_uniform(model, window):
    observed = reaches({**model, "window": window}, window)
    assert observed.sum() == 2000 * 2 * window
    assert stats.chisquare(observed).pvalue > ACCEPTED
    linear = np.arange(window, 0, -1) / (window * (window + 1) / 2)
    assert stats.chisquare(observed, observed.sum() * linear).pvalue < REJECTED
    slightly = np.full(window, 1 / window) + np.where(np.arange(window) == 0, 0.05, -0.05 / (window - 1))
    assert stats.chisquare(observed, observed.sum() * slightly).pvalue < REJECTED


@pytest.mark.parametrize("model", MODELS)
def test_reach_is_the_whole_window_when_it_does_not_shrink(model):
    assert reaches({**model, "window": 5, "shrink_window": False}, 5).tolist() == [0, 0, 0, 0, 2000 * 10]


NOISE_COUNTS = np.array([5000, 1200, 900, 640, 300, 150, 100, 64, 30, 25])


def noise_shares(exponent):
    return NOISE_COUNTS**exponent / (NOISE_COUNTS**exponent).sum()


def noise_words(model, target, key=1):
    """How often each word was noise of the first window, in which the target meets the context word 7."""
    counted, _ = meetings({**model, "window": 1}, [target, 7], NOISE_COUNTS, key=key)
    assert counted[target, 7] == SENTENCES
    met = -counted[:, 7]
    met[target] = 0
    return met


@pytest.mark.parametrize("exponent", [0.75, 0.0, 1.0, -0.5])
@ARCHITECTURES
def test_noise_words_are_drawn_by_a_power_of_the_count(architecture, exponent):
    """One noise word a window: where none was trained on, the target was drawn."""
    observed = noise_words({**architecture, "negatives": 1, "noise_exponent": exponent}, target=2)
    observed[2] = SENTENCES - observed.sum()
    assert stats.chisquare(observed, SENTENCES * noise_shares(exponent)).pvalue > ACCEPTED
    for wrong in {0.75, 0.0, 1.0, -0.5, exponent + 0.05} - {exponent}:
        assert stats.chisquare(observed, SENTENCES * noise_shares(wrong)).pvalue < REJECTED


@ARCHITECTURES
def test_noise_words_of_one_window_are_drawn_independently(architecture):
    """A word is among K draws with the chance 1 - (1 - p)^K, and is trained on once, however often it is drawn."""
    target, shares = 0, noise_shares(0.75)
    observed = noise_words({**architecture, "negatives": 4}, target)

    def smallest_p(chances):
        words = [word for word in range(len(shares)) if word != target]
        return min(stats.binomtest(int(observed[w]), SENTENCES, chances[w]).pvalue for w in words)

    assert smallest_p(1 - (1 - shares) ** 4) > ACCEPTED / len(shares)
    assert smallest_p(4 * shares.clip(max=0.25)) < REJECTED
    assert smallest_p(1 - (1 - shares) ** 3) < REJECTED


@pytest.mark.parametrize("model", MODELS)
def test_words_are_kept_as_often_as_their_counts_say(model):
    """Each word by itself in long sentences, so that what is kept is counted and nothing else."""
    counts, sample, tokens = np.array([40_000, 9000, 2500, 800, 150, 20]), 0.005, 40_000
    kept = []
    for word in range(len(counts)):
        case = Case(model, words=len(counts), counts=counts, sample=sample, lengths=[40] * (tokens // 40))
        case.ids[:] = word
        kept.append(case.kernel(position=word * tokens)[2][KEPT])
    kept = np.array(kept)
    ratio = sample * counts.sum() / counts

    def p_value(chances):
        """Each word whose chance is below 1 is an experiment with two outcomes."""
        some = chances < 1
        observed = np.concatenate([kept[some], tokens - kept[some]])
        expected = tokens * np.concatenate([chances[some], 1 - chances[some]])
        return stats.chisquare(observed, expected, ddof=some.sum() - 1).pvalue

    chances = np.minimum(1, np.sqrt(ratio) + ratio)
    assert (kept[chances == 1] == tokens).all()
    assert (chances < 1).sum() == 4
    assert p_value(chances) > ACCEPTED
    assert p_value(np.minimum(1, np.sqrt(ratio))) < REJECTED  # the paper's formula
    assert p_value(chances * 0.98) < REJECTED


@ARCHITECTURES
def test_occurrences_are_kept_independently_of_each_other(architecture):
    """Sentences of two tokens are trained on only when both are kept."""
    counts, sample = [9000, 1000], 0.1
    case = Case(architecture, words=2, counts=counts, sample=sample, lengths=[2] * SENTENCES)
    case.ids[:] = 0
    pairs = case.kernel()[2][PAIRS] / 2
    chance = np.sqrt(1 / 9) + 1 / 9
    assert stats.binomtest(int(pairs), SENTENCES, chance**2).pvalue > ACCEPTED
    assert stats.binomtest(int(pairs), SENTENCES, chance).pvalue < REJECTED


@ARCHITECTURES
def test_keys_and_positions_draw_other_numbers(architecture):
    model = {**architecture, "negatives": 1}
    one, again, other = (noise_words(model, 2, key=key) for key in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)

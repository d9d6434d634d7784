import numpy as np
import pytest

from w2v_spark.config import Config
from w2v_spark.errors import StoreError, VocabularyError
from w2v_spark.models.subsample import keep_probabilities, leaves_nothing
from w2v_spark.models.tables import SamplingTables

COUNTS = np.array([90, 40, 40, 7, 5, 5])
OBJECTIVES = ["negative_sampling", "hierarchical_softmax"]


def build(objective, counts=COUNTS):
    return SamplingTables.build(counts, Config.from_dict({"model": {"objective": objective}}).model, 1e-2)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_file_holds_all_tables(objective):
    tables = build(objective)
    again = SamplingTables.from_bytes(tables.to_bytes(), "tables")
    for before, after in zip(tables, again, strict=True):
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)
    assert again.vocabulary_size == 6
    assert again.output_rows == (6 if objective == "negative_sampling" else 5)


def test_the_same_tables_are_the_same_bytes():
    assert build("hierarchical_softmax").to_bytes() == build("hierarchical_softmax").to_bytes()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_damage_is_noticed(objective):
    data = build(objective).to_bytes()
    for broken in (b"", b"nonsense", data[:-30], data[: len(data) // 2]):
        with pytest.raises(StoreError, match=r"s3://bucket/sampling\.npz is damaged"):
            SamplingTables.from_bytes(broken, "s3://bucket/sampling.npz")
    flipped = bytearray(data)
    flipped[data.index(build(objective).keep.tobytes())] ^= 1
    with pytest.raises(StoreError, match="damaged"):
        SamplingTables.from_bytes(bytes(flipped), "tables")


@pytest.mark.parametrize(
    ("objective", "change"),
    [
        ("negative_sampling", lambda t: {"alias": np.full_like(t.alias, 6)}),
        ("negative_sampling", lambda t: {"alias": t.alias[:-1]}),
        ("negative_sampling", lambda t: {"keep": t.keep[:-1]}),
        ("negative_sampling", lambda t: {"keep": t.keep.astype(np.int64)}),
        ("hierarchical_softmax", lambda t: {"steps": t.steps + 2}),
        ("hierarchical_softmax", lambda t: {"steps": t.steps[:-1]}),
        ("hierarchical_softmax", lambda t: {"starts": t.starts[::-1].copy()}),
        ("hierarchical_softmax", lambda t: {"accept": np.zeros(6, np.uint32)}),
    ],
)
def test_tables_that_lead_outside_the_matrices_are_refused(objective, change):
    """Kernels do not check bounds."""
    tables = build(objective)
    with pytest.raises(StoreError, match="is damaged"):
        SamplingTables.from_bytes(tables._replace(**change(tables)).to_bytes(), "tables")


def test_a_tree_needs_two_words():
    with pytest.raises(VocabularyError, match="hierarchical softmax needs 2"):
        build("hierarchical_softmax", np.array([7]))
    assert build("negative_sampling", np.array([7])).output_rows == 1


def test_subsampling_leaves_nothing_of_a_tiny_text():
    words = np.array([2] + [1] * 14)  # MLlib's example
    assert leaves_nothing(words, 1e-3, sentences=3, epochs=5)
    assert not leaves_nothing(words, 0, sentences=3, epochs=5)
    assert not leaves_nothing(words * 1000, 1e-3, sentences=3000, epochs=1), "as frequent, but a text"
    assert not leaves_nothing(words, 0.2, sentences=3, epochs=5), "words that are rare by the measure"


@pytest.mark.parametrize("length", [2, 3, 8, 50])
def test_the_sentences_that_keep_two_words_are_about_as_many_as_expected(length):
    """The number by which `leaves_nothing` decides, against draws."""
    rng = np.random.default_rng(length)
    sentences, vocabulary, epochs = 200, 50, 4
    text = rng.integers(vocabulary, size=(sentences, length))
    counts = np.maximum(np.bincount(text.ravel(), minlength=vocabulary), 1)
    sample = next(s for s in 10.0 ** np.arange(-1, -9, -0.05) if leaves_nothing(counts, s, sentences, epochs))
    keep = keep_probabilities(counts, sample)
    draws = rng.random((500, sentences, length)) < keep[text]
    trained = epochs * float((draws.sum(axis=2) >= 2).sum(axis=1).mean())
    assert 3 < trained < 12

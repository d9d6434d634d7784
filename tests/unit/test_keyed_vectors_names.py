"""Gensim's names on `KeyedVectors`, against gensim on the same vectors; and what `load` takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gensim.models
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from w2v_spark.errors import ConfigError, InputError, StoreError, WordNotFound
from w2v_spark.evaluation.like_gensim import p_value
from w2v_spark.vectors import table
from w2v_spark.vectors.keyed_vectors import KeyedVectors
from w2v_spark.vectors.table import write_vectors

V, D = 300, 16
WORDS = [f"w{i}" for i in range(V)]
COUNTS = np.arange(3 * V, 0, -3)
MATRIX = np.random.default_rng(6).standard_normal((V, D)).astype(np.float32)


@pytest.fixture(scope="module", params=["memory", "mapped"])
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KeyedVectors:
    """The vectors as one matrix in memory, and in pieces of several files."""
    if request.param == "memory":
        return KeyedVectors(WORDS, MATRIX, COUNTS)
    directory = tmp_path_factory.mktemp("vectors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "ROWS_PER_GROUP", 48)
        write_vectors(fs.LocalFileSystem(), str(directory), pa.array(WORDS), COUNTS, [MATRIX], {}, 150)
    return KeyedVectors.load(directory)


@pytest.fixture(scope="module")
def gensims() -> Any:
    vectors = gensim.models.KeyedVectors(D)
    vectors.add_vectors(WORDS, MATRIX)
    for word, count in zip(WORDS, COUNTS.tolist(), strict=True):
        vectors.set_vecattr(word, "count", count)
    return vectors


# Words and rows


def test_attributes_equal_gensim(ours: KeyedVectors, gensims: Any) -> None:
    assert dict(ours.key_to_index) == gensims.key_to_index
    assert ours.index_to_key == gensims.index_to_key
    assert (ours.vector_size, len(ours)) == (gensims.vector_size, len(gensims)) == (D, V)
    np.testing.assert_array_equal(ours.vectors, gensims.vectors)
    assert ours.vectors.dtype == gensims.vectors.dtype
    with pytest.raises(TypeError):
        ours.key_to_index["new"] = 0  # type: ignore[index]


def test_words_are_iterated_over(ours: KeyedVectors) -> None:
    assert list(ours) == WORDS
    assert sorted(ours, key=ours.key_to_index.get, reverse=True) == WORDS[::-1]


@pytest.mark.parametrize("key", ["w3", 3, np.int64(3), 0, V - 1, V, -1, "W3", "3", np.int32(V)])
def test_keys_are_known_as_in_gensim(ours: KeyedVectors, gensims: Any, key: Any) -> None:
    assert (key in ours) == (key in gensims)
    assert ours.get_index(key, 77) == gensims.get_index(key, 77)
    assert ours.get_index(key, "none") == gensims.get_index(key, "none")
    if key in gensims:
        assert ours.get_index(key) == ours.index(key) == gensims.get_index(key)
        np.testing.assert_array_equal(ours[key], gensims[key])
        assert ours.get_vecattr(key, "count") == gensims.get_vecattr(key, "count")
    else:
        for ask in (ours.get_index, ours.get_vector, ours.similar_by_key, lambda key: ours.get_vecattr(key, "count")):
            with pytest.raises(KeyError, match="is not among the 300 words"):
                ask(key)


def test_what_is_no_key_is_not_in_it(ours: KeyedVectors) -> None:
    assert None not in ours
    assert 1.0 not in ours
    assert MATRIX[0] not in ours


def test_only_counts_are_known_of_words(ours: KeyedVectors) -> None:
    with pytest.raises(InputError, match="'colour' of words is not known"):
        ours.get_vecattr("w1", "colour")
    with pytest.raises(InputError, match="'count' of words is not known"):
        KeyedVectors(["a"], [[1.0]]).get_vecattr("a", "count")


# Vectors


@pytest.mark.parametrize("norm", [False, True])
def test_get_vector_equals_gensim(ours: KeyedVectors, gensims: Any, norm: bool) -> None:
    for key in ("w0", "w299", 150):
        vector = ours.get_vector(key, norm=norm)
        np.testing.assert_allclose(vector, gensims.get_vector(key, norm=norm), rtol=1e-6)
        assert not vector.flags.writeable
    assert KeyedVectors(["zero"], [[0.0, 0.0]]).get_vector("zero", norm=True).tolist() == [0, 0]


def test_several_keys_equal_gensim(ours: KeyedVectors, gensims: Any) -> None:
    for keys in (["w1", "w5"], [1, 5], ["w1", 5, np.int64(2)], np.array([4, 4]), ("w9",)):
        np.testing.assert_array_equal(ours[keys], gensims[keys])


@pytest.mark.parametrize("keys", [["w5", "nope", "w2", "w5"], ["w2", V + 1, "w7"], iter(["w1", "w0"]), [], ["no"]])
@pytest.mark.parametrize("allow_inference", [True, False])
@pytest.mark.parametrize("copy_vecattrs", [True, False])
def test_vectors_for_all_equals_gensim(
    ours: KeyedVectors, gensims: Any, keys: Any, allow_inference: bool, copy_vecattrs: bool
) -> None:
    keys = list(keys)
    comp = ours.vectors_for_all(keys, allow_inference, copy_vecattrs)
    ref = gensims.vectors_for_all(keys, allow_inference, copy_vecattrs)
    assert comp.index_to_key == ref.index_to_key
    np.testing.assert_array_equal(comp.vectors, ref.vectors)
    assert (comp.counts is not None) == copy_vecattrs
    for word in comp if copy_vecattrs else ():
        assert comp.get_vecattr(word, "count") == ref.get_vecattr(word, "count")


def test_vectors_for_all_of_rows_have_their_words(ours: KeyedVectors) -> None:
    """In gensim a number stays one, and is a second key for a word that is there already."""
    assert ours.vectors_for_all([3, "w3", 5]).words == ["w3", "w5"]
    assert ours.vectors_for_all([3, "w5"], allow_inference=False).words == ["w5"]


# Similarities and nearest words, with rows for words


def test_rows_may_stand_for_words_everywhere(ours: KeyedVectors, gensims: Any) -> None:
    near = {"rel": 0, "abs": 1e-6}
    assert ours.similarity(1, "w2") == pytest.approx(gensims.similarity(1, "w2"), **near)
    assert ours.distance("w1", 2) == pytest.approx(gensims.distance("w1", 2), **near)
    np.testing.assert_allclose(ours.distances(7), gensims.distances(7), atol=1e-6)
    np.testing.assert_allclose(ours.distances("w7", [1, "w2"]), gensims.distances("w7", [1, "w2"]), atol=1e-6)
    assert ours.closer_than(1, 2) == gensims.closer_than(1, 2)
    assert ours.rank(1, 2) == gensims.rank(1, 2)
    assert ours.n_similarity([1, "w2"], [3]) == pytest.approx(gensims.n_similarity([1, "w2"], [3]), **near)
    assert ours.doesnt_match([1, 2, "w3", 4]) == gensims.doesnt_match([1, 2, "w3", 4])
    np.testing.assert_allclose(ours.mean_vector([1, "w2"]), gensims.get_mean_vector([1, "w2"]), atol=1e-6)
    for ask in ({"positive": 3}, {"positive": [3, "w4"], "negative": 5}, {"positive": [(3, 0.5), ("w4", 2.0)]}):
        comp, ref = ours.most_similar(**ask), gensims.most_similar(**ask)
        assert [word for word, _ in comp] == [word for word, _ in ref]
        np.testing.assert_allclose([value for _, value in comp], [value for _, value in ref], atol=1e-6)
    assert ours.most_similar_cosmul([3, 4], 5) == ours.most_similar_cosmul(["w3", "w4"], "w5")
    assert ours.most_similar_batch([3, [4, "w5"]]) == ours.most_similar_batch(["w3", ["w4", "w5"]])


def test_similar_by_key_equals_gensim(ours: KeyedVectors, gensims: Any) -> None:
    for method in ("similar_by_key", "similar_by_word"):
        for arguments in (("w8",), ("w8", 5), (8, 5, 100)):
            comp, ref = getattr(ours, method)(*arguments), getattr(gensims, method)(*arguments)
            assert [word for word, _ in comp] == [word for word, _ in ref]
            np.testing.assert_allclose([value for _, value in comp], [value for _, value in ref], atol=1e-6)


@pytest.mark.parametrize("method", ["most_similar", "most_similar_cosmul", "similar_by_key", "most_similar_batch"])
def test_the_restriction_has_two_names(ours: KeyedVectors, method: str) -> None:
    ask = getattr(ours, method)
    key = ["w250"] if method == "most_similar_batch" else "w250"
    assert ask(key, topn=5, restrict=40) == ask(key, topn=5, restrict_vocab=40) != ask(key, topn=5)
    assert ask(key, topn=5, restrict=40, restrict_vocab=40) == ask(key, topn=5, restrict=40)
    with pytest.raises(ConfigError, match="restrict_vocab = 3 and restrict = 4"):
        ask(key, restrict_vocab=3, restrict=4)


def test_most_similar_to_given_equals_gensim(ours: KeyedVectors, gensims: Any) -> None:
    for keys in (["w9", "w8", "w7"], ["w1"], [5, "w6", 7], ["w4", "w4"]):
        assert ours.most_similar_to_given("w1", keys) == gensims.most_similar_to_given("w1", keys)
    with pytest.raises(InputError, match="nothing to choose from"):
        ours.most_similar_to_given("w1", [])
    with pytest.raises(WordNotFound):
        ours.most_similar_to_given("w1", ["nope"])


def test_relative_cosine_similarity_equals_gensim(ours: KeyedVectors, gensims: Any) -> None:
    for first, second, topn in (("w1", "w2", 10), ("w3", "w200", 3), (7, 8, 1)):
        ref = gensims.relative_cosine_similarity(first, second, topn)
        assert ours.relative_cosine_similarity(first, second, topn) == pytest.approx(ref, rel=1e-4)
    with pytest.raises(InputError, match="topn = 0"):
        ours.relative_cosine_similarity("w1", "w2", 0)


# Evaluation and export, which other rooms do


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    drawn = np.random.default_rng(3).integers(0, [V + 30, V + 30, 10], (150, 3))
    lines = [f"w{a}\tW{b}\t{score}" for a, b, score in drawn if a != b][:140]
    (tmp_path / "pairs.tsv").write_text("# words\n" + "\n".join(lines) + "\n")
    return tmp_path / "pairs.tsv"


@pytest.mark.parametrize("restrict", [100, 300_000])
@pytest.mark.parametrize("case_insensitive", [True, False])
@pytest.mark.parametrize("dummy4unknown", [True, False])
def test_evaluate_word_pairs_equals_gensim(
    ours: KeyedVectors, gensims: Any, pairs: Path, restrict: int, case_insensitive: bool, dummy4unknown: bool
) -> None:
    options = {"restrict_vocab": restrict, "case_insensitive": case_insensitive, "dummy4unknown": dummy4unknown}
    if not case_insensitive and not dummy4unknown:
        with pytest.raises(ValueError, match="No valid"):
            gensims.evaluate_word_pairs(str(pairs), **options)
        with pytest.raises(InputError, match="none of its 140 pairs"):
            ours.evaluate_word_pairs(pairs, **options)
        return
    comp, ref = ours.evaluate_word_pairs(pairs, **options), gensims.evaluate_word_pairs(str(pairs), **options)
    if case_insensitive:
        np.testing.assert_allclose(comp[0], tuple(ref[0]), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(comp[1], tuple(ref[1]), rtol=1e-4, atol=1e-6)
    else:  # all cosines are 0
        assert np.isnan([*comp[0], *comp[1]]).all()
    assert comp[2] == pytest.approx(ref[2])
    assert ours.evaluate_word_pairs(str(pairs), "\t", **options)[2] == comp[2]


@pytest.mark.parametrize("dummy4unknown", [True, False])
@pytest.mark.parametrize("restrict", [60, 300_000])
def test_evaluate_word_analogies_equals_gensim(
    ours: KeyedVectors, gensims: Any, tmp_path: Path, restrict: int, dummy4unknown: bool
) -> None:
    lines = [": first"]
    for row in range(0, 60, 3):  # the answer of most is the nearest word itself, of some another one
        a, b, c = f"w{row}", f"w{row + 1}", f"W{row + 2}"
        (best, _), *_ = gensims.most_similar([b, c.lower()], [a], topn=1)
        lines += [f"{a} {b} {c} {best if row % 4 else 'w0'}", f"{a} {b} {c} unknown"]
    lines += [": empty", ": second", "w1 w2 w3 w4"]
    (tmp_path / "q.txt").write_text("\n".join(lines) + "\n")
    options = {"restrict_vocab": restrict, "dummy4unknown": dummy4unknown}
    score, sections = ours.evaluate_word_analogies(tmp_path / "q.txt", **options)
    ref, expected = gensims.evaluate_word_analogies(str(tmp_path / "q.txt"), **options)
    assert 0 < score == pytest.approx(ref)
    assert [section["section"] for section in sections] == ["first", "empty", "second", "Total accuracy"]
    for section, other in zip(sections, expected, strict=True):
        for key in ("correct", "incorrect"):
            assert [tuple(map(str.upper, question)) for question in section[key]] == other[key]


@pytest.mark.parametrize("correlation", [0.0, 0.05, -0.3, 0.9, 0.999, 1.0, -1.0])
@pytest.mark.parametrize("count", [2, 3, 4, 10, 65, 353, 3000])
def test_p_values_equal_scipy(correlation: float, count: int) -> None:
    from scipy import stats

    statistic = np.abs(correlation) * np.sqrt(max(count - 2, 0) / max((1 - correlation) * (1 + correlation), 1e-300))
    ref = 1.0 if count == 2 else 2 * stats.t.sf(statistic, count - 2)
    assert p_value(correlation, count) == pytest.approx(ref, rel=1e-9, abs=1e-140)


def test_p_values_that_are_undefined() -> None:
    assert np.isnan([p_value(float("nan"), 10), p_value(1.0, 1), p_value(float("nan"), 2)]).all()


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("prefix", ["", "*"])
def test_save_word2vec_format_equals_gensim(
    ours: KeyedVectors, gensims: Any, tmp_path: Path, binary: bool, prefix: str
) -> None:
    ours.save_word2vec_format(tmp_path / "ours", tmp_path / "ours.vocab", binary=binary, prefix=prefix)
    gensims.save_word2vec_format(str(tmp_path / "theirs"), str(tmp_path / "theirs.vocab"), binary=binary, prefix=prefix)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    assert (tmp_path / "ours.vocab").read_bytes() == (tmp_path / "theirs.vocab").read_bytes()


def test_text_without_a_header_equals_gensim(ours: KeyedVectors, gensims: Any, tmp_path: Path) -> None:
    ours.save_word2vec_format(str(tmp_path / "ours"), write_header=False)
    gensims.save_word2vec_format(str(tmp_path / "theirs"), write_header=False)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path: Path) -> None:
    vectors = KeyedVectors(["a b", "c"], np.eye(2))
    with pytest.raises(InputError, match="'a b'"):
        vectors.save_word2vec_format(tmp_path / "v.txt")
    with pytest.raises(InputError, match="counts of the words are not known"):
        vectors.save_word2vec_format(tmp_path / "v.txt", tmp_path / "c.txt")
    with pytest.raises(ConfigError, match="binary format has a header"):
        vectors.save_word2vec_format(tmp_path / "v.bin", binary=True, write_header=False)
    assert list(tmp_path.iterdir()) == []


# What load takes


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The output of a finished run: one file of vectors."""
    write_vectors(fs.LocalFileSystem(), str(tmp_path / "run" / "vectors"), pa.array(WORDS), COUNTS, [MATRIX], {})
    (tmp_path / "run" / "model.json").write_text("{}")
    (tmp_path / "run" / "_SUCCESS").touch()
    return tmp_path / "run"


@pytest.mark.parametrize("name", ["", "/", "vectors", "vectors/", "vectors/part-00000.parquet"])
@pytest.mark.parametrize("kind", [str, Path])
def test_load_takes_the_output_its_vectors_or_the_file(run: Path, name: str, kind: Any) -> None:
    vectors = KeyedVectors.load(kind(f"{run}/{name}".rstrip("/") if kind is Path else f"{run}/{name}"))
    assert vectors.words == WORDS
    np.testing.assert_array_equal(vectors.matrix, MATRIX)
    assert vectors.get_vecattr("w7", "count") == COUNTS[7]
    assert KeyedVectors.load(kind(f"{run}/vectors"), limit=5).words == WORDS[:5]


def test_load_takes_a_file_of_any_name_by_uri(run: Path) -> None:
    (run / "vectors" / "part-00000.parquet").rename(run / "copy.data")
    assert KeyedVectors.load((run / "copy.data").as_uri()).words == WORDS


@pytest.mark.parametrize("name", ["", "vectors", "vectors/part-00000.parquet"])
def test_load_refuses_a_run_that_is_not_finished(run: Path, name: str) -> None:
    (run / "_SUCCESS").unlink()
    with pytest.raises(StoreError, match="not finished"):
        KeyedVectors.load(run / name)


def test_load_refuses_one_file_of_several(tmp_path: Path) -> None:
    """The first would pass for a smaller vocabulary."""
    write_vectors(fs.LocalFileSystem(), str(tmp_path), pa.array(WORDS), COUNTS, [MATRIX], {}, 150)
    for number in (0, 1):
        with pytest.raises(StoreError, match=r"holds 150 of 300 vectors.*open the directory"):
            KeyedVectors.load(tmp_path / f"part-0000{number}.parquet")


def test_load_refuses_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("king 1 2 3\n")
    with pytest.raises(StoreError, match=r"text\.txt cannot be read"):
        KeyedVectors.load(tmp_path / "text.txt")
    pq.write_table(pa.table({"word": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(StoreError, match=r"other\.parquet: column 'id' is missing"):
        KeyedVectors.load(tmp_path / "other.parquet")
    with pytest.raises(StoreError, match="absent"):
        KeyedVectors.load(tmp_path / "absent")
